"""Lines that let one packet pass at a time: at a rate, or whenever a recorded link had an opportunity."""

from bisect import bisect_left
from typing import Final

from tcplab.netem.traces import OPPORTUNITY_OCTETS, RateTrace
from tcplab.node import Packet
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant
from tcplab.wire.datagram import IPV4_HEADER_OCTETS
from tcplab.wire.octets import HEADER_OCTETS, options_length

_TUN_HEADER: Final = 4  # octets that Mahimahi's opportunities spend on each packet besides


class Line:
    """Lets one packet pass at a time, at its rate; at first it has none, and lets all pass at once.

    Attributes:
        packets: how many passed at the present rate.
        octets: theirs, of IP alone.
        busy: how long they took, nanoseconds.
    """

    __slots__ = ("_free", "_settings", "busy", "octets", "packets")

    def __init__(self) -> None:
        self.packets = self.octets = self.busy = 0
        self._settings: tuple[int | None, int, int, int] = (None, 0, 0, 0)
        self._free = START

    def set(self, rate: int | None, overhead: int = 0, cell: int = 0, cell_overhead: int = 0) -> None:
        """Go by these from the next packet on; those on the line keep their time.

        Args:
            rate: bits a second, ``None`` for no bound.
            overhead: octets that each packet has beside those of IP; may be below 0.
            cell: octets of a cell, 0 if packets are not cut into cells; the last cell is filled up.
            cell_overhead: octets that each cell has besides; may be below 0.
        """
        settings = (rate, overhead, cell, cell_overhead)
        if settings != self._settings:
            self._settings = settings
            self.packets = self.octets = self.busy = 0

    def through(self, packet: Packet, ready: Instant) -> Instant:
        """Return when a packet that reaches the line at ``ready`` has passed it."""
        rate, overhead, cell, cell_overhead = self._settings
        if rate is None:
            return ready
        size = packet_size(packet)
        octets = max(0, size + overhead)
        if cell:
            octets = max(0, -(-octets // cell) * (cell + cell_overhead))
        took = -(-octets * 8 * SECOND // rate)  # rounded up: never faster than the rate
        self.packets += 1
        self.octets += size
        self.busy += took
        self._free = max(self._free, ready) + took
        return self._free


class TracedLine:
    """Lets packets pass when the link that a trace was recorded on would have; time 0 is when the first one comes.

    Attributes:
        packets: how many passed.
        octets: theirs, of IP alone.
        busy: how long they waited for opportunities while none was before them, nanoseconds.
    """

    __slots__ = ("_at", "_free", "_left", "_origin", "_trace", "busy", "octets", "packets")

    def __init__(self, trace: RateTrace) -> None:
        self.packets = self.octets = self.busy = 0
        self._trace = trace
        self._origin: Instant | None = None
        self._at = 0  # the opportunity in use, counted through all repetitions
        self._left = OPPORTUNITY_OCTETS  # what is left of it
        self._free = START

    def through(self, packet: Packet, ready: Instant) -> Instant:
        """Return when a packet that reaches the line at ``ready`` has passed it."""
        if self._origin is None:
            self._origin = ready
        first = self._first_from(ready - self._origin)
        if first > self._at:
            self._at, self._left = first, OPPORTUNITY_OCTETS
        size = packet_size(packet)
        missing = size + _TUN_HEADER
        while missing > self._left:
            missing -= self._left
            self._at, self._left = self._at + 1, OPPORTUNITY_OCTETS
        self._left -= missing
        passed = self._origin + self._time_of(self._at)
        self.packets += 1
        self.octets += size
        self.busy += passed - max(self._free, ready)
        self._free = passed
        return passed

    def _first_from(self, since: Duration) -> int:
        """Return the first opportunity that is no earlier than this time into the trace."""
        times = self._trace.times
        period = times[-1] * MILLISECOND
        turns, rest = divmod(since, period)
        return turns * len(times) + bisect_left(times, -(-rest // MILLISECOND))

    def _time_of(self, opportunity: int) -> int:
        times = self._trace.times
        turns, index = divmod(opportunity, len(times))
        return (turns * times[-1] + times[index]) * MILLISECOND


def packet_size(packet: Packet) -> int:
    """Return the octets of the IPv4 packet that would carry the segment: both headers, options, payload."""
    if packet.octets is not None:
        return IPV4_HEADER_OCTETS + len(packet.octets)
    segment = packet.segment
    options = -(-options_length(segment.options) // 4) * 4  # RFC 9293, 3.1: the header ends on a 32-bit boundary
    return IPV4_HEADER_OCTETS + HEADER_OCTETS + options + len(segment.payload)
