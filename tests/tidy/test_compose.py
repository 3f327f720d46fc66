"""Rules for docker-compose.yml and what it builds."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.common.readme import SERVICES
from services.common.settings import variables

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
PINNED = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+(-[\w-]+)?")
CHOSEN_BY_THE_IMAGE = {"TCPLAB_METRICS_PORT", "TCPLAB_METRICS_ADDRESS", "TCPLAB_REVISION"}
LEASED = {"TCPLAB_ADDRESS"}
"""What no client may be given: with a fixed address there could be one alone."""


@pytest.fixture(params=sorted(COMPOSE["services"]))
def service(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][request.param]
    return found


def test_two_labs_can_live_on_one_machine(service: dict[str, Any]) -> None:
    assert COMPOSE["name"] == "${TCPLAB_PROJECT:-tcplab}"
    assert "container_name" not in service
    assert "networks" not in COMPOSE or not any("name" in (net or {}) for net in COMPOSE["networks"].values())


def test_a_service_can_do_no_more_than_it_must(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["restart"] == "unless-stopped"
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "privileged" not in service
    assert service.get("user") not in ("root", "0", "0:0")
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}


def test_a_service_tells_whether_it_is_well(service: dict[str, Any]) -> None:
    check = service["healthcheck"]

    assert check["test"][0] == "CMD"
    assert "start_interval" not in check
    assert all(need["condition"] == "service_healthy" for need in service.get("depends_on", {}).values())


def test_ports_are_published_on_loopback_and_can_be_moved(service: dict[str, Any]) -> None:
    for port in service.get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z_]+PORT:-\d+\}:\d+", port), port


def test_an_image_can_be_named_and_is_pinned(service: dict[str, Any]) -> None:
    if "build" in service:
        assert service["build"]["args"] == {
            "PYTHON_IMAGE": None,
            "REVISION": None,
        }  # taken from the environment where it is set
    else:
        named = re.fullmatch(r"\$\{[A-Z]+_IMAGE:-(.+)\}", service["image"])
        assert named, service["image"]
        assert PINNED.fullmatch(named[1]), named[1]


def test_what_the_services_mount_is_theirs_to_read_only(service: dict[str, Any]) -> None:
    for written in service.get("volumes", ()):
        mount = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", written)
        source, _, rest = mount.partition(":")
        if source.startswith("."):
            assert rest.endswith(":ro"), mount
            assert (ROOT / source).exists(), source
        else:
            assert source in COMPOSE["volumes"], mount


@pytest.mark.parametrize("name", SERVICES)
def test_every_setting_can_be_given_to_compose(name: str) -> None:
    given = COMPOSE["services"][name]["environment"].keys()
    leased = LEASED if name == "client" else set()

    assert given == variables(SERVICES[name]).keys() - CHOSEN_BY_THE_IMAGE - leased


def test_a_variable_means_the_same_to_all_services() -> None:
    fields: dict[str, tuple[object, object]] = {}
    for kind in SERVICES.values():
        for name, field in kind.model_fields.items():
            if name not in ("amqp_url", "address"):  # which Compose sets for each
                same = (field.annotation, field.default)
                assert fields.setdefault(name, same) == same, name


@pytest.mark.parametrize("name", SERVICES)
def test_the_dockerfiles_differ_in_the_services_name_alone(name: str) -> None:
    dockerfile = (ROOT / "services" / name / "Dockerfile").read_text(encoding="utf-8")
    entry = f'ENTRYPOINT ["python", "-m", "services.{name}"]\n'
    common = (
        (ROOT / "services/client/Dockerfile").read_text(encoding="utf-8").replace("services.client", f"services.{name}")
    )

    assert dockerfile == common
    assert dockerfile.endswith(entry)
    assert "# syntax=" not in dockerfile
    assert re.search(r"^USER \d+:\d+$", dockerfile, re.MULTILINE)
    assert PINNED.fullmatch(re.search(r"^ARG PYTHON_IMAGE=(.+)$", dockerfile, re.MULTILINE)[1])  # type: ignore[index]


def test_what_is_stored_is_bounded() -> None:
    command = COMPOSE["services"]["prometheus"]["command"]

    assert any(word.startswith("--storage.tsdb.retention.time=") for word in command)
    assert any(word.startswith("--storage.tsdb.retention.size=") for word in command)
