"""Journals made by hand: a few lines of what happened, in milliseconds."""

from dataclasses import replace

from tcplab.netem.events import LinkName, PacketDropped, PacketDuplicated
from tcplab.node import Address, Event, Packet, PacketReceived, PacketSent
from tcplab.observe.journal import Record
from tcplab.observe.ladder import Row, ladder
from tcplab.tcp.events import ConnectionId, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.units import MILLISECOND, Instant
from tcplab.wire.segment import Segment, flags_from_text
from tcplab.wire.seq import SeqNumber, seq_add

CLIENT, SERVER = Address("10.0.1.1"), Address("10.0.2.1")
CLIENT_PORT, SERVER_PORT = 49_152, 80
CLIENT_ISN, SERVER_ISN = SeqNumber(4_294_967_000), SeqNumber(7_000)  # the client's numbers soon wrap
LINK = LinkName("link")
HERE = ConnectionId(CLIENT, CLIENT_PORT, SERVER, SERVER_PORT, 1)
THERE = ConnectionId(SERVER, SERVER_PORT, CLIENT, CLIENT_PORT, 1)
LISTENER = ConnectionId(SERVER, SERVER_PORT, Address("0.0.0.0"), 0, 0)


class Tape:
    """Records events as drivers tell them. Sequence numbers are given relative to the ISNs."""

    def __init__(self) -> None:
        self.records: list[Record[Event]] = []
        self._ids = 0

    def add(self, ms: float, node: str, event: Event) -> None:
        self.records.append(Record(len(self.records) + 1, Instant(round(ms * MILLISECOND)), node, event))

    def packet(
        self, node: str, flags: str, seq: int = 0, ack: int | None = None, size: int = 0, *, port: int = CLIENT_PORT
    ) -> Packet:
        """Return a packet of the client's or the server's, not yet sent."""
        self._ids += 1
        ours = node == "client"
        own, other = (CLIENT_ISN, SERVER_ISN) if ours else (SERVER_ISN, CLIENT_ISN)
        ports = (port, SERVER_PORT) if ours else (SERVER_PORT, port)
        segment = Segment(
            *ports,
            seq_add(own, seq),
            seq_add(other, ack) if ack is not None else SeqNumber(0),
            flags_from_text(flags),
            65_535,
            payload=bytes(size),
        )
        addresses = (CLIENT, SERVER) if ours else (SERVER, CLIENT)
        return Packet(self._ids, Instant(0), *addresses, segment)

    def send(self, ms: float, node: str, packet: Packet) -> Packet:
        self.add(ms, node, PacketSent(packet))
        return packet

    def arrive(self, ms: float, packet: Packet) -> None:
        self.add(ms, "server" if packet.target == SERVER else "client", PacketReceived(packet))

    def lose(self, ms: float, packet: Packet) -> None:
        self.add(ms, "netem", PacketDropped(packet, LINK, "loss"))

    def copy(self, ms: float, packet: Packet) -> Packet:
        copy = replace(packet, copy=packet.copy + 1)
        self.add(ms, "netem", PacketDuplicated(copy, LINK))
        return copy

    def state(self, ms: float, node: str, old: State, new: State, cause: Cause) -> None:
        self.add(ms, node, StateChanged(HERE if node == "client" else THERE, old, new, cause))

    def listen(self, ms: float) -> None:
        self.add(ms, "server", StateChanged(LISTENER, State.CLOSED, State.LISTEN, Cause.PASSIVE_OPEN))


def segments(tape: Tape, **options: object) -> list[Row]:
    """Return the rows without that of the first states."""
    first, *rows = ladder(tape.records, **options)  # type: ignore[arg-type]
    assert first.kind == "state"
    return rows
