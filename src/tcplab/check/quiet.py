"""Two TCPs do not acknowledge each other's acknowledgements for ever (RFC 1337, hazard H2; RFC 5961, section 7)."""

from collections.abc import Mapping
from typing import Final

from tcplab.check.history import History, Identity, identity
from tcplab.check.verdict import Finding, Result, invalid
from tcplab.node import Address, Packet, PacketReceived, PacketSent
from tcplab.tcp.events import ConnectionId, Ignored, SegmentIgnored
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, Instant
from tcplab.wire.segment import RST

INTERVAL: Final = 500 * MILLISECOND
"""How long two answers of one connection to bare ACKs must lie apart."""

_UNACCEPTABLE: Final = frozenset(
    {Ignored.UNACCEPTABLE_SEQUENCE, Ignored.UNACCEPTABLE_ACK, Ignored.OLD_TIMESTAMP, Ignored.RESET_NOT_EXACT}
)


def quiet(history: History) -> Result:
    """Judge how often a connection answers a bare segment that is unacceptable, as its peer may find the answer.

    In TIME_WAIT it may answer each one, since that is over after 2 MSL; and an ACK with another window is no answer but
    the news of that window.
    """
    asked = _asked(history)
    answering: dict[str, tuple[Instant, ConnectionId] | None] = {}
    windows: dict[tuple[str, int, Address, int], int] = {}  # last told, by node and ports
    last: dict[tuple[str, ConnectionId], Instant] = {}
    findings: list[Finding] = []
    judged = 0
    for record in history.records:
        event = record.event
        if isinstance(event, PacketReceived):
            connection = asked.get((record.node, identity(event.packet)))
            answering[record.node] = None if connection is None else (record.time, connection)
        elif isinstance(event, PacketSent):
            packet, segment = event.packet, event.packet.segment
            way = record.node, segment.sport, packet.target, segment.dport
            told, windows[way] = windows.get(way), segment.window
            question = answering.get(record.node)
            if segment.length or told != segment.window or question is None or question[0] != record.time:
                continue
            if not _answers(packet, question[1]):
                continue
            answering[record.node] = None
            connection = question[1]
            judged += 1
            name = record.node, connection
            if name in last and record.time - last[name] < INTERVAL:
                findings.append(invalid(f"{connection} of {record.node} answered one bare ACK after the other", record))
            last[name] = record.time
    return Result("quiet", judged, tuple(findings))


def _answers(packet: Packet, connection: ConnectionId) -> bool:
    segment = packet.segment
    ends = packet.source, segment.sport, packet.target, segment.dport
    return ends == connection[:4] and not segment.flags & RST


def _asked(history: History) -> Mapping[tuple[str, Identity], ConnectionId]:
    """Return every bare ACK that was unacceptable, by the node where it was, outside of TIME_WAIT."""
    waiting = {
        name: change.time
        for name, life in history.lives.items()
        for change in life.changes
        if change.event.new is State.TIME_WAIT
    }
    return {
        (record.node, identity(record.event.packet)): record.event.connection
        for record in history.of(SegmentIgnored)
        if record.event.connection is not None
        and record.event.reason in _UNACCEPTABLE
        and not record.event.packet.segment.length
        and record.time < waiting.get((record.node, record.event.connection), record.time + 1)
    }
