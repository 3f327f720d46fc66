"""Whoever gave up had reached R2, and its application was told."""

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from typing import Final

from tcplab.apps.events import ConnectionReleased, FailureTold, StreamWritten
from tcplab.check.checker import Configs
from tcplab.check.history import History, Identity, Life
from tcplab.check.sender import Sender, ignored
from tcplab.check.verdict import Finding, Result, invalid, unknown
from tcplab.observe.journal import Record
from tcplab.tcp.events import ConnectionId, Failure, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.units import Duration, Instant, in_seconds

_OPENING: Final = frozenset({State.SYN_SENT, State.SYN_RECEIVED})
_REASONS: Final[Mapping[Cause, Failure]] = {
    Cause.RETRANSMISSION_TIMEOUT: Failure.TIMEOUT,
    Cause.USER_TIMEOUT: Failure.USER_TIMEOUT,
    Cause.KEEP_ALIVE_TIMEOUT: Failure.KEEP_ALIVE,
}


class GiveUp:
    """Judges whoever lost patience with a silent peer.

    That is every RETRANSMISSION TIMEOUT (RFC 9293, MUST-12, MUST-20 to MUST-23), USER TIMEOUT (MUST-21, RFC 5482) and
    keep-alive that went unanswered (MUST-28, MUST-29).
    """

    def __init__(self, configs: Configs) -> None:
        """Make a judge; each host's settings tell its patience."""
        self._configs = configs

    def __call__(self, history: History) -> Result:
        """Judge all of them, from what each connection sent and what arrived for it."""
        gave_up = [(life, life.changes[-1]) for life in history.connections if life.changes[-1].event.cause in _REASONS]
        told = _Told(history)
        unheard = ignored(history) if gave_up else frozenset()
        findings: list[Finding] = []
        for life, end in gave_up:
            findings += self._was_patient(life, end, _sender(history, life, end, unheard))
            findings += told.of(life, end)
        return Result("who gave up had reached R2", len(gave_up), tuple(findings))

    def _was_patient(self, life: Life, end: Record[StateChanged], sender: Sender) -> Iterator[Finding]:
        config = self._configs[life.node]
        since = sender.answered
        patience: Duration | None
        if end.event.cause is Cause.KEEP_ALIVE_TIMEOUT:
            since = sender.heard
            patience = config.keep_alive_idle + config.keep_alive_probes * config.keep_alive_interval
        elif end.event.cause is Cause.USER_TIMEOUT:
            if (patience := config.user_timeout) is None:
                yield unknown(f"{life} gave up at a time that its application chose", end)
                return
        else:
            patience = config.r2_syn if _opening(end) else config.r2
        if patience is None:
            yield invalid(f"{life} gave up though R2 is switched off", end)
        elif (quiet := end.time - since) < patience:
            yield invalid(
                f"{life} gave up {in_seconds(quiet)} s after the last progress, before {in_seconds(patience)} s", end
            )


class _Told:
    """What applications were told of failures, as far as a witness reported it."""

    def __init__(self, history: History) -> None:
        self._witnessed = bool(history.of(StreamWritten) or history.of(FailureTold))
        self._released = {(record.node, record.event.connection): record.n for record in history.of(ConnectionReleased)}
        self._failures: Counter[tuple[str, Instant, ConnectionId | None, Failure]] = Counter(
            (record.node, record.time, record.event.connection, record.event.reason)
            for record in history.of(FailureTold)
        )

    def of(self, life: Life, end: Record[StateChanged]) -> Iterator[Finding]:
        """Find an application that was not told; one that is gone, or has not heard of the connection, need not be."""
        gone = self._released.get((life.node, life.connection), end.n) < end.n
        if gone or (State.LISTEN in life.path and _opening(end)):
            return
        if not self._witnessed:
            yield unknown(f"nobody witnessed whether the application of {life} was told", end)
            return
        news = (life.node, end.time, None if _opening(end) else life.connection, _REASONS[end.event.cause])
        if not self._failures[news]:
            yield invalid(f"{life} gave up and its application was not told", end)
        self._failures[news] -= 1


def _opening(end: Record[StateChanged]) -> bool:
    return end.event.old in _OPENING


def _sender(history: History, life: Life, end: Record[StateChanged], unheard: Set[Identity]) -> Sender:
    """Return the sender as it was when it gave up.

    Progress is an acknowledgement of something new, or an answer while the window is closed (3.8.6.1), or that there
    was nothing to be acknowledged.
    """
    sender = Sender(unheard, life.changes[0].time)
    for record in history.traffic(life):
        if record.n > end.n:
            break
        sender.take(record)
    return sender
