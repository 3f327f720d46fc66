"""What the documents tell people to type exists."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from tcplab.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "services").rglob("*.md")),
]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def code(document: Path) -> list[str]:
    """Return the lines and spans of code."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [line.strip() for block in blocks for line in block.splitlines()] + spans


def makes() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_of_a_document_exist(document: Path) -> None:
    commands = set(getattr(get_command(app), "commands", ()))

    for line in code(document):
        words = [word for word in line.removeprefix("$ ").split() if "=" not in word]
        if words[:1] == ["make"] and len(words) > 1:
            assert words[1] in makes(), line
        if words[:1] and words[0].rpartition("/")[2] == "tcplab" and len(words) > 1:
            assert words[1] in commands or words[1].startswith("-"), line
        if words[:2] == ["python", "-m"]:
            module = Path(*words[2].split("."))
            homes = [ROOT / module, ROOT / "src" / module]
            assert any(home.with_suffix(".py").exists() or (home / "__main__.py").exists() for home in homes), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (document.parent / target).exists(), target


def test_make_explains_every_word() -> None:
    answer = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert {line.split()[1] for line in answer.splitlines()} == makes()
