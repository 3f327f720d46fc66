"""The host under test on its virtual clock, with everything that it sends and tells written down."""

from collections import deque
from dataclasses import replace

from tcplab.node import Output, Packet, PacketReceived, PacketSent, was_let_in
from tcplab.observe.journal import Journal
from tcplab.packetdrill.endpoint import Wire
from tcplab.packetdrill.settings import Settings
from tcplab.packetdrill.sockets import Sockets
from tcplab.tcp.app import Call
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.host import Host
from tcplab.tcp.status import Status
from tcplab.units import START, Instant
from tcplab.wire.segment import CWR, FIN, PSH, Segment
from tcplab.wire.seq import MODULUS, SeqNumber

HOST = "host"
SCRIPT = "script"
ISN_STEP = 1_000_000
"""How far the host's initial sequence number is beyond that of its connection before."""


class Subject:
    """A host, its clock and its journal.

    Attributes:
        now: the instant.
        sockets: what system calls are made on.
        journal: all that happened; the host is node ``host``, the other end ``script``.
        sent: what the host has sent and nobody has looked at yet, with its time.
    """

    def __init__(self, settings: Settings, first_isn: int) -> None:
        """Start a host.

        Args:
            settings: addresses, ports and the configuration of its TCP.
            first_isn: its first initial sequence number.
        """
        self.now = START
        self.sockets = Sockets()
        self.journal = Journal()
        self.sent: deque[tuple[Instant, Packet]] = deque()
        self._settings = settings
        self._isn = first_isn - ISN_STEP
        self._host = Host(settings.local, self.sockets, settings.config, isn=self._next_isn)
        self._packets = 0
        ports = (settings.bind_port, settings.connect_port)
        self.sockets.attach(Wire(self.perform, self._newest, settings.config, settings.remote, *ports))
        self._take(self._host.start(self.now))

    def perform(self, call: Call) -> None:
        """Make a call on the host."""
        self._take(self._host.call(call, self.now))

    def deliver(self, segment: Segment, ecn: int) -> None:
        """Let a segment of the script arrive."""
        self._packets += 1
        packet = Packet(self._packets, self.now, self._settings.remote, self._settings.local, segment, ecn)
        self.journal.observe(SCRIPT, PacketSent(packet), self.now)
        output = self._host.receive(packet, self.now)
        if was_let_in(output):
            self.journal.observe(HOST, PacketReceived(packet), self.now)
        self._take(output)

    def step(self, until: Instant) -> bool:
        """Let the host do what is due next, if that is by ``until``; return whether there was anything."""
        due = self._host.deadline()
        if due is None or due > until:
            return False
        self.now = max(self.now, due)
        self._take(self._host.advance(self.now))
        return True

    def rest(self, until: Instant) -> None:
        """Be at an instant by which nothing is due any more."""
        self.now = max(self.now, until)

    def take(self, octets: int) -> tuple[Instant, Packet]:
        """Return what was sent first and nobody has looked at, with its time.

        Where it carries fewer than ``octets``, what was sent at the same instant and continues it is joined to it, as
        packetdrill does for those who let their hardware cut segments.
        """
        time, packet = self.sent.popleft()
        while self.sent and len(packet.segment.payload) < octets and _continues(packet, time, *self.sent[0]):
            segment, more = packet.segment, self.sent.popleft()[1].segment
            flags = segment.flags | more.flags
            packet = replace(packet, segment=replace(segment, flags=flags, payload=segment.payload + more.payload))
        return time, packet

    def status(self, local_port: int, remote_port: int) -> Status | None:
        """Return the STATUS of a connection with the script, or of the listener on its port."""
        found = None
        for status in self._host.statuses():
            name = status.connection
            if name.local_port == local_port and name.remote_port in (0, remote_port):
                if name.remote_port:
                    return status
                found = status
        return found

    def _next_isn(self, _name: ConnectionId, _now: Instant) -> SeqNumber:
        self._isn += ISN_STEP
        return SeqNumber(self._isn % MODULUS)

    def _newest(self) -> ConnectionId:
        return max((status.connection for status in self._host.statuses()), key=lambda name: name.incarnation)

    def _take(self, output: Output) -> None:
        for packet in output.packets:
            self.sent.append((self.now, packet))
            self.journal.observe(HOST, PacketSent(packet), self.now)
        for event in output.events:
            self.journal.observe(HOST, event, self.now)
        for packet in output.packets:
            self.journal.observe(SCRIPT, PacketReceived(packet), self.now)


def _continues(packet: Packet, time: Instant, later: Instant, other: Packet) -> bool:
    """Return whether a packet takes up where another ends, and differs from it in no more than PSH, FIN and CWR."""
    first, second = packet.segment, other.segment
    return (
        later == time
        and (packet.target, first.sport, first.dport) == (other.target, second.sport, second.dport)
        and second.seq == first.end
        and (first.ack, first.options) == (second.ack, second.options)
        and len(second.payload) > 0
        and not (first.flags ^ second.flags) & ~(PSH | FIN | CWR)
    )
