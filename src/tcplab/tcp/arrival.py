"""SEGMENT ARRIVES (RFC 9293, section 3.10.7), one function per numbered step, shared by all states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tcplab.node import Packet
from tcplab.tcp import emission
from tcplab.tcp.app import Writable
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import Failure, Ignored
from tcplab.tcp.opening import established, in_listen, in_syn_sent, refuse, round_trip, sample, take_window
from tcplab.tcp.recovery import Phase
from tcplab.tcp.spaces import ReceiveSpace
from tcplab.tcp.states import ACK_OF_FIN, CLOSED, LISTEN, SYN_RECEIVED, SYN_SENT, Cause
from tcplab.tcp.text import take_text_and_fin
from tcplab.tcp.timestamps import Refusal
from tcplab.units import Duration, Instant
from tcplab.wire.segment import ACK, ECE, FIN, RST, SYN, Segment

if TYPE_CHECKING:
    from tcplab.tcp.connection import Connection

_RST_SYN: Final = RST | SYN
_OPEN: Final = Phase.OPEN


def segment_arrives(c: Connection, packet: Packet, now: Instant, effects: Effects) -> None:
    """Take a segment for this connection, in any state but CLOSED and TIME_WAIT, which are the host's."""
    state = c.state
    if state is LISTEN:
        in_listen(c, packet, now, effects)
    elif state is SYN_SENT:
        in_syn_sent(c, packet, now, effects)
    else:
        segment, rcv = packet.segment, c.rcv
        flags = segment.flags
        seq = rcv.position(segment.seq)
        timestamps = c.timestamps
        if (
            (
                timestamps is None
                or (refusal := timestamps.refuses(segment, now)) is None
                or _check_timestamps(c, refusal, packet, now, effects)
            )
            and (seq == rcv.nxt < rcv.edge or _check_sequence(c, packet, seq, now, effects))
            and (not flags & _RST_SYN or _check_reset_and_syn(c, packet, seq, now, effects))
            and _check_ack(c, packet, seq, now, effects)
            and (segment.payload or flags & FIN or c.holes is not None)
        ):
            take_text_and_fin(c, packet, seq, now, effects)
    if c.ack_due or c.queue or c.fin_queued:
        state = c.state
        if state is not CLOSED and state is not LISTEN:
            emission.emit(c, now, effects)


# --- 3.10.7.4 before all else: timestamps (RFC 7323, section 5.3) -------------------------------------------------


def _check_timestamps(c: Connection, refusal: Refusal, packet: Packet, now: Instant, effects: Effects) -> bool:
    """Drop an old duplicate by its timestamp, and a segment that has none; a SYN without one may ask anew."""
    if refusal is Refusal.MISSING:
        return packet.segment.flags & SYN > 0 or c.ignore(packet, Ignored.NO_TIMESTAMP, effects)
    segment = packet.segment
    _acknowledge_unacceptable(c, segment, c.rcv.position(segment.seq), now, effects)
    return c.ignore(packet, Ignored.OLD_TIMESTAMP, effects)


# --- 3.10.7.4, first: sequence number ----------------------------------------------------------------------------


def _check_sequence(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> bool:
    """Go on if any of the segment lies in the window; else acknowledge, so that the peer learns where we are."""
    segment = packet.segment
    rcv, length = c.rcv, segment.length
    if not _is_acceptable(rcv, seq, length):
        heard = segment.flags & (RST | SYN | ACK) == ACK and _is_heard(c, seq, length)
        if not segment.flags & RST and (not heard or seq < rcv.nxt):
            _acknowledge_unacceptable(c, segment, seq, now, effects)
        if not heard:
            return c.ignore(packet, Ignored.UNACCEPTABLE_SEQUENCE, effects)
    return True


def _is_acceptable(rcv: ReceiveSpace, seq: int, length: int) -> bool:
    """Return whether any of a segment lies in the window, as the table of 3.4 has it."""
    if rcv.edge == rcv.nxt:
        return seq == rcv.nxt and not length
    return seq < rcv.edge and seq + max(length, 1) > rcv.nxt


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
    return seq == rcv.edge or (seq == rcv.nxt - 1 and c.state is not SYN_RECEIVED)


def _acknowledge_unacceptable(c: Connection, segment: Segment, seq: int, now: Instant, effects: Effects) -> None:
    """Let the peer learn where we are; a bare ACK only so often, lest two ends answer each other for ever.

    That is what desynchronized ends would do (RFC 5961, section 7). Data and FINs are always answered: the peer may
    be sending them again because our ACK was lost.
    """
    if not segment.length:
        _challenge(c, now, effects)
        return
    c.ack_due = True
    if c.sack and segment.payload and seq < c.rcv.nxt:
        c.duplicate = (seq, min(seq + len(segment.payload), c.rcv.nxt))


def _challenge(c: Connection, now: Instant, effects: Effects) -> None:
    """Send a challenge ACK, if the host's budget has one left (RFC 5961, section 7)."""
    again_at = effects.challenges.grant(c.challenge_after, now)
    if again_at is not None:
        c.challenge_after = again_at
        c.ack_due = True


# --- second: RST (RFC 5961, section 3.2) -------------------------------------------------------------------------


def _check_reset_and_syn(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> bool:
    if not packet.segment.flags & RST:
        return _check_syn(c, packet, now, effects)
    if seq != c.rcv.nxt:
        _challenge(c, now, effects)
        return c.ignore(packet, Ignored.RESET_NOT_EXACT, effects)
    c.reset_arrived(Failure.REFUSED if c.state is SYN_RECEIVED else Failure.RESET, now, effects)
    return False


# --- fourth: SYN (RFC 5961, section 4.2) -------------------------------------------------------------------------


def _check_syn(c: Connection, packet: Packet, now: Instant, effects: Effects) -> bool:
    if c.passive and c.state is SYN_RECEIVED:
        c.enter(Cause.SYN_IN_WINDOW, now, effects)
    else:
        _challenge(c, now, effects)
    return c.ignore(packet, Ignored.SYN_IN_WINDOW, effects)


# --- fifth: ACK --------------------------------------------------------------------------------------------------


def _check_ack(c: Connection, packet: Packet, seq: int, now: Instant, effects: Effects) -> bool:
    segment = packet.segment
    snd = c.snd
    if not segment.flags & ACK:
        return c.ignore(packet, Ignored.NO_ACK, effects)
    una, nxt = snd.una, snd.nxt
    ack = snd.position(segment.ack)
    if c.state is SYN_RECEIVED:
        if not una < ack <= nxt:
            return refuse(c, packet, now, effects)
        established(c, segment, seq, now, effects)
        _believe(c, segment, seq, now)
        if c.fin_queued:
            c.begin_close(now, effects)
        return True
    if ack > nxt or ack < una - snd.max_wnd:  # RFC 5961, section 5.2
        _acknowledge_unacceptable(c, segment, seq, now, effects)
        return c.ignore(packet, Ignored.UNACCEPTABLE_ACK, effects)
    _believe(c, segment, seq, now)
    if ack < una:
        return segment.length > 0 or c.ignore(packet, Ignored.OLD_ACK, effects)
    window, told = snd.wnd, segment.window << snd.scale
    if ack > una:
        take_window(c, told, seq, ack)
        _acknowledged(c, segment, ack, now, effects)
        if window == 0 and told and c.recovery is not None and ack < nxt:
            c.recovery.reopened(now)
        return c.state is not CLOSED
    if snd.wl1 < seq or (snd.wl1 == seq and snd.wl2 <= ack):  # no later segment has told SND.WND
        take_window(c, told, seq, ack)
    _not_acknowledged(c, segment, window, now)
    return True


def _believe(c: Connection, segment: Segment, seq: int, now: Instant) -> None:
    """Take the timestamp, and the sign of life, of a segment that nobody but the peer can have sent.

    Before the check of SEG.ACK, where RFC 7323, 5.3, has it, a blind segment could move TS.Recent beyond the peer's.
    """
    if c.timestamps is not None and (stamps := segment.options.timestamps) is not None:
        c.timestamps.accept(stamps[0], seq, now)
    if c.keep_alive is not None:
        c.keep_alive.heard(now)


def _not_acknowledged(c: Connection, segment: Segment, window: int, now: Instant) -> None:
    """ACK = SND.UNA: a closed window's sign of life, a window that reopened, or a duplicate acknowledgement.

    ``window`` is SND.WND before the segment: what changes it is no duplicate (RFC 5681, section 2).
    """
    snd = c.snd
    if snd.wnd == 0:
        c.timer.alive(c.r2)
    elif snd.nxt == snd.una:
        if c.sack and segment.options.sack:  # a D-SACK may show that the last probe was needless
            _tell_recovery(c, segment, snd.una, False, now)
    elif window == 0 and c.recovery is not None:
        c.recovery.reopened(now)
    else:
        duplicate = not segment.length and segment.window << snd.scale == window
        if duplicate or segment.options.sack:
            _tell_recovery(c, segment, snd.una, duplicate, now)


def _acknowledged(c: Connection, segment: Segment, ack: int, now: Instant, effects: Effects) -> None:
    snd = c.snd
    fin_acked = c.fin_sent and ack == snd.nxt
    octets = ack - snd.una - fin_acked
    snd.una = ack
    if octets:
        del c.queue[:octets]
    rtt = _tell_recovery(c, segment, ack, False, now)
    if rtt is None:
        rtt = round_trip(c, segment, now)
    if rtt is not None:
        sample(c, rtt, effects)
    if ack < snd.nxt:
        c.timer.restart(now, c.rtt.rto, c.r2)
    else:
        c.timer.stop()
    if fin_acked:
        c.enter(ACK_OF_FIN, now, effects)
    elif octets and not c.fin_queued:
        c.tell(Writable(c.id, c.space), effects)


def _tell_recovery(c: Connection, segment: Segment, ack: int, duplicate: bool, now: Instant) -> Duration | None:
    """Let loss recovery take the acknowledgement; return the round trip that it measures."""
    recovery, srtt, options = c.recovery, c.rtt.srtt, segment.options
    assert recovery is not None, "the connection is open"
    if recovery.phase is _OPEN and not duplicate and not options.sack and c.ecn is None:
        return recovery.acknowledged(ack, now, srtt)
    position = c.snd.position
    return recovery.acknowledged(
        ack,
        now,
        srtt,
        blocks=[(position(left), position(right)) for left, right in options.sack] if c.sack else (),
        duplicate=duplicate,
        echoed=None
        if c.timestamps is None or options.timestamps is None
        else c.timestamps.echoed(options.timestamps[1], now),
        marked=c.ecn is not None and segment.flags & ECE > 0,
    )
