"""Prometheus's own tool on the lab's configuration, rules and their tests, out of the image that the lab uses."""

import os
import subprocess

import pytest
import yaml

from tests.stack.lab import ROOT

pytestmark = pytest.mark.stack


def promtool(*words: str) -> str:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    default = compose["services"]["prometheus"]["image"].removeprefix("${PROMETHEUS_IMAGE:-").removesuffix("}")
    image = os.environ.get("PROMETHEUS_IMAGE") or default
    mount = f"{ROOT / 'prometheus'}:/etc/prometheus:ro"
    command = ["docker", "run", "--rm", "--network", "none", "--volume", mount, "--entrypoint", "promtool", image]
    answer = subprocess.run([*command, *words], capture_output=True, text=True, timeout=120, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


def test_the_configuration_is_one_that_prometheus_takes() -> None:
    assert "is valid prometheus config file syntax" in promtool("check", "config", "/etc/prometheus/prometheus.yml")


def test_every_alert_fires_when_it_should_and_only_then() -> None:
    tests = [f"/etc/prometheus/tests/{path.name}" for path in sorted((ROOT / "prometheus/tests").glob("*.yml"))]
    assert tests

    assert promtool("test", "rules", *tests).count("SUCCESS") == len(tests)
