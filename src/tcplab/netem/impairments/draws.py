"""Streams of numbers for what is left to chance."""

from random import Random
from typing import Final, Protocol

from tcplab.netem.events import LinkName
from tcplab.netem.values import CorrelationMode

BLOCK: Final = 1_024  # draws made at a time: skipping any number of draws costs no more than one block


class Stream(Protocol):
    """Numbers 0 <= x < 1, one for each place on a link."""

    def at(self, place: int) -> float:
        """Return the draw of the packet at this place; places are asked for in their order."""


class Draws:
    """A stream of numbers, evenly spread over 0 <= x < 1, that can be read at any place."""

    __slots__ = ("_block", "_name", "_values")

    def __init__(self, seed: int, link: LinkName, purpose: str) -> None:
        self._name = f"{seed}/{link}/{purpose}"
        self._block = -1
        self._values: list[float] = []

    def at(self, place: int) -> float:
        """Return the draw of the packet at this place."""
        block, offset = divmod(place, BLOCK)
        if block != self._block:
            # Seeded by text, Random hashes it with SHA-512: the same on every machine, and blocks do not overlap.
            draw = Random(f"{self._name}/{block}").random
            self._values = [draw() for _ in range(BLOCK)]
            self._block = block
        return self._values[offset]


class KeptDraws:
    """Correlated draws: with probability ``correlation`` a packet has the draw of the one before, else one of its own.

    Draws stay evenly spread, whatever the correlation is, so that every average and every distribution stays what it
    was; two draws that are n places apart correlate by the n-th power of the correlation, exactly, and so does
    whatever is made of them: losses, delays.
    """

    __slots__ = ("_correlation", "_draws", "_keeps", "_last")

    def __init__(self, draws: Draws, keeps: Draws, correlation: float) -> None:
        self._draws = draws
        self._keeps = keeps
        self._correlation = correlation
        self._last: float | None = None

    def at(self, place: int) -> float:
        """Return the draw of the packet at this place."""
        if self._last is None or self._keeps.at(place) >= self._correlation:
            self._last = self._draws.at(place)
        return self._last


class MeanDraws:
    """Draws correlated as Linux has it: each is the mean of the one before and a fresh one, weighted.

    They gather around 1/2, so that small probabilities strike far less than they should: 10 % with a correlation of
    25 % strikes 1.7 %. See :func:`tcplab.netem.linux.share_given`.
    """

    __slots__ = ("_correlation", "_draws", "_last")

    def __init__(self, draws: Draws, correlation: float) -> None:
        self._draws = draws
        self._correlation = correlation
        self._last = draws.at(0)  # no packet's: they count from 1

    def at(self, place: int) -> float:
        """Return the draw of the packet at this place."""
        self._last = self._correlation * self._last + (1 - self._correlation) * self._draws.at(place)
        return self._last


def stream(seed: int, link: LinkName, purpose: str, correlation: float, mode: CorrelationMode) -> Stream:
    """Return the stream of draws for a purpose, correlated as asked for."""
    draws = Draws(seed, link, purpose)
    if not correlation:
        return draws
    if mode == "linux":
        return MeanDraws(draws, correlation)
    return KeptDraws(draws, Draws(seed, link, f"correlation of {purpose}"), correlation)
