"""A host, an application that does as it is told, and a peer that sends whatever it likes."""

from collections.abc import Sequence
from typing import Final

from tcplab.node import Address, Output, Packet
from tcplab.tcp.app import (
    Abort,
    Accept,
    Acceptable,
    AppEvent,
    Call,
    Close,
    Configure,
    InvalidCall,
    Listen,
    Open,
    Opened,
    Readable,
    Receive,
    Release,
    Send,
    Unlisten,
)
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.host import Host
from tcplab.tcp.listener import ANY
from tcplab.tcp.status import Status
from tcplab.units import SECOND, START, Instant
from tcplab.wire.octets import encode
from tcplab.wire.segment import Flags, Segment
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add
from tests.fuzz.limits import check_answer, check_backlog, check_events, check_memory, check_refusal, check_segments
from tests.fuzz.steps import Arrival, Ask, Damage, Name, Noise, Step, Wait

HERE: Final = Address("10.0.1.1")
PEER: Final = Address("10.0.2.1")
SERVICE: Final = 80
FIRST_PORT: Final = 49_152
PEER_PORT: Final = 9
PLACES: Final = ((SERVICE, FIRST_PORT), (FIRST_PORT, PEER_PORT), (SERVICE, FIRST_PORT + 1), (FIRST_PORT + 1, PEER_PORT))
"""Our port and the peer's, of each pair that segments go between."""
BACKLOG: Final = 1
SMALL: Final = TcpConfig(mss=4, send_buffer=16, receive_buffer=8, first_port=FIRST_PORT, last_port=FIRST_PORT + 1)
WAKES_MOST: Final = 4
"""How often a host may want to be woken at one instant, per connection, before that counts as endless."""
PATIENCE: Final = 4_000 * SECOND
"""Longer than R2, FIN_WAIT_2 and TIME_WAIT take one after the other."""


class Owner:
    """An application that calls nothing of its own accord, but reads, and leaves what still opens, if it is to."""

    def __init__(self) -> None:
        self.reads = False
        self.leaves = False

    def on_event(self, event: AppEvent, _: Instant) -> Sequence[Call]:
        assert not isinstance(event, Acceptable) or event.waiting <= BACKLOG, "more wait to be accepted than may"
        if self.leaves and isinstance(event, Opened):
            return [Release(event.connection)]
        if self.leaves and isinstance(event, Acceptable):
            return [Accept(event.port)]
        return [Receive(event.connection)] if self.reads and isinstance(event, Readable) else []

    def advance(self, _: Instant) -> Sequence[Call]:
        return []

    def deadline(self) -> Instant | None:
        return None


class Bench:
    """One host; every input is followed by every check."""

    def __init__(
        self, config: TcpConfig = SMALL, *, iss: int = 0, address: Address = HERE, make: type[Host] = Host
    ) -> None:
        """Start a host all of whose connections begin with ``iss``."""
        self.config = config
        self.app = Owner()
        self.host = make(address, self.app, config, isn=lambda _name, _now: SeqNumber(iss))
        self.now = START
        self.connections: list[ConnectionId] = []
        """Every connection that ever was seen, the latest last."""
        self.opened: set[ConnectionId] = set()
        """Those of them that the application has opened."""
        self.host.start(self.now)

    def play(self, step: Step) -> Sequence[Packet]:
        """Do a step; return what was sent. Raises nothing that is not a failure."""
        match step:
            case Arrival():
                return self.arrives(self.segment(step), step.ecn)
            case Damage():
                return self.octets(self.damaged(step))
            case Noise():
                return self.octets(step.octets)
            case Ask():
                return self.ask(step)
            case Wait():
                return self.wait(step)

    # --- each input ------------------------------------------------------------------------------------------------

    def arrives(self, segment: Segment, ecn: int = 0) -> Sequence[Packet]:
        packet = Packet(1, self.now, PEER, self.host.address, segment, ecn)
        return self.takes(packet)

    def octets(self, octets: bytes) -> Sequence[Packet]:
        nothing = Segment(0, 0, SeqNumber(0), SeqNumber(0), Flags(0), 0)
        return self.takes(Packet(1, self.now, PEER, self.host.address, nothing, 0, octets))

    def takes(self, packet: Packet) -> Sequence[Packet]:
        output = self._checked(self.host.receive(packet, self.now))
        if packet.octets is None:
            check_answer(packet.segment, output.packets)
        return output.packets

    def ask(self, step: Ask) -> Sequence[Packet]:
        call = self._call(step)
        return () if call is None else self.call(call)

    def call(self, call: Call) -> Sequence[Packet]:
        """Make a call; one that is refused says which it was."""
        try:
            output = self.host.call(call, self.now)
        except InvalidCall as error:
            check_refusal(call, error)
            return ()
        if isinstance(call, Open):
            self.opened |= {status.connection for status in self.statuses()} - {*self.connections}
        return self._checked(output).packets

    def wait(self, step: Wait) -> Sequence[Packet]:
        deadline = self.host.deadline()
        if step.nanoseconds is None:
            return self.until(deadline) if deadline is not None else ()
        return self.until(self.now + step.nanoseconds)

    def until(self, end: Instant) -> Sequence[Packet]:
        """Let time pass; no host wants to be woken at one instant again and again."""
        packets: list[Packet] = []
        wakes = 0
        while (deadline := self.host.deadline()) is not None and deadline <= end:
            wakes = 0 if deadline > self.now else wakes + 1
            assert wakes <= WAKES_MOST * (1 + len(self.connections)), "the host wants to be woken for ever"
            self.now = max(self.now, deadline)
            packets += self._checked(self.host.advance(self.now)).packets
        self.now = max(self.now, end)
        return packets

    def leave(self) -> Sequence[Packet]:
        """The application goes from every connection; return what is sent."""
        self.app.leaves = True
        packets: list[Packet] = []
        for status in self.statuses():
            last: Name = "abort" if self.config.r2 is None else "release"  # what is never given up must be ended
            packets += self.ask(Ask(last, self.index(status.connection)))
        return packets

    def let_go(self) -> None:
        """The application goes, the peer is silent: whatever there was ends by itself."""
        self.leave()
        self.until(self.now + PATIENCE)
        assert self.statuses() == []
        assert self.host.ports_in_use() == 0
        assert self.host.deadline() is None

    # --- what is seen ----------------------------------------------------------------------------------------------

    def statuses(self) -> list[Status]:
        return [status for status in self.host.statuses() if status.connection.remote != ANY]

    def index(self, name: ConnectionId) -> int:
        return len(self.connections) - 1 - self.connections.index(name)

    def _checked(self, output: Output) -> Output:
        statuses = self.statuses()
        self.connections += [status.connection for status in statuses if status.connection not in self.connections]
        check_segments(output.packets)
        check_events(output.events)
        check_memory(statuses, self.config)
        check_backlog([*self.host.statuses()], self.opened, BACKLOG)
        return output

    # --- from counted to absolute ------------------------------------------------------------------------------------

    def segment(self, arrival: Arrival) -> Segment:
        here, there = PLACES[arrival.place]
        status = next((it for it in self.statuses() if it.connection[1:4] == (here, PEER, there)), None)
        seq, ack = 0, 0
        if status is not None:
            edge = seq_add(status.rcv_nxt, status.rcv_wnd)
            seq = {"rcv_nxt": status.rcv_nxt, "edge": edge, "zero": 0}[arrival.seq_base]
            ack = {"snd_nxt": status.snd_nxt, "snd_una": status.snd_una, "zero": 0}[arrival.ack_base]
        return Segment(
            there,
            here,
            SeqNumber((seq + arrival.seq) % MODULUS),
            SeqNumber((ack + arrival.ack) % MODULUS),
            Flags(arrival.flags),
            arrival.window,
            arrival.options,
            arrival.octets,
            arrival.urgent,
        )

    def damaged(self, damage: Damage) -> bytes:
        octets = bytearray(encode(self.segment(damage.arrival), PEER, self.host.address))
        for place, value in damage.changes:
            octets[place % len(octets)] = value
        del octets[len(octets) - damage.cut :]
        if damage.mends and len(octets) >= 20:
            octets[16:18] = mended(bytes(octets), self.host.address)
        return bytes(octets)

    def _call(self, step: Ask) -> Call | None:
        match step.name:
            case "open":
                return Open(PEER, PEER_PORT)
            case "listen":
                return Listen(SERVICE, BACKLOG, manual=bool(step.size & 1))
            case "unlisten":
                return Unlisten(SERVICE)
            case "accept":
                return Accept(SERVICE)
        if not self.connections:
            return None
        connection = self.connections[-1 - step.which % len(self.connections)]
        match step.name:
            case "send":
                return Send(connection, b"y" * step.size)
            case "receive":
                return Receive(connection, step.size)
            case "close":
                return Close(connection)
            case "release":
                return Release(connection)
            case "abort":
                return Abort(connection)
            case "configure":
                patience = step.size * SECOND or None
                return Configure(connection, bool(step.size & 1), keep_alive=False, user_timeout=patience)


def mended(octets: bytes, target: Address) -> bytes:
    """Return the checksum that a segment's octets should have (RFC 9293, 3.1)."""
    pseudo = bytes(map(int, PEER.split("."))) + bytes(map(int, target.split("."))) + b"\0\6" + len(octets).to_bytes(2)
    covered = pseudo + octets[:16] + b"\0\0" + octets[18:]
    words = int.from_bytes(covered + b"\0" * (len(covered) % 2))
    return (-words % 0xFFFF).to_bytes(2)
