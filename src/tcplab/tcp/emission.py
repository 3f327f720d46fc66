"""What may be sent now: data, FIN, acknowledgements, retransmissions and probes (RFC 9293, section 3.8)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from tcplab.tcp.ecn import ECT_0, NOT_ECT
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import Failure, ResetReason, ResetSent, Retransmitted
from tcplab.tcp.negotiation import (
    TIMESTAMPS_OCTETS,
    WINDOW_LARGEST,
    answer,
    offer,
    syn_ack_flags,
    syn_flags,
    syn_window,
    window_field,
)
from tcplab.tcp.reassembly import report
from tcplab.tcp.recovery import Phase, Recovery
from tcplab.tcp.scoreboard import Sent
from tcplab.tcp.states import (
    CLOSE_WAIT,
    CLOSING,
    ESTABLISHED,
    FIN_SENT,
    FIN_WAIT_1,
    FIN_WAIT_2,
    SYN_RECEIVED,
    Cause,
)
from tcplab.tcp.timestamps import tsval
from tcplab.units import MILLISECOND, Instant
from tcplab.wire.segment import ACK, CWR, FIN, NO_OPTIONS, PSH, RST, SYN, Flags, Options, Segment, UserTimeout
from tcplab.wire.seq import MODULUS, SeqNumber

if TYPE_CHECKING:
    from tcplab.tcp.connection import Connection

_SENDING: Final = frozenset({ESTABLISHED, CLOSE_WAIT, FIN_WAIT_1, CLOSING})
_RECEIVING: Final = frozenset({ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2})
_OPEN: Final = Phase.OPEN
_PSH_ACK: Final = PSH | ACK
_MASK: Final = MODULUS - 1
_BLOCK_OCTETS: Final = 8
_OVERRIDE: Final = 500 * MILLISECOND  # 3.8.6.2.1: 0.1 to 1 s

Why = Literal["rto", "fast", "probe"]


# --- SYNs --------------------------------------------------------------------------------------------------------


def emit_syn(c: Connection, now: Instant, effects: Effects) -> None:
    """Send the SYN, or in SYN_RECEIVED the SYN+ACK, and time it."""
    again = c.snd.nxt > 0
    effects.send(_syn(c, now, again=again), c.remote, now)
    c.snd.nxt = 1
    c.syn_sent_at = None if again else now
    c.timer.start(now, c.rtt.rto, c.config.r2_syn if c.user_timeout is None else c.user_timeout)


def _syn(c: Connection, now: Instant, *, again: bool) -> Segment:
    config = c.config
    if c.state is SYN_RECEIVED:
        assert c.agreed is not None, "a SYN has come"
        stamps = (0, 0) if c.timestamps is None else c.timestamps.option(c.rcv.nxt, now)
        return _build(c, 0, syn_ack_flags(ecn=c.ecn is not None), now, options=answer(config, c.agreed, stamps))
    stamp = 0 if c.timestamps is None else c.timestamps.option(0, now)[0]
    flags = syn_flags(config, again=again)
    options = offer(config, stamp)
    if c.user_timeout is not None:
        options = replace(options, user_timeout=UserTimeout.of(c.user_timeout))
    return Segment(c.local_port, c.remote_port, c.snd.iss, SeqNumber(0), flags, syn_window(config), options)


# --- data, FIN and ACK -------------------------------------------------------------------------------------------


def emit(c: Connection, now: Instant, effects: Effects) -> None:
    """Send what is lost again, then what the windows admit of the queue and the FIN, else the ACK that is due."""
    if c.ack_due and (c.holes is not None or c.duplicate is not None):
        _acknowledge(c, now, effects)  # by itself: to the sender, what carries data is no duplicate acknowledgement
    recovery = c.recovery
    if recovery is not None and (c.queue or c.fin_queued):
        if recovery.phase is not _OPEN:
            _emit_lost(c, recovery, now, effects)
        if not c.fin_sent and c.state in _SENDING:
            _emit_new(c, recovery, now, effects)
        if c.sack and (recovery.probing or c.snd.nxt > c.snd.una):
            recovery.arm_probe(now, c.rtt.srtt, c.timer.deadline)
    if c.ack_due:
        _acknowledge(c, now, effects)


def _acknowledge(c: Connection, now: Instant, effects: Effects) -> None:
    snd = c.snd
    position = snd.nxt if snd.nxt <= snd.una + snd.wnd else snd.within
    effects.send(_build(c, position, ACK, now), c.remote, now)


def _emit_new(c: Connection, recovery: Recovery, now: Instant, effects: Effects) -> None:
    snd, mss = c.snd, c.mss
    flying, usable = snd.nxt - snd.una, snd.usable
    if not flying and c.sent_at is not None:
        recovery.control.resumed(now - c.sent_at, c.rtt.rto)
    unsent = len(c.queue) - flying
    silly = False
    while unsent:
        size = min(unsent, mss)
        if size > usable:  # the window cuts it short (3.8.6.2.1)
            if usable <= 0 or snd.nxt > snd.una:
                break
            if 2 * usable < snd.max_wnd:
                silly = True
                break
            size = usable
        elif size < mss and c.nagle and c.small_end > snd.una and not c.fin_queued:
            break
        if recovery.flight.pipe and recovery.room < size:
            break
        unsent -= size
        _send_new(c, size, c.fin_queued and not unsent and usable > size, now, effects)
        usable -= size
        if size < mss:
            c.small_end = snd.nxt
    if c.fin_queued and not c.fin_sent and not unsent and usable > 0:
        _send_new(c, 0, True, now, effects)
    if not flying and snd.nxt > snd.una:
        c.timer.restart(now, c.rtt.rto, c.r2)
    elif (unsent or (c.fin_queued and not c.fin_sent)) and not flying:
        c.timer.start(now, _OVERRIDE if silly else c.rtt.rto, c.r2)  # the probe's timer, or the one that overrides


def _send_new(c: Connection, size: int, fin: bool, now: Instant, effects: Effects) -> None:
    snd = c.snd
    position = snd.nxt
    start = position - snd.una
    end = start + size
    flags = _PSH_ACK if size and end == len(c.queue) else ACK
    codepoint = NOT_ECT
    recovery = c.recovery
    assert recovery is not None, "data is sent once the connection is open"
    if c.ecn is not None and 0 < size <= snd.usable:  # a probe of a closed window is not ECN-capable (RFC 3168, 6.1.6)
        codepoint = ECT_0
        if recovery.reduced:
            flags, recovery.reduced = flags | CWR, False
    nxt = snd.nxt = position + size + fin
    payload = bytes(c.queue[start:end]) if size else b""
    segment = _build(c, position, flags | FIN if fin else flags, now, payload)
    effects.send(segment, c.remote, now, codepoint)
    recovery.flight.sent(nxt, now)
    c.sent_at = now
    if fin:
        c.fin_sent = True
        if c.closing_since is None:
            c.closing_since = now
        if c.state is CLOSE_WAIT:
            c.enter(FIN_SENT, now, effects)


def emit_window_update(c: Connection, now: Instant, effects: Effects) -> None:
    """Tell the peer that reading has reopened a window it may be waiting for (MUST-39 bounds how often)."""
    if c.state not in _RECEIVING:
        return
    half = c.config.receive_buffer // 2 or 1
    told = c.rcv.wnd
    if told >= half:
        return
    more = c.config.receive_buffer - len(c.unread) - told
    if more >= min(half, c.config.mss) and (told < c.config.mss or more >= half):
        c.ack_due = True
        emit(c, now, effects)


def emit_reset(c: Connection, reason: ResetReason, now: Instant, effects: Effects) -> None:
    """Send <SEQ=SND.NXT><CTL=RST>, from within the peer's window: beyond it nobody would believe it."""
    snd = c.snd
    # timestamps even here (RFC 7323, 3.2), but no echo, since there is no ACK
    options = NO_OPTIONS if c.timestamps is None else Options(timestamps=(tsval(c.timestamps.offset, now), 0))
    reset = Segment(c.local_port, c.remote_port, snd.seq(snd.within), SeqNumber(0), RST, 0, options)
    effects.send(reset, c.remote, now)
    effects.events.append(ResetSent(c.id, reason))


# --- sending again -----------------------------------------------------------------------------------------------


def _emit_lost(c: Connection, recovery: Recovery, now: Instant, effects: Effects) -> None:
    why: Why = "rto" if recovery.phase is Phase.TIMEOUT else "fast"
    snd = c.snd
    while (segment := recovery.next_lost()) is not None and (
        segment.start == snd.una or segment.start < snd.una + snd.wnd
    ):
        part = recovery.flight.split(segment, c.mss)
        _send_again(c, part, why, now, effects)
        recovery.resent(part, now)


def _send_again(c: Connection, sent: Sent, why: Why, now: Instant, effects: Effects) -> None:
    start = sent.start - c.snd.una
    size = min(sent.end - sent.start, len(c.queue) - start)
    flags = _PSH_ACK if size and start + size == len(c.queue) else ACK
    if size < sent.end - sent.start:
        flags = flags | FIN
    segment = _build(c, sent.start, flags, now, bytes(c.queue[start : start + size]))
    effects.send(segment, c.remote, now)
    effects.events.append(Retransmitted(c.id, segment, max(c.timer.attempts, 1), why))


def _probe_again(c: Connection, now: Instant, effects: Effects) -> None:
    """Probe a closed window once more with what is outstanding: that says nothing about the network."""
    assert c.recovery is not None, "what probes a window is sent once the connection is open"
    flight = c.recovery.flight
    if flight.first is not None:
        segment = flight.split(flight.first, c.mss)
        _send_again(c, segment, "probe", now, effects)
        flight.resent(segment, now)


def recovery_due(c: Connection, recovery: Recovery, now: Instant, effects: Effects) -> None:
    """The reordering timer; or probe the tail, with new data or else the last segment again (RFC 8985, 7.3)."""
    if not recovery.probing:
        recovery.reordered(now, c.rtt.srtt)
        emit(c, now, effects)
        return
    recovery.probe()
    snd, last = c.snd, recovery.flight.last
    if not snd.wnd:
        return  # what probes a closed window backs off (SHLD-30): the retransmission timer sends that
    unsent = len(c.queue) - (snd.nxt - snd.una - c.fin_sent)
    size = min(unsent, c.mss)
    if 0 < size <= snd.usable and not c.fin_sent:
        _send_new(c, size, c.fin_queued and size == unsent and snd.usable > size, now, effects)
        recovery.probed(None, now)
    elif last is not None:
        _send_again(c, last, "probe", now, effects)
        recovery.probed(last, now)
    c.timer.put_off(now, c.rtt.rto)


def timer_fired(c: Connection, now: Instant, effects: Effects) -> None:
    """Give up when R2 is over, else back off and send again, or probe a closed window (MUST-36)."""
    if c.timer.over(now):
        user = c.user_timeout is not None
        c.fail(Failure.USER_TIMEOUT if user else Failure.TIMEOUT, effects)
        c.enter(Cause.USER_TIMEOUT if user else Cause.RETRANSMISSION_TIMEOUT, now, effects)
        return
    snd = c.snd
    if snd.nxt == snd.una and snd.usable > 0 and c.queue:
        _override(c, now, effects)
        return
    c.rtt.back_off()
    c.timer.fired(now, c.rtt.rto)
    if snd.nxt == snd.una:
        _probe_window(c, now, effects)
    elif not snd.una:
        c.syn_sent_at = None
        segment = _syn(c, now, again=True)
        effects.send(segment, c.remote, now)
        effects.events.append(Retransmitted(c.id, segment, c.timer.attempts, "rto"))
    elif snd.wnd == 0:
        _probe_again(c, now, effects)
    elif c.recovery is not None:
        c.recovery.timed_out(now)
        emit(c, now, effects)


def _override(c: Connection, now: Instant, effects: Effects) -> None:
    """Send what a small window admits: it was silly to do so at once, and would be to wait longer (3.8.6.2.1)."""
    _send_new(c, min(len(c.queue), c.snd.usable, c.mss), False, now, effects)
    c.timer.restart(now, c.rtt.rto, c.r2)


def _probe_window(c: Connection, now: Instant, effects: Effects) -> None:
    """Send one octet, or the FIN, beyond a closed window: the answer tells it."""
    size = min(1, len(c.queue))
    _send_new(c, size, not size, now, effects)
    c.timer.bound(now, c.r2)  # R2 counts from the first time that something is sent (MUST-20)


def keep_alive_due(c: Connection, now: Instant, effects: Effects) -> None:
    """Ask a silent peer whether it is alive, with what it has acknowledged already (3.8.4), or give it up."""
    assert c.keep_alive is not None, "only its deadline leads here"
    snd = c.snd
    if snd.nxt > snd.una or c.state not in _KEPT_ALIVE:
        c.keep_alive.heard(now)  # what is outstanding asks by itself (MUST-26)
    elif c.keep_alive.ask(now):
        effects.send(_build(c, snd.nxt - 1, ACK, now), c.remote, now)
    else:
        c.fail(Failure.KEEP_ALIVE, effects)
        c.enter(Cause.KEEP_ALIVE_TIMEOUT, now, effects)


_KEPT_ALIVE: Final = frozenset({ESTABLISHED, CLOSE_WAIT, FIN_WAIT_2})


# --- segments ----------------------------------------------------------------------------------------------------


def _build(
    c: Connection, position: int, flags: Flags, now: Instant, payload: bytes = b"", *, options: Options | None = None
) -> Segment:
    """Return a segment from that position on, which acknowledges everything taken so far."""
    rcv = c.rcv
    nxt, edge, scale = rcv.nxt, rcv.edge, rcv.scale
    free = c.config.receive_buffer - len(c.unread)
    if free - edge + nxt >= c.window_step:
        # the right edge moves only by a worthwhile step (3.8.6.2.2), and only to where the field can tell exactly
        rcv.edge = edge = nxt + (min(free, WINDOW_LARGEST << scale) >> scale << scale)
    if options is None:
        options = _options(c, payload, now)
    if c.ecn is not None and c.opened:
        flags = flags | c.ecn.ack_flags
    c.ack_due = False
    c.ack_at = None
    c.acked = nxt
    return Segment(
        c.local_port,
        c.remote_port,
        (c.snd.iss + position) & _MASK,  # type: ignore[arg-type]  # to call it a SeqNumber would be a call
        (rcv.irs + nxt) & _MASK,  # type: ignore[arg-type]
        flags,
        (edge - nxt) >> scale if not flags & SYN else window_field(edge - nxt, 0),
        options,
        payload,
    )


def _options(c: Connection, payload: bytes, now: Instant) -> Options:
    """Return timestamps, and the SACK blocks for which a segment has room."""
    stamps = None if c.timestamps is None else c.timestamps.option(c.rcv.nxt, now)
    if not c.sack or (c.holes is None and c.duplicate is None):
        return NO_OPTIONS if stamps is None else Options(None, None, False, stamps)
    blocks = report(c.holes, c.duplicate, 0 if stamps is None else TIMESTAMPS_OCTETS)
    if payload:
        del blocks[max(c.mss - len(payload) - (4 if stamps is None else 0), 0) // _BLOCK_OCTETS :]
    if blocks:
        c.duplicate = None
    rcv, fin = c.rcv, c.peer_fin
    sack = tuple((rcv.seq(left), rcv.seq(right + (right == fin))) for left, right in blocks)  # a FIN that waits, too
    return Options(timestamps=stamps, sack=sack)
