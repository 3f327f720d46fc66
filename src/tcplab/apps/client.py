"""A load generator: opens connections at a set rate, sends a frame on each, and verifies the answer."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from tcplab.apps.agenda import Agenda
from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed, TransferFailure
from tcplab.apps.exchange import PATIENCE_DEFAULT, Exchange, Timer
from tcplab.apps.frames import (
    DIGEST_OCTETS,
    LENGTH_MAX,
    LINGER_MAX,
    NUMBER_OCTETS,
    FrameWriter,
    Header,
    MalformedFrame,
    Mode,
)
from tcplab.apps.payload import FixedPayload, RandomPayload
from tcplab.node import Address
from tcplab.tcp.app import (
    Abort,
    Acceptable,
    AppEvent,
    Call,
    Closed,
    Failed,
    Open,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Received,
    Release,
    Report,
    Started,
    Writable,
)
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.units import MILLISECOND, SECOND, Duration, Instant, seconds

NO_PORTS_WAIT: Final = 1 * SECOND  # how long to leave the ports alone once there was none
LINGER_DEFAULT: Final = 500 * MILLISECOND

Order = Literal["client", "server", "both"]
"""Who closes first: we do once the answer is complete, the server does, or both at once."""


class CloseMix(NamedTuple):
    """How often each side closes first, as weights."""

    client: float = 1.0
    server: float = 0.0
    both: float = 0.0


CLIENT_CLOSES: Final = CloseMix()
_ORDERS: Final[tuple[Order, ...]] = ("client", "server", "both")  # as CloseMix has them


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """What load to make.

    ``rate`` is connections opened per second, ``concurrency`` how many may be under way at a time, ``total`` how
    many to open altogether (``None``: without end). ``octets`` is the payload of the request, for
    ``Mode.SERVE`` of the answer. ``linger`` is how long the server waits before it closes where both are to
    close at once. ``patience`` is how long a connection may make no progress before it is aborted: longer than R2,
    so that the TCP can give up first. ``read_rate`` makes a slow reader, in octets per second.
    """

    remote: Address
    port: int
    rate: float = 5.0
    concurrency: int = 100
    octets: int = 1_000
    mode: Mode = Mode.ECHO
    close_mix: CloseMix = CLIENT_CLOSES
    linger: Duration = LINGER_DEFAULT
    patience: Duration = PATIENCE_DEFAULT
    read_rate: int | None = None
    total: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no load.

        Raises:
            ValueError: names the setting and its bound.
        """
        if not 0 < self.rate <= 1_000_000:
            raise ValueError("rate must be above 0 and at most 1000000 connections per second")
        if self.concurrency < 1:
            raise ValueError("concurrency must be 1 or more")
        if not 0 <= self.octets <= LENGTH_MAX:
            raise ValueError("octets must be 0 or more, and below 2**64")
        if min(self.close_mix) < 0 or sum(self.close_mix) <= 0:
            raise ValueError("close_mix must hold weights of 0 or more, one of them above 0")
        if self.linger % MILLISECOND or not 0 <= self.linger <= LINGER_MAX * MILLISECOND:
            raise ValueError(f"linger must be whole milliseconds, 0..{LINGER_MAX}")
        if self.patience <= 0:
            raise ValueError("patience must be above 0")
        if self.read_rate is not None and self.read_rate < 1:
            raise ValueError("read_rate must be 1 octet per second or more")
        if self.total is not None and self.total < 1:
            raise ValueError("total must be 1 or more")
        if not 1 <= self.port <= 65_535:
            raise ValueError("port must be 1..65535")


@dataclass(slots=True)
class _Transfer(Exchange):
    order: Order = "client"
    round_trip: int = 0  # nanoseconds; the handshake's, which is what the network takes just now


class Client:
    """The application (:class:`tcplab.tcp.app.App`) of a client host."""

    def __init__(self, config: ClientConfig, seed: int) -> None:
        self.config = config
        self._random = random.Random(f"client/{seed}")
        self._seed = seed
        self._interval = seconds(1 / config.rate)
        self._next_open: Instant | None = None  # set once started
        self._opening: dict[int, Instant] = {}  # token -> when OPEN was called
        self._transfers: dict[ConnectionId, _Transfer] = {}
        self._agenda: Agenda[tuple[ConnectionId, Timer]] = Agenda()
        self._opened = 0
        self._tokens = 0
        self._stopped = False

    @property
    def under_way(self) -> int:
        """How many connections are being opened, used or closed."""
        return len(self._opening) + len(self._transfers)

    @property
    def finished(self) -> bool:
        """Whether nothing is under way and nothing will be opened any more."""
        return self._enough and self.under_way == 0

    def stop(self) -> Sequence[Call]:
        """Open no more connections; those under way go on to their end. Returns what to call: nothing."""
        self._stopped = True
        return ()

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Take what happened; return what to do (see :class:`tcplab.tcp.app.App`)."""
        match event:
            case Started():
                self._next_open = now
                return self._open(now)
            case Opened():
                return self._begin(event, now)
            case OpenFailed():
                return self._open_failed(event, now)
            case Acceptable():
                return []  # a client listens to nothing
            case _:
                transfer = self._transfers.get(event.connection)
                return [] if transfer is None else self._continue(transfer, event, now)

    def advance(self, now: Instant) -> Sequence[Call]:
        """Do what is due: read on, close, lose patience, open."""
        calls: list[Call] = []
        for connection, timer in self._agenda.due(now):
            if (transfer := self._transfers.get(connection)) is not None:
                calls += self._due(transfer, timer, now)
        return calls + self._open(now)

    def deadline(self) -> Instant | None:
        """Return when ``advance`` must be called at the latest, ``None`` for never."""
        due = self._agenda.deadline()
        if self._next_open is None or self._enough or self.under_way >= self.config.concurrency:
            return due
        return self._next_open if due is None else min(due, self._next_open)

    # --- opening ---

    @property
    def _enough(self) -> bool:
        return self._stopped or (self.config.total is not None and self._opened >= self.config.total)

    def _open(self, now: Instant) -> list[Call]:
        calls: list[Call] = []
        due = self._next_open
        while due is not None and due <= now and not self._enough and self.under_way < self.config.concurrency:
            calls.append(Open(self.config.remote, self.config.port, token=self._tokens))
            self._opening[self._tokens] = now
            self._tokens += 1
            self._opened += 1
            # Openings that could not be made in time are not made up for, but for one: no bursts.
            due = self._next_open = max(due, now - self._interval) + self._interval
        return calls

    def _open_failed(self, event: OpenFailed, now: Instant) -> list[Call]:
        if self._opening.pop(event.token, None) is None:
            return []
        if event.reason is Failure.NO_PORTS:
            self._opened -= 1  # nothing was sent: it does not count as one of the total
            self._next_open = now + max(NO_PORTS_WAIT, self._interval)
        failure: TransferFailure = event.reason.value
        return [Report(TransferFailed(None, failure)), *self._open(now)]

    def _begin(self, event: Opened, now: Instant) -> list[Call]:
        since = self._opening.pop(event.token, None) if event.token is not None else None
        if since is None:
            return [Abort(event.connection)]  # nobody here asked for it
        order = self._random.choices(_ORDERS, self.config.close_mix)[0]
        transfer = _Transfer(
            event.connection, now, event.space, self.config.read_rate, order=order, round_trip=now - since
        )
        transfer.writer = self._request(order, event.token)
        self._transfers[event.connection] = transfer
        self._agenda.set((event.connection, "patience"), now + self.config.patience)
        return transfer.write(now)

    def _request(self, order: Order, token: int | None) -> FrameWriter:
        linger = self.config.linger // MILLISECOND if order == "both" else None
        serve = self.config.mode is Mode.SERVE
        length = NUMBER_OCTETS if serve else self.config.octets
        header = Header(self.config.mode, length, server_closes=order == "server", linger=linger)
        if serve:
            return FrameWriter(header, FixedPayload(self.config.octets.to_bytes(NUMBER_OCTETS)).take)
        return FrameWriter(header, RandomPayload(f"{self._seed}/{token}").take)

    # --- a connection's course ---

    def _continue(
        self,
        transfer: _Transfer,
        event: Readable | Received | Writable | PeerClosed | Closed | Failed,
        now: Instant,
    ) -> list[Call]:
        match event:
            case Writable():
                transfer.writable(event.space, now)
                return transfer.write(now) + self._complete(transfer, now)
            case Readable():
                transfer.readable(event.available)
                return self._read(transfer, now)
            case Received():
                return self._received(transfer, event.data, now)
            case PeerClosed():
                transfer.end_of_stream = True
                return self._end_of_stream(transfer, now)
            case Closed():
                calls = [] if transfer.settled else [self._failure(transfer, "truncated")]
                return calls + transfer.leave() + self._forget(transfer, now)
            case Failed():
                failure: TransferFailure = event.reason.value
                calls = [] if transfer.settled else [self._failure(transfer, failure)]
                return calls + self._forget(transfer, now)

    def _read(self, transfer: _Transfer, now: Instant) -> list[Call]:
        calls = transfer.read(now)
        if not calls and transfer.unread and transfer.next_read > now:
            self._agenda.set((transfer.connection, "read"), transfer.next_read)
        return calls

    def _received(self, transfer: _Transfer, data: bytes, now: Instant) -> list[Call]:
        try:
            transfer.received(data, now)
            self._verify(transfer)
        except MalformedFrame as error:
            return [*self._corruption(transfer, str(error)), *self._forget(transfer, now)]
        calls = self._complete(transfer, now)
        if transfer.end_of_stream:
            calls += self._end_of_stream(transfer, now)
        return calls + self._read(transfer, now)

    def _complete(self, transfer: _Transfer, now: Instant) -> list[Call]:
        """Report, once, that request and answer are complete: an echo may be so while our digest waits for space."""
        writer, reader = transfer.writer, transfer.reader
        if transfer.settled or writer is None or not (reader.complete and writer.complete):
            return []
        transfer.settled = True
        duration = now - transfer.opened
        completed = TransferCompleted(transfer.connection, writer.header.length, reader.octets, duration)
        return [Report(completed), *self._answered(transfer, now)]

    def _verify(self, transfer: _Transfer) -> None:
        """Compare the answer with the request, as far as it has come."""
        writer, answer = transfer.writer, transfer.reader.header
        if writer is None or answer is None:
            return
        request = writer.header
        expected = {Mode.ECHO: request.length, Mode.SINK: DIGEST_OCTETS, Mode.SERVE: self.config.octets}[request.mode]
        if answer != Header(request.mode, expected):
            raise MalformedFrame(f"the answer {answer} does not fit the request {request}")
        if not transfer.reader.complete or request.mode is Mode.SERVE:
            return
        if writer.digest is None:
            raise MalformedFrame("the answer was complete before the request was")
        told = writer.digest if request.mode is Mode.ECHO else hashlib.sha256(writer.digest).digest()
        if transfer.reader.digest != told:
            raise MalformedFrame("the server received something else than was sent")

    def _answered(self, transfer: _Transfer, now: Instant) -> list[Call]:
        if transfer.order == "client":
            return transfer.close()
        if transfer.order == "both":
            # The server's FIN leaves `linger` after its answer left, half a round trip before we have the answer.
            wait = max(0, self.config.linger - transfer.round_trip // 2)
            self._agenda.set((transfer.connection, "close"), now + wait)
        return []

    def _end_of_stream(self, transfer: _Transfer, now: Instant) -> list[Call]:
        if not transfer.exhausted or transfer.closed:
            return []
        if not transfer.settled:
            calls = [self._failure(transfer, "truncated"), Abort(transfer.connection)]
            return calls + self._forget(transfer, now)
        return transfer.close()

    def _due(self, transfer: _Transfer, timer: Timer, now: Instant) -> list[Call]:
        match timer:
            case "read":
                return self._read(transfer, now)
            case "close":
                return transfer.close()
            case "patience":
                end = transfer.progress + self.config.patience
                if end > now:
                    self._agenda.set((transfer.connection, "patience"), end)
                    return []
                # A transfer that is settled only waits for the peer's FIN: that wait is left to the TCP.
                calls = (
                    [Release(transfer.connection)]
                    if transfer.settled
                    else [self._failure(transfer, "stalled"), Abort(transfer.connection)]
                )
                return calls + self._forget(transfer, now)

    # --- endings ---

    def _failure(self, transfer: _Transfer, reason: TransferFailure) -> Call:
        transfer.settled = True
        return Report(TransferFailed(transfer.connection, reason))

    def _corruption(self, transfer: _Transfer, detail: str) -> list[Call]:
        transfer.settled = True
        return [Report(TransferCorrupted(transfer.connection, detail)), Abort(transfer.connection)]

    def _forget(self, transfer: _Transfer, now: Instant) -> list[Call]:
        del self._transfers[transfer.connection]
        for timer in ("read", "close", "patience"):
            self._agenda.clear((transfer.connection, timer))
        return self._open(now)
