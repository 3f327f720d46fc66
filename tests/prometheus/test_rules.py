"""Prometheus's configuration and rules speak of metrics that exist; promtool proves them in tests/stack."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tcplab.observe.catalogue import CATALOGUE, SERIES
from tcplab.tcp.states import State

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "prometheus"
CONFIG: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [
    rule
    for path in sorted(FOLDER.glob("rules/*.yml"))
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
TESTS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("tests/*.yml"))
}
LABELS = {series: {"job", "instance", *metric.labels} for metric in CATALOGUE for series in metric.series}


def spoken_of() -> dict[str, str]:
    """Return every text in which metrics are named, by where it stands."""
    texts = {rule["alert"]: rule["expr"] for rule in RULES}
    for name, file in TESTS.items():
        for test in file["tests"]:
            texts[f"{name}: {test['name']}"] = " ".join(given["series"] for given in test["input_series"])
    return texts


@pytest.mark.parametrize(("where", "text"), list(spoken_of().items()))
def test_metrics_and_their_labels_are_known(where: str, text: str) -> None:
    for name, matchers in re.findall(r"\b(tcplab_\w+)(?:\{([^}]*)\})?", text):
        assert name in SERIES, where
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\"", matchers))
        assert used <= LABELS[name] | {"le"}, where
        for states in re.findall(r'\b(?:state|from|to)=~?"([^"]*)"', matchers):
            assert set(states.split("|")) <= {state.value for state in State}, where


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    names = [rule["alert"] for rule in RULES]

    assert len(names) == len(set(names))
    for rule in RULES:
        assert rule["alert"].startswith("Tcplab")  # the boards draw alerts by that name
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_every_alert_is_seen_to_fire_and_seen_not_to() -> None:
    expected: dict[str, list[bool]] = {rule["alert"]: [] for rule in RULES}
    for file in TESTS.values():
        for test in file["tests"]:
            for check in test["alert_rule_test"]:
                expected[check["alertname"]].append(bool(check["exp_alerts"]))

    assert {name for name, fires in expected.items() if set(fires) != {True, False}} == set()


def test_the_nodes_are_found_by_the_names_that_compose_gives_them() -> None:
    found = {job["job_name"]: job["dns_sd_configs"][0] for job in CONFIG["scrape_configs"] if "dns_sd_configs" in job}

    assert found.keys() == {"client", "server", "netem", "lab"}
    for name, config in found.items():
        assert name in COMPOSE["services"]
        assert config["names"] == [name]
        assert (config["type"], config["port"]) == ("A", 9100)


def test_the_broker_is_asked_where_its_plugin_listens() -> None:
    (job,) = [job for job in CONFIG["scrape_configs"] if job["job_name"] == "rabbitmq"]

    assert job["static_configs"] == [{"targets": ["rabbitmq:15692"]}]
    assert "rabbitmq_prometheus" in (ROOT / "rabbitmq/enabled_plugins").read_text(encoding="utf-8")


def test_the_rules_are_loaded() -> None:
    assert CONFIG["rule_files"] == ["rules/*.yml"]
    assert "./prometheus:/etc/prometheus:ro" in COMPOSE["services"]["prometheus"]["volumes"]
    assert all(file["rule_files"] == ["../rules/tcplab.yml"] for file in TESTS.values())
