"""The mutants of the table of transitions: each row taken away, and each leading somewhere else."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from multiprocessing import get_context
from typing import Final, NamedTuple, cast

import pytest

from tcplab.tcp.states import TRANSITIONS, Cause, State

TESTS: Final = (
    "tests/tcp/test_handshake.py",
    "tests/tcp/test_close.py",
    "tests/tcp/test_reset.py",
    "tests/tcp/test_retransmission.py",
    "tests/tcp/test_time_wait.py",
    "tests/tcp/test_time_wait_policies.py",
    "tests/tcp/test_rfc9293_keep_alive.py",
    "tests/check/test_relation.py",
)
_OPTIONS: Final = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "-k", "not wraps and not sign and not an_entry")
_LIMIT: Final = 120  # seconds: by then a mutant makes something go round for ever, which is noticed too


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
    with get_context("fork").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        lives = pool.map(_lives, rows, chunksize=1)
    return len(rows), [row for row, alive in zip(rows, lives, strict=True) if alive]


def _lives(row: Row) -> bool:
    """Change the table, which all of the engine shares, in a process of its own, and return whether no test fails."""
    table = cast(dict[tuple[State, Cause], State], TRANSITIONS)
    if row.new is None:
        del table[row.old, row.cause]
    else:
        table[row.old, row.cause] = row.new
    signal.alarm(_LIMIT)
    signal.signal(signal.SIGALRM, _too_long)
    with redirect_stdout(StringIO()):
        code = pytest.main([*_OPTIONS, *TESTS])
    return code != pytest.ExitCode.TESTS_FAILED


def _too_long(*_: object) -> None:
    raise TimeoutError


if __name__ == "__main__":
    count, living = survivors()
    print(*living, f"{count - len(living)} of {count} died", sep="\n")
    sys.exit(bool(living))
