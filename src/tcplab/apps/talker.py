"""A workload without a protocol: each side says so much, hears so slowly, and closes when its manner says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Literal, NamedTuple

from tcplab.apps.agenda import Agenda
from tcplab.node import Address
from tcplab.tcp.app import (
    Acceptable,
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
from tcplab.tcp.events import ConnectionId
from tcplab.units import START, Duration, Instant

_AT_ONCE: Final = Duration(0)
_ALL: Final = 1 << 30  # octets; more than any buffer holds

CloseWhen = Literal["written", "heard"]
"""When a side closes: once it has written all it has to say (the other may still talk: a half-close), or once it has
also read all that the other said and the other has closed."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one side behaves on each of its connections. Times are nanoseconds, sizes octets.

    Attributes:
        octets: how much it has to say.
        write_limit: the most of one SEND.
        write_every: the pause between two SENDs.
        read_limit: the most of one RECEIVE.
        read_every: the pause between two RECEIVEs.
        read_after: the pause before the first RECEIVE, from ESTABLISHED on.
        close: when it closes.
        close_after: how long it hesitates then.
        release: whether it ends with RELEASE where it could CLOSE; needs ``close="heard"``, or data may be lost.
        patience: how long it bears that nothing goes either way before it releases the connection; ``None``: for ever.
    """

    octets: int = 0
    write_limit: int = _ALL
    write_every: Duration = _AT_ONCE
    read_limit: int = _ALL
    read_every: Duration = _AT_ONCE
    read_after: Duration = _AT_ONCE
    close: CloseWhen = "written"
    close_after: Duration = _AT_ONCE
    release: bool = False
    patience: Duration | None = None

    def __post_init__(self) -> None:
        """Refuse values that nobody could behave by.

        Raises:
            ValueError: names the value and its bound.
        """
        if self.octets < 0:
            raise ValueError("octets must be 0 or more")
        if min(self.write_limit, self.read_limit) < 1:
            raise ValueError("write_limit and read_limit must be 1 or more")
        if min(self.write_every, self.read_every, self.read_after, self.close_after) < 0:
            raise ValueError("write_every, read_every, read_after and close_after must be 0 or more")
        if self.release and self.close != "heard":
            raise ValueError("release needs close='heard': to be gone before the peer has closed may lose data")
        if self.patience is not None and self.patience <= 0:
            raise ValueError("patience must be above 0, or None for no bound")


class Opening(NamedTuple):
    """An active OPEN that is to be made at an instant; ``local_port`` 0 takes a free ephemeral port."""

    at: Instant
    remote: Address
    remote_port: int
    local_port: int = 0


Timer = Literal["read", "write", "close", "patience"]
_TIMERS: Final[tuple[Timer, ...]] = ("read", "write", "close", "patience")


@dataclass(slots=True)
class _Talk:
    connection: ConnectionId
    space: int
    rest: int  # octets still to be written
    source: Random
    next_read: Instant
    next_write: Instant
    progress: Instant
    unread: int = 0
    peer_closed: bool = False
    closing: bool = False  # hesitating, or done
    closed: bool = False  # both ways, as the TCP said


class Talker:
    """The application (:class:`tcplab.tcp.app.App`) of a host that talks in one manner on all its connections."""

    def __init__(self, manner: Manner, seed: int, *, opens: Sequence[Opening] = (), listens: int | None = None) -> None:
        """Make a talker.

        Args:
            manner: how it behaves.
            seed: what its octets come from.
            opens: the connections it opens; none for one who waits.
            listens: the port on which it takes connections; ``None`` for one who does not.
        """
        self._manner = manner
        self._seed = seed
        self._opens = tuple(opens)
        self._listens = listens
        self._talks: dict[ConnectionId, _Talk] = {}
        self._agenda: Agenda[Opening | tuple[ConnectionId, Timer]] = Agenda()
        self._count = 0

    @property
    def under_way(self) -> int:
        """How many connections are open, or closed with something still to be read."""
        return len(self._talks)

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Take what happened; return what to do (see :class:`tcplab.tcp.app.App`)."""
        match event:
            case Started():
                for opening in self._opens:
                    self._agenda.set(opening, opening.at)
                return [] if self._listens is None else [Listen(self._listens)]
            case OpenFailed() | Acceptable():
                return []
            case Opened():
                return self._begin(event, now)
            case _:
                talk = self._talks.get(event.connection)
                return [] if talk is None else self._continue(talk, event, now)

    def advance(self, now: Instant) -> Sequence[Call]:
        """Do what is due: open, read on, write on, close, lose patience."""
        calls: list[Call] = []
        for task in self._agenda.due(now):
            if isinstance(task, Opening):
                calls.append(Open(task.remote, task.remote_port, local_port=task.local_port))
            elif (talk := self._talks.get(task[0])) is not None:
                calls += self._due(talk, task[1], now)
        return calls

    def deadline(self) -> Instant | None:
        """Return when ``advance`` must be called at the latest, ``None`` for never."""
        return self._agenda.deadline()

    def _begin(self, event: Opened, now: Instant) -> list[Call]:
        manner = self._manner
        source = Random(f"{self._seed}/{self._count}")
        self._count += 1
        first_read = now + manner.read_after
        talk = _Talk(event.connection, event.space, manner.octets, source, first_read, START, now)
        self._talks[event.connection] = talk
        if manner.patience is not None:
            self._agenda.set((event.connection, "patience"), now + manner.patience)
        return self._write(talk, now)

    def _continue(
        self, talk: _Talk, event: Readable | Received | Writable | PeerClosed | Closed | Failed, now: Instant
    ) -> list[Call]:
        match event:
            case Writable():
                talk.space, talk.progress = event.space, now
                return self._write(talk, now)
            case Readable():
                talk.unread, talk.progress = event.available, now
                return self._read(talk, now)
            case Received():
                talk.unread -= len(event.data)
                talk.progress = now
                return self._read(talk, now) + self._close(talk, now)
            case PeerClosed():
                talk.peer_closed = True
                return self._close(talk, now)
            case Closed():
                talk.closed = True
                self._forget_if_over(talk)
                return []
            case Failed():
                self._forget(talk)
                return []

    def _due(self, talk: _Talk, timer: Timer, now: Instant) -> list[Call]:
        match timer:
            case "read":
                return self._read(talk, now)
            case "write":
                return self._write(talk, now)
            case "close":
                return [self._ending(talk)]
            case "patience":
                assert self._manner.patience is not None, "nobody waits for what never ends"
                end = talk.progress + self._manner.patience
                if end > now:
                    self._agenda.set((talk.connection, "patience"), end)
                    return []
                self._forget(talk)
                return [Release(talk.connection)]

    def _write(self, talk: _Talk, now: Instant) -> list[Call]:
        if now < talk.next_write:
            return []
        calls: list[Call] = []
        size = min(talk.rest, talk.space, self._manner.write_limit)
        while size > 0:
            calls.append(Send(talk.connection, talk.source.randbytes(size)))
            talk.rest -= size
            talk.space -= size
            talk.progress = now
            if self._manner.write_every:
                talk.next_write = now + self._manner.write_every
                self._agenda.set((talk.connection, "write"), talk.next_write)
                break
            size = min(talk.rest, talk.space, self._manner.write_limit)
        return calls + self._close(talk, now)

    def _read(self, talk: _Talk, now: Instant) -> list[Call]:
        if not talk.unread:
            self._forget_if_over(talk)
            return []
        if now < talk.next_read:
            self._agenda.set((talk.connection, "read"), talk.next_read)
            return []
        talk.next_read = now + self._manner.read_every
        return [Receive(talk.connection, self._manner.read_limit)]

    def _close(self, talk: _Talk, now: Instant) -> list[Call]:
        heard = talk.peer_closed and not talk.unread
        if talk.closing or talk.rest or (self._manner.close == "heard" and not heard):
            return []
        talk.closing = True
        if not self._manner.close_after:
            return [self._ending(talk)]
        self._agenda.set((talk.connection, "close"), now + self._manner.close_after)
        return []

    def _ending(self, talk: _Talk) -> Call:
        if not self._manner.release:
            return Close(talk.connection)
        self._forget(talk)
        return Release(talk.connection)

    def _forget_if_over(self, talk: _Talk) -> None:
        if talk.closed and not talk.unread:
            self._forget(talk)

    def _forget(self, talk: _Talk) -> None:
        del self._talks[talk.connection]
        for timer in _TIMERS:
            self._agenda.clear((talk.connection, timer))
