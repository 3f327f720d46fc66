"""The first segments of a connection: LISTEN and SYN_SENT (RFC 9293, 3.10.7.2 and 3.10.7.3), and what they agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tcplab.node import Packet
from tcplab.tcp import emission
from tcplab.tcp.app import Opened
from tcplab.tcp.congestion import congestion_control, initial_window
from tcplab.tcp.ecn import Ecn
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import ConnectionOpened, Failure, Ignored, ResetReason, ResetSent, RttSampled, Side
from tcplab.tcp.flight import Flight
from tcplab.tcp.negotiation import TIMESTAMPS_OCTETS, agree, asks_for_ecn, payload_limit, syn_window
from tcplab.tcp.reassembly import Reassembly, pieces_limit
from tcplab.tcp.recovery import Recovery
from tcplab.tcp.reset import reset_for
from tcplab.tcp.states import ACK_OF_SYN, SYN_ACK_ARRIVED, SYN_ARRIVED, SYN_SENT
from tcplab.tcp.syn_cookies import Remembered
from tcplab.tcp.text import take_text_and_fin
from tcplab.tcp.timestamps import Timestamps
from tcplab.units import Duration, Instant
from tcplab.wire.segment import ACK, CWR, ECE, RST, SYN, Segment
from tcplab.wire.seq import SeqNumber, seq_add

if TYPE_CHECKING:
    from tcplab.tcp.connection import Connection


def refuse(c: Connection, packet: Packet, now: Instant, effects: Effects) -> bool:
    """Answer an unacceptable ACK of an unsynchronized state with a reset (3.5.2, group 2)."""
    c.ignore(packet, Ignored.UNACCEPTABLE_ACK, effects)
    if (reset := reset_for(packet.segment)) is not None:
        effects.send(reset, packet.source, now)
        effects.events.append(ResetSent(c.id, ResetReason.UNACCEPTABLE_ACK))
    return False


# --- 3.10.7.2 ----------------------------------------------------------------------------------------------------


def in_listen(c: Connection, packet: Packet, now: Instant, effects: Effects) -> None:
    """Take a segment in LISTEN: RST, ACK, SYN, in this order."""
    segment = packet.segment
    if segment.flags & RST:
        c.ignore(packet, Ignored.RESET_FOR_STRANGER, effects)
    elif segment.flags & ACK:
        refuse(c, packet, now, effects)
    elif not segment.flags & SYN:
        c.ignore(packet, Ignored.NO_SYN, effects)
    else:
        c.opened_at = now
        _take_syn(c, segment, now)
        c.enter(SYN_ARRIVED, now, effects)
        emission.emit_syn(c, now, effects)


def _take_syn(c: Connection, segment: Segment, now: Instant) -> None:
    """Take the peer's ISN, window and options; keep its text, unacknowledged, until ESTABLISHED."""
    config, options = c.config, segment.options
    c.rcv.begin(segment.seq, syn_window(config))
    wanted = asks_for_ecn(segment.flags) and not c.timer.attempts  # what was sent again did not ask for it
    c.agreed = agreed = agree(config, options, ecn=wanted)
    c.sack = agreed.sack
    c.snd.scale, c.rcv.scale = agreed.snd_wscale, agreed.rcv_wscale
    if 1 << agreed.rcv_wscale > c.window_step:
        c.window_step = 1 << agreed.rcv_wscale
    c.mss = payload_limit(agreed.mss, TIMESTAMPS_OCTETS if agreed.timestamps else 0)
    if agreed.ecn:
        c.ecn = Ecn()
    if options.timestamps is None or not agreed.timestamps:
        c.timestamps = None
    else:
        if c.timestamps is None:
            c.timestamps = Timestamps(c.clock_offset, now)
        c.timestamps.begin(options.timestamps[0], now)
    take_window(c, segment.window, 0, 0)
    if segment.payload:
        c.holes = Reassembly(pieces_limit(config.receive_buffer))
        c.holes.insert(1, segment.payload[: c.rcv.wnd])


def take_remembered_syn(c: Connection, kept: Remembered, packet: Packet, now: Instant, effects: Effects) -> None:
    """Take a SYN that our cookie remembers (RFC 4987, 3.6), in LISTEN; ``packet`` brought the cookie back."""
    segment = packet.segment
    flags = SYN | ECE | CWR if kept.ecn else SYN
    syn = Segment(segment.sport, segment.dport, seq_add(segment.seq, -1), SeqNumber(0), flags, 0, kept.options)
    c.opened_at = now
    _take_syn(c, syn, now)
    c.snd.nxt = 1
    c.enter(SYN_ARRIVED, now, effects)


def take_window(c: Connection, window: int, seq: int, ack: int) -> None:
    """Take the peer's window, from the segment at these positions."""
    snd = c.snd
    snd.wnd, snd.wl1, snd.wl2 = window, seq, ack
    if window > snd.max_wnd:
        snd.max_wnd = window


# --- 3.10.7.3 ----------------------------------------------------------------------------------------------------


def in_syn_sent(c: Connection, packet: Packet, now: Instant, effects: Effects) -> None:
    """Take a segment in SYN_SENT: ACK, RST, SYN, in this order."""
    segment = packet.segment
    flags = segment.flags
    if flags & ACK and not 0 < c.snd.position(segment.ack) <= c.snd.nxt:
        refuse(c, packet, now, effects)
        return
    if flags & RST:
        if flags & ACK:
            c.reset_arrived(Failure.REFUSED, now, effects)
        else:
            c.ignore(packet, Ignored.RESET_NOT_EXACT, effects)
        return
    if not flags & SYN:
        c.ignore(packet, Ignored.NO_SYN, effects)
        return
    _take_syn(c, segment, now)
    if not flags & ACK:
        c.enter(SYN_ARRIVED, now, effects)
        emission.emit_syn(c, now, effects)
        return
    established(c, segment, 0, now, effects)
    c.ack_due = True
    take_text_and_fin(c, packet, 0, now, effects)


def established(c: Connection, segment: Segment, seq: int, now: Instant, effects: Effects) -> None:
    """Our SYN is acknowledged: enter ESTABLISHED and tell everybody."""
    snd = c.snd
    snd.una = ack = snd.position(segment.ack)
    if c.timer.attempts:
        c.rtt.after_lost_syn()
    rtt = round_trip(c, segment, now) if c.syn_sent_at is None else now - c.syn_sent_at
    if rtt is not None:
        sample(c, rtt, effects)
    # where a SYN was lost, begin with a single segment (RFC 5681, 3.1)
    window = c.mss if c.timer.attempts else initial_window(c.mss, c.config.initial_window)
    c.recovery = Recovery(Flight(1), congestion_control(c.config.congestion, c.mss, window), sack=c.sack)
    c.timer.stop()
    c.opened = True
    if c.keep_alive is not None:
        c.keep_alive.heard(now)
    opening = c.state is SYN_SENT
    take_window(c, segment.window if opening else segment.window << snd.scale, seq, ack)
    c.enter(SYN_ACK_ARRIVED if opening else ACK_OF_SYN, now, effects)
    if effects.observed:
        side: Side = "passive" if c.passive else "active"
        effects.events.append(ConnectionOpened(c.id, side, now - c.opened_at))
    c.tell(Opened(c.id, c.space, None if c.passive else c.token), effects)


def round_trip(c: Connection, segment: Segment, now: Instant) -> Duration | None:
    """Return the round trip that timestamps tell, even of what was sent again (RFC 7323, 4).

    While the peer reports SACK blocks it echoes the last segment that came in order, which tells nothing.
    """
    if c.timestamps is None or segment.options.timestamps is None or segment.options.sack:
        return None
    return c.timestamps.round_trip(segment.options.timestamps[1], now)


def sample(c: Connection, rtt: Duration, effects: Effects) -> None:
    """Take a round trip, and tell it."""
    c.rtt.sample(rtt)
    if effects.observed:
        effects.events.append(RttSampled(c.id, rtt, c.rtt.rto))
