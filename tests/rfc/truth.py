"""What would make the page untrue: clauses without a test or a reason, markers and mutants that hang in the air."""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from tests.rfc.clause import Clause
from tests.rfc.markers import Shown
from tests.rfc.mutant import Mutant


def problems(clauses: Sequence[Clause], shown: Shown, mutants: Sequence[Mutant], killed: AbstractSet[str]) -> list[str]:
    """Return what is wrong, a line each.

    Args:
        clauses: the whole catalogue.
        shown: the tests of each.
        mutants: all there are.
        killed: names of the clauses that need a mutant if a test shows them.
    """
    return [
        *shown.problems,
        *_of_names([clause.name for clause in clauses], "clause"),
        *_of_names([mutant.name for mutant in mutants], "mutant"),
        *_of_clauses(clauses, shown),
        *_of_markers(clauses, shown),
        *_of_mutants(shown, mutants, killed),
    ]


def _of_names(names: Sequence[str], kind: str) -> Iterator[str]:
    yield from (
        f"{name}: there are {count} {kind}s of that name" for name, count in Counter(names).items() if count > 1
    )


def _of_clauses(clauses: Sequence[Clause], shown: Shown) -> Iterator[str]:
    for clause in clauses:
        tests = shown.tests.get(clause.name, ())
        why_not = clause.not_here or clause.not_done
        if not tests and not why_not:
            yield f"{clause.name}: no test shows it, and no reason says why"
        elif tests and why_not:
            yield f"{clause.name}: {tests[0]} shows it, so that the reason why not must go"
        elif not tests and clause.beyond:
            yield f"{clause.name}: no test shows it, so that there is nothing beyond what tests show"
        if clause.not_here and clause.not_done:
            yield f"{clause.name}: what does not apply cannot be left undone"


def _of_markers(clauses: Sequence[Clause], shown: Shown) -> Iterator[str]:
    known = {clause.name for clause in clauses}
    for name in sorted(shown.tests.keys() - known):
        yield f"{shown.tests[name][0]}: its marker names {name}, which is no clause"


def _of_mutants(shown: Shown, mutants: Sequence[Mutant], killed: AbstractSet[str]) -> Iterator[str]:
    broken = {clause for mutant in mutants for clause in mutant.clauses}
    for name in sorted(killed & shown.tests.keys() - broken):
        yield f"{name}: no mutant shows that its tests can fail"
    for mutant in mutants:
        yield from (
            f"{mutant.name}: no test shows {name}, which this mutant breaks"
            for name in mutant.clauses
            if name not in shown.tests
        )
        if mutant.stale:
            yield mutant.stale
