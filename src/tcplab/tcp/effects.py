"""What comes of one input to a host."""

from collections import deque

from tcplab.node import Address, Event, Packet
from tcplab.tcp.app import AppEvent
from tcplab.units import Instant
from tcplab.wire.segment import Segment


class Effects:
    """Packets to send, events for observers, and signals for the application, each in order.

    A host hands this to whoever acts on an input, and takes out of it what has come together: one for the host, since
    one for each call on a connection would cost more than most calls do.
    """

    __slots__ = ("_address", "_packet_id", "events", "packets", "signals")

    def __init__(self, address: Address, first_packet_id: int) -> None:
        self._address = address
        self._packet_id = first_packet_id
        self.packets: list[Packet] = []
        self.events: list[Event] = []
        self.signals: deque[AppEvent] = deque()

    def send(self, segment: Segment, target: Address, now: Instant) -> None:
        """Wrap a segment and add it to what is sent."""
        self.packets.append(Packet(self._packet_id, now, self._address, target, segment))
        self._packet_id += 1
