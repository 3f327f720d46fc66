"""Whoever gave up had reached R2, and its application was told."""

from collections import Counter
from collections.abc import Iterator, Set

from tcplab.apps.events import ConnectionReleased, FailureTold, StreamWritten
from tcplab.check.checker import Configs
from tcplab.check.history import History, Identity, Life, identity
from tcplab.check.verdict import Finding, Result, invalid, unknown
from tcplab.node import PacketSent
from tcplab.observe.journal import Record
from tcplab.tcp.events import ConnectionId, Failure, SegmentIgnored, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.units import Duration, Instant, elapsed, in_seconds
from tcplab.wire.segment import ACK, Segment
from tcplab.wire.seq import SeqNumber, seq_diff

_OPENING = frozenset({State.SYN_SENT, State.SYN_RECEIVED})


class GiveUp:
    """Judges every RETRANSMISSION TIMEOUT (RFC 9293, MUST-12, MUST-20 to MUST-23)."""

    def __init__(self, configs: Configs) -> None:
        """Make a judge; each host's settings tell its R2."""
        self._configs = configs

    def __call__(self, history: History) -> Result:
        """Judge all of them, from what each connection sent and what arrived for it."""
        gave_up = [
            (life, life.changes[-1])
            for life in history.connections
            if life.changes[-1].event.cause is Cause.RETRANSMISSION_TIMEOUT
        ]
        told = _Told(history)
        ignored = {identity(record.event.packet) for record in history.of(SegmentIgnored)}
        findings: list[Finding] = []
        for life, end in gave_up:
            findings += self._reached_r2(life, end, _last_progress(history, life, end, ignored))
            findings += told.of(life, end)
        return Result("who gave up had reached R2", len(gave_up), tuple(findings))

    def _reached_r2(self, life: Life, end: Record[StateChanged], since: Instant) -> Iterator[Finding]:
        config = self._configs[life.node]
        r2: Duration | None = config.r2_syn if end.event.old in _OPENING else config.r2
        if r2 is None:
            yield invalid(f"{life} gave up though R2 is switched off", end)
            return
        quiet = elapsed(since, end.time)
        if quiet < r2:
            yield invalid(
                f"{life} gave up {in_seconds(quiet)} s after the last progress, before {in_seconds(r2)} s", end
            )


class _Told:
    """What applications were told of failures, as far as a witness reported it."""

    def __init__(self, history: History) -> None:
        self._witnessed = bool(history.of(StreamWritten) or history.of(FailureTold))
        self._released = {(record.node, record.event.connection): record.n for record in history.of(ConnectionReleased)}
        self._failures: Counter[tuple[str, Instant, ConnectionId | None]] = Counter(
            (record.node, record.time, record.event.connection)
            for record in history.of(FailureTold)
            if record.event.reason is Failure.TIMEOUT
        )

    def of(self, life: Life, end: Record[StateChanged]) -> Iterator[Finding]:
        """Find an application that was not told; one that is gone, or has not heard of the connection, need not be."""
        gone = self._released.get((life.node, life.connection), end.n) < end.n
        if gone or (State.LISTEN in life.path and _opening(end)):
            return
        if not self._witnessed:
            yield unknown(f"nobody witnessed whether the application of {life} was told", end)
            return
        news = (life.node, end.time, None if _opening(end) else life.connection)
        if not self._failures[news]:
            yield invalid(f"{life} gave up and its application was not told", end)
        self._failures[news] -= 1


def _opening(end: Record[StateChanged]) -> bool:
    return end.event.old in _OPENING


def _last_progress(history: History, life: Life, end: Record[StateChanged], ignored: Set[Identity]) -> Instant:
    """Return since when the peer had shown no sign of progress.

    Progress is an acknowledgement of something new, or an answer while the window is closed (3.8.6.1), or that there
    was nothing to be acknowledged.
    """
    una: SeqNumber | None = None
    nxt = SeqNumber(0)
    newest: tuple[SeqNumber, SeqNumber] | None = None  # SND.WL1 and SND.WL2
    window = 0
    since = life.changes[0].time
    for record in history.traffic(life):
        packet = record.event.packet
        segment = packet.segment
        if record.n > end.n:
            break
        if isinstance(record.event, PacketSent):
            if una is None:
                una = nxt = segment.seq
            if segment.length and una == nxt:
                since = record.time
            if seq_diff(segment.end, nxt) > 0:
                nxt = segment.end
        elif una is not None and segment.flags & ACK and identity(packet) not in ignored:
            acked = seq_diff(segment.ack, una)
            if acked > 0 or (acked == 0 and (newest is None or not _is_older(segment, newest))):
                newest, window = (segment.seq, segment.ack), segment.window
            if 0 < acked <= seq_diff(nxt, una):
                una, since = segment.ack, record.time
            elif acked == 0 and window == 0:
                since = record.time
    return since


def _is_older(segment: Segment, newest: tuple[SeqNumber, SeqNumber]) -> bool:
    since_seq = seq_diff(segment.seq, newest[0])
    return since_seq < 0 or (since_seq == 0 and seq_diff(segment.ack, newest[1]) < 0)
