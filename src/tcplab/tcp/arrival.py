"""SEGMENT ARRIVES (RFC 9293, section 3.10.7), one function per numbered step, shared by all states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tcplab.node import Packet
from tcplab.tcp import emission
from tcplab.tcp.app import Opened, PeerClosed, Readable, Writable
from tcplab.tcp.config import MSS_UNTOLD
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import (
    ConnectionOpened,
    Failure,
    Ignored,
    ResetReason,
    ResetReceived,
    ResetSent,
    RttSampled,
    SegmentIgnored,
)
from tcplab.tcp.reassembly import Reassembly
from tcplab.tcp.reset import reset_for
from tcplab.tcp.states import Cause, State
from tcplab.units import MILLISECOND, Duration, Instant, elapsed
from tcplab.wire.segment import ACK, FIN, RST, SYN, Segment

if TYPE_CHECKING:
    from tcplab.tcp.connection import Connection

_RECEIVING: Final = frozenset({State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2})
_DUPLICATE_ACKS: Final = 3  # RFC 5681, section 3.2
_CHALLENGE_INTERVAL: Final = Duration(500 * MILLISECOND)  # Linux's default of tcp_invalid_ratelimit


def segment_arrives(c: Connection, packet: Packet, now: Instant, effects: Effects) -> None:
    """Take a segment for this connection, in any state but CLOSED and TIME_WAIT, which are the host's."""
    if c.state is State.LISTEN:
        _in_listen(c, packet, now, effects)
    elif c.state is State.SYN_SENT:
        _in_syn_sent(c, packet, now, effects)
    else:
        segment = packet.segment
        seq = c.rcv.position(segment.seq)
        if (
            _check_sequence(c, packet, seq, now, effects)
            and (not segment.flags & (RST | SYN) or _check_reset_and_syn(c, packet, seq, now, effects))
            and _check_ack(c, packet, seq, now, effects)
            and (segment.payload or segment.flags & FIN or c.holes)
        ):
            _take_text_and_fin(c, packet, seq, now, effects)
    if (c.ack_due or c.queue or c.fin_queued) and c.state is not State.CLOSED and c.state is not State.LISTEN:
        emission.emit(c, now, effects)


def _ignore(c: Connection, packet: Packet, reason: Ignored, effects: Effects) -> bool:
    effects.events.append(SegmentIgnored(c.id, packet, reason))
    return False


def _refuse(c: Connection, packet: Packet, now: Instant, effects: Effects) -> bool:
    """Answer an unacceptable ACK of an unsynchronized state with a reset (3.5.2, group 2)."""
    _ignore(c, packet, Ignored.UNACCEPTABLE_ACK, effects)
    if (reset := reset_for(packet.segment)) is not None:
        effects.send(reset, packet.source, now)
        effects.events.append(ResetSent(c.id, ResetReason.UNACCEPTABLE_ACK))
    return False


# --- 3.10.7.2 ----------------------------------------------------------------------------------------------------


def _in_listen(c: Connection, packet: Packet, now: Instant, effects: Effects) -> None:
    segment = packet.segment
    if segment.flags & RST:
        _ignore(c, packet, Ignored.RESET_FOR_STRANGER, effects)
    elif segment.flags & ACK:
        _refuse(c, packet, now, effects)
    elif not segment.flags & SYN:
        _ignore(c, packet, Ignored.NO_SYN, effects)
    else:
        c.opened_at = now
        _take_syn(c, segment)
        c.enter(Cause.SYN_ARRIVED, now, effects)
        emission.emit_syn(c, now, effects)


def _take_syn(c: Connection, segment: Segment) -> None:
    """Take the peer's ISN, window and MSS; keep its text, unacknowledged, until ESTABLISHED."""
    c.rcv.begin(segment.seq, c.config.receive_buffer)
    c.mss = min(c.config.mss, segment.options.mss or MSS_UNTOLD)
    _take_window(c, segment.window, 0, 0)
    if segment.payload:
        c.holes = Reassembly()
        c.holes.insert(1, segment.payload[: c.rcv.wnd])


def _take_window(c: Connection, window: int, seq: int, ack: int) -> None:
    """Take the peer's window, from the segment at these positions."""
    snd = c.snd
    snd.wnd, snd.wl1, snd.wl2 = window, seq, ack
    snd.max_wnd = max(snd.max_wnd, window)


# --- 3.10.7.3 ----------------------------------------------------------------------------------------------------


def _in_syn_sent(c: Connection, packet: Packet, now: Instant, effects: Effects) -> None:
    segment = packet.segment
    flags = segment.flags
    if flags & ACK and not 0 < c.snd.position(segment.ack) <= c.snd.nxt:
        _refuse(c, packet, now, effects)
        return
    if flags & RST:
        if flags & ACK:
            _reset_arrived(c, Failure.REFUSED, now, effects)
        else:
            _ignore(c, packet, Ignored.RESET_NOT_EXACT, effects)
        return
    if not flags & SYN:
        _ignore(c, packet, Ignored.NO_SYN, effects)
        return
    _take_syn(c, segment)
    if not flags & ACK:
        c.enter(Cause.SYN_ARRIVED, now, effects)
        emission.emit_syn(c, now, effects)
        return
    _established(c, segment, 0, now, effects)
    c.ack_due = True
    _take_text_and_fin(c, packet, 0, now, effects)


def _established(c: Connection, segment: Segment, seq: int, now: Instant, effects: Effects) -> None:
    """Our SYN is acknowledged: enter ESTABLISHED and tell everybody."""
    c.snd.una = c.snd.position(segment.ack)
    if c.timer.attempts:
        c.rtt.after_lost_syn()
    _time_round_trip(c, now, effects)
    c.timer.stop()
    c.recover = None
    c.opened = True
    _take_window(c, segment.window, seq, c.snd.una)
    c.enter(Cause.SYN_ACK_ARRIVED if c.state is State.SYN_SENT else Cause.ACK_OF_SYN, now, effects)
    effects.events.append(ConnectionOpened(c.id, "passive" if c.passive else "active", elapsed(c.opened_at, now)))
    if not c.released:
        effects.signals.append(Opened(c.id, c.space, None if c.passive else c.token))


# --- 3.10.7.4, first: sequence number ----------------------------------------------------------------------------


def _check_sequence(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> bool:
    """Go on if any of the segment lies in the window; else acknowledge, so that the peer learns where we are."""
    segment = packet.segment
    rcv = c.rcv
    if seq == rcv.nxt and (rcv.edge != seq or not segment.length):
        return True
    if seq < rcv.edge and seq + max(segment.length, 1) > rcv.nxt:
        return True
    if segment.flags & (RST | SYN | ACK) == ACK and _is_heard(c, seq, segment.length):
        if seq < rcv.nxt:
            _acknowledge_unacceptable(c, segment, now)
        return True
    if not segment.flags & RST:
        _acknowledge_unacceptable(c, segment, now)
    return _ignore(c, packet, Ignored.UNACCEPTABLE_SEQUENCE, effects)


def _is_heard(c: Connection, seq: int, length: int) -> bool:
    """Return whether the ACK of a segment counts though all of it lies just outside of the window.

    By the letter of 3.10.7.4 two ends can end up not hearing each other any more. So the ACK counts of

    - what probes a closed window, from RCV.NXT on (the special allowance of 3.10.7.4),
    - a bare ACK from the right edge, where a peer stands that has filled our window with what was lost, and
    - a bare ACK from RCV.NXT-1, where a peer stands that does not know yet that its probe was taken (and one that asks
      whether we are alive, 3.8.4).
    """
    rcv = c.rcv
    if length:
        return seq == rcv.nxt == rcv.edge
    return seq == rcv.edge or (seq == rcv.nxt - 1 and c.state is not State.SYN_RECEIVED)


def _acknowledge_unacceptable(c: Connection, segment: Segment, now: Instant) -> None:
    """Let the peer learn where we are; a bare ACK only so often, lest two ends answer each other for ever.

    That is what desynchronized ends would do (RFC 5961, section 7). Data and FINs are always answered: the peer may
    be sending them again because our ACK was lost.
    """
    if not segment.length:
        if now < c.challenge_after:
            return
        c.challenge_after = Instant(now + _CHALLENGE_INTERVAL)
    c.ack_due = True


# --- second: RST (RFC 5961, section 3.2) -------------------------------------------------------------------------


def _check_reset_and_syn(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> bool:
    if not packet.segment.flags & RST:
        return _check_syn(c, packet, now, effects)
    if seq != c.rcv.nxt:
        c.ack_due = True
        return _ignore(c, packet, Ignored.RESET_NOT_EXACT, effects)
    _reset_arrived(c, Failure.REFUSED if c.state is State.SYN_RECEIVED else Failure.RESET, now, effects)
    return False


def _reset_arrived(c: Connection, reason: Failure, now: Instant, effects: Effects) -> None:
    effects.events.append(ResetReceived(c.id))
    c.fail(reason, effects)
    from_listen = c.passive and c.state is State.SYN_RECEIVED
    c.enter(Cause.RESET_OF_PASSIVE_OPEN if from_listen else Cause.RESET_ARRIVED, now, effects)


# --- fourth: SYN (RFC 5961, section 4.2) -------------------------------------------------------------------------


def _check_syn(c: Connection, packet: Packet, now: Instant, effects: Effects) -> bool:
    if c.passive and c.state is State.SYN_RECEIVED:
        c.enter(Cause.SYN_IN_WINDOW, now, effects)
    else:
        c.ack_due = True
    return _ignore(c, packet, Ignored.SYN_IN_WINDOW, effects)


# --- fifth: ACK --------------------------------------------------------------------------------------------------


def _check_ack(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> bool:
    segment = packet.segment
    snd = c.snd
    if not segment.flags & ACK:
        return _ignore(c, packet, Ignored.NO_ACK, effects)
    ack = snd.position(segment.ack)
    if c.state is State.SYN_RECEIVED:
        if not snd.una < ack <= snd.nxt:
            return _refuse(c, packet, now, effects)
        _established(c, segment, seq, now, effects)
        if c.fin_queued:
            c.begin_close(now, effects)
        return True
    if ack > snd.nxt or ack < snd.una - snd.max_wnd:  # RFC 5961, section 5.2
        _acknowledge_unacceptable(c, segment, now)
        return _ignore(c, packet, Ignored.UNACCEPTABLE_ACK, effects)
    if ack < snd.una:
        return segment.length > 0 or _ignore(c, packet, Ignored.OLD_ACK, effects)
    window = snd.wnd
    if ack > snd.una:
        _take_window(c, segment.window, seq, ack)
        _acknowledged(c, ack, now, effects)
        return c.state is not State.CLOSED
    if snd.wl1 < seq or (snd.wl1 == seq and snd.wl2 <= ack):  # no later segment has told SND.WND
        _take_window(c, segment.window, seq, ack)
    _not_acknowledged(c, segment, window, now, effects)
    return True


def _not_acknowledged(c: Connection, segment: Segment, window: int, now: Instant, effects: Effects) -> None:
    """ACK = SND.UNA: a closed window's sign of life, a window that reopened, or a duplicate acknowledgement.

    ``window`` is SND.WND before the segment: what changes it is no duplicate (RFC 5681, section 2).
    """
    snd = c.snd
    if snd.wnd == 0:
        c.timer.alive(now, c.config.r2)
    elif snd.nxt == snd.una:
        return
    elif window == 0:
        emission.retransmit(c, now, effects, "fast")  # what probed the closed window need not wait for the timer
    elif not segment.length and segment.window == window:
        c.duplicate_acks += 1
        if c.duplicate_acks == _DUPLICATE_ACKS and c.recover is None:
            c.recover = snd.nxt
            emission.retransmit(c, now, effects, "fast")


def _acknowledged(c: Connection, ack: int, now: Instant, effects: Effects) -> None:
    snd = c.snd
    fin_acked = c.fin_sent and ack == snd.nxt
    octets = ack - snd.una - fin_acked
    snd.una = ack
    if octets:
        del c.queue[:octets]
    c.duplicate_acks = 0
    _time_round_trip(c, now, effects)
    if ack < snd.nxt:
        c.timer.restart(now, c.rtt.rto, c.config.r2)
    else:
        c.timer.stop()
    if c.recover is not None:
        if ack < c.recover:
            emission.retransmit(c, now, effects, "fast")  # a partial acknowledgement shows the next hole (RFC 6582)
        else:
            c.recover = None
    if fin_acked:
        c.enter(Cause.ACK_OF_FIN, now, effects)
    elif octets and not c.fin_queued and not c.released:
        effects.signals.append(Writable(c.id, c.space))


def _time_round_trip(c: Connection, now: Instant, effects: Effects) -> None:
    """Sample the round trip if the segment being timed is acknowledged; Karn: it was never sent again (MUST-18)."""
    if c.timing is None:
        return
    end, sent = c.timing
    if end <= c.snd.una:
        c.timing = None
        rtt = elapsed(sent, now)
        c.rtt.sample(rtt)
        effects.events.append(RttSampled(c.id, rtt, c.rtt.rto))


# --- seventh: text; eighth: FIN ----------------------------------------------------------------------------------


def _take_text_and_fin(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> None:
    segment = packet.segment
    if c.state not in _RECEIVING:
        if segment.payload or segment.flags & FIN:
            c.ack_due = True
            _ignore(c, packet, Ignored.AFTER_FIN, effects)
        return
    if not _take_text(c, segment, seq, now, effects):
        return
    if c.peer_fin is not None and c.peer_fin == c.rcv.nxt:
        c.rcv.nxt += 1
        if c.closing_since is None:
            c.closing_since = now
        if not c.released:
            effects.signals.append(PeerClosed(c.id))
        c.enter(Cause.FIN_ARRIVED, now, effects)


def _take_text(c: Connection, segment: Segment, seq: int, now: Instant, effects: Effects) -> bool:
    """Take what of the text lies in the window, and what it frees of the reassembly queue."""
    rcv = c.rcv
    flags, payload = segment.flags, segment.payload
    start = seq + 1 if flags & SYN else seq
    if flags & FIN and rcv.nxt <= start + len(payload) < rcv.edge:
        c.peer_fin = start + len(payload)
    if payload:
        if start < rcv.nxt:
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
    if payload:
        rcv.nxt += len(payload)
        c.unread += payload
        effects.signals.append(Readable(c.id, len(c.unread)))
    if payload or segment.length:  # what a SYN brought is freed by a bare ACK
        c.ack_due = True
    return True


def _through_holes(c: Connection, start: int, payload: bytes) -> bytes:
    """Keep what came ahead of a hole; return what is in order now."""
    if c.holes is None:
        c.holes = Reassembly()
    c.holes.insert(start, payload)
    freed = c.holes.take(c.rcv.nxt)
    if not c.holes:
        c.holes = None
    return freed
