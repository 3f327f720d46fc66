"""A port that is listened on: its two queues, and SYN cookies for what finds no room (RFC 4987)."""

from collections import deque
from collections.abc import Iterator
from typing import Final, Literal

from tcplab.node import Address, Packet
from tcplab.tcp.app import Accept, Acceptable, InvalidCall, Listen, Unlisten
from tcplab.tcp.arrival import segment_arrives
from tcplab.tcp.births import Births
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.connection import Connection
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import ConnectionId, Ignored, ListenDropped, SegmentIgnored, SynCookie
from tcplab.tcp.negotiation import agree, answer, syn_ack_flags, syn_window
from tcplab.tcp.opening import take_remembered_syn
from tcplab.tcp.syn_cookies import Remembered, SynCookies, keep, stamp
from tcplab.tcp.timestamps import tsval
from tcplab.units import Instant
from tcplab.wire.segment import ACK, RST, SYN, Segment
from tcplab.wire.seq import SeqNumber, seq_add

ANY: Final = Address("0.0.0.0")
"""A listener's remote address, as STATUS shows it."""


class Listener:
    """Holds who is half open (the SYN queue), and who is open and waits to be accepted (the accept queue).

    Attributes:
        connection: stands for the listener itself, in LISTEN.
        config: settings of the connections that it makes.
        manual: whether they wait to be accepted.
        half_open: those in SYN_RECEIVED.
        waiting: those that are open and not accepted.
    """

    __slots__ = ("_backlog", "config", "connection", "half_open", "manual", "waiting")

    def __init__(self, connection: Connection, call: Listen) -> None:
        self.connection = connection
        self.config = connection.config
        self.manual = call.manual
        self.half_open: set[ConnectionId] = set()
        self.waiting: deque[Connection] = deque()
        self._backlog = call.backlog

    @property
    def syn_queue_full(self) -> bool:
        """Whether no other SYN may be kept."""
        return len(self.half_open) >= self._backlog

    @property
    def accept_queue_full(self) -> bool:
        """Whether no other connection may wait to be accepted."""
        return len(self.waiting) >= self._backlog

    @property
    def answers_by_cookie(self) -> bool:
        """Whether the next SYN is answered without being kept."""
        mode = self.config.syn_cookies
        return mode == "always" or (mode == "when_full" and self.syn_queue_full)

    @property
    def forks(self) -> bool:
        """Whether the next SYN is kept, and becomes a connection."""
        room = self._backlog
        return len(self.waiting) < room and len(self.half_open) < room and self.config.syn_cookies != "always"


class Listeners:
    """The passive side of a host."""

    __slots__ = ("_births", "_cookies", "_effects", "_listeners")

    def __init__(self, effects: Effects, births: Births, key: bytes) -> None:
        """Listen to nothing.

        Args:
            effects: the host's.
            births: makes connections.
            key: secret of the cookies, up to 64 octets.
        """
        self._effects = effects
        self._births = births
        self._cookies = SynCookies(key)
        self._listeners: dict[int, Listener] = {}

    def __iter__(self) -> Iterator[Listener]:
        """Yield every listener."""
        return iter(self._listeners.values())

    def get(self, port: int) -> Listener | None:
        """Return who listens on a port."""
        return self._listeners.get(port)

    def forks(self, port: int) -> bool:
        """Return whether a SYN for that port would be kept."""
        listener = self._listeners.get(port)
        return listener is not None and listener.forks

    # --- what the application asks for -----------------------------------------------------------------------------

    def listen(self, call: Listen, name: ConnectionId, now: Instant) -> None:
        """OPEN, passive, without a remote end (3.10.1).

        Raises:
            InvalidCall: the port is taken, or something of the call is out of range.
        """
        if call.port in self._listeners:
            raise InvalidCall(f"listen on port {call.port}: somebody listens there already")
        if not 1 <= call.port <= 65_535 or call.backlog < 1:
            raise InvalidCall(f"listen on port {call.port} with backlog {call.backlog}: 1..65535, and 1 at least")
        connection = self._births.give(name, call.config, now, SeqNumber(0))
        self._listeners[call.port] = Listener(connection, call)
        connection.listen(now, self._effects)

    def accept(self, call: Accept) -> None:
        """Hand over who has waited longest.

        Raises:
            InvalidCall: nobody listens on that port.
        """
        listener = self._listeners.get(call.port)
        if listener is None:
            raise InvalidCall(f"accept on port {call.port}: nobody listens there")
        if listener.waiting:
            listener.waiting.popleft().accept(self._effects)

    def unlisten(self, call: Unlisten, now: Instant) -> list[ConnectionId]:
        """Listen no more; return those that nobody will accept now, be they open or half open.

        Raises:
            InvalidCall: nobody listens on that port.
        """
        listener = self._listeners.pop(call.port, None)
        if listener is None:
            raise InvalidCall(f"unlisten on port {call.port}: nobody listens there")
        listener.connection.close(now, self._effects)
        waiting = [connection.id for connection in listener.waiting]
        return waiting + sorted(listener.half_open) if listener.manual else waiting

    # --- what arrives ----------------------------------------------------------------------------------------------

    def segment_arrives(
        self, listener: Listener, name: ConnectionId, packet: Packet, now: Instant, iss: SeqNumber | None
    ) -> Connection | None:
        """Take a segment without a connection (3.10.7.2); return the connection that came of it, if one did.

        Args:
            listener: listens on its port.
            name: what that connection would be called.
            packet: the segment's.
            now: when it came.
            iss: the ISN for that connection; ``None`` for any.
        """
        segment = packet.segment
        if segment.flags & (SYN | ACK | RST) != SYN:
            if segment.flags & (SYN | ACK | RST) == ACK and listener.config.syn_cookies != "off":
                kept = self._cookies.check(name, segment, now)
                if kept is not None:
                    return self._by_cookie(listener, name, kept, packet, now)
            segment_arrives(listener.connection, packet, now, self._effects)
        elif listener.forks:
            connection = self._fork(listener, name, now, iss)
            segment_arrives(connection, packet, now, self._effects)
            return connection
        elif listener.accept_queue_full:
            self._turn_away(listener, packet, "accept_queue_full")
        elif listener.answers_by_cookie:
            reply = self._cookie_answer(listener.config, name, segment, now)
            self._effects.send(reply, packet.source, now)
            self._effects.events.append(SynCookie(listener.connection.id, "sent"))
        else:
            self._turn_away(listener, packet, "syn_queue_full")
        return None

    def has_room(self, connection: Connection, packet: Packet) -> bool:
        """Return whether a half-open connection may open: else its ACK is dropped, and comes again."""
        listener = self._listeners.get(connection.local_port)
        if not connection.accepting or listener is None or not listener.accept_queue_full:
            return True
        if packet.segment.flags & (SYN | RST | ACK) != ACK:
            return True
        self._turn_away(listener, packet, "accept_queue_full")
        return False

    def no_longer_half_open(self, connection: Connection) -> None:
        """Take a connection out of the SYN queue, and into the accept queue if it is open."""
        connection.half_open = False
        listener = self._listeners.get(connection.local_port)
        if listener is None:
            return
        listener.half_open.discard(connection.id)
        if connection.accepting and connection.opened:
            listener.waiting.append(connection)
            self._effects.signals.append(Acceptable(connection.local_port, len(listener.waiting)))

    def forget(self, connection: Connection) -> None:
        """Take a connection that is gone out of the accept queue."""
        listener = self._listeners.get(connection.local_port)
        if listener is not None and connection in listener.waiting:
            listener.waiting.remove(connection)

    def _fork(self, listener: Listener, name: ConnectionId, now: Instant, iss: SeqNumber | None) -> Connection:
        """Make a connection in LISTEN for a SYN that came."""
        connection = self._births.give(name, listener.config, now, iss)
        connection.listen(now, self._effects)
        connection.half_open = True
        connection.accepting = listener.manual
        listener.half_open.add(name)
        return connection

    def _by_cookie(
        self, listener: Listener, name: ConnectionId, kept: Remembered, packet: Packet, now: Instant
    ) -> Connection | None:
        """Make the connection whose SYN only our cookie remembers."""
        if listener.accept_queue_full:
            self._turn_away(listener, packet, "accept_queue_full")
            return None
        connection = self._fork(listener, name, now, seq_add(packet.segment.ack, -1))
        take_remembered_syn(connection, kept, packet, now, self._effects)
        self._effects.events.append(SynCookie(name, "accepted"))
        segment_arrives(connection, packet, now, self._effects)
        return connection

    def _cookie_answer(self, config: TcpConfig, name: ConnectionId, syn: Segment, now: Instant) -> Segment:
        """Return the SYN and ACK that holds everything worth keeping of a SYN."""
        kept = keep(config, syn)
        agreed = agree(config, kept.options, ecn=kept.ecn)
        echo = 0 if syn.options.timestamps is None else syn.options.timestamps[0]
        clock = tsval(self._births.clock_offset(name), now) if agreed.timestamps else 0
        return Segment(
            name.local_port,
            name.remote_port,
            self._cookies.make(name, syn.seq, kept, now),
            seq_add(syn.seq, 1),
            syn_ack_flags(ecn=agreed.ecn),
            syn_window(config),
            answer(config, agreed, (stamp(clock, kept), echo)),
        )

    def _turn_away(
        self, listener: Listener, packet: Packet, reason: Literal["syn_queue_full", "accept_queue_full"]
    ) -> None:
        self._effects.events.append(ListenDropped(listener.connection.id, reason))
        self._effects.events.append(SegmentIgnored(listener.connection.id, packet, Ignored.BACKLOG_FULL))
