"""One end of the exploration: a real host, and an application that does what the explorer chooses."""

from collections.abc import Sequence
from typing import Final, Literal

from tcplab.check.explore.bounds import ADDRESSES, PORTS, SIDES, Bounds, Side
from tcplab.tcp.app import (
    AppEvent,
    Call,
    Close,
    Closed,
    Failed,
    Listen,
    Open,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Receive,
    Received,
    Release,
    Send,
    Started,
    Writable,
)
from tcplab.tcp.connection import Connection
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import START, Instant
from tcplab.wire.seq import SeqNumber

Choice = Literal["open", "close", "release"]
CHOICES: Final[tuple[Choice, ...]] = ("open", "close", "release")


class Isns:
    """The ISNs of one side, in the order of its connections."""

    __slots__ = ("bounds", "drawn", "side")

    def __init__(self, bounds: Bounds, side: Side) -> None:
        self.bounds = bounds
        self.side: Side = side
        self.drawn = 0

    def __call__(self, name: ConnectionId, now: Instant) -> SeqNumber:  # noqa: ARG002
        """Return the next."""
        self.drawn += 1
        return self.bounds.isn(self.side, self.drawn - 1)


class Script:
    """Sends its octets as soon as it may, reads at once, and opens and closes when it is told to.

    Attributes:
        opens_left: how often it may still open.
        connection: the connection it has, ``None`` before ``Opened`` and after ``Closed`` or ``Failed``.
        closed: whether it has closed its side of it.
        received: what it has read from it.
        peer_closed: whether the peer's FIN was taken.
    """

    __slots__ = ("_isns", "closed", "connection", "opening", "opens_left", "peer_closed", "received")

    def __init__(self, isns: Isns) -> None:
        bounds, side = isns.bounds, isns.side
        self._isns = isns
        self.opens_left = bounds.incarnations if side == "client" or bounds.simultaneous else 0
        self.opening = False
        self.connection: ConnectionId | None = None
        self.closed = False
        self.received = b""
        self.peer_closed = False

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:  # noqa: ARG002
        """Take what happened; return what to do."""
        match event:
            case Started():
                bounds, side = self._isns.bounds, self._isns.side
                return [] if side == "client" or bounds.simultaneous else [Listen(PORTS[side])]
            case Opened():
                self.opening = False
                self.connection = event.connection
                self.closed = self.peer_closed = False
                self.received = b""
                stream = self._isns.bounds.stream(self._isns.side, self._isns.drawn - 1)
                return [Send(event.connection, stream)] if stream else []
            case Readable():
                return [Receive(event.connection)]
            case Received():
                self.received += event.data
            case PeerClosed():
                self.peer_closed = True
            case OpenFailed():
                self.opening = False
            case Closed() | Failed():
                self.connection = None
            case Writable():
                pass
        return []

    def advance(self, now: Instant) -> Sequence[Call]:  # noqa: ARG002
        """Do nothing of its own accord."""
        return []

    def deadline(self) -> Instant | None:
        """Return that nothing is due."""
        return None

    def choices(self, *, busy: bool) -> tuple[Choice, ...]:
        """Return what may be chosen; ``busy`` says whether the host still has the 4-tuple."""
        if self.connection is not None and not self.closed:
            return ("close",)
        return ("open",) if self.opens_left and not busy else ()

    def call(self, choice: Choice) -> Call:
        """Return the call that a choice is, and remember it."""
        if choice == "open":
            self.opens_left -= 1
            self.opening = True
            side = self._isns.side
            peer = SIDES[1 - SIDES.index(side)]
            return Open(ADDRESSES[peer], PORTS[peer], local_port=PORTS[side])
        assert self.connection is not None, "it may be chosen only while there is a connection"
        if choice == "release":
            return Release(self.connection)
        self.closed = True
        return Close(self.connection)


class Subject(Host):
    """A host of the lab as it is, with what the explorer must know of it."""

    def __init__(self, side: Side, bounds: Bounds) -> None:
        self._isns = isns = Isns(bounds, side)
        self.script = Script(isns)
        self.side: Side = side
        self.peer: Side = SIDES[1 - SIDES.index(side)]
        super().__init__(ADDRESSES[side], self.script, bounds.config(), isn=isns)

    def choices(self) -> tuple[Choice, ...]:
        """Return what its application may do now."""
        return self.script.choices(busy=bool(self._table or self._records))

    @property
    def incarnations(self) -> int:
        """How many connections it has begun."""
        return self._isns.drawn

    @property
    def connection(self) -> Connection | None:
        """The connection that it has, if it is not in TIME_WAIT yet."""
        return next(iter(self._table.values()), None)

    @property
    def half_closed(self) -> bool:
        """Whether it may wait for the peer's FIN for ever, as a half-close allows."""
        connection = self.connection
        known = self.script.connection is not None
        return known and connection is not None and connection.state is State.FIN_WAIT_2

    @property
    def at_rest(self) -> bool:
        """Whether it is CLOSED, but for a listener, and nothing is left to do."""
        return not self._table and not self._records and not self.choices()

    def settle(self) -> None:
        """Forget when it last did something; drop wake-ups that were overtaken."""
        self._now = START
        self.deadline()
