"""Many packets through one link, what became of each, and how far that may lie from what was asked for.

Seeds are fixed, so that no run differs from another. ``make conformance`` takes fresh ones, prints them, and plays
those of ``SEEDS=…`` again. Bounds are wide enough for both: each is missed by an honest link less than once in a
million, and a run of everything with 20 seeds has some 1,500 of them.
"""

import gc
import os
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise
from math import log, sqrt

from tcplab.netem.events import (
    PacketCorrupted,
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketMarked,
)
from tcplab.netem.link import Link
from tcplab.netem.profile import Profile
from tcplab.netem.queue import Queue
from tcplab.node import Event, Packet
from tcplab.units import MICROSECOND, Instant
from tests.netem.packets import THERE, packet

N = 100_000
SEEDS = [int(word) for word in os.environ.get("CONFORMANCE_SEEDS", "42").split(",")]
SIGMAS = 5.0
KOLMOGOROV = sqrt(log(2 / 1e-6) / 2)  # the distance of n samples, times the root of n: missed once in a million
ENDLESS = f"limit {10 * N}"
EVERY = 10 * MICROSECOND


class Found:
    """What became of packets 1..n: per place, for packets themselves and not for their copies."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.lost = bytearray(n + 1)
        self.doubled = bytearray(n + 1)
        self.corrupted = bytearray(n + 1)
        self.marked = bytearray(n + 1)
        self.at_once = bytearray(n + 1)
        self.delays = array("q", [-1]) * (n + 1)
        self.bits: list[tuple[int, int]] = []
        self.copies: list[int] = []

    def take(self, place: int, event: Event) -> None:
        """Note what the link told of the packet at this place."""
        match event:
            case PacketDelayed() | PacketForwarded() if not event.packet.copy:
                self.delays[place] = event.delay
                self.at_once[place] = event.rule == "reorder"
            case PacketDelayed() | PacketForwarded():
                self.copies.append(event.delay)
            case PacketDropped() if not event.packet.copy:
                self.lost[place] = 1
            case PacketDuplicated():
                self.doubled[place] = 1
            case PacketCorrupted() if not event.packet.copy:
                self.corrupted[place] = 1
                assert event.packet.octets is not None
                self.bits.append((event.bit, 8 * len(event.packet.octets)))
            case PacketMarked() if not event.packet.copy:
                self.marked[place] = 1

    def given(self) -> list[int]:
        """Return the delays that were given, in order."""
        return [delay for delay in self.delays if delay >= 0]


@cache
def packets(ecn: int = 0, payload: int = 0, n: int = N) -> Sequence[Packet]:
    return [replace(packet(place, payload=bytes(payload)), ecn=ecn) for place in range(1, n + 1)]


@lru_cache(maxsize=16)  # of neighbouring tests; more would only be kept in vain
def run(text: str, seed: int, *, ecn: int = 0, payload: int = 0, every: int = EVERY, n: int = N) -> Found:
    """Let n packets onto a link, evenly spaced, and return what became of them. The queue is never emptied."""
    link = Link(THERE, Profile.parse(text if "limit" in text else f"{text} {ENDLESS}"), seed, Queue())
    found = Found(n)
    sent = packets(ecn, payload, n)
    with uncollected():
        for place, each in enumerate(sent, start=1):
            for event in link.take(each, Instant(place * every)).events:
                found.take(place, event)
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep the garbage collector away: it would look through all packets again and again, and there is no garbage."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# --- bounds ----------------------------------------------------------------------------------------------------------


def assert_share(strikes: Iterable[int], share: float, n: int = N) -> None:
    """Check that a share of n packets is what it should be, each having been struck by itself."""
    struck, deviation = sum(strikes), sqrt(n * share * (1 - share))
    assert abs(struck - n * share) <= SIGMAS * deviation, f"{struck} of {n}; {n * share} +- {deviation} expected"


def assert_mean(values: Sequence[float], mean: float, batch: int = 1) -> None:
    """Check a mean by the spread of the values, or of the means of batches where neighbours know of each other."""
    means = [sum(values[at : at + batch]) / batch for at in range(0, len(values) - batch + 1, batch)]
    found = sum(means) / len(means)
    error = sqrt(sum((each - found) ** 2 for each in means) / (len(means) - 1) / len(means))
    assert abs(found - mean) <= SIGMAS * error, f"{found} +- {error}; {mean} expected"


def assert_correlation(values: Sequence[float], correlation: float, within: float = 0.05) -> None:
    """Check that neighbours correlate as asked for, within 5 points."""
    assert abs(correlation_of(values) - correlation) <= within, f"{correlation_of(values)}; {correlation} expected"


def correlation_of(values: Sequence[float]) -> float:
    """Return how neighbours correlate."""
    mean = sum(values) / len(values)
    square = sum((value - mean) ** 2 for value in values)
    return sum((one - mean) * (other - mean) for one, other in pairwise(values)) / square


def assert_distribution(values: Iterable[float], cdf: Callable[[float], float], *, correlation: float = 0.0) -> None:
    """Check values against a continuous distribution, by Kolmogorov and Smirnov.

    Correlated ones tell no more than so many fewer that are independent.
    """
    ordered = sorted(values)
    n = len(ordered)
    shares = [cdf(value) for value in ordered]
    distance = max(max((rank + 1) / n - share, share - rank / n) for rank, share in enumerate(shares))
    bound = KOLMOGOROV / sqrt(n * (1 - correlation) / (1 + correlation))
    assert distance <= bound, f"{distance} from the distribution, {bound} may be"


def runs(strikes: Sequence[int]) -> list[int]:
    """Return the lengths of runs of packets that were struck; one that the end cuts off is left out."""
    lengths: list[int] = []
    length = 0
    for struck in strikes:
        if struck:
            length += 1
        elif length:
            lengths.append(length)
            length = 0
    return lengths


def inverse(quantile: Callable[[float], float], steps: int = 1 << 14) -> Callable[[float], float]:
    """Return the distribution whose quantiles are given, between the points of a fine grid."""
    values = [quantile((step + 0.5) / steps) for step in range(steps)]

    def cdf(value: float) -> float:
        index = bisect_left(values, value)
        if index in (0, steps):
            return index / steps
        low, high = values[index - 1], values[index]
        return (index - 0.5 + ((value - low) / (high - low) if high > low else 1.0)) / steps

    return cdf
