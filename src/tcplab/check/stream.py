"""What one application read is what the other wrote: nothing lost, doubled, altered or from elsewhere."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from tcplab.apps.events import ConnectionReleased, StreamRead, StreamWritten
from tcplab.check.history import History, Life
from tcplab.check.verdict import Finding, Result, invalid
from tcplab.node import PacketSent
from tcplab.tcp.events import ConnectionClosed, ConnectionId, ConnectionOpened
from tcplab.wire.segment import ACK, SYN
from tcplab.wire.seq import SeqNumber, seq_add

_Streams = Mapping[tuple[str, ConnectionId], bytearray]


def stream_intact(history: History) -> Result:
    """Judge both directions of every connection, from what a :class:`tcplab.apps.witness.Witness` reported.

    What was read must be a beginning of what the peer wrote, and all of it where the reader's connection closed in
    order and its application was there to the end. Two connections are ends of one where one's ISN is what the other
    synchronized with, so that incarnations of one 4-tuple are not mistaken for each other.
    """
    written, read = _joined(history, StreamWritten), _joined(history, StreamRead)
    closed = {(record.node, record.event.connection) for record in history.of(ConnectionClosed)}
    released = {(record.node, record.event.connection) for record in history.of(ConnectionReleased)}
    partners = _partners(history)
    findings: list[Finding] = []
    judged = 0
    for name, life in history.lives.items():
        if name not in written and name not in read and name not in partners:
            continue
        partner = partners.get(name)
        judged += 1
        findings += _compare(
            life,
            read.get(name, bytearray()),
            bytearray() if partner is None else written.get(partner, bytearray()),
            whole=name in closed and name not in released,
        )
    if not history.of(StreamWritten):
        return Result("stream intact", 0)
    return Result("stream intact", judged, tuple(findings))


def _joined(history: History, kind: type[StreamWritten] | type[StreamRead]) -> _Streams:
    streams: dict[tuple[str, ConnectionId], bytearray] = defaultdict(bytearray)
    for record in history.of(kind):
        streams[record.node, record.event.connection] += record.event.data
    return streams


def _compare(life: Life, read: bytearray, written: bytearray, *, whole: bool) -> Iterator[Finding]:
    end = life.changes[-1]
    if not written.startswith(read):
        position = next(
            (n for n, (left, right) in enumerate(zip(read, written, strict=False)) if left != right), len(written)
        )
        yield invalid(f"{life} read {len(read)} octets that its peer did not write so, from octet {position} on", end)
    elif whole and len(read) < len(written):
        yield invalid(f"{life} closed in order, but read {len(read)} of {len(written)} octets", end)


def _partners(history: History) -> Mapping[tuple[str, ConnectionId], tuple[str, ConnectionId]]:
    """Return the other end of every connection that both ends have opened."""
    opened = {(record.node, record.event.connection) for record in history.of(ConnectionOpened)}
    lives = {name: life for name, life in history.lives.items() if name in opened}
    syns = {name: _syns(history, life) for name, life in lives.items()}
    ends = {(*name[1][:4], iss): name for name, (iss, _) in syns.items() if iss is not None}
    partners: dict[tuple[str, ConnectionId], tuple[str, ConnectionId]] = {}
    for name, (_, irs) in syns.items():
        local, local_port, remote, remote_port, _ = name[1]
        if irs is not None and (other := ends.get((remote, remote_port, local, local_port, irs))) is not None:
            partners[name], partners[other] = other, name
    return partners


def _syns(history: History, life: Life) -> tuple[SeqNumber | None, SeqNumber | None]:
    """Return the connection's own ISN, and, where it sent a SYN+ACK, the peer's."""
    iss = irs = None
    for record in history.traffic(life):
        segment = record.event.packet.segment
        if isinstance(record.event, PacketSent) and segment.flags & SYN:
            iss = segment.seq
            if segment.flags & ACK:
                irs = seq_add(segment.ack, -1)
                break
        elif iss is not None and isinstance(record.event, PacketSent):
            break
    return iss, irs
