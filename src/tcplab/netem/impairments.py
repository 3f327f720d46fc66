"""What can befall a packet: one small class for each impairment, none of which knows of the others.

Each has a stream of draws of its own, named by (seed, link, purpose), and looks only at the draw that belongs to the
place of the packet on its link: the n-th packet meets the n-th draw. So no knob shifts what another one does, neither
by being turned nor by having been off for a while, and nothing has to be drawn for what nobody asks about.
"""

from random import Random
from typing import Final

from tcplab.netem.events import LinkName
from tcplab.node import Packet
from tcplab.units import SECOND, START, Duration, Instant
from tcplab.wire.octets import HEADER_OCTETS, options_length

BLOCK: Final = 1_024  # draws made at a time: skipping any number of draws costs no more than one block

_IPV4_HEADER: Final = 20  # octets, without options


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


class Chance:
    """Strikes each packet with the same probability, and each by itself: loss and duplication."""

    __slots__ = ("_draws", "_probability")

    def __init__(self, probability: float, draws: Draws) -> None:
        self._probability = probability
        self._draws = draws

    def strikes(self, place: int) -> bool:
        """Return whether the packet at this place is struck."""
        return self._probability > 0 and self._draws.at(place) < self._probability


class Delay:
    """A delay that varies evenly by ``jitter`` to either side, never below 0."""

    __slots__ = ("_draws", "_jitter", "_mean")

    def __init__(self, mean: Duration, jitter: Duration, draws: Draws) -> None:
        self._mean = mean
        self._jitter = jitter
        self._draws = draws

    def of(self, place: int) -> Duration:
        """Return how long the packet at this place is under way."""
        if not self._jitter:
            return self._mean
        offset = int(self._draws.at(place) * (2 * self._jitter + 1)) - self._jitter
        return Duration(max(0, self._mean + offset))


class Line:
    """Lets one packet pass at a time. ``rate`` is in bits a second, ``None`` for no bound.

    A change of rate holds from the next packet on; those on the line keep their time.
    """

    __slots__ = ("_free", "rate")

    def __init__(self) -> None:
        self.rate: int | None = None
        self._free = START

    def through(self, packet: Packet, ready: Instant) -> Instant:
        """Return when a packet that reaches the line at ``ready`` has passed it."""
        if self.rate is None:
            return ready
        nanoseconds = -(-packet_size(packet) * 8 * SECOND // self.rate)  # rounded up: never faster than the rate
        self._free = Instant(max(self._free, ready) + nanoseconds)
        return self._free


def packet_size(packet: Packet) -> int:
    """Return the octets of the IPv4 packet that would carry the segment: both headers, options, payload."""
    if packet.octets is not None:
        return _IPV4_HEADER + len(packet.octets)
    segment = packet.segment
    options = -(-options_length(segment.options) // 4) * 4  # RFC 9293, 3.1: the header ends on a 32-bit boundary
    return _IPV4_HEADER + HEADER_OCTETS + options + len(segment.payload)
