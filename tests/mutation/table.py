"""The mutants of the table of transitions: each row taken away, and each leading somewhere else."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from io import StringIO
from multiprocessing import get_context
from typing import Final, NamedTuple, cast

import pytest

from tcplab.tcp.states import TRANSITIONS, Cause, State

TESTS: Final = ("tests/tcp", "tests/check/test_relation.py")
_OPTIONS: Final = (
    "-x",
    "-q",
    "-n0",
    "-p",
    "no:cacheprovider",
    "-k",
    "not wraps and not sign and not fuzz and not octets",
)


class Row(NamedTuple):
    """A row, and what becomes of it; ``None`` for nothing."""

    old: State
    cause: Cause
    new: State | None

    def __str__(self) -> str:
        """Return the row as the report prints it."""
        goes = "is gone" if self.new is None else f"leads to {self.new.name}"
        return f"{self.old.name} on {self.cause.value} {goes}"


def mutants() -> Iterator[Row]:
    """Yield two mutants of each row."""
    states = list(State)
    for (old, cause), new in TRANSITIONS.items():
        yield Row(old, cause, None)
        yield Row(old, cause, states[(states.index(new) + 1) % len(states)])


def survivors() -> tuple[int, list[Row]]:
    """Run the tests against each mutant; return how many there were and those that live."""
    rows = list(mutants())
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("fork"), max_tasks_per_child=1) as pool:
        lives = list(pool.map(_lives, rows))
    return len(rows), [row for row, alive in zip(rows, lives, strict=True) if alive]


def _lives(row: Row) -> bool:
    """Change the table, which all of the engine shares, in a process of its own, and return whether no test fails."""
    table = cast(dict[tuple[State, Cause], State], TRANSITIONS)
    if row.new is None:
        del table[row.old, row.cause]
    else:
        table[row.old, row.cause] = row.new
    with redirect_stdout(StringIO()):
        code = pytest.main([*_OPTIONS, *TESTS])
    return code != pytest.ExitCode.TESTS_FAILED


if __name__ == "__main__":
    count, living = survivors()
    print(*living, f"{count - len(living)} of {count} died", sep="\n")
    sys.exit(bool(living))
