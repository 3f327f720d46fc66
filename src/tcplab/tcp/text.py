"""The last two steps of SEGMENT ARRIVES: segment text and FIN (RFC 9293, section 3.10.7.4, seventh and eighth)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tcplab.node import Packet
from tcplab.tcp import emission
from tcplab.tcp.app import PeerClosed, Readable
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import Failure, Ignored, ResetReason
from tcplab.tcp.reassembly import Reassembly, pieces_limit
from tcplab.tcp.states import ESTABLISHED, FIN_ARRIVED, FIN_WAIT_1, FIN_WAIT_2, Cause
from tcplab.units import Instant
from tcplab.wire.segment import FIN, SYN

if TYPE_CHECKING:
    from tcplab.tcp.connection import Connection

_RECEIVING: Final = frozenset({ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2})


def take_text_and_fin(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> None:
    """Take text and FIN of an acceptable segment that begins at position ``seq``."""
    segment = packet.segment
    if c.state not in _RECEIVING:
        if segment.payload or segment.flags & FIN:
            c.ack_due = c.ack_due or segment.flags & FIN > 0  # the eighth step acknowledges it; the seventh no text
            c.ignore(packet, Ignored.AFTER_FIN, effects)
        return
    if not _take_text(c, packet, seq, now, effects):
        return
    if c.peer_fin is not None and c.peer_fin == c.rcv.nxt:
        c.rcv.nxt += 1
        if c.closing_since is None:
            c.closing_since = now
        c.ack_due = True
        c.tell(PeerClosed(c.id), effects)
        c.enter(FIN_ARRIVED, now, effects)


def _take_text(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> bool:
    """Take what of the text lies in the window, and what it frees of the reassembly queue."""
    rcv, segment = c.rcv, packet.segment
    flags, payload = segment.flags, segment.payload
    start = seq + 1 if flags & SYN else seq
    if flags & FIN and rcv.nxt <= start + len(payload) < rcv.edge:
        c.peer_fin = start + len(payload)
    if payload:
        if c.ecn is not None:
            c.ecn.data_arrives(packet.ecn, flags)
        if start < rcv.nxt:
            if c.sack:
                c.duplicate = (start, min(start + len(payload), rcv.nxt))
                c.ack_due = True
            payload, start = payload[rcv.nxt - start :], rcv.nxt
        if start + len(payload) > rcv.edge:
            payload = payload[: max(rcv.edge - start, 0)]
        if payload and c.released:
            emission.emit_reset(c, ResetReason.DATA_AFTER_RELEASE, now, effects)
            c.enter(Cause.ABORT_CALL, now, effects)
            c.fail(Failure.ABORTED, effects)
            return False
    if c.holes is not None or start != rcv.nxt:
        payload = _through_holes(c, start, payload)
        c.ack_due = c.ack_due or segment.length > 0 or bool(payload)  # what a SYN brought is freed by a bare ACK
    elif payload:
        _acknowledge_in_company(c, len(payload), now)
    elif segment.length:
        c.ack_due = True
    if payload:
        rcv.nxt += len(payload)
        c.unread += payload
        c.tell(Readable(c.id, len(c.unread)), effects)
    return True


def _acknowledge_in_company(c: Connection, size: int, now: Instant) -> None:
    """Delay the ACK of data in order, but not of a second full segment (MUST-40, SHLD-18, SHLD-19; RFC 5681, 4.2)."""
    if size > c.largest:
        c.largest = size
    delay = c.config.delayed_ack
    if not delay or c.rcv.nxt + size - c.acked >= 2 * c.largest:
        c.ack_due = True
    elif c.ack_at is None:
        c.ack_at = now + delay


def _through_holes(c: Connection, start: int, payload: bytes) -> bytes:
    """Keep what came ahead of a hole; return what is in order now."""
    if c.holes is None:
        c.holes = Reassembly(pieces_limit(c.config.receive_buffer))
    c.duplicate = c.holes.insert(start, payload) or c.duplicate
    freed = c.holes.take(c.rcv.nxt)
    if not c.holes:
        c.holes = None
    return freed
