"""``python -m tests.rfc.killing [PART-OF-A-NAME …]``: shows that every mutant dies by the tests of each of its clauses.

A run has a copy of the engine and a process of its own, forked from a server that has imported pytest but nothing of
ours.
"""

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from importlib.util import cache_from_source
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import pytest

from tests.rfc.markers import collect
from tests.rfc.mutant import ROOT, SOURCE, Mutant
from tests.rfc.mutants import MUTANTS

_PRELOADED: Final = ["pytest", "hypothesis", "hypothesis.strategies"]
_LIMIT: Final = 60  # seconds for all tests of a clause: enough for any of them on a busy machine
_UNUSED: Final = ("cacheprovider", "unraisableexception", "tests.support.broker")  # plugins that would take their time
_OPTIONS: Final = (
    *("-x", "-n0", "-q", "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
    *(option for plugin in _UNUSED for option in ("-p", f"no:{plugin}")),
)


class Verdict(NamedTuple):
    """What became of a run: pytest's exit code, the first test that failed, and what was printed."""

    code: int
    killer: str | None
    printed: str

    @property
    def killed(self) -> bool:
        """Whether a test failed; where none could even be run, the mutant proves nothing."""
        return self.code == pytest.ExitCode.TESTS_FAILED


class TimeIsUp(Exception):
    """A test ran for longer than all of them take together: its mutant has made something go round for ever."""


class _FirstFailure:
    """A pytest plugin."""

    def __init__(self) -> None:
        self.test: str | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.test is None:
            self.test = report.nodeid


def pool(processes: int | None = None) -> ProcessPoolExecutor:
    """Return processes for :func:`judge`, as many as there are cores unless told otherwise."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return ProcessPoolExecutor(processes or os.cpu_count(), mp_context=context, max_tasks_per_child=1)


def judge(mutant: Mutant | None, tests: Sequence[str]) -> Verdict:
    """Run tests against a copy of the engine, up to the first failure; in a fresh process.

    Args:
        mutant: the mistake in the copy, ``None`` for none.
        tests: pytest's ids, one at least: given none, pytest would run every test there is.
    """
    assert tests
    assert not any(name.partition(".")[0] == "tcplab" for name in sys.modules), "the engine itself was imported"
    first, printed = _FirstFailure(), StringIO()
    with TemporaryDirectory(prefix="tcplab-mutant-") as folder:
        _copy(mutant, Path(folder))
        sys.path[:0] = [folder, str(ROOT)]
        os.chdir(ROOT)
        signal.signal(signal.SIGALRM, _time_is_up)
        signal.alarm(_LIMIT)
        with redirect_stdout(printed):
            code = pytest.main([*_OPTIONS, *tests], plugins=[first])
    return Verdict(int(code), first.test, printed.getvalue())


def _time_is_up(*_: object) -> None:
    raise TimeIsUp


def _copy(mutant: Mutant | None, folder: Path) -> None:
    """Copy the package, compiled modules too, which are half of what it takes to import it."""
    package = Path(shutil.copytree(SOURCE, folder / SOURCE.name))
    if mutant is not None:
        module = package / mutant.module
        Path(cache_from_source(str(module))).unlink(missing_ok=True)
        module.write_text(mutant.mutated(), encoding="utf-8")


def main(words: Sequence[str]) -> int:
    """Kill the mutants that have one of the words in their name, or all; return the exit code."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    if not chosen:
        print(f"no mutant has {' or '.join(words)} in its name", file=sys.stderr)
        return 2
    stale = [mutant for mutant in chosen if mutant.stale]
    for mutant in stale:
        print(mutant.stale)
    shown, survivors = collect(ROOT).tests, 0
    with pool() as processes:
        runs = [
            (mutant, clause, processes.submit(judge, mutant, shown[clause]))
            for mutant in chosen
            if mutant not in stale
            for clause in mutant.clauses
        ]
        for mutant, clause, run in runs:
            verdict = run.result()
            survivors += not verdict.killed
            how = f"killed by {verdict.killer}" if verdict.killed else f"SURVIVES\n{verdict.printed}"
            print(f"{clause}: {mutant.name}: {how}", flush=True)
    print(f"{len(runs) - survivors} of {len(runs)} died, {len(stale)} are stale")
    return 1 if survivors or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
