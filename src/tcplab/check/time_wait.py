"""TIME_WAIT lasts exactly as long as its policy bids; by RFC 9293 a retransmitted FIN, and only that, restarts it."""

from collections.abc import Iterator, Sequence
from typing import Final

from tcplab.check.checker import EXACT, Configs
from tcplab.check.history import History, Life, identity
from tcplab.check.verdict import Finding, Result, invalid, unknown
from tcplab.node import Event, PacketReceived
from tcplab.observe.journal import Record
from tcplab.tcp.events import ConnectionId, Ignored, SegmentIgnored, StateChanged, TimeWaitRestarted
from tcplab.tcp.states import Cause, State
from tcplab.tcp.time_wait import policy
from tcplab.units import Duration, in_seconds
from tcplab.wire.segment import FIN, RST, SYN
from tcplab.wire.seq import SeqNumber, seq_lt

_EARLY: Final = frozenset({Cause.SYN_ARRIVED, Cause.ACTIVE_OPEN, Cause.RESET_ARRIVED})


class TimeWaitLasts:
    """Judges each TIME_WAIT (RFC 9293, 3.6.1 and MUST-13).

    What restarts it, and what ends it before its time, is judged where the host has RFC 9293's policy and gives way to
    no new connection; how long it lasts otherwise is judged always.
    """

    def __init__(self, configs: Configs, *, tolerance: Duration = EXACT) -> None:
        """Make a judge.

        Args:
            configs: each host's settings, for their MSL and their policy.
            tolerance: how much later than due a TIME_WAIT may end: how late a driver of real time may wake its node.
        """
        self._configs = configs
        self._tolerance = tolerance

    def __call__(self, history: History) -> Result:
        """Judge all of them; one that the journal does not see end is unknown."""
        restarts: dict[tuple[str, ConnectionId], list[Record[TimeWaitRestarted]]] = {}
        for record in history.of(TimeWaitRestarted):
            restarts.setdefault((record.node, record.event.connection), []).append(record)
        findings: list[Finding] = []
        judged = 0
        for name, life in history.lives.items():
            place = next((n for n, change in enumerate(life.changes) if change.event.new is State.TIME_WAIT), None)
            if place is not None:
                judged += 1
                end = life.changes[place + 1] if place + 1 < len(life.changes) else None
                mine = restarts.get(name, [])
                findings += self._length(life, life.changes[place], end, mine)
                if self._strict(life):
                    findings += _restarts(history, life, life.changes[place], mine)
        return Result("TIME_WAIT lasts 2 MSL", judged, tuple(findings))

    def _strict(self, life: Life) -> bool:
        config = self._configs[life.node]
        return config.time_wait_policy == "rfc9293" and not config.time_wait_reuse

    def _length(
        self,
        life: Life,
        begin: Record[StateChanged],
        end: Record[StateChanged] | None,
        restarts: Sequence[Record[TimeWaitRestarted]],
    ) -> Iterator[Finding]:
        if end is None:
            yield unknown(f"{life} is still in TIME_WAIT", begin)
            return
        if end.event.cause is not Cause.TIME_WAIT_EXPIRED:
            if self._strict(life) and end.event.cause in _EARLY:
                yield invalid(f"{life} left TIME_WAIT before its time: {end.event.cause.value}", end)
            return
        config = self._configs[life.node]
        chosen = policy(config.time_wait_policy, config.time_wait)
        due = Duration(0) if chosen is None else chosen.duration
        lasted = end.time - (restarts[-1].time if restarts else begin.time)
        if not due <= lasted <= due + self._tolerance:
            yield invalid(
                f"{life} stayed {in_seconds(lasted)} s in TIME_WAIT since its last restart, not {in_seconds(due)} s",
                end,
            )


def _restarts(
    history: History, life: Life, begin: Record[StateChanged], restarts: Sequence[Record[TimeWaitRestarted]]
) -> Iterator[Finding]:
    """Find restarts without a FIN, and FINs without a restart."""
    due = _fins_again(history, life, begin)
    for record in due:
        if not any(restart.n > record.n and restart.time == record.time for restart in restarts):
            yield invalid(f"{life} got a FIN again in TIME_WAIT and did not begin anew", record)
    for restart in restarts:
        if not any(record.n < restart.n and record.time == restart.time for record in due):
            yield invalid(f"{life} began its TIME_WAIT anew though no FIN came again", restart)


def _fins_again(history: History, life: Life, begin: Record[StateChanged]) -> list[Record[Event]]:
    """Return what brought the peer's FIN once more; not what timestamps show to be older than what had arrived.

    Such a FIN is acknowledged and has no other effect (RFC 7323, 5.3, R1).
    """
    refused = {
        identity(record.event.packet)
        for record in history.of(SegmentIgnored)
        if record.event.reason is Ignored.OLD_TIMESTAMP
    }
    ends: set[SeqNumber] = set()
    recent: SeqNumber | None = None
    found: list[Record[Event]] = []
    for record in history.traffic(life):
        if not isinstance(record.event, PacketReceived):
            continue
        segment = record.event.packet.segment
        stamp = None if segment.options.timestamps is None else SeqNumber(segment.options.timestamps[0])
        older = stamp is not None and recent is not None and seq_lt(stamp, recent)
        if stamp is not None and not older:
            recent = stamp
        if segment.flags & (FIN | SYN | RST) != FIN:
            continue
        if record.n < begin.n:
            ends.add(segment.end)
        elif segment.end in ends and not (older and identity(record.event.packet) in refused):
            found.append(Record(*record))
    return found
