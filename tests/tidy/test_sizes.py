"""Small enough to see: functions, modules, and the services' entries."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTION_LONGEST = 60
MODULE_LONGEST = 400
ENTRY_LONGEST = 59


def modules(*folders: str) -> list[str]:
    found = [str(path.relative_to(ROOT)) for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert found, folders
    return found


def functions(source: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("module", modules("src", "services", "grafana", "bench", "tests"))
def test_no_module_and_no_function_is_long(module: str) -> None:
    source = (ROOT / module).read_text(encoding="utf-8")

    assert len(source.splitlines()) <= MODULE_LONGEST
    assert [(name, length) for name, length in functions(source) if length > FUNCTION_LONGEST] == []


@pytest.mark.parametrize("service", ["client", "server", "netem"])
def test_a_services_entry_only_assembles(service: str) -> None:
    entry = ROOT / "services" / service / "__main__.py"

    assert len(entry.read_text(encoding="utf-8").splitlines()) <= ENTRY_LONGEST
