"""Each mutant dies by the tests of each clause that it breaks, and sound code by none of them."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.rfc.killing import judge, pool
from tests.rfc.markers import collect
from tests.rfc.mutant import ROOT, Mutant
from tests.rfc.mutants import MUTANTS

RUNS = [(mutant, clause) for mutant in MUTANTS for clause in mutant.clauses]


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with pool(1) as made:
        yield made


@pytest.fixture(scope="module")
def shown() -> Mapping[str, Sequence[str]]:
    return collect(ROOT).tests


@pytest.mark.parametrize(("mutant", "clause"), RUNS, ids=[f"{clause}-{mutant.name}" for mutant, clause in RUNS])
def test_a_mutant_dies(
    mutant: Mutant, clause: str, shown: Mapping[str, Sequence[str]], processes: ProcessPoolExecutor
) -> None:
    verdict = processes.submit(judge, mutant, shown[clause]).result()

    assert verdict.killed, verdict.printed


def test_sound_code_lives(shown: Mapping[str, Sequence[str]], processes: ProcessPoolExecutor) -> None:
    """Else every mutant would seem to die."""
    tests = sorted({test for _, clause in RUNS for test in shown[clause]})

    verdict = processes.submit(judge, None, tests).result()

    assert verdict.code == pytest.ExitCode.OK, verdict.printed


def test_a_mutant_that_changes_nothing_survives(
    shown: Mapping[str, Sequence[str]], processes: ProcessPoolExecutor
) -> None:
    idle = MUTANTS[0]._replace(new=MUTANTS[0].old)

    verdict = processes.submit(judge, idle, shown[idle.clauses[0]]).result()

    assert (verdict.code, verdict.killed) == (pytest.ExitCode.OK, False)


def test_code_that_cannot_be_imported_proves_nothing(
    shown: Mapping[str, Sequence[str]], processes: ProcessPoolExecutor
) -> None:
    broken = MUTANTS[0]._replace(new="this is no Python")

    verdict = processes.submit(judge, broken, shown[broken.clauses[0]]).result()

    assert not verdict.killed
