"""What comes of one input to a host."""

from collections import deque

from tcplab.node import Address, Event, Packet
from tcplab.tcp.app import AppEvent
from tcplab.tcp.challenge import ChallengeAcks
from tcplab.units import Instant
from tcplab.wire.segment import Segment


class Effects:
    """Packets to send, events for observers, and signals for the application, each in order.

    A host hands this to whoever acts on an input, and takes out of it what has come together: one for the host, since
    one for each call on a connection would cost more than most calls do.
    """

    __slots__ = ("_address", "_packet_id", "challenges", "events", "packets", "signals")

    def __init__(self, address: Address, first_packet_id: int, challenges: ChallengeAcks) -> None:
        """Begin with nothing; the budget of challenge ACKs is the host's as well."""
        self._address = address
        self._packet_id = first_packet_id
        self.challenges = challenges
        self.packets: list[Packet] = []
        self.events: list[Event] = []
        self.signals: deque[AppEvent] = deque()

    def send(self, segment: Segment, target: Address, now: Instant, ecn: int = 0) -> None:
        """Wrap a segment and add it to what is sent; ``ecn`` is the codepoint of the IP header."""
        self.packets.append(Packet(self._packet_id, now, self._address, target, segment, ecn))
        self._packet_id += 1
