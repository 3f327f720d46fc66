"""Finds which test shows which clause: reads ``@pytest.mark.rfc("MUST-13")`` off the tests without running them."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_SHOWS_NOTHING = frozenset({"skip", "skipif", "xfail"})


class Shown(NamedTuple):
    """The pytest ids of each clause's tests, and what is wrong with markers."""

    tests: Mapping[str, Sequence[str]]
    problems: Sequence[str]


class _Marker(NamedTuple):
    """A marker as it stands in a module: the test it stands on, if any, and the clauses that it names."""

    line: int
    function: ast.FunctionDef | None
    clauses: Sequence[str]

    @property
    def problem(self) -> str:
        if self.function is None:
            return "the marker rfc must stand on a test function of a module"
        if not self.clauses:
            return "the marker rfc names clauses, each as a plain string"
        if marks := {_mark(node) for each in self.function.decorator_list for node in ast.walk(each)} & _SHOWS_NOTHING:
            return f"a test that is marked {' and '.join(sorted(marks))} shows no clause"
        return ""


def collect(root: Path, folder: str = "tests") -> Shown:
    """Read every test module in a folder.

    Args:
        root: what pytest's ids are relative to.
        folder: where the tests are, relative to that.
    """
    tests: dict[str, list[str]] = defaultdict(list)
    problems: list[str] = []
    for path in sorted((root / folder).rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "mark.rfc" not in source:
            continue
        name = path.relative_to(root).as_posix()
        for marker in _markers(ast.parse(source)):
            if marker.problem:
                problems.append(f"{name}:{marker.line}: {marker.problem}")
            elif marker.function is not None:
                for clause in marker.clauses:
                    tests[clause].append(f"{name}::{marker.function.name}")
    return Shown(tests, problems)


def _markers(module: ast.Module) -> Iterator[_Marker]:
    placed = {
        id(decorator.func): (function, decorator)
        for function in module.body
        if isinstance(function, ast.FunctionDef) and function.name.startswith("test_")
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
    }
    marks = [node for node in ast.walk(module) if isinstance(node, ast.Attribute) and _mark(node) == "rfc"]
    for mark in sorted(marks, key=lambda node: node.lineno):
        if id(mark) in placed:
            function, decorator = placed[id(mark)]
            yield _Marker(mark.lineno, function, _strings(decorator))
        else:
            yield _Marker(mark.lineno, None, ())


def _mark(node: ast.AST) -> str:
    """Return ``rfc`` of ``pytest.mark.rfc``, and nothing of what is no mark."""
    match node:
        case ast.Attribute(value=ast.Attribute(attr="mark"), attr=name):
            return name
    return ""


def _strings(call: ast.Call) -> Sequence[str]:
    """Return the arguments if all of them are plain strings, else nothing."""
    values = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    return values if len(values) == len(call.args) and not call.keywords else ()
