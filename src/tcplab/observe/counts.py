"""Counts that one thread writes, and values of them that another may read.

Prometheus's own client locks at every increment; here only the thread that runs the node counts, and only it takes
a :class:`Snapshot`, which nobody changes.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tcplab.observe.metric import Key, Metric


class Tally(dict[Key, int]):
    """How often each key was counted; one that was never seen counts 0."""

    __slots__ = ()

    def __missing__(self, key: Key) -> int:
        """Return 0 for a key that nobody knew beforehand."""
        return 0


class Histogram:
    """Whole numbers sorted into buckets; ``bounds`` are their inclusive upper ends."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0

    def record(self, value: int) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def reading(self) -> "Reading":
        """Return what was counted so far."""
        return Reading(tuple(self._counts), self._total)


class Histograms(dict[Key, Histogram]):
    """The histograms of one metric; one for a key that nobody knew beforehand is made when it is first asked for."""

    __slots__ = ("_bounds",)

    def __init__(self, metric: Metric, known: Iterable[Key]) -> None:
        super().__init__()
        self._bounds = tuple(round(bound / metric.unit) for bound in metric.buckets)
        for key in known:
            self[key] = Histogram(self._bounds)

    def __missing__(self, key: Key) -> Histogram:
        """Make a histogram for a key."""
        made = self[key] = Histogram(self._bounds)
        return made

    def readings(self) -> "tuple[tuple[Key, Reading], ...]":
        """Return what each of them has counted so far."""
        return tuple((key, histogram.reading()) for key, histogram in self.items())


class Reading(NamedTuple):
    """A histogram at one instant: how many values fell into each bucket (not cumulated), and their sum."""

    counts: tuple[int, ...]
    total: int


class Snapshot(NamedTuple):
    """What a node's metrics are at one instant."""

    values: Mapping[Metric, tuple[tuple[Key, float], ...]]
    readings: Mapping[Metric, tuple[tuple[Key, Reading], ...]]
