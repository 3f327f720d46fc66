"""Retransmission intervals double, within their bounds; whatever else is sent again has a reason."""

from collections.abc import Iterator, Mapping, Sequence, Set
from heapq import merge
from typing import NamedTuple, TypeAlias

from tcplab.check.checker import EXACT, Configs
from tcplab.check.history import History, Identity
from tcplab.check.sender import Sender, ignored
from tcplab.check.verdict import Finding, Result, invalid
from tcplab.node import Event, PacketReceived, PacketSent
from tcplab.observe.journal import Record
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, Retransmitted, RttSampled
from tcplab.units import SECOND, Duration, Instant, in_seconds
from tcplab.wire.seq import SeqNumber, seq_diff

_Told: TypeAlias = Retransmitted | RttSampled
_UNMEASURED = SECOND  # how long a loss probe waits where no round trip was measured (RFC 8985, 7.2)


class BackOff:
    """Judges what timers sent (RFC 6298, 2.4 and 5.5; RFC 8985, 7); not what acknowledgements showed to be lost."""

    def __init__(self, configs: Configs, *, tolerance: Duration = EXACT) -> None:
        """Make a judge.

        Args:
            configs: each host's settings, for the bounds of its RTO.
            tolerance: how late a driver of real time may wake its node.
        """
        self._configs = configs
        self._tolerance = tolerance

    def __call__(self, history: History) -> Result:
        """Judge every segment that was sent again, from what each connection sent and what arrived for it."""
        findings: list[Finding] = []
        judged = 0
        unheard = ignored(history)
        for name, told in _told(history).items():
            timers = _Timers(self._configs[name[0]], self._tolerance, unheard)
            for record in merge(history.traffic(history.lives[name]), told, key=_number):
                findings += timers.take(record)
            judged += timers.judged
        return Result("back-off", judged, tuple(findings))


def _told(history: History) -> Mapping[tuple[str, ConnectionId], Sequence[Record[_Told]]]:
    """Return what was told of connections whose timers have sent anything."""
    found: dict[tuple[str, ConnectionId], list[Record[_Told]]] = {}
    for resent in history.of(Retransmitted):
        if resent.event.cause != "fast":
            found.setdefault((resent.node, resent.event.connection), []).append(Record(*resent))
    for sample in history.of(RttSampled):
        if (told := found.get((sample.node, sample.event.connection))) is not None:
            told.append(Record(*sample))
    for told in found.values():
        told.sort(key=_number)
    return found


def _number(record: Record[Event]) -> int:
    return record.n


class _Expiry(NamedTuple):
    """The retransmission timer went off, and the peer has made no progress since."""

    time: Instant
    attempt: int
    least: Duration
    """The timeout that went off was no shorter,"""
    most: Duration
    """and no longer."""


class _Timers:
    """The timers of one connection: the one for retransmissions, and the one for loss probes.

    What is sent again "by timeout" is either what the timer went off for, or, until all that was outstanding then is
    acknowledged, what acknowledgements let follow. Only RACK has another timer, by which something may be found lost.
    """

    def __init__(self, config: TcpConfig, tolerance: Duration, unheard: Set[Identity]) -> None:
        self._config = config
        self._tolerance = tolerance
        self._sender = Sender(unheard)
        self._least = min(config.rto_min, config.rto_initial)
        self._point: SeqNumber | None = None  # what was outstanding at the last timeout ends here
        self._expiry: _Expiry | None = None
        self._arrived: Instant | None = None
        self._probe: tuple[SeqNumber | None, Instant] | None = None  # SND.UNA at the last loss probe, and when it was
        self._round_trip: Duration | None = None  # the shortest
        self.judged = 0

    def take(self, record: Record[Event]) -> Iterator[Finding]:
        """Take what happened next; find what is wrong with it."""
        event = record.event
        if isinstance(event, PacketSent | PacketReceived):
            una = self._sender.una
            self._sender.take(Record(record.n, record.time, record.node, event))
            if isinstance(event, PacketReceived):
                self._arrived = record.time
                if self._sender.una != una:
                    self._expiry = None
        elif isinstance(event, RttSampled):
            self._round_trip = event.rtt if self._round_trip is None else min(event.rtt, self._round_trip)
        elif isinstance(event, Retransmitted):
            self.judged += 1
            yield from self._judge(Record(record.n, record.time, record.node, event))

    def _judge(self, record: Record[Retransmitted]) -> Iterator[Finding]:
        event = record.event
        who = f"{event.connection} of {record.node}"
        first = self._sender.first_sent(event.segment.seq)
        if first is None or first >= record.time:
            yield invalid(f"{who} sent again what it had not sent", record)
            return
        started = max(first, self._started)
        if event.cause == "probe" and self._sender.window:
            if not self._is_loss_probe(record):
                yield invalid(f"{who} sent a loss probe that was not due", record)
            self._probe = self._sender.una, record.time
            return
        if event.cause == "rto" and self._follows(record, started):
            if not (self._is_clocked(record) or self._has_sack):
                yield invalid(f"{who} sent again what no timer and no arrival let it send", record)
            return
        yield from self._expired(record, who, started)

    @property
    def _has_sack(self) -> bool:
        return self._config.sack and self._sender.sack is not False

    @property
    def _started(self) -> Instant:
        """When the retransmission timer was started last, for anything new at least."""
        return self._sender.restarted if self._probe is None else max(self._sender.restarted, self._probe[1])

    def _is_clocked(self, record: Record[Retransmitted]) -> bool:
        """Return whether something arrived, or the timer went off, at the same instant."""
        return record.time == self._arrived or (self._expiry is not None and record.time == self._expiry.time)

    def _is_loss_probe(self, record: Record[Retransmitted]) -> bool:
        """Return whether it can be the one loss probe that may be outstanding, or takes the place of a timeout."""
        sender = self._sender
        end, sent = sender.newest(record.time)
        counted = 1 if self._expiry is None else self._expiry.attempt
        if not self._has_sack or record.event.attempt != counted or record.event.segment.end != end:
            return False
        wait = _UNMEASURED if self._round_trip is None else 2 * self._round_trip
        due = min(max(sent, sender.restarted) + wait, self._started + self._least)
        return record.time >= due and (self._probe is None or self._probe[0] != sender.una)

    def _follows(self, record: Record[Retransmitted], started: Instant) -> bool:
        """Return whether it is part of a recovery that a timeout has begun, and not a timeout itself."""
        una, attempt = self._sender.una, record.event.attempt
        if una is None or self._point is None or seq_diff(una, self._point) >= 0:
            return False
        if self._expiry is not None:
            return attempt <= self._expiry.attempt
        early = record.event.segment.seq != una or record.time - started < self._least
        return attempt == 1 and (self._is_clocked(record) or (self._has_sack and early))

    def _expired(self, record: Record[Retransmitted], who: str, started: Instant) -> Iterator[Finding]:
        segment, attempt = record.event.segment, record.event.attempt
        if segment.seq != self._sender.una:
            yield invalid(f"{who} did not send the first that is unacknowledged, when its timer went off", record)
        waited, last = record.time - started, self._expiry
        if last is None:
            if waited < self._least:
                yield invalid(f"{who} sent again after only {in_seconds(waited)} s", record)
            self._expiry = _Expiry(record.time, attempt, self._least, waited)
        else:
            if attempt != last.attempt + 1:
                yield invalid(f"{who} sent again for the {attempt}th time after the {last.attempt}th", record)
            waited = self._waited(last, record, record.time - max(last.time, started))
            least, most = self._due(last)
            if not self._fits(last, waited):
                due = f"{in_seconds(least)} s" if least == most else f"{in_seconds(least)} to {in_seconds(most)} s"
                yield invalid(f"{who} waited {in_seconds(waited)} s where {due} were due", record)
            self._expiry = _Expiry(record.time, attempt, waited, waited)
        if record.event.cause == "rto":
            self._point = self._sender.nxt

    def _waited(self, last: _Expiry, record: Record[Retransmitted], waited: Duration) -> Duration:
        """Return how long the timer ran: a loss probe with new data starts it anew, and is not told as one."""
        shorter = record.time - max(last.time, self._sender.newest(record.time)[1])
        return shorter if self._has_sack and not self._fits(last, waited) and self._fits(last, shorter) else waited

    def _due(self, last: _Expiry) -> tuple[Duration, Duration]:
        least, most = (min(2 * bound, self._config.rto_max) for bound in (last.least, last.most))
        return least, most

    def _fits(self, last: _Expiry, waited: Duration) -> bool:
        least, most = self._due(last)
        return least - 3 * self._tolerance <= waited <= most + 3 * self._tolerance
