"""The page about RFC coverage is true and up to date, and each way in which it could not be is noticed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.rfc.__main__ import main
from tests.rfc.clause import Clause
from tests.rfc.markers import Shown, collect
from tests.rfc.mutant import ROOT, Mutant
from tests.rfc.rfc9293 import LIFECYCLE, MAYS, MUSTS, SHOULDS
from tests.rfc.truth import problems

SOUND = Mutant("no tick", ("MUST-8",), "units.py", "NANOSECOND: Final = Duration(1)", "NANOSECOND: Final = Duration(2)")


def of(tmp_path: Path, source: str) -> Shown:
    """Return what a test module of that source shows."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(source, encoding="utf-8")
    return collect(tmp_path)


def wrong(
    clauses: Sequence[Clause] = (),
    tests: dict[str, list[str]] | None = None,
    mutants: Sequence[Mutant] = (),
    lifecycle: frozenset[str] = frozenset(),
) -> list[str]:
    return problems(clauses, Shown(tests or {}, ()), mutants, lifecycle)


def test_the_page_is_true_and_up_to_date() -> None:
    assert main([str(ROOT / "docs" / "rfc-coverage.md"), "--check"]) == 0


def test_a_page_that_is_old_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "rfc-coverage.md"
    assert main([str(copy)]) == 0
    assert main([str(copy), "--check"]) == 0

    copy.write_text(copy.read_text(encoding="utf-8").replace("MUST-13", "MUST-14", 1), encoding="utf-8")

    assert main([str(copy), "--check"]) == 1
    assert f"{copy} is out of date" in capsys.readouterr().err


def test_every_number_of_appendix_b_is_there_once() -> None:
    """Its highest numbers are MUST-69, SHLD-31 and MAY-18, without gaps; and one recommendation, REC-1."""
    assert [clause.name for clause in MUSTS] == [f"MUST-{number}" for number in range(1, 70)]
    assert [clause.name for clause in SHOULDS] == ["REC-1", *(f"SHLD-{number}" for number in range(1, 32))]
    assert [clause.name for clause in MAYS] == [f"MAY-{number}" for number in range(1, 19)]
    assert len(LIFECYCLE) == 36


@pytest.mark.parametrize(
    ("source", "tests"),
    [
        ('@pytest.mark.rfc("A")\ndef test_one(): ...', {"A": ["tests/test_it.py::test_one"]}),
        ('@pytest.mark.rfc("A", "B")\n@other\ndef test_one(): ...', {
            "A": ["tests/test_it.py::test_one"], "B": ["tests/test_it.py::test_one"],
        }),
        ('@pytest.mark.rfc("A")\ndef test_one(): ...\n@pytest.mark.rfc("A")\ndef test_two(): ...', {
            "A": ["tests/test_it.py::test_one", "tests/test_it.py::test_two"],
        }),
        ("def test_one(): ...", {}),
    ],
)  # fmt: skip
def test_markers_are_read_off_the_tests(tmp_path: Path, source: str, tests: dict[str, list[str]]) -> None:
    shown = of(tmp_path, source)

    assert (shown.tests, shown.problems) == (tests, [])


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("@pytest.mark.rfc()\ndef test_one(): ...", "1: the marker rfc names clauses, each as a plain string"),
        ("@pytest.mark.rfc(CLAUSE)\ndef test_one(): ...", "1: the marker rfc names clauses, each as a plain string"),
        (
            '@pytest.mark.rfc("A", *more)\ndef test_one(): ...',
            "1: the marker rfc names clauses, each as a plain string",
        ),
        ('@pytest.mark.rfc("A")\ndef helper(): ...', "1: the marker rfc must stand on a test function of a module"),
        ('class TestIt:\n @pytest.mark.rfc("A")\n def test_one(self): ...', "2: the marker rfc must stand on"),
        ('pytestmark = pytest.mark.rfc("A")', "1: the marker rfc must stand on a test function of a module"),
        ("@pytest.mark.rfc\ndef test_one(): ...", "1: the marker rfc must stand on a test function of a module"),
        ('@pytest.mark.rfc("A")\n@pytest.mark.xfail\ndef test_one(): ...', "1: a test that is marked xfail shows no"),
        (
            '@pytest.mark.rfc("A")\n@pytest.mark.skip("?")\ndef test_one(): ...',
            "1: a test that is marked skip shows no",
        ),
    ],
)
def test_a_marker_that_says_nothing_is_named(tmp_path: Path, source: str, problem: str) -> None:
    shown = of(tmp_path, source)

    assert not shown.tests
    (found,) = shown.problems
    assert found.startswith(f"tests/test_it.py:{problem}")


@pytest.mark.parametrize(
    ("clause", "tests", "problem"),
    [
        (Clause("A", "1", ""), {}, "A: no test shows it, and no reason says why"),
        (Clause("A", "1", "", not_here="why"), {"A": ["x::y"]}, "A: x::y shows it, so that the reason why not must go"),
        (Clause("A", "1", "", not_done="why"), {"A": ["x::y"]}, "A: x::y shows it, so that the reason why not must go"),
        (Clause("A", "1", "", "why", "why"), {}, "A: what does not apply cannot be left undone"),
        (
            Clause("A", "1", "", "why", beyond="more"),
            {},
            "A: no test shows it, so that there is nothing beyond what tests show",
        ),
    ],
)
def test_a_clause_has_either_a_test_or_a_reason(clause: Clause, tests: dict[str, list[str]], problem: str) -> None:
    assert wrong([clause], tests) == [problem]


def test_a_clause_with_either_is_right() -> None:
    assert wrong([Clause("A", "1", ""), Clause("B", "1", "", "why")], {"A": ["x::y"]}) == []


def test_a_marker_for_a_clause_that_does_not_exist_is_named() -> None:
    assert wrong([], {"MUST-70": ["x::y"]}) == ["x::y: its marker names MUST-70, which is no clause"]


def test_two_clauses_or_mutants_of_one_name_are_named() -> None:
    twice = [Clause("MUST-8", "1", "")] * 2

    assert wrong(twice, {"MUST-8": ["x::y"]}, [SOUND] * 2) == [
        "MUST-8: there are 2 clauses of that name",
        "no tick: there are 2 mutants of that name",
    ]


def test_a_clause_about_life_and_death_needs_a_mutant_if_a_test_shows_it() -> None:
    shown, unshown = Clause("MUST-8", "1", ""), Clause("MUST-9", "1", "", "why")
    lifecycle = frozenset({"MUST-8", "MUST-9"})

    assert wrong([shown, unshown], {"MUST-8": ["x::y"]}, [], lifecycle) == [
        "MUST-8: no mutant shows that its tests can fail"
    ]
    assert wrong([shown, unshown], {"MUST-8": ["x::y"]}, [SOUND], lifecycle) == []


def test_a_mutant_needs_a_test_that_can_fail() -> None:
    assert wrong([], {}, [SOUND]) == ["no tick: no test shows MUST-8, which this mutant breaks"]


@pytest.mark.parametrize(("old", "count"), [("is not there", "0"), ("_000_000_000)", "2")])
def test_a_mutant_of_source_that_has_changed_is_stale(old: str, count: str) -> None:
    stale = SOUND._replace(old=old)

    assert wrong([Clause("MUST-8", "1", "")], {"MUST-8": ["x::y"]}, [stale]) == [
        f"no tick: its text stands in units.py {count} times, not once"
    ]


def test_a_mutant_of_a_module_that_is_gone_is_stale() -> None:
    assert SOUND._replace(module="gone.py").stale == "no tick: its text stands in gone.py 0 times, not once"
