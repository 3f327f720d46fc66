"""What import-linter cannot see: chance drawn from anything but a seeded generator, and whether its rules bite."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "tcplab"
PURE = ("units.py", "node.py", "port.py", "wire", "tcp", "netem", "apps")  # from the applications down


def pure_modules() -> list[Path]:
    return [
        path for name in PURE for path in ([SOURCE / name] if name.endswith(".py") else (SOURCE / name).rglob("*.py"))
    ]


def unseeded(source: str) -> list[str]:
    """Return every use of the module random that is not Random with a seed."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module="random", names=names):
                found += [alias.name for alias in names if alias.name != "Random"]
            case ast.Attribute(value=ast.Name(id="random"), attr=attribute) if attribute != "Random":
                found.append(f"random.{attribute}")
            case ast.Call(func=ast.Attribute(value=ast.Name(id="random"), attr="Random"), args=[], keywords=[]):
                found.append("random.Random()")
            case ast.Call(func=ast.Name(id="Random"), args=[], keywords=[]):
                found.append("Random()")
    return found


@pytest.mark.parametrize("path", pure_modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_chance_comes_from_a_seed_that_is_handed_in(path: Path) -> None:
    assert unseeded(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "use", ["import random\nrandom.random()", "import random\nrandom.Random()", "from random import choice"]
)
def test_the_rule_about_chance_can_fail(use: str) -> None:
    assert unseeded(use) != []


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(root / "src"), str(root)))
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-logo", "--no-cache"],
        cwd=root, env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_imports_go_downwards() -> None:
    answer = lint(ROOT)

    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("module", "forbidden", "broken"),
    [
        ("tcp/rtt.py", "import time", "no clock"),
        ("wire/segment.py", "import tcplab.tcp.states", "Each layer"),
        ("tcp/rtt.py", "import tcplab.netem.link", "Each layer"),
        ("observe/journal.py", "import pika", "speaks to pika"),
        ("runtime/loop.py", "import docker", "Docker's library"),
        ("runtime/loop.py", "import prometheus_client", "speak to prometheus_client"),
    ],
)
def test_the_rules_about_imports_can_fail(tmp_path: Path, module: str, forbidden: str, broken: str) -> None:
    for name in ("src", "services", ".importlinter"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    with (tmp_path / "src" / "tcplab" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{forbidden}\n")

    answer = lint(tmp_path)

    assert answer.returncode != 0
    (contract,) = [line for line in answer.stdout.splitlines() if " BROKEN" in line]
    assert broken in contract
