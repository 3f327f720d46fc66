"""A real host with the test in the place of its peer, of its application and of its clock.

Times are seconds since the test began. Sequence numbers are relative to the two ISNs, so that a script reads the same
whatever they are, and runs across the wrap where they are near it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tcplab.node import Address, Event, Output, Packet
from tcplab.tcp.app import (
    Abort,
    AppEvent,
    Call,
    Close,
    Listen,
    Open,
    Receive,
    Received,
    Release,
    Send,
)
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.ecn import NOT_ECT
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.tcp.status import Status
from tcplab.units import Duration, Instant, in_seconds, seconds
from tcplab.wire.segment import ACK, NO_OPTIONS, Flags, Options, Segment, flags_from_text, flags_text
from tcplab.wire.seq import SeqNumber, seq_add, seq_diff

HOST = Address("10.0.1.1")
PEER = Address("10.0.2.1")
SERVICE = 80
CLIENT_PORT = 49_152

E = TypeVar("E", bound=Event)


def prompt(**settings: Any) -> TcpConfig:
    """Settings of a TCP that acknowledges at once and lets small segments go: a script shows one thing."""
    return replace(TcpConfig(delayed_ack=Duration(0), nagle=False), **settings)


@dataclass(frozen=True)
class Seg:
    """A segment in relative numbers. Two are equal that do the same: window, options and PSH are looked at apart."""

    flags: str
    seq: int
    ack: int | None = None
    data: bytes = b""
    window: int = field(default=65_535, compare=False)
    options: Options = field(default=NO_OPTIONS, compare=False)


def syn(seq: int = 0, data: bytes = b"", *, window: int = 65_535, mss: int | None = 1_460) -> Seg:
    return Seg("S", seq, None, data, window, Options(mss=mss))


def syn_ack(seq: int = 0, ack: int = 1, data: bytes = b"", *, window: int = 65_535, mss: int | None = 1_460) -> Seg:
    return Seg("SA", seq, ack, data, window, Options(mss=mss))


def ack(seq: int, ack: int, *, window: int = 65_535) -> Seg:
    return Seg("A", seq, ack, b"", window)


def data(seq: int, ack: int, octets: bytes, *, window: int = 65_535) -> Seg:
    return Seg("A", seq, ack, octets, window)


def fin(seq: int, ack: int, octets: bytes = b"", *, window: int = 65_535) -> Seg:
    return Seg("FA", seq, ack, octets, window)


def rst(seq: int) -> Seg:
    return Seg("R", seq)


def rst_ack(seq: int, ack: int) -> Seg:
    return Seg("RA", seq, ack)


class Recorder:
    """An application that only listens; its calls are the test's."""

    def __init__(self) -> None:
        self.heard: list[AppEvent] = []

    def on_event(self, event: AppEvent, _: Instant) -> Sequence[Call]:
        self.heard.append(event)
        return []

    def advance(self, _: Instant) -> Sequence[Call]:
        return []

    def deadline(self) -> Instant | None:
        return None


class Wire:
    """A host at one end, the test at the other."""

    def __init__(self, iss: int, irs: int, config: TcpConfig | None = None) -> None:
        """Start a host all of whose connections begin with ``iss``, against a peer that begins with ``irs``."""
        self.iss, self.irs = SeqNumber(iss), SeqNumber(irs)
        self.app = Recorder()
        self.host = Host(HOST, self.app, prompt() if config is None else config, isn=lambda _name, _now: self.iss)
        self.packets: list[Packet] = []
        """Everything that came out, as it was."""
        self.events: list[tuple[float, Event]] = []
        """Everything that observers were told, with its time."""
        self.local_port, self.peer_port = CLIENT_PORT, SERVICE
        self._now = Instant(0)
        self._sent: list[tuple[float, Seg]] = []
        self._heard = 0
        self._ids = 0
        self._take(self.host.start(self._now))
        self.heard()

    # --- what the peer does ------------------------------------------------------------------------------------

    def arrives(
        self, seg: Seg, at: float | None = None, *, peer_port: int | None = None, ecn: int = NOT_ECT
    ) -> list[Seg]:
        """Let a segment arrive, and return what answers it at that instant."""
        self.at(at)
        before = len(self._sent)
        self.deliver(self._segment(seg, self.peer_port if peer_port is None else peer_port), ecn)
        answers = [answer for _, answer in self._sent[before:]]
        del self._sent[before:]
        return answers

    def deliver(self, segment: Segment, ecn: int = NOT_ECT) -> None:
        """Let a segment in absolute numbers arrive."""
        self._ids += 1
        self._take(self.host.receive(Packet(self._ids, self._now, PEER, HOST, segment, ecn=ecn), self._now))

    # --- what the application does -----------------------------------------------------------------------------

    def call(self, call: Call, at: float | None = None) -> list[Seg]:
        """Make a call, and return what is sent because of it at that instant."""
        self.at(at)
        before = len(self._sent)
        self._take(self.host.call(call, self._now))
        answers = [answer for _, answer in self._sent[before:]]
        del self._sent[before:]
        return answers

    def open(self, at: float | None = None, *, local_port: int = 0, token: int = 7) -> list[Seg]:
        return self.call(Open(PEER, SERVICE, token, local_port), at)

    def listen(self, *, backlog: int = 128) -> list[Seg]:
        self.local_port, self.peer_port = SERVICE, CLIENT_PORT
        return self.call(Listen(SERVICE, backlog))

    def send(self, octets: bytes, at: float | None = None) -> list[Seg]:
        return self.call(Send(self.connection, octets), at)

    def receive(self, limit: int = 1 << 31, at: float | None = None) -> bytes:
        """Read, and return what was there; a window update that follows is in :meth:`sent`."""
        self.at(at)
        self._take(self.host.call(Receive(self.connection, limit), self._now))
        got = self.app.heard.pop()
        assert isinstance(got, Received), got
        return got.data

    def close(self, at: float | None = None) -> list[Seg]:
        return self.call(Close(self.connection), at)

    def release(self, at: float | None = None) -> list[Seg]:
        return self.call(Release(self.connection), at)

    def abort(self, at: float | None = None) -> list[Seg]:
        return self.call(Abort(self.connection), at)

    # --- time --------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return in_seconds(self._now)

    def at(self, time: float | None) -> None:
        """Let time pass until ``time``, timers that are due then included."""
        if time is not None:
            until = Instant(seconds(time))
            assert until >= self._now, f"time cannot go back from {self._now} to {until}"
            while (due := self.host.deadline()) is not None and due <= until:
                self._now = max(self._now, due)
                self._take(self.host.advance(self._now))
            self._now = until

    def run(self, until: float) -> list[tuple[float, Seg]]:
        """Let time pass, and return what was sent meanwhile, with its times."""
        self.at(until)
        return self.sent()

    # --- what is seen ------------------------------------------------------------------------------------------

    def sent(self) -> list[tuple[float, Seg]]:
        """Return what was sent since the last look and was no answer to an arrival or a call."""
        sent, self._sent = self._sent, []
        return sent

    def heard(self) -> list[AppEvent]:
        """Return what the application was told since the last look."""
        heard = self.app.heard[self._heard :]
        self._heard = len(self.app.heard)
        return heard

    def seen(self, kind: type[E]) -> list[tuple[float, E]]:
        """Return every event of a type, with its time."""
        return [(time, event) for time, event in self.events if isinstance(event, kind)]

    @property
    def last(self) -> Segment:
        """The last segment that was sent, as it was."""
        return self.packets[-1].segment

    @property
    def statuses(self) -> list[Status]:
        return [status for status in self.host.statuses() if status.connection.remote_port]

    @property
    def status(self) -> Status:
        [status] = self.statuses
        return status

    @property
    def state(self) -> State:
        """The state of the one connection, CLOSED where there is none."""
        return self.status.state if self.statuses else State.CLOSED

    @property
    def connection(self) -> ConnectionId:
        return self.status.connection

    @property
    def snd_nxt(self) -> int:
        return seq_diff(self.status.snd_nxt, self.iss)

    @property
    def rcv_nxt(self) -> int:
        return seq_diff(self.status.rcv_nxt, self.irs)

    # --- relative and absolute ---------------------------------------------------------------------------------

    def _segment(self, seg: Seg, peer_port: int) -> Segment:
        number = SeqNumber(0) if seg.ack is None else seq_add(self.iss, seg.ack)
        flags = flags_from_text(seg.flags)
        seq = seq_add(self.irs, seg.seq)
        return Segment(peer_port, self.local_port, seq, number, flags, seg.window, seg.options, seg.data)

    def _seg(self, segment: Segment) -> Seg:
        number = seq_diff(segment.ack, self.irs) if segment.flags & ACK else None
        flags = flags_text(Flags(segment.flags)).replace("P", "")
        seq = seq_diff(segment.seq, self.iss)
        return Seg(flags, seq, number, segment.payload, segment.window, segment.options)

    def _take(self, output: Output) -> None:
        self.packets += output.packets
        self._sent += [(self.now, self._seg(packet.segment)) for packet in output.packets]
        self.events += [(self.now, event) for event in output.events]
