"""A workload written down step by step: what to do when. For scenarios, where every segment counts."""

import hashlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tcplab.apps.agenda import Agenda
from tcplab.apps.payload import RandomPayload
from tcplab.node import Address
from tcplab.tcp import app
from tcplab.tcp.app import AppEvent, Call
from tcplab.tcp.events import ConnectionId
from tcplab.units import Duration, Instant

AT_ONCE: Final = Duration(0)

Happening = Literal["started", "opened", "received", "peer_closed", "closed", "failed"]


@dataclass(frozen=True, slots=True)
class On:
    """When a step is due: ``wait`` after something happened for the first time.

    ``received`` happens once ``octets`` octets have come in all.
    """

    what: Happening
    octets: int = 0
    wait: Duration = AT_ONCE


@dataclass(frozen=True, slots=True)
class Listen:
    """Take a connection on a port."""

    port: int


@dataclass(frozen=True, slots=True)
class Open:
    """Open a connection."""

    remote: Address
    port: int


@dataclass(frozen=True, slots=True)
class Write:
    """Send as many octets, drawn from the seed; what comes after waits until the TCP has taken them all."""

    octets: int


@dataclass(frozen=True, slots=True)
class Close:
    """Send nothing more."""


@dataclass(frozen=True, slots=True)
class Release:
    """Be gone."""


@dataclass(frozen=True, slots=True)
class Abort:
    """End the connection with a reset."""


Action = Listen | Open | Write | Close | Release | Abort


@dataclass(frozen=True, slots=True)
class Step:
    """Actions to take once, in order, when something has happened."""

    on: On
    actions: tuple[Action, ...]


class Script:
    """The application (:class:`tcplab.tcp.app.App`) that does what is written, on one connection.

    It is the first that is opened, from either side. What arrives is read at once.
    """

    def __init__(self, steps: Sequence[Step], seed: int) -> None:
        self.received = 0
        """Octets received."""
        self.sent = 0
        """Octets handed to the TCP."""
        self._waiting = list(enumerate(steps))
        self._steps = tuple(steps)
        self._agenda: Agenda[int] = Agenda()
        self._actions: deque[Action] = deque()
        self._connection: ConnectionId | None = None
        self._space = 0
        self._unwritten = 0  # of the Write that is being done
        self._payload = RandomPayload(f"script/{seed}")
        self._hash_in, self._hash_out = hashlib.sha256(), hashlib.sha256()

    @property
    def digest_received(self) -> str:
        """SHA-256 of what was received, in hexadecimal."""
        return self._hash_in.hexdigest()

    @property
    def digest_sent(self) -> str:
        """SHA-256 of what was handed to the TCP, in hexadecimal."""
        return self._hash_out.hexdigest()

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Take what happened; return what to do (see :class:`tcplab.tcp.app.App`)."""
        match event:
            case app.Started():
                return self._happened("started", now)
            case app.OpenFailed():
                return self._happened("failed", now)
            case app.Opened():
                if self._connection is not None:
                    return [app.Abort(event.connection)]
                self._connection, self._space = event.connection, event.space
                return self._happened("opened", now)
            case app.Acceptable():
                return []  # it listens with automatic acceptance
            case _:
                return self._on_connection(event, now) if event.connection == self._connection else []

    def advance(self, now: Instant) -> Sequence[Call]:
        """Do the steps that are due."""
        for step in self._agenda.due(now):
            self._actions += self._steps[step].actions
        return self._act()

    def deadline(self) -> Instant | None:
        """Return when the next step is due."""
        return self._agenda.deadline()

    def _on_connection(
        self,
        event: app.Readable | app.Received | app.Writable | app.PeerClosed | app.Closed | app.Failed,
        now: Instant,
    ) -> list[Call]:
        match event:
            case app.Readable():
                return [app.Receive(event.connection)]
            case app.Received():
                self.received += len(event.data)
                self._hash_in.update(event.data)
                return self._happened("received", now)
            case app.Writable():
                self._space = event.space
                return self._act()
            case app.PeerClosed():
                return self._happened("peer_closed", now)
            case app.Closed():
                return self._happened("closed", now)
            case app.Failed():
                self._actions.clear()
                self._unwritten = 0
                return self._happened("failed", now)

    def _happened(self, what: Happening, now: Instant) -> list[Call]:
        ready = [(n, step) for n, step in self._waiting if step.on.what == what and step.on.octets <= self.received]
        for n, step in ready:
            self._waiting.remove((n, step))
            self._agenda.set(n, now + step.on.wait)
        return list(self.advance(now))

    def _act(self) -> list[Call]:
        calls: list[Call] = []
        while self._unwritten or self._actions:
            if self._unwritten:
                if self._connection is None or not self._space:
                    break
                calls.append(app.Send(self._connection, self._take(min(self._space, self._unwritten))))
            else:
                calls += self._do(self._actions.popleft())
        return calls

    def _take(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            data += self._payload.take(count - len(data))
        self._space -= count
        self._unwritten -= count
        self.sent += count
        self._hash_out.update(data)
        return bytes(data)

    def _do(self, action: Action) -> list[Call]:
        name = self._connection
        match action:
            case Listen():
                return [app.Listen(action.port)]
            case Open():
                return [app.Open(action.remote, action.port)]
            case Write():
                self._unwritten = action.octets
                return []
            case Close():
                return [] if name is None else [app.Close(name)]
            case Release():
                return [] if name is None else [app.Release(name)]
            case Abort():
                return [] if name is None else [app.Abort(name)]
