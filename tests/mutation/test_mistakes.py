"""Each of the mistakes of real stacks, put into the engine, fails a test."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.mutation.mistakes import MISTAKES, Mistake
from tests.rfc.killing import judge, pool


@pytest.fixture(scope="module")
def processes() -> Iterator[ProcessPoolExecutor]:
    with pool(1) as made:
        yield made


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake.mutant.name for mistake in MISTAKES])
def test_a_mistake_is_found(mistake: Mistake, processes: ProcessPoolExecutor) -> None:
    verdict = processes.submit(judge, mistake.mutant, mistake.tests).result()

    assert verdict.killed, verdict.printed


def test_without_a_mistake_nothing_is_found(processes: ProcessPoolExecutor) -> None:
    tests = sorted({test for mistake in MISTAKES for test in mistake.tests})

    verdict = processes.submit(judge, None, tests).result()

    assert verdict.code == pytest.ExitCode.OK, verdict.printed
