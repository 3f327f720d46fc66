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

    Attributes:
        challenges: the host's budget of challenge ACKs.
        observed: whether to tell the ordinary course of a connection: its states, its round trips, that it opened and
            closed. All else is rare, and told anyway.
    """

    __slots__ = ("_address", "_packet_id", "challenges", "events", "observed", "packets", "signals")

    def __init__(self, address: Address, first_packet_id: int, challenges: ChallengeAcks) -> None:
        """Begin with nothing, and observed."""
        self._address = address
        self._packet_id = first_packet_id
        self.challenges = challenges
        self.observed = True
        self.packets: list[Packet] = []
        self.events: list[Event] = []
        self.signals: deque[AppEvent] = deque()

    def send(self, segment: Segment, target: Address, now: Instant, ecn: int = 0) -> None:
        """Wrap a segment and add it to what is sent; ``ecn`` is the codepoint of the IP header."""
        identity = self._packet_id
        self._packet_id = identity + 1
        self.packets.append(Packet(identity, now, self._address, target, segment, ecn))
