"""The host that is searched: real, with one possible connection, and with what its key does not show remembered."""

from collections.abc import Callable, Hashable, Sequence
from typing import Final, NamedTuple

from tcplab.check.relation.inputs import Arrival, CallName, Input
from tcplab.node import NOTHING, Address, Output, Packet
from tcplab.tcp.app import (
    Abort,
    AppEvent,
    Call,
    Close,
    InvalidCall,
    Listen,
    Open,
    Receive,
    Release,
    Send,
    Unlisten,
)
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.tcp.listener import ANY
from tcplab.tcp.states import State
from tcplab.tcp.status import Status
from tcplab.units import SECOND, START, Duration, Instant
from tcplab.wire.segment import ACK, FIN, NO_OPTIONS, Segment
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add, seq_diff

HERE: Final = Address("10.0.1.1")
PEER: Final = Address("10.0.2.1")
PORT: Final = 4_000
PEER_PORT: Final = 5_000
ISS: Final = SeqNumber(MODULUS - 2)  # both sides' numbers wrap on the way
IRS: Final = SeqNumber(MODULUS - 1)

CONFIG: Final = TcpConfig(
    msl=20 * SECOND,
    rto_initial=SECOND,
    rto_min=SECOND,
    rto_max=SECOND,
    r2=3 * SECOND // 2,
    r2_syn=3 * SECOND // 2,
    fin_wait_2_timeout=5 * SECOND,
    mss=4,
    send_buffer=8,
    receive_buffer=8,
    delayed_ack=Duration(0),
)
"""Small, and with every timer's duration another, so that the search comes to an end of everything."""


Operation = Segment | Call | int
"""What an input is at one place; a number is how long to wait, nanoseconds."""


class Silent:
    """An application that does nothing of its own accord."""

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:  # noqa: ARG002
        """Take note of nothing."""
        return []

    def advance(self, now: Instant) -> Sequence[Call]:  # noqa: ARG002
        """Do nothing."""
        return []

    def deadline(self) -> Instant | None:
        """Return that nothing is due."""
        return None


class Facts(NamedTuple):
    """What decides about inputs to come and STATUS does not show."""

    sent: bool = False
    """Whether the application has sent an octet on the connection that there is."""
    closing: bool = False
    """Whether it has called CLOSE there."""
    released: bool = False
    """Whether it has called RELEASE there."""
    held_fin: bool = False
    """Whether a FIN came there ahead of a hole."""


_NONE: Final = Facts()
_FOR_LISTENERS: Final = frozenset({State.SYN_RECEIVED, State.TIME_WAIT})
_REMEMBERED: Final[dict[Input, str]] = {"send": "sent", "close": "closing", "release": "released"}


class View:
    """What can be seen of a host at one place, and of the inputs that led there."""

    def __init__(self, statuses: tuple[Status, ...], left: int | None, facts: Facts) -> None:
        self.connection = next((status for status in statuses if status.connection.remote != ANY), None)
        self.states = {status.connection: status.state for status in statuses}
        self.left = left
        self.facts = _NONE if self.connection is None else facts
        self.key: Hashable = (tuple(_place(status) for status in statuses if self._matters(status)), left, self.facts)
        """All that decides what inputs do from here on; places with one key are taken for one."""

    def _matters(self, status: Status) -> bool:
        """Return whether it may do something now; a listener is idle while the connection has all that arrives."""
        return status is self.connection or self.connection is None or self.connection.state in _FOR_LISTENERS

    def call(self, name: CallName) -> Call | None:
        """Return the call of that name, ``None`` where there is nobody to make it on, or the search has had enough."""
        if name == "listen":
            return Listen(PORT)
        if name == "unlisten":
            return Unlisten(PORT)
        if name == "open":
            return Open(PEER, PEER_PORT, local_port=PORT)
        status = self.connection
        if status is None or (name == "send" and self.facts.sent):
            return None
        if name == "send":
            return Send(status.connection, b"o")
        kinds = {"receive": Receive, "close": Close, "release": Release, "abort": Abort}
        call: Call = kinds[name](status.connection)
        return call

    def segment(self, arrival: Arrival) -> Segment | None:
        """Return the segment in absolute numbers, ``None`` where it would be no other than one that is there."""
        status = self.connection
        known = status is not None and status.state is not State.SYN_SENT
        if arrival.seq and not known:
            return None  # whatever number a peer begins with is its ISN
        if status is not None and arrival.octets and arrival.seq >= 0 and _has_brought(status):
            return None
        seq = seq_add(status.rcv_nxt if status is not None and known else IRS, arrival.seq)
        number = seq_add(ISS if status is None else status.snd_nxt, arrival.ack)
        ack = number if arrival.flags & ACK else SeqNumber(0)
        return Segment(PEER_PORT, PORT, seq, ack, arrival.flags, arrival.window, NO_OPTIONS, arrival.octets)

    def facts_after(self, step: Input) -> Facts:
        """Return what is to be remembered once an input is done."""
        if isinstance(step, Arrival):
            held_fin = self.facts.held_fin or (step.seq == 1 and bool(step.flags & FIN))
            return self.facts._replace(held_fin=held_fin)
        return self.facts._replace(**{_REMEMBERED[step]: True}) if step in _REMEMBERED else self.facts


def _place(status: Status) -> Hashable:
    """Return what decides of a connection; where the numbers of a stream have come to does not, as inputs count so."""
    return (
        status.connection.remote,
        status.state,
        seq_diff(status.snd_nxt, status.snd_una),
        status.snd_wnd,
        status.unsent_or_unacknowledged,
        status.unread,
        _has_brought(status),
    )


def _has_brought(status: Status) -> bool:
    """Return whether the peer's octet (or what stands for it) is in; the search gives it no second."""
    return seq_diff(status.rcv_nxt, IRS) > 1


class Subject:
    """A host of the lab as it is, with one possible connection and a silent application."""

    def __init__(self, make: Callable[..., Host] = Host, config: TcpConfig = CONFIG) -> None:
        self._host = make(HERE, Silent(), config, isn=lambda _name, _now: ISS)
        self._now = START
        self._host.start(self._now)

    def view(self, facts: Facts) -> View:
        """Return what can be seen now, with what is remembered."""
        deadline = self._host.deadline()
        left = None if deadline is None else deadline - self._now
        return View(tuple(self._host.statuses()), left, facts)

    def perform(self, operation: Operation) -> Output:
        """Do what an input is at this place."""
        if isinstance(operation, Segment):
            return self._host.receive(Packet(1, self._now, PEER, HERE, operation), self._now)
        if isinstance(operation, int):
            self._now += operation
            return self._host.advance(self._now)
        try:
            return self._host.call(operation, self._now)
        except InvalidCall:
            return NOTHING
