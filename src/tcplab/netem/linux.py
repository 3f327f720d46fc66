"""What Linux makes of a correlation: the share of packets that a correlated probability really strikes there.

Its draws are x' = c x + (1 - c) u, with u evenly spread: their mean stays 1/2, but they gather about it, so that few
are below a small probability.
"""

from itertools import accumulate, pairwise
from typing import Final

_STEPS: Final = 4_000  # of the grid over 0..1
_SETTLED: Final = 1e-7  # the greatest change of the distribution in a step that is the last
_ROUNDS_LIMIT: Final = 200  # with a correlation near 1 the draws hardly move, and no round finds much


def share_given(probability: float, correlation: float) -> float:
    """Return the share of packets that are struck in the long run, where ``probability`` was asked for.

    The distribution of the draws is the fixed point of F'(x) = (F(x / c) averaged over u); found by going round, as
    the draws do. With a correlation of 1 no draw is fresh, and the share is the first draw's: the probability itself.
    """
    if correlation in (0.0, 1.0) or probability in (0.0, 1.0):
        return probability
    points = [step / _STEPS for step in range(_STEPS + 1)]
    distribution = points
    for _ in range(_ROUNDS_LIMIT):
        following = _after_a_draw(distribution, points, correlation)
        change = max(abs(one - other) for one, other in zip(distribution, following, strict=True))
        distribution = following
        if change < _SETTLED:
            break
    return _between(distribution, probability)


def _after_a_draw(distribution: list[float], points: list[float], correlation: float) -> list[float]:
    """Return the distribution of c x + (1 - c) u, where x has the distribution given and u is evenly spread."""
    integral = [0.0, *accumulate((a + b) / (2 * _STEPS) for a, b in pairwise(distribution))]
    width = (1 - correlation) / correlation

    def up_to(x: float) -> float:
        """Return the integral of the distribution from 0 to x; it is 0 below 0 and 1 above 1."""
        return 0.0 if x <= 0 else _between(integral, x) if x < 1 else integral[-1] + x - 1

    return [(up_to(x / correlation) - up_to(x / correlation - width)) / width for x in points]


def _between(values: list[float], x: float) -> float:
    """Return the value at x of a function that is known at every step from 0 to 1."""
    index = min(_STEPS - 1, int(x * _STEPS))
    part = x * _STEPS - index
    return values[index] * (1 - part) + values[index + 1] * part
