"""What the doctor finds, and whether what it advises is right."""

import socket
import threading
from pathlib import Path

import pytest

from tcplab.cli import doctor


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """An environment on whose PATH there is nothing."""
    return {"PATH": str(tmp_path)}


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def answering(reply: bytes) -> int:
    """Serve one connection with ``reply``, and return the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with listener, connection:
            connection.recv(8)
            connection.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def test_an_old_python_is_named() -> None:
    assert doctor.examine_python((3, 13, 1)) == ("Python", True, "3.13.1", "")
    assert not doctor.examine_python((3, 10, 9)).good


def test_without_docker_everything_that_needs_it_says_so(bare: dict[str, str]) -> None:
    engine, compose = doctor.examine_engine(bare), doctor.examine_compose(bare)

    assert (engine.good, engine.found) == (False, "no docker command")
    assert (compose.good, compose.found) == (False, "no docker compose")


def test_an_engine_that_refuses_the_user_is_told_from_one_that_is_off(bare: dict[str, str], tmp_path: Path) -> None:
    program(tmp_path, "docker", "echo 'permission denied while trying to connect' >&2; exit 1")
    refused = doctor.examine_engine(bare)
    program(tmp_path, "docker", "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    off = doctor.examine_engine(bare)

    assert "docker group" in refused.remedy
    assert off.found == "no engine answers"


@pytest.mark.parametrize(
    ("version", "good"), [("2.40.3-3", True), ("v2.20.0", True), ("1.29.2", False), ("2.17.2", False)]
)
def test_compose_must_be_new_enough(bare: dict[str, str], tmp_path: Path, version: str, good: bool) -> None:
    program(tmp_path, "docker", f"echo {version}")

    assert doctor.examine_compose(bare).good is good


def test_a_port_in_use_is_named_with_the_variable_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]

        taken = doctor.examine_port("GRAFANA_PORT", str(port))
        own = doctor.examine_port("GRAFANA_PORT", str(port), frozenset({port}))
    free = doctor.examine_port("GRAFANA_PORT", str(port))

    assert (taken.good, taken.remedy) == (False, "set GRAFANA_PORT to a free port")
    assert own.good
    assert free.good


@pytest.mark.parametrize("value", ["0", "65536", "http", ""])
def test_what_is_no_port_is_named(value: str) -> None:
    assert doctor.examine_port("GRAFANA_PORT", value).remedy == "set GRAFANA_PORT to a number from 1 to 65535"


@pytest.mark.parametrize("url", ["localhost", "http://localhost", "amqp://", "amqp://localhost:none"])
def test_what_is_no_address_of_a_broker_is_named(url: str) -> None:
    finding = doctor.examine_rabbitmq({"TCPLAB_AMQP_URL": url}, engine_answers=True)

    assert not finding.good
    assert "TCPLAB_AMQP_URL" in finding.remedy


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"AMQP\x00\x00\x09\x01"])
def test_who_does_not_speak_amqp_is_no_broker(reply: bytes) -> None:
    port = answering(reply)

    finding = doctor.examine_rabbitmq({"TCPLAB_AMQP_URL": f"amqp://127.0.0.1:{port}"}, engine_answers=True)

    assert not finding.good


def test_without_any_way_to_a_broker_the_ways_are_named(bare: dict[str, str]) -> None:
    finding = doctor.examine_rabbitmq(bare, engine_answers=False)

    assert not finding.good
    assert all(way in finding.remedy for way in ("Docker", "rabbitmq-server", "TCPLAB_AMQP_URL"))


def test_tshark_is_found_or_advised(bare: dict[str, str], tmp_path: Path) -> None:
    without = doctor.examine_tshark(bare)
    program(tmp_path, "tshark", "exit 0")
    found = doctor.examine_tshark(bare)

    assert (without.good, "install tshark" in without.remedy) == (False, True)
    assert (found.good, found.found) == (True, str(tmp_path / "tshark"))


def test_memory_must_hold_the_stack() -> None:
    assert not doctor.examine_memory(1_000_000_000).good
    assert doctor.examine_memory(2_000_000_000).good
    assert doctor.examine_memory(None).good
