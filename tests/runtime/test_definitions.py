"""The definitions that a broker imports, and the command that writes and checks them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tcplab.runtime.definitions import build, differences, main

COMMITTED = Path(__file__).resolve().parents[2] / "rabbitmq" / "definitions.json"
VARIABLES = ["VHOST", "CLIENT_PASSWORD", "SERVER_PASSWORD", "NETEM_PASSWORD", "LAB_PASSWORD", "OPERATOR_PASSWORD"]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(f"TCPLAB_{name}", raising=False)


def test_the_committed_file_is_what_the_command_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0

    assert capsys.readouterr().out == COMMITTED.read_text(encoding="utf-8")
    assert main(["--check", str(COMMITTED)]) == 0


def test_a_lab_moves_by_its_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("TCPLAB_VHOST", "second")
    monkeypatch.setenv("TCPLAB_CLIENT_PASSWORD", "better")
    assert main([]) == 0
    moved = tmp_path / "moved.json"
    moved.write_text(capsys.readouterr().out, encoding="utf-8")

    assert {entry["vhost"] for entry in json.loads(moved.read_text())["permissions"]} == {"second"}
    assert "better" not in moved.read_text()
    assert main(["--check", str(moved)]) == 0
    assert main(["--check", str(COMMITTED)]) == 1
    assert "users: 'client' has another password" in capsys.readouterr().err


def test_passwords_are_hashed_as_rabbitmqs_manual_has_it() -> None:
    # The example of https://www.rabbitmq.com/docs/passwords: salt 908DC60A, password test12
    found = build(passwords={"client": "test12"})
    found["users"][0]["password_hash"] = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"

    assert differences(found, "tcplab", {"client": "test12"}) == []


def test_given_passwords_are_salted_by_chance() -> None:
    once, twice = (build(passwords={"client": "x"})["users"][0]["password_hash"] for _ in range(2))

    assert once != twice


def damaged(**changes: Any) -> dict[str, Any]:
    found = copy.deepcopy(build())
    found.update(changes)
    return found


@pytest.mark.parametrize(
    ("found", "trouble"),
    [
        (damaged(vhosts=[]), "vhosts: "),
        (damaged(exchanges=[]), "exchanges: "),
        (damaged(queues=[]), "queues: "),
        (damaged(permissions=[*build()["permissions"][:3]]), "permissions: "),
        (damaged(users=build()["users"][1:]), "users: 'client' is missing"),
        (damaged(users=[*build()["users"], {"name": "guest"}]), "users: 'guest' is not one of the lab's"),
        (
            damaged(users=[{**user, "tags": ["administrator"]} for user in build()["users"]]),
            "users: 'client' has other",
        ),
    ],
)
def test_every_difference_is_named(found: dict[str, Any], trouble: str) -> None:
    troubles = differences(found, "tcplab", {})

    assert troubles
    assert troubles[0].startswith(trouble)


@pytest.mark.parametrize("text", ["", "{", "no json", "[]", "7"])
def test_a_broken_file_is_named_in_one_line(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text, encoding="utf-8")

    assert main(["--check", str(file)]) == 1

    error = capsys.readouterr().err
    assert error.startswith(f"definitions: {file}: ")
    assert error.count("\n") == 1


def test_a_missing_file_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", str(tmp_path / "none.json")]) == 1

    assert str(tmp_path / "none.json") in capsys.readouterr().err


def test_a_management_url_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", "rabbitmq:15672"]) == 1

    assert "must look like http://" in capsys.readouterr().err


def test_a_broker_that_is_not_there_is_named_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--into", "http://operator:secret@127.0.0.1:1"]) == 1

    error = capsys.readouterr().err
    assert "127.0.0.1:1" in error
    assert "secret" not in error
    assert error.count("\n") == 1
