"""Runs drawn from seeds: whatever the network does, both streams arrive intact and nothing stays.

``TCPLAB_TEST_SEEDS`` says how many (2,000 by default, and half as many with outages), ``TCPLAB_TEST_FIRST_SEED`` which
is the first. A failure names the seed, and how to play it again.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tcplab.check import Outcome, Verdict
from tcplab.sim import storm

COUNT = int(os.environ.get("TCPLAB_TEST_SEEDS", "2000"))
FIRST = int(os.environ.get("TCPLAB_TEST_FIRST_SEED", "0"))
CHUNK = 100  # seeds of one test: small enough to be shared out among the cores

Seeds = range

ALWAYS = {"journal", "legal path", "all closed", "conservation", "nothing stays"}
"""Checkers that have something to judge in every run."""


def chunks(count: int) -> list[Seeds]:
    return [range(start, min(start + CHUNK, FIRST + count)) for start in range(FIRST, FIRST + count, CHUNK)]


def named(seeds: Seeds) -> str:
    return f"{seeds.start}-{seeds.stop - 1}"


@contextmanager
def replayable(seed: int, how: str = "") -> Iterator[None]:
    """Add to whatever goes wrong how it is played again."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"play it again: make replay SEED={seed}{how}")
        raise


def judged(verdict: Verdict) -> Counter[str]:
    """Fail if anything is wrong; return how much each checker judged."""
    assert list(verdict.findings(Outcome.INVALID)) == [], f"\n{verdict}"
    assert {name for name in ALWAYS if verdict.of(name).outcome is not Outcome.VALID} == set()
    return Counter({result.checker: result.judged for result in verdict.results})


@pytest.mark.parametrize("seeds", chunks(COUNT), ids=named)
def test_both_streams_arrive_intact_and_both_ends_close(seeds: Seeds) -> None:
    """R2 is switched off: however much is lost, doubled, reordered and delayed, nobody may give up."""
    total: Counter[str] = Counter()
    for seed in seeds:
        with replayable(seed):
            verdict = storm.run(storm.draw(seed)).verdict
            total += judged(verdict)
            assert verdict.of("all heard").outcome is Outcome.VALID
            assert verdict.of("TIME_WAIT lasts 2 MSL").outcome is Outcome.VALID
            assert verdict.of("who gave up had reached R2").judged == 0
    assert len(seeds) < CHUNK or {"stream intact", "back-off", "quiet"} <= total.keys(), "a checker had no work"


@pytest.mark.parametrize("seeds", chunks(COUNT // 2), ids=named)
def test_whoever_gives_up_has_reached_r2_and_tells_its_application(seeds: Seeds) -> None:
    """R2 is the RFC's, and links go down, some for good: no close may last for ever."""
    total: Counter[str] = Counter()
    for seed in seeds:
        with replayable(seed, " OUTAGES=1"):
            total += judged(storm.run(storm.draw(seed, outages=True)).verdict)
    assert len(seeds) < CHUNK or total["who gave up had reached R2"] > CHUNK // 4, "hardly anybody gave up"
