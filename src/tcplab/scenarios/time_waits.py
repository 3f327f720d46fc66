"""What a host in TIME_WAIT does to one segment: each kind, under each policy, played in virtual time.

The server closes first and stays in TIME_WAIT. In the place of a client stands a player of a few segments: it opens,
sends its data with its FIN, and a while later the segment that the experiment is about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import NOTHING, Address, Output, Packet, PacketReceived, PacketSent
from tcplab.observe.journal import Journal
from tcplab.sim.world import World
from tcplab.tcp.app import AppEvent, Call, Close, Listen, Opened, Readable, Receive, Started, Unlisten
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import TimeWaitEnded, TimeWaitRestarted
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant
from tcplab.wire.segment import ACK, FIN, NO_OPTIONS, RST, SYN, Flags, Options, Segment, flags_text
from tcplab.wire.seq import SeqNumber, seq_add

CLIENT: Final = Address("10.0.1.1")
SERVER: Final = Address("10.0.2.1")
PORT: Final = 80
CLIENT_PORT: Final = 50_000
DATA: Final = b"last words"
DELAY: Final = 10 * MILLISECOND
PROBE_AT: Final = START + 20 * SECOND
LIMIT: Final = 20 * 60 * SECOND
_FAR: Final = 100_000
_CLIENT_ISN: Final = SeqNumber(1_000_000)
_SERVER_ISN: Final = SeqNumber(5_000_000)
_HOUR: Final = 60 * 60 * 1_000  # of timestamps that count milliseconds


@dataclass(frozen=True, slots=True)
class Probe:
    """A segment that reaches a TIME_WAIT."""

    name: str
    words: str
    flags: Flags | None
    """``None`` for no segment at all."""
    seq: int = 0
    """Its distance from RCV.NXT."""
    data: bytes = b""
    old_timestamp: bool = False
    """Whether its TSval is from an hour ago; it matters where timestamps were agreed on."""
    listening: bool = True
    """Whether somebody still listens when it comes."""


PROBES: Final = (
    Probe("nothing", "no segment at all", None),
    Probe("ack", "a pure ACK, all numbers exact", ACK),
    Probe("old-ack", "a pure ACK from before the FIN", ACK, -1 - len(DATA)),
    Probe("stale-ack", "a pure ACK, exact, with an old timestamp", ACK, old_timestamp=True),
    Probe("old-data", "data from before the FIN, once more", ACK, -1 - len(DATA), DATA),
    Probe("data", "data after the FIN", ACK, 0, b"more"),
    Probe("fin", "the FIN, retransmitted", FIN | ACK, -1),
    Probe("far-fin", "a FIN beyond the window", FIN | ACK, _FAR),
    Probe("rst", "a RST, its number exact", RST),
    Probe("near-rst", "a RST in the window, not exact", RST, 1),
    Probe("old-rst", "a RST from before the FIN", RST, -1),
    Probe("syn", "a SYN with a newer number", SYN, _FAR),
    Probe("lone-syn", "the same, but nobody listens", SYN, _FAR, listening=False),
    Probe("old-syn", "a SYN, its number and timestamp old", SYN, -_FAR, old_timestamp=True),
    Probe("timed-syn", "a SYN, its number old, its timestamp newer", SYN, -_FAR),
    Probe("syn-ack", "a SYN,ACK from before", SYN | ACK, -_FAR, old_timestamp=True),
)

Effect = Literal["stays", "restarted", "expired", "reused", "assassinated"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a probe.

    Attributes:
        answers: what the host sent at the instant at which it came, by flags.
        effect: what it did to TIME_WAIT; ``expired`` where that was over already.
        lasted: how long it lasted in all.
        journal: everything that happened.
    """

    answers: tuple[str, ...]
    effect: Effect
    lasted: Duration
    journal: Journal


def play(probe: Probe, config: TcpConfig) -> Outcome:
    """Let a probe reach a host in TIME_WAIT; ``config`` is that host's."""
    journal = Journal()
    link = Profile(delay=DELAY)
    network = Network({LinkName("client>server"): link, LinkName("server>client"): link}, seed=1)
    app = _ClosesFirst(stops_listening=not probe.listening)
    server = Host(SERVER, app, config, isn=lambda _name, _now: _SERVER_ISN)
    world = World(network, {"server": server, "client": _Player(probe)}, (journal,))
    world.run_until_idle(START + LIMIT)
    return _outcome(journal)


def _outcome(journal: Journal) -> Outcome:
    arrivals = [r for r in journal.of(PacketReceived, "server") if r.time >= PROBE_AT]
    sent = [r for r in journal.of(PacketSent, "server") if arrivals and r.time == arrivals[0].time]
    ended = journal.of(TimeWaitEnded, "server")[0]
    effect: Effect = "stays"
    if ended.event.reason != "expired":
        effect = ended.event.reason
    elif arrivals and ended.time <= arrivals[0].time:
        effect = "expired"
    elif any(arrivals and r.time == arrivals[0].time for r in journal.of(TimeWaitRestarted, "server")):
        effect = "restarted"
    answers = tuple(flags_text(record.event.packet.segment.flags) for record in sent)
    return Outcome(answers, effect, ended.event.duration, journal)


class _ClosesFirst:
    """Listens, reads, and closes the first connection."""

    def __init__(self, *, stops_listening: bool) -> None:
        self._stops_listening = stops_listening
        self._first = True

    def on_event(self, event: AppEvent, _: Instant) -> Sequence[Call]:
        match event:
            case Started():
                return (Listen(PORT),)
            case Opened(connection) if self._first:
                self._first = False
                close = Close(connection)
                return (close, Unlisten(PORT)) if self._stops_listening else (close,)
            case Readable(connection):
                return (Receive(connection),)
            case _:
                return ()

    def advance(self, _: Instant) -> Sequence[Call]:
        return ()

    def deadline(self) -> Instant | None:
        return None


class _Player:
    """Stands in the place of a client: opens, closes after the server, and sends the probe. It repeats nothing."""

    address = CLIENT

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._due: Instant | None = None if probe.flags is None else PROBE_AT
        self._snd_nxt = _CLIENT_ISN
        self._rcv_nxt = SeqNumber(0)
        self._echo: int | None = 0  # the server's latest timestamp; None once it has shown that it wants none
        self._packet_id = 0

    def start(self, now: Instant) -> Output:
        syn = self._packet(SYN, self._snd_nxt, b"", now)
        self._snd_nxt = seq_add(self._snd_nxt, 1)
        return Output((syn,))

    def receive(self, packet: Packet, now: Instant) -> Output:
        segment = packet.segment
        if segment.flags & SYN:
            self._rcv_nxt = segment.end
            self._echo = segment.options.timestamps[0] if segment.options.timestamps is not None else None
            return Output((self._packet(ACK, self._snd_nxt, b"", now),))
        if segment.flags & FIN:
            self._rcv_nxt = segment.end
            fin = self._packet(FIN | ACK, self._snd_nxt, DATA, now)
            self._snd_nxt = fin.segment.end
            return Output((fin,))
        return NOTHING

    def advance(self, now: Instant) -> Output:
        probe, self._due = self._probe, None
        assert probe.flags is not None, "nothing was due"
        packet = self._packet(probe.flags, seq_add(self._snd_nxt, probe.seq), probe.data, now)
        if probe.flags & SYN:
            self._snd_nxt = packet.segment.end
        return Output((packet,))

    def deadline(self) -> Instant | None:
        return self._due

    def _packet(self, flags: Flags, seq: SeqNumber, data: bytes, now: Instant) -> Packet:
        self._packet_id += 1
        options = NO_OPTIONS
        if self._echo is not None and not flags & RST:
            is_probe = now >= PROBE_AT
            tsval = _HOUR * 2 + now // MILLISECOND - (_HOUR if is_probe and self._probe.old_timestamp else 0)
            options = Options(timestamps=(tsval, self._echo))
        number = self._rcv_nxt if flags & ACK else SeqNumber(0)
        segment = Segment(CLIENT_PORT, PORT, seq, number, flags, 65_535, options, data)
        return Packet(self._packet_id, now, CLIENT, SERVER, segment)
