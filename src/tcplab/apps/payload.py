"""Payloads that both sides can make or hold in small pieces."""

import random
from typing import Final

_BLOCK: Final = 4096  # octets made at a time, some segments'; a multiple of 4: the generator's words are not split


class RandomPayload:
    """An endless stream of pseudo-random octets; the same seed gives the same octets, however they are taken."""

    __slots__ = ("_kept", "_random")

    def __init__(self, seed: bytes | str) -> None:
        self._random = random.Random(seed)
        self._kept = b""

    def take(self, limit: int) -> bytes:
        """Return the next octets, at least one and at most ``limit``."""
        if not self._kept:
            self._kept = self._random.randbytes(_BLOCK)
        piece, self._kept = self._kept[:limit], self._kept[limit:]
        return piece


class FixedPayload:
    """Octets known beforehand."""

    __slots__ = ("_rest",)

    def __init__(self, octets: bytes) -> None:
        self._rest = octets

    def take(self, limit: int) -> bytes:
        """Return the next octets, at most ``limit``."""
        piece, self._rest = self._rest[:limit], self._rest[limit:]
        return piece


class QueuedPayload:
    """A bounded queue: what came in goes out again."""

    __slots__ = ("_capacity", "_octets")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._octets = bytearray()

    @property
    def room(self) -> int:
        """How many octets may be put."""
        return self._capacity - len(self._octets)

    def put(self, octets: bytes) -> None:
        """Append octets, not more than there is room for."""
        assert len(octets) <= self.room, "more was read than may be held"
        self._octets += octets

    def take(self, limit: int) -> bytes:
        """Return the next octets, at most ``limit``; none if the queue is empty."""
        piece = bytes(self._octets[:limit])
        del self._octets[:limit]
        return piece
