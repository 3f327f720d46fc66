"""Retransmission intervals double, within their bounds."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from tcplab.check.checker import EXACT, Configs
from tcplab.check.history import History, Life
from tcplab.check.verdict import Finding, Result, invalid
from tcplab.node import PacketSent
from tcplab.observe.journal import Record
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, Retransmitted
from tcplab.units import Duration, Instant, elapsed, in_seconds
from tcplab.wire.seq import MODULUS, SeqNumber

_Runs = Mapping[tuple[str, ConnectionId], Sequence[Record[Retransmitted]]]


class BackOff:
    """Judges what the retransmission timer sent (RFC 6298, 2.4, 2.5 and 5.5); fast retransmissions are not its own."""

    def __init__(self, configs: Configs, *, tolerance: Duration = EXACT) -> None:
        """Make a judge.

        Args:
            configs: each host's settings, for the bounds of its RTO.
            tolerance: how late a driver of real time may wake its node.
        """
        self._configs = configs
        self._tolerance = tolerance

    def __call__(self, history: History) -> Result:
        """Judge every interval between two sendings of one segment."""
        findings: list[Finding] = []
        judged = 0
        for name, records in _by_timer(history).items():
            config = self._configs[name[0]]
            sent = _Sendings(history, history.lives[name])
            for _, group in groupby(records, key=_seq):
                run = list(group)
                judged += len(run)
                findings += _first(run[0], sent, config)
                findings += self._doubling(run, config)
        return Result("back-off", judged, tuple(findings))

    def _doubling(self, run: Sequence[Record[Retransmitted]], config: TcpConfig) -> Iterator[Finding]:
        """Find an interval that is neither twice the one before it nor the greatest RTO."""
        for before, last, this in zip(run, run[1:], run[2:], strict=False):
            interval = elapsed(last.time, this.time)
            due = min(2 * elapsed(before.time, last.time), config.rto_max)
            if abs(interval - due) > 3 * self._tolerance:
                yield invalid(
                    f"{this.event.connection} of {this.node} waited {in_seconds(interval)} s "
                    f"where {in_seconds(due)} s were due",
                    this,
                )


class _Sendings:
    """When each octet of a connection was first sent."""

    def __init__(self, history: History, life: Life) -> None:
        self._starts: list[int] = []
        self._times: list[Instant] = []
        self._iss: SeqNumber | None = None
        self._end = 0
        for record in history.traffic(life):
            segment = record.event.packet.segment
            if isinstance(record.event, PacketSent) and segment.length:
                if self._iss is None:
                    self._iss = segment.seq
                start = self._offset(segment.seq)
                if start + segment.length > self._end:
                    self._starts.append(max(start, self._end))
                    self._times.append(record.time)
                    self._end = start + segment.length

    def first(self, seq: SeqNumber) -> Instant | None:
        """Return when the octet was first sent, ``None`` if it never was."""
        place = bisect_right(self._starts, self._offset(seq)) - 1
        return None if place < 0 else self._times[place]

    def _offset(self, seq: SeqNumber) -> int:
        return (seq - (self._iss or 0)) % MODULUS


def _by_timer(history: History) -> _Runs:
    found: dict[tuple[str, ConnectionId], list[Record[Retransmitted]]] = {}
    for record in history.of(Retransmitted):
        if record.event.cause != "fast":
            found.setdefault((record.node, record.event.connection), []).append(record)
    return found


def _seq(record: Record[Retransmitted]) -> SeqNumber:
    return record.event.segment.seq


def _first(record: Record[Retransmitted], sent: _Sendings, config: TcpConfig) -> Iterator[Finding]:
    """Find a segment that was sent again before the least RTO was over, or that had never been sent."""
    connection = f"{record.event.connection} of {record.node}"
    since = sent.first(record.event.segment.seq)
    if since is None or since >= record.time:
        yield invalid(f"{connection} sent again what it had not sent", record)
    elif elapsed(since, record.time) < min(config.rto_min, config.rto_initial):
        yield invalid(f"{connection} sent again after only {in_seconds(elapsed(since, record.time))} s", record)
