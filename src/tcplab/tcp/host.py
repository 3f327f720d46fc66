"""A TCP host: connections by their 4-tuple, listeners, ports, and the application on top.

A host is a node: it stays O(log n) a segment with any number of connections, since it keeps one heap of
deadlines, one queue of TIME_WAITs (all last equally long) and a dictionary of each for demultiplexing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from tcplab.node import NOTHING, Address, Output, Packet, PacketDiscarded
from tcplab.tcp.app import (
    ON_CONNECTION,
    Abort,
    Accept,
    App,
    Call,
    InvalidCall,
    Listen,
    Open,
    OpenFailed,
    Report,
    Started,
    Unlisten,
)
from tcplab.tcp.arrival import segment_arrives
from tcplab.tcp.births import Births
from tcplab.tcp.challenge import ChallengeAcks
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.connection import Connection
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import (
    ConnectionFailed,
    ConnectionId,
    Failure,
    Ignored,
    ResetReason,
    ResetSent,
    SegmentIgnored,
)
from tcplab.tcp.isn import Isn, keyed_isn, keyed_numbers
from tcplab.tcp.listener import ANY, Listeners
from tcplab.tcp.ports import EphemeralPorts, is_unicast
from tcplab.tcp.reset import reset_for
from tcplab.tcp.schedule import Schedule
from tcplab.tcp.states import CLOSED, LISTEN, SYN_RECEIVED, TIME_WAIT
from tcplab.tcp.status import Status
from tcplab.tcp.time_wait import Record, Records, Stamps, TimeWaits, policy
from tcplab.tcp.timestamps import keyed_offset
from tcplab.units import START, Instant
from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.octets import decode
from tcplab.wire.seq import SeqNumber

_UNSETTLED: Final = frozenset({CLOSED, TIME_WAIT, LISTEN})

_new: Final = tuple.__new__  # what the constructor of a NamedTuple, a Python function, comes to: at half its price

Key = tuple[Address, int, int]
"""Remote address, remote port, local port."""


class Host:
    """One address with its TCP and its application."""

    def __init__(
        self,
        address: Address,
        app: App,
        config: TcpConfig | None = None,
        *,
        isn_key: bytes = bytes(16),
        isn: Isn | None = None,
        first_packet_id: int = 1,
        port_offset: int = 0,
    ) -> None:
        """Make a host without connections.

        Args:
            address: its IPv4 address.
            app: the workload on it.
            config: settings of its TCP, the RFCs' by default.
            isn_key: the secret of RFC 6528, up to 64 octets.
            isn: chooses ISNs in the place of RFC 6528, for checks in which they are to overlap.
            first_packet_id: where to begin counting packets.
            port_offset: how many ephemeral ports to pass over at first, so that an address that starts anew does not
                meet the TIME_WAITs of its earlier life.
        """
        self.address = address
        self.config = config if config is not None else TcpConfig()
        self._app = app
        numbers = keyed_numbers(isn_key)
        self._isn = keyed_isn(numbers) if isn is None else isn
        self._now = START
        self._incarnation = 0
        self._table: dict[Key, Connection] = {}
        self._unread: dict[ConnectionId, Connection] = {}  # gone or in TIME_WAIT, with octets not yet received
        settings = self.config
        self._ports = EphemeralPorts(settings.first_port, settings.last_port, port_offset)
        self._schedule = Schedule()
        ways = policy(
            settings.time_wait_policy,
            settings.time_wait,
            reuse=settings.time_wait_reuse,
            timestamps=settings.timestamps,
        )
        self._records = Records(address)
        self._time_waits = TimeWaits(self._records, ways, self._ports)
        challenges = ChallengeAcks(settings.challenge_acks_per_second, isn_key)
        self._effects = Effects(address, first_packet_id, challenges)
        self._births = Births(settings, self._isn, keyed_offset(numbers))
        self._listeners = Listeners(self._effects, self._births, isn_key)

    # --- the node ----------------------------------------------------------------------------------------------

    def keep_quiet(self) -> None:
        """From now on make no events of the ordinary course of connections: nobody observes."""
        self._effects.observed = False

    def start(self, now: Instant) -> Output:
        """Tell the application that it runs."""
        self._effects.signals.append(Started())
        return self._finish(now)

    def call(self, call: Call, now: Instant) -> Output:
        """Make a call from outside, as if the application had made it; what comes of it goes to the application.

        Raises:
            InvalidCall: the connection is unknown, or its state forbids the call.
        """
        if isinstance(call, ON_CONNECTION) and self._find(name := call.connection) is None:
            waits = self._time_waits.find(name) is not None
            why = " in TIME_WAIT: the connection is closing" if waits else ": there is no such connection"
            raise InvalidCall(f"{type(call).__name__.lower()} on {name}{why}")
        self._perform(call, now)
        return self._finish(now)

    def receive(self, packet: Packet, now: Instant) -> Output:
        """Demultiplex a packet and let its connection, a listener or nobody answer."""
        assert now >= self._now, f"time went back from {self._now} to {now}"
        self._now = now
        if packet.target != self.address:
            return Output((), (PacketDiscarded(packet, "wrong_address"),))
        if packet.octets is not None:
            try:
                segment = decode(packet.octets, packet.source, packet.target)
            except MalformedSegment as error:
                reason = error.reason if error.reason == "bad_checksum" else "malformed"
                return Output((), (PacketDiscarded(packet, reason),))
            packet = replace(packet, segment=segment, octets=None)
        segment = packet.segment
        key = (packet.source, segment.sport, segment.dport)
        connection = self._table.get(key)
        if connection is None:
            self._without_connection(key, packet, now)
        elif not connection.half_open or self._listeners.has_room(connection, packet):
            segment_arrives(connection, packet, now, self._effects)
            if connection.half_open or connection.state in _UNSETTLED:
                self._settle_state(connection, now)
            self._schedule.acted[connection] = None
        return self._finish(now)

    def advance(self, now: Instant) -> Output:
        """Do what is due of timers, TIME_WAITs and the application."""
        assert now >= self._now, f"time went back from {self._now} to {now}"
        self._now = now
        while (connection := self._schedule.next_due(now)) is not None:
            connection.advance(now, self._effects)
            self._settle(connection, now)
        self._time_waits.advance(now, self._effects.events if self._effects.observed else None)
        app_due = self._app.deadline()
        if app_due is not None and app_due <= now:
            for call in self._app.advance(now):
                self._perform(call, now)
        return self._finish(now)

    def deadline(self) -> Instant | None:
        """Return when something is due; bookings that were overtaken by events are dropped on the way."""
        first = self._schedule.deadline()
        ends = self._records.deadline()
        if ends is not None and (first is None or ends < first):
            first = ends
        wanted = self._app.deadline()
        return wanted if first is None or (wanted is not None and wanted < first) else first

    # --- for people ----------------------------------------------------------------------------------------------

    def statuses(self) -> Iterator[Status]:
        """Yield the STATUS of every listener and connection, those in TIME_WAIT too."""
        for listener in self._listeners:
            yield listener.connection.status()
        for connection in self._table.values():
            yield connection.status()
        for record in self._records:
            snd_nxt, rcv_nxt = record.snd_nxt, record.rcv_nxt
            yield Status(record.id, TIME_WAIT, snd_nxt, snd_nxt, 0, rcv_nxt, record.rcv_wnd, 0, 0)

    def ports_in_use(self) -> int:
        """Return the ephemeral ports in use, TIME_WAIT included, towards the destination where they are scarcest."""
        return self._ports.in_use

    @property
    def port_limit(self) -> int:
        """How many ephemeral ports there are towards one destination."""
        return self._ports.limit

    # --- what arrives --------------------------------------------------------------------------------------------

    def _without_connection(self, key: Key, packet: Packet, now: Instant) -> None:
        record = self._records.find(*key)
        if record is None:
            self._for_nobody(key, packet, now)
            return
        listening = self._listeners.forks(packet.segment.dport)
        record, reply = self._time_waits.segment_arrives(record, packet, now, self._effects.events, listening=listening)
        if reply.acknowledge:
            self._effects.send(record.ack(now), packet.source, now)
        if reply.end == "reused":
            self._for_nobody(key, packet, now, record)

    def _for_nobody(self, key: Key, packet: Packet, now: Instant, earlier: Record | None = None) -> None:
        listener = self._listeners.get(packet.segment.dport)
        if listener is None:
            self._for_stranger(packet, now)
            return
        iss = self._isn_after(earlier, key, now)
        connection = self._listeners.segment_arrives(listener, self._name(key), packet, now, iss)
        if connection is not None:
            self._incarnation += 1
            self._table[key] = connection
            self._settle(connection, now)

    def _for_stranger(self, packet: Packet, now: Instant) -> None:
        """CLOSED (3.10.7.1): a reset for everything but a reset."""
        reset = reset_for(packet.segment)
        reason = Ignored.RESET_FOR_STRANGER if reset is None else Ignored.NO_CONNECTION
        self._effects.events.append(SegmentIgnored(None, packet, reason))
        if reset is not None:
            self._effects.send(reset, packet.source, now)
            self._effects.events.append(ResetSent(None, ResetReason.NO_CONNECTION))

    # --- what the application asks for -----------------------------------------------------------------------------

    def _perform(self, call: Call, now: Instant) -> None:
        """Do a call. One on a connection that is gone has no effect: the news of it is on its way up."""
        if isinstance(call, ON_CONNECTION):
            connection = self._find(call.connection)
            if connection is not None:
                connection.call(call, now, self._effects)
                self._settle(connection, now)
        elif isinstance(call, Report):
            self._effects.events.append(call.event)
        elif isinstance(call, Open):
            self._open(call, now)
        elif isinstance(call, Listen):
            self._listeners.listen(call, self._name((ANY, 0, call.port)), now)
            self._incarnation += 1
        elif isinstance(call, Accept):
            self._listeners.accept(call)
        else:
            self._unlisten(call, now)

    def _unlisten(self, call: Unlisten, now: Instant) -> None:
        for name in self._listeners.unlisten(call, now):
            self._perform(Abort(name), now)

    def _open(self, call: Open, now: Instant) -> None:
        if not 1 <= call.remote_port <= 65_535 or not 0 <= call.local_port <= 65_535:
            ends = f"{call.remote}:{call.remote_port} from port {call.local_port}"
            raise InvalidCall(f"open to {ends}: ports are 1..65535, and here 0 for any")
        if not is_unicast(call.remote):
            raise InvalidCall(f"open to {call.remote}: that is not the IPv4 address of one host (MUST-46)")
        port, earlier = self._port_for(call, now)
        if port is None and call.local_port:
            ends = f"open from port {call.local_port} to {call.remote}:{call.remote_port}"
            raise InvalidCall(f"{ends}: the connection exists")
        if port is None:
            nameless = ConnectionId(self.address, 0, call.remote, call.remote_port, self._incarnation)
            self._effects.events.append(ConnectionFailed(nameless, Failure.NO_PORTS))
            self._effects.signals.append(OpenFailed(call.token, Failure.NO_PORTS))
            return
        key = (call.remote, call.remote_port, port)
        iss = self._isn_after(earlier, key, now)
        connection = self._table[key] = self._births.give(self._name(key), call.config, now, iss, call.token)
        self._incarnation += 1
        connection.open(now, self._effects)
        self._settle(connection, now)

    def _port_for(self, call: Open, now: Instant) -> tuple[int | None, Record | None]:
        """Return a local port, and the TIME_WAIT that has given way for it, if one had to."""
        destination = (call.remote, call.remote_port)
        port: int | None = call.local_port
        candidates: Iterable[int] = (call.local_port,)
        if not port:
            port = self._ports.take(destination, lambda candidate: self._is_taken((*destination, candidate)))
        elif self._is_taken((*destination, port)):
            port = None
        if port is not None:
            return port, None
        if not call.local_port:
            candidates = self._ports.taken(destination)
        earlier = self._time_waits.take(destination, candidates, now, self._effects.events)
        return (None if earlier is None else earlier.id.local_port), earlier

    def _is_taken(self, key: Key) -> bool:
        return key in self._table or self._records.has(*key)

    # --- what comes of it --------------------------------------------------------------------------------------------

    def _name(self, key: Key) -> ConnectionId:
        remote, remote_port, port = key
        return _new(ConnectionId, (self.address, port, remote, remote_port, self._incarnation))

    def _isn_after(self, earlier: Record | None, key: Key, now: Instant) -> SeqNumber | None:
        """Return an ISN beyond what a TIME_WAIT that gave way has used; ``None``: any will do."""
        return None if earlier is None else earlier.isn_after(self._isn(self._name(key), now))

    def _find(self, name: ConnectionId) -> Connection | None:
        connection = self._table.get((name.remote, name.remote_port, name.local_port))
        if connection is not None and connection.id == name:
            return connection
        return self._unread.get(name)

    def _settle(self, connection: Connection, now: Instant) -> None:
        """See to a connection's place in the tables and on the schedule after it has acted."""
        if connection.half_open or connection.state in _UNSETTLED:
            self._settle_state(connection, now)
        self._schedule.acted[connection] = None

    def _settle_state(self, connection: Connection, now: Instant) -> None:
        state = connection.state
        if connection.half_open and state is not SYN_RECEIVED:
            self._listeners.no_longer_half_open(connection)
            opened = state is not LISTEN and state is not CLOSED
            self._time_waits.reopened(connection.id, now, self._effects.events, opened=opened)
        if connection.accepting and (state is CLOSED or state is TIME_WAIT):
            self._listeners.forget(connection)
        if state is CLOSED or state is TIME_WAIT:
            self._keep_unread(connection)
            key = (connection.remote, connection.remote_port, connection.local_port)
            if self._table.get(key) is connection:
                del self._table[key]
                self._retire(connection, now)
        elif state is LISTEN:  # a fork that was reset: the listener still listens
            connection.close(now, self._effects)
            self._settle_state(connection, now)

    def _keep_unread(self, connection: Connection) -> None:
        if connection.unread and not connection.released:
            self._unread[connection.id] = connection
        elif self._unread:
            self._unread.pop(connection.id, None)

    def _retire(self, connection: Connection, now: Instant) -> None:
        if connection.state is CLOSED:
            self._ports.give_back((connection.remote, connection.remote_port), connection.local_port)
            return
        snd, rcv, clock = connection.snd, connection.rcv, connection.timestamps
        self._time_waits.enter(
            connection.id,
            now,
            self._effects.events,
            snd_nxt=snd.seq(snd.nxt),
            rcv_nxt=rcv.seq(rcv.nxt),
            rcv_wnd=rcv.wnd,
            rcv_shift=rcv.scale,
            stamps=None if clock is None else Stamps(clock.recent, clock.offset),
        )

    def _finish(self, now: Instant) -> Output:
        """Let the application answer what it was told, until it has nothing more to say."""
        effects = self._effects
        signals = effects.signals
        while signals:
            for call in self._app.on_event(signals.popleft(), now):
                self._perform(call, now)
        packets, events = effects.packets, effects.events
        if not packets and not events:
            return NOTHING
        effects.packets = []
        if not events:
            return Output(packets)
        effects.events = []
        return Output(packets, events)
