"""How long packets are under way: a mean, and how the delays spread about it.

What tc calls a distribution is a table of the quantiles of a variable with mean 0 and standard deviation 1, cut at 4
deviations to either side; a delay is the mean plus a quantile times the jitter, never below 0. These are the variables
of iproute2's tables (its generators are netem/normal.c, pareto.c and paretonormal.c), computed instead of looked up.
Where the generators miss their own aim, this does not: iproute2's Pareto table has a standard deviation of 0.82 and a
mean of -0.03, since it is divided by the variance and then cut. Here the cut variable is brought to mean 0 and
deviation 1, so that a jitter is what it says.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from itertools import accumulate
from math import cbrt, sqrt
from statistics import NormalDist
from typing import Final, Literal

from tcplab.netem.impairments.draws import MeanDraws, Stream
from tcplab.netem.traces import DelayTrace
from tcplab.netem.values import Distribution
from tcplab.units import Duration, Instant

CUT: Final = 4.0  # standard deviations: what iproute2's tables of 16-bit numbers hold
_TABLE: Final = 4_096  # entries of such a table

# Pareto with shape 3 and scale 1, cut at 4.5, which is where iproute2 cuts it: in its table that is CUT.
_PARETO_CUT: Final = 4.5
_PARETO_MEAN: Final = 1.5 - 0.5 / _PARETO_CUT**2
_PARETO_DEVIATION: Final = sqrt(3 - 2 / _PARETO_CUT - _PARETO_MEAN**2)
_MIXTURE_DEVIATION: Final = 0.9676722  # of a quarter normal and three quarters Pareto with one draw, by integration

_NORMAL: Final = NormalDist()


def normal(draw: float) -> float:
    """Return the quantile of the standard normal distribution, cut at +-:data:`CUT`; its deviation is 0.9999."""
    return max(-CUT, min(CUT, _NORMAL.inv_cdf(draw))) if draw > 0 else -CUT


def pareto(draw: float) -> float:
    """Return the quantile of a Pareto distribution of shape 3, cut, with mean 0 and standard deviation 1."""
    return (min(_PARETO_CUT, 1 / cbrt(1 - draw)) - _PARETO_MEAN) / _PARETO_DEVIATION


def paretonormal(draw: float) -> float:
    """Return a quarter of the normal quantile and three quarters of Pareto's, with mean 0 and standard deviation 1."""
    return (0.25 * normal(draw) + 0.75 * pareto(draw)) / _MIXTURE_DEVIATION


QUANTILES: Final[Mapping[Literal["normal", "pareto", "paretonormal"], Callable[[float], float]]] = {
    "normal": normal,
    "pareto": pareto,
    "paretonormal": paretonormal,
}


class Delay:
    """A delay that varies about its mean: evenly by ``jitter`` to either side, or by a distribution.

    Attributes:
        draw: the draw of the last one, ``None`` where it does not vary.
    """

    __slots__ = ("_draws", "_jitter", "_mean", "_modulus", "_quantile", "draw")

    def __init__(self, mean: Duration, jitter: Duration, distribution: Distribution, draws: Stream) -> None:
        self.draw: float | None = None
        self._mean = mean
        self._jitter = jitter
        self._quantile = None if distribution == "uniform" else QUANTILES[distribution]
        self._draws = draws
        # Linux takes its 32 bits modulo the size of the table, or of the range, and with that the correlation goes.
        divisor = _TABLE if self._quantile else 2 * jitter
        self._modulus = divisor if isinstance(draws, MeanDraws) else 0

    def of(self, place: int) -> Duration:
        """Return how long the packet at this place is under way."""
        if not self._jitter:
            return self._mean
        self.draw = draw = self._draws.at(place)
        if self._modulus:
            draw = (int(draw * (1 << 32)) % self._modulus + 0.5) / self._modulus
        if self._quantile is None:
            offset = int(draw * (2 * self._jitter + 1)) - self._jitter
        else:
            offset = round(self._quantile(draw) * self._jitter)
        return Duration(max(0, self._mean + offset))


class TracedDelay:
    """Plays a delay trace; time 0 is when it is first asked."""

    __slots__ = ("_delays", "_ends", "_origin")

    def __init__(self, trace: DelayTrace) -> None:
        self._ends = tuple(accumulate(duration for duration, _ in trace.steps))
        self._delays = tuple(delay for _, delay in trace.steps)
        self._origin: Instant | None = None

    def at(self, now: Instant) -> Duration:
        """Return the delay of a packet that comes now."""
        if self._origin is None:
            self._origin = now
        return self._delays[bisect_right(self._ends, (now - self._origin) % self._ends[-1])]


class Moments:
    """Counts delays that were given.

    Attributes:
        count: how many.
        total: their sum, nanoseconds.
        squares: the sum of their squares.
    """

    __slots__ = ("count", "squares", "total")

    def __init__(self) -> None:
        self.count = self.total = self.squares = 0

    def add(self, delay: int) -> None:
        """Count a delay."""
        self.count += 1
        self.total += delay
        self.squares += delay * delay
