"""Slots: times at which packets that are ready may leave."""

from tcplab.netem.impairments.draws import Draws
from tcplab.netem.values import Slot
from tcplab.units import START, Instant


class Slots:
    """Gives each packet the slot in which it leaves; packets are asked for in the order in which they are ready.

    A slot is open from its beginning until it is full, or until a packet is ready after it began: that one waits for
    the next, which begins MIN to MAX after it was ready.
    """

    __slots__ = ("_begins", "_draws", "_octets", "_packets", "_slot", "count")

    def __init__(self, slot: Slot, draws: Draws) -> None:
        self.count = 0
        self._slot = slot
        self._draws = draws
        self._begins = START - 1  # before whatever may be ready
        self._packets = self._octets = 0

    def leave(self, ready: Instant, octets: int) -> Instant:
        """Return when a packet of so many octets leaves that is ready at ``ready``."""
        slot = self._slot
        if self._begins < ready:
            self._open(ready)
        leaves = self._begins
        self._packets += 1
        self._octets += octets
        if self._packets == slot.packets or (slot.octets is not None and self._octets >= slot.octets):
            self._open(leaves)
        return leaves

    def _open(self, since: Instant) -> None:
        self.count += 1
        least, most = self._slot.least, self._slot.most
        self._begins = since + least + int(self._draws.at(self.count) * (most - least + 1))
        self._packets = self._octets = 0
