"""What must not be in the repository: paths of one machine, addresses of package registries, carriage returns."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE = re.compile(r"(?<![\w.])/(?:work|farm|Users|home/\w+|root)/")
REGISTRY = re.compile(r"https?://[^\s\"']*(?:/simple|/debian)(?:/|\b)|pypi\.org|pythonhosted\.org|deb\.debian\.org")
BINARY = {".png"}


def tracked() -> list[str]:
    """Return the repository's files: git's list in a checkout; without git, or in an archive, those not ignored."""
    if shutil.which("git") and (ROOT / ".git").exists():
        names = subprocess.run(
            ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
    else:
        names = [str(path.relative_to(ROOT)) for path in _not_ignored()]
    names = sorted(name for name in names if name and (ROOT / name).is_file() and Path(name).suffix not in BINARY)
    assert names
    return names


def _not_ignored() -> Iterator[Path]:
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").split()]
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name != ".git" and not any(fnmatch(name, each) for each in ignored)]
        yield from (Path(folder, name) for name in files if not any(fnmatch(name, each) for each in ignored))


@pytest.mark.parametrize("name", tracked())
def test_a_tracked_file_holds_for_every_machine(name: str) -> None:
    text = (ROOT / name).read_bytes().decode("utf-8")

    assert "\r" not in text
    if name != str(Path(__file__).relative_to(ROOT)):
        assert MACHINE.findall(text) == []
        assert REGISTRY.findall(text) == []


@pytest.mark.parametrize("text", [f"in /{folder}/lab" for folder in ("root", "home/somebody", "Users")])
def test_the_rule_about_machines_can_fail(text: str) -> None:
    assert MACHINE.search(text)


@pytest.mark.parametrize(
    "text", ["https://files." + "pythonhosted" + ".org/packages", "http://mirror.example/" + "debian" + "/ sid"]
)
def test_the_rule_about_registries_can_fail(text: str) -> None:
    assert REGISTRY.search(text)
