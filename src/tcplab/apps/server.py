"""The server of the lab's workloads: echoes, sinks or serves, as each request asks, and verifies what it gets."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tcplab.apps.agenda import Agenda
from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed, TransferFailure
from tcplab.apps.exchange import PATIENCE_DEFAULT, READ_LIMIT, Exchange, Timer
from tcplab.apps.frames import DIGEST_OCTETS, NUMBER_OCTETS, FrameWriter, Header, MalformedFrame, Mode
from tcplab.apps.payload import FixedPayload, QueuedPayload, RandomPayload
from tcplab.tcp.app import (
    Abort,
    Acceptable,
    AppEvent,
    Call,
    Closed,
    Failed,
    Listen,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Received,
    Release,
    Report,
    Started,
    Unlisten,
    Writable,
)
from tcplab.tcp.events import ConnectionId
from tcplab.units import MILLISECOND, Duration, Instant


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Where to listen, and how to treat whoever comes.

    ``backlog`` is the listener's. ``patience`` is how long a connection may make no progress before it is
    aborted: longer than R2, so that the TCP can give up first. ``read_rate`` makes a slow reader, in octets per
    second.
    """

    port: int
    backlog: int = 128
    patience: Duration = PATIENCE_DEFAULT
    read_rate: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that serve nobody.

        Raises:
            ValueError: names the setting and its bound.
        """
        if not 1 <= self.port <= 65_535:
            raise ValueError("port must be 1..65535")
        if self.backlog < 1:
            raise ValueError("backlog must be 1 or more")
        if self.patience <= 0:
            raise ValueError("patience must be above 0")
        if self.read_rate is not None and self.read_rate < 1:
            raise ValueError("read_rate must be 1 octet per second or more")


@dataclass(slots=True)
class _Visit(Exchange):
    echo: QueuedPayload = field(default_factory=lambda: QueuedPayload(READ_LIMIT))
    number: bytes = b""
    """The payload of a request to serve: how many octets are wanted."""
    answered: Duration | None = None
    """How long it took, once the last octet of the answer was handed over."""


class Server:
    """The application (:class:`tcplab.tcp.app.App`) of a server host."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self._visits: dict[ConnectionId, _Visit] = {}
        self._agenda: Agenda[tuple[ConnectionId, Timer]] = Agenda()

    @property
    def under_way(self) -> int:
        """How many connections are being used or closed."""
        return len(self._visits)

    def stop(self) -> Sequence[Call]:
        """Take no more connections; those under way go on to their end. Returns what to call."""
        return (Unlisten(self.config.port),)

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Take what happened; return what to do (see :class:`tcplab.tcp.app.App`)."""
        match event:
            case Started():
                return [Listen(self.config.port, self.config.backlog)]
            case Opened():
                visit = _Visit(event.connection, now, event.space, self.config.read_rate)
                self._visits[event.connection] = visit
                self._agenda.set((event.connection, "patience"), now + self.config.patience)
                return []
            case OpenFailed() | Acceptable():
                return []  # a server opens nothing, and connections are its own as soon as they are open
            case _:
                open_visit = self._visits.get(event.connection)
                return [] if open_visit is None else self._continue(open_visit, event, now)

    def advance(self, now: Instant) -> Sequence[Call]:
        """Do what is due: read on, close, lose patience."""
        calls: list[Call] = []
        for connection, timer in self._agenda.due(now):
            if (visit := self._visits.get(connection)) is not None:
                calls += self._due(visit, timer, now)
        return calls

    def deadline(self) -> Instant | None:
        """Return when ``advance`` must be called at the latest, ``None`` for never."""
        return self._agenda.deadline()

    # --- a connection's course ---

    def _continue(
        self,
        visit: _Visit,
        event: Readable | Received | Writable | PeerClosed | Closed | Failed,
        now: Instant,
    ) -> list[Call]:
        match event:
            case Writable():
                visit.writable(event.space, now)
                return self._proceed(visit, now)
            case Readable():
                visit.readable(event.available)
                return self._proceed(visit, now)
            case Received():
                return self._received(visit, event.data, now)
            case PeerClosed():
                visit.end_of_stream = True
                return self._proceed(visit, now)
            case Closed():
                calls = [*self._settle(visit, "truncated"), *visit.leave()]
                self._forget(visit)
                return calls
            case Failed():
                calls = self._settle(visit, event.reason.value, failed=True)
                self._forget(visit)
                return calls

    def _received(self, visit: _Visit, data: bytes, now: Instant) -> list[Call]:
        try:
            self._take(visit, visit.received(data, now))
        except MalformedFrame as error:
            visit.settled = True
            self._forget(visit)
            return [Report(TransferCorrupted(visit.connection, str(error))), Abort(visit.connection)]
        return self._proceed(visit, now)

    def _take(self, visit: _Visit, payload: bytes) -> None:
        """Use the request's payload, and begin the answer as soon as its length is known."""
        header, reader = visit.reader.header, visit.reader
        if header is None:
            return
        match header.mode:
            case Mode.ECHO:
                visit.echo.put(payload)
                if visit.writer is None:
                    visit.writer = FrameWriter(Header(Mode.ECHO, header.length), visit.echo.take)
            case Mode.SINK:
                if reader.digest is not None and visit.writer is None:
                    visit.writer = FrameWriter(Header(Mode.SINK, DIGEST_OCTETS), FixedPayload(reader.digest).take)
            case Mode.SERVE:
                if header.length != NUMBER_OCTETS:
                    raise MalformedFrame(f"a request to serve has {NUMBER_OCTETS} octets, not {header.length}")
                visit.number += payload
                if reader.digest is not None and visit.writer is None:
                    answer = Header(Mode.SERVE, int.from_bytes(visit.number))
                    visit.writer = FrameWriter(answer, RandomPayload(reader.digest).take)

    def _proceed(self, visit: _Visit, now: Instant) -> list[Call]:
        """Send and read what can be, and close where the course of the transfer asks for it."""
        calls = visit.write(now)
        if visit.writer is not None and visit.writer.complete and visit.answered is None and visit.reader.complete:
            visit.answered = now - visit.opened
            calls += self._answered(visit, now)
        if visit.exhausted and visit.answered is not None:
            calls += self._settle(visit, "truncated")
            calls += visit.close()
        elif visit.exhausted and not visit.reader.complete:
            calls += [*self._settle(visit, "truncated"), Abort(visit.connection)]
            self._forget(visit)
            return calls
        return calls + self._read(visit, now)

    def _read(self, visit: _Visit, now: Instant) -> list[Call]:
        # An echo reads no more than it can hold: the sender's window does the rest.
        calls = visit.read(now, visit.echo.room)
        if not calls and visit.unread and visit.next_read > now:
            self._agenda.set((visit.connection, "read"), visit.next_read)
        return calls

    def _answered(self, visit: _Visit, now: Instant) -> list[Call]:
        header = visit.reader.header
        assert header is not None, "answered without a request"
        if header.server_closes:
            return visit.close()
        if header.linger is not None:
            self._agenda.set((visit.connection, "close"), now + header.linger * MILLISECOND)
        return []

    def _due(self, visit: _Visit, timer: Timer, now: Instant) -> list[Call]:
        match timer:
            case "read":
                return self._read(visit, now)
            case "close":
                return visit.close()
            case "patience":
                end = visit.progress + self.config.patience
                if end > now:
                    self._agenda.set((visit.connection, "patience"), end)
                    return []
                self._forget(visit)
                calls = self._settle(visit, "stalled", failed=True)
                # Once we have closed, only the peer's FIN is missing: that wait is left to the TCP.
                return [*calls, Release(visit.connection) if visit.closed else Abort(visit.connection)]

    # --- endings ---

    def _settle(self, visit: _Visit, failure: TransferFailure, *, failed: bool = False) -> list[Call]:
        """Report what became of the transfer, once: ``failure`` where it failed or was not complete."""
        if visit.settled:
            return []
        visit.settled = True
        header, answer = visit.reader.header, visit.writer
        if failed or visit.answered is None or header is None or answer is None:
            return [Report(TransferFailed(visit.connection, failure))]
        sent, received = answer.header.length, header.length
        return [Report(TransferCompleted(visit.connection, sent, received, visit.answered))]

    def _forget(self, visit: _Visit) -> None:
        del self._visits[visit.connection]
        for timer in ("read", "close", "patience"):
            self._agenda.clear((visit.connection, timer))
