"""What may be sent now: data, FIN, acknowledgements, retransmissions and probes (RFC 9293, section 3.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from tcplab.tcp.effects import Effects
from tcplab.tcp.events import Failure, ResetReason, ResetSent, Retransmitted
from tcplab.tcp.states import Cause, State
from tcplab.units import Instant
from tcplab.wire.segment import ACK, FIN, NO_OPTIONS, PSH, RST, SYN, Flags, Options, Segment
from tcplab.wire.seq import MODULUS, SeqNumber

if TYPE_CHECKING:
    from tcplab.tcp.connection import Connection

_SENDING: Final = frozenset({State.ESTABLISHED, State.CLOSE_WAIT, State.FIN_WAIT_1, State.CLOSING})
_SYN_ACK: Final = Flags(SYN | ACK)
_FIN_ACK: Final = Flags(FIN | ACK)
_PSH_ACK: Final = Flags(PSH | ACK)


def emit_syn(c: Connection, now: Instant, effects: Effects) -> None:
    """Send the SYN, or in SYN_RECEIVED the SYN+ACK, and time it."""
    again = c.snd.nxt > 0
    effects.send(_syn(c), c.id.remote, now)
    c.snd.nxt = 1
    c.timing = None if again else (1, now)
    c.timer.start(now, c.rtt.rto, c.config.r2_syn)


def emit(c: Connection, now: Instant, effects: Effects) -> None:
    """Send what the peer's window admits of the queue and the FIN, else the ACK that is due, else nothing."""
    if (c.fin_queued or c.queue) and not c.fin_sent and c.state in _SENDING:
        _emit_new(c, now, effects)
    if c.ack_due:
        effects.send(_build(c, c.snd.within, ACK), c.id.remote, now)


def _emit_new(c: Connection, now: Instant, effects: Effects) -> None:
    snd = c.snd
    flying = snd.nxt - snd.una
    unsent = len(c.queue) - flying
    while unsent and (room := min(c.mss, snd.usable)) > 0:
        size = min(unsent, room)
        if size < unsent and size < c.mss and snd.nxt > snd.una:
            break  # the window cut it short: wait for an ACK rather than send a silly segment (3.8.6.2.1)
        unsent -= size
        _send_new(c, size, c.fin_queued and not unsent and snd.usable > size, now, effects)
    if c.fin_queued and not c.fin_sent and not unsent and snd.usable > 0:
        _send_new(c, 0, True, now, effects)
    if not flying and snd.nxt > snd.una:
        c.timer.restart(now, c.rtt.rto, c.config.r2)
    elif unsent or (c.fin_queued and not c.fin_sent):
        c.timer.start(now, c.rtt.rto, c.config.r2)  # nothing flies and the window is closed: the probe's timer


def _send_new(c: Connection, size: int, fin: bool, now: Instant, effects: Effects) -> None:
    snd = c.snd
    position = snd.nxt
    start = position - snd.una
    end = start + size
    flags = _PSH_ACK if size and end == len(c.queue) else ACK
    snd.nxt = position + size + fin
    segment = _build(c, position, Flags(flags | FIN) if fin else flags, bytes(c.queue[start:end]))
    effects.send(segment, c.id.remote, now)
    if c.timing is None and c.recover is None:
        c.timing = (snd.nxt, now)
    if fin:
        c.fin_sent = True
        if c.closing_since is None:
            c.closing_since = now
        if c.state is State.CLOSE_WAIT:
            c.enter(Cause.FIN_SENT, now, effects)


def emit_window_update(c: Connection, now: Instant, effects: Effects) -> None:
    """Tell the peer that reading has reopened a window it may be waiting for (MUST-39 bounds how often)."""
    if c.state not in (State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2):
        return
    half = max(c.config.receive_buffer // 2, 1)
    told = c.rcv.wnd
    if told < half and _free(c) - told >= min(half, c.config.mss) and (told < c.config.mss or _free(c) - told >= half):
        c.ack_due = True
        emit(c, now, effects)


def emit_reset(c: Connection, reason: ResetReason, now: Instant, effects: Effects) -> None:
    """Send <SEQ=SND.NXT><CTL=RST>, from within the peer's window: beyond it nobody would believe it."""
    snd = c.snd
    effects.send(
        Segment(c.id.local_port, c.id.remote_port, snd.seq(snd.within), SeqNumber(0), RST, 0), c.id.remote, now
    )
    effects.events.append(ResetSent(c.id, reason))


def retransmit(c: Connection, now: Instant, effects: Effects, cause: Literal["rto", "fast", "probe"]) -> None:
    """Send the earliest segment again that is not acknowledged (RFC 6298, 5.4)."""
    c.timing = None
    if c.state in (State.SYN_SENT, State.SYN_RECEIVED):
        segment = _syn(c)
    else:
        octets = c.snd.outstanding - c.fin_sent
        size = min(c.mss, octets)
        fin = c.fin_sent and size == octets
        flags = _PSH_ACK if size == len(c.queue) and size else ACK
        segment = _build(c, c.snd.una, Flags(flags | FIN) if fin else flags, bytes(c.queue[:size]))
    effects.send(segment, c.id.remote, now)
    effects.events.append(Retransmitted(c.id, segment, max(c.timer.attempts, 1), cause))


def timer_fired(c: Connection, now: Instant, effects: Effects) -> None:
    """Give up when R2 is over, else back off and send again, or probe a closed window (MUST-36)."""
    if c.timer.over(now):
        c.fail(Failure.TIMEOUT, effects)
        c.enter(Cause.RETRANSMISSION_TIMEOUT, now, effects)
        return
    c.rtt.back_off()
    c.timer.fired(now, c.rtt.rto)
    if c.snd.outstanding:
        c.recover = c.snd.nxt
        retransmit(c, now, effects, "probe" if c.snd.wnd == 0 and c.snd.una else "rto")
        return
    # One octet (or the FIN) beyond a window that is closed, or too small for a full segment: the answer tells it.
    size = min(1, len(c.queue))
    _send_new(c, size, not size, now, effects)
    c.timer.alive(now, c.config.r2)  # R2 counts from the first time that something is sent (MUST-20)


def _syn(c: Connection) -> Segment:
    passive = c.state is State.SYN_RECEIVED
    options = Options(mss=c.config.mss)
    if not passive:
        window = c.config.receive_buffer
        return Segment(c.id.local_port, c.id.remote_port, c.snd.iss, SeqNumber(0), SYN, window, options)
    return _build(c, 0, _SYN_ACK, options=options)


def _build(c: Connection, position: int, flags: Flags, payload: bytes = b"", options: Options = NO_OPTIONS) -> Segment:
    c.ack_due = False
    _, port, _, remote_port, _ = c.id
    snd, rcv = c.snd, c.rcv
    if c.config.receive_buffer - len(c.unread) - rcv.edge + rcv.nxt >= c.window_step:
        rcv.edge = rcv.nxt + _free(c)  # the window's right edge moves only by a worthwhile step (3.8.6.2.2)
    return Segment(
        port,
        remote_port,
        SeqNumber((snd.iss + position) % MODULUS),
        SeqNumber((rcv.irs + rcv.nxt) % MODULUS),
        flags,
        rcv.edge - rcv.nxt,
        options,
        payload,
    )


def _free(c: Connection) -> int:
    return c.config.receive_buffer - len(c.unread)
