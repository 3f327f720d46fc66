"""The locks hold what pyproject.toml asks for, everything with its hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
DEVELOPMENT = PROJECT["project"]["optional-dependencies"]["dev"]
BUILD = PROJECT["dependency-groups"]["build"]


def locked(name: str) -> dict[str, str]:
    """Return the versions that a lock pins; every pin must have a hash."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", "")
    pins: dict[str, str] = {}
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            assert "--hash=sha256:" in line, line[:60]
            pin = re.match(r"([\w.-]+)==(\S+)", line)
            assert pin, line[:60]
            pins[pin[1]] = pin[2]
    return pins


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", RUNTIME),
        ("requirements-build.txt", BUILD),
        ("requirements-dev.txt", RUNTIME + DEVELOPMENT + BUILD),
    ],
)
def test_a_lock_pins_what_is_asked_for(lock: str, wanted: list[str]) -> None:
    pins = locked(lock)

    for requirement in map(Requirement, wanted):
        assert requirement.specifier.contains(pins[requirement.name.lower().replace("_", "-")]), requirement


def test_the_locks_agree() -> None:
    everything = locked("requirements-dev.txt")

    assert (locked("requirements.txt") | locked("requirements-build.txt")).items() <= everything.items()


def test_every_dependency_is_accounted_for() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    for requirement in map(Requirement, RUNTIME + DEVELOPMENT + BUILD):
        assert f"`{requirement.name}`" in contributing, requirement.name
