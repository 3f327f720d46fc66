"""Delays over 100,000 packets, against the definition of their distributions."""

from collections.abc import Callable
from math import cbrt, erf, sqrt
from statistics import NormalDist

import pytest

from tests.netem.conformance import (
    SEEDS,
    N,
    assert_correlation,
    assert_distribution,
    assert_mean,
    assert_share,
    inverse,
    run,
)

pytestmark = pytest.mark.parametrize("seed", SEEDS)

MEAN, JITTER = 20_000_000, 2_000_000
TEXT = "delay 20ms 2ms"


# The distributions, by their definition and not by the code's: Pareto has shape 3 and is cut at 4.5 times its scale.
CUT = 4.5
P_MEAN = 1.5 - 1.5 / CUT**2 + CUT / CUT**3
P_DEVIATION = sqrt(3 - 3 / CUT + CUT**2 / CUT**3 - P_MEAN**2)
BEYOND = 1 / CUT**3


def p_quantile(share: float) -> float:
    return (min(CUT, 1 / cbrt(1 - share)) - P_MEAN) / P_DEVIATION


def mixed(share: float) -> float:
    return 0.25 * NormalDist().inv_cdf(share) + 0.75 * p_quantile(share)


GRID = 1 << 14
MIXED = [mixed((step + 0.5) / GRID) for step in range(GRID)]
MIXED_DEVIATION = sqrt(sum(value**2 for value in MIXED) / GRID)

DISTRIBUTIONS: dict[str, Callable[[float], float]] = {
    "uniform": lambda x: min(1.0, max(0.0, (x + 1) / 2)),
    "normal": lambda x: (1 + erf(x / sqrt(2))) / 2,
    "pareto": lambda x: max(0.0, 1 - max(1.0, x * P_DEVIATION + P_MEAN) ** -3),
    "paretonormal": inverse(lambda share: mixed(share) / MIXED_DEVIATION, GRID),
}
DEVIATIONS = {"uniform": 1 / sqrt(3), "normal": 1.0, "pareto": 1.0, "paretonormal": 1.0}


def offsets(text: str, seed: int) -> list[float]:
    """Return how far delays lie from their mean, in jitters."""
    return [(delay - MEAN) / JITTER for delay in run(text, seed).given()]


@pytest.mark.parametrize("correlation", [0, 50])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_delays_are_spread_as_their_distribution_says_and_correlate_as_asked_for(
    name: str, correlation: int, seed: int
) -> None:
    found = offsets(
        f"{TEXT} {correlation}% distribution {name}" if correlation else f"{TEXT} distribution {name}", seed
    )

    cut = p_quantile(1.0 - 1e-9) if name == "pareto" else float("inf")
    inside = [value for value in found if value < cut - 1e-6]
    within = 1 - BEYOND if name == "pareto" else 1.0
    assert len(found) == N
    if within < 1:
        assert_mean([value >= cut - 1e-6 for value in found], BEYOND, 1_000)
    cdf = DISTRIBUTIONS[name]
    assert_distribution(inside, lambda x: cdf(x) / within, correlation=correlation / 100)
    assert_mean(found, 0.0, 1_000)
    assert_mean([value**2 for value in found], DEVIATIONS[name] ** 2, 1_000)
    assert_correlation(found, correlation / 100)


@pytest.mark.parametrize("name", ["uniform", "normal"])
def test_as_linux_has_it_delays_do_not_correlate(name: str, seed: int) -> None:
    found = offsets(f"{TEXT} 75% distribution {name} corr_mode linux", seed)

    assert_mean(found, 0.0, 1_000)
    assert_mean([value**2 for value in found], DEVIATIONS[name] ** 2, 1_000)
    assert_correlation(found, 0.0)


def test_a_delay_is_never_below_0(seed: int) -> None:
    delays = run("delay 1ms 2ms", seed).given()

    assert_share((delay == 0 for delay in delays), 1 / 4)  # evenly from -1 ms to 3 ms
    assert_distribution((delay for delay in delays if delay), lambda delay: delay / 3_000_000)


# --- together --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clause", ["loss burst 20% 5", "duplicate 30%", "corrupt 50%", "loss 10% 50%"])
def test_no_other_clause_shifts_a_delay(clause: str, seed: int) -> None:
    text = f"{TEXT} 50% distribution normal"
    alone, found = run(text, seed).delays, run(f"{text} {clause}", seed)

    assert all(delay in (-1, before) for delay, before in zip(found.delays, alone, strict=True))
    assert sum(delay < 0 for delay in found.delays[1:]) == sum(found.lost)


def test_copies_have_delays_of_their_own(seed: int) -> None:
    found = run(f"{TEXT} distribution normal duplicate 50%", seed)

    own = [found.delays[place] for place in range(1, N + 1) if found.doubled[place]]
    assert_distribution(((delay - MEAN) / JITTER for delay in found.copies), DISTRIBUTIONS["normal"])
    assert_share((one < other for one, other in zip(found.copies, own, strict=True)), 1 / 2, len(own))


def test_a_quarter_that_is_sent_at_once_leaves_the_others_their_delays(seed: int) -> None:
    text = f"{TEXT} distribution pareto"
    alone, found = run(text, seed).delays, run(f"{text} reorder 25%", seed)

    assert_share(found.at_once, 0.25)
    for place in range(1, N + 1):
        assert found.delays[place] == (0 if found.at_once[place] else alone[place])
