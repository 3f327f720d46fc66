"""SEGMENT ARRIVES once more: what RFC 9293, section 3.10.7 says, stated apart from the engine.

The table's expectations come from here and from nowhere else. It follows the order of the text, with RFC 5961 for
resets, SYNs and the range of acknowledgments, and RFC 1337 for resets in TIME_WAIT. Numbers are relative to the
initial sequence numbers, modulo 2^32.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple

from tcplab.tcp.states import State

MODULUS: Final = 1 << 32
_HALF: Final = 1 << 31

CLOSED, LISTEN, SYN_SENT, SYN_RECEIVED = State.CLOSED, State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED
ESTABLISHED, CLOSE_WAIT, LAST_ACK = State.ESTABLISHED, State.CLOSE_WAIT, State.LAST_ACK
FIN_WAIT_1, FIN_WAIT_2, CLOSING, TIME_WAIT = State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING, State.TIME_WAIT

_RECEIVING: Final = (ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2)
_AFTER_FIN: Final = {ESTABLISHED: CLOSE_WAIT, FIN_WAIT_1: CLOSING, FIN_WAIT_2: TIME_WAIT}


class Arriving(NamedTuple):
    """A segment: flags in packetdrill's letters, without P."""

    flags: str
    seq: int
    ack: int | None
    octets: int

    def has(self, flag: str) -> bool:
        return flag in self.flags

    @property
    def length(self) -> int:
        """SEG.LEN."""
        return self.octets + self.has("S") + self.has("F")


@dataclass(frozen=True)
class Situation:
    """A connection before the segment arrives."""

    state: State
    passive: bool
    snd_una: int
    snd_nxt: int
    rcv_nxt: int
    rcv_wnd: int
    max_snd_wnd: int
    """MAX.SND.WND of RFC 5961, 5.2."""


class Reply(NamedTuple):
    """A segment in answer; ``delayed`` where 3.8.6.3 lets it wait, for less than 0.5 s."""

    flags: str
    seq: int
    ack: int | None
    window: int | None = None
    delayed: bool = False


class Outcome(NamedTuple):
    """What comes of a segment: an answer or none, the state, the octets and whether the FIN was taken, and why."""

    state: State
    why: str
    reply: Reply | None = None
    taken: int = 0
    fin_taken: bool = False


def diff(left: int, right: int) -> int:
    """Return how far ``left`` lies beyond ``right``."""
    return (left - right + _HALF) % MODULUS - _HALF


def arrives(at: Situation, segment: Arriving) -> Outcome:
    """Return what comes of a segment."""
    if at.state is CLOSED:
        return _in_closed(segment)
    if at.state is LISTEN:
        return _in_listen(at, segment)
    if at.state is SYN_SENT:
        return _in_syn_sent(at, segment)
    return _otherwise(at, segment)


def _reset(segment: Arriving) -> Reply:
    """3.5.2: from where the segment says that we are, else from zero, acknowledging all of it."""
    if segment.ack is not None:
        return Reply("R", segment.ack, None)
    return Reply("R.", 0, (segment.seq + segment.length) % MODULUS)


def in_order_ack(at: Situation, *, taken: int = 0, delayed: bool = False) -> Reply:
    """Return <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, after what was ``taken`` of the segment."""
    return Reply(".", at.snd_nxt, (at.rcv_nxt + taken) % MODULUS, at.rcv_wnd - taken, delayed)


def _in_closed(segment: Arriving) -> Outcome:
    if segment.has("R"):
        return Outcome(CLOSED, "3.10.7.1: a reset is discarded")
    return Outcome(CLOSED, "3.10.7.1: there is no connection, which a reset tells", _reset(segment))


def _in_listen(at: Situation, segment: Arriving) -> Outcome:
    if segment.has("R"):
        return Outcome(LISTEN, "3.10.7.2, first: an incoming RST should be ignored")
    if segment.ack is not None:
        return Outcome(LISTEN, "3.10.7.2, second: any acknowledgment is bad in LISTEN", _reset(segment))
    if segment.has("S"):
        reply = Reply("S.", 0, (segment.seq + 1) % MODULUS, at.rcv_wnd)
        return Outcome(SYN_RECEIVED, "3.10.7.2, third: the SYN is answered", reply)
    return Outcome(LISTEN, "3.10.7.2, fourth: anything else is dropped")


def _in_syn_sent(at: Situation, segment: Arriving) -> Outcome:
    if segment.ack is not None and not 0 < diff(segment.ack, at.snd_una) <= diff(at.snd_nxt, at.snd_una):
        if segment.has("R"):
            return Outcome(SYN_SENT, "3.10.7.3, first: an unacceptable ACK with RST is dropped")
        return Outcome(SYN_SENT, "3.10.7.3, first: an unacceptable ACK is reset", _reset(segment))
    if segment.has("R"):
        if segment.ack is None:
            return Outcome(SYN_SENT, "3.10.7.3, second: a RST without ACK is dropped")
        return Outcome(CLOSED, "3.10.7.3, second: connection reset")
    if not segment.has("S"):
        return Outcome(SYN_SENT, "3.10.7.3, fifth: neither SYN nor RST: dropped")
    if segment.ack is None:
        reply = Reply("S.", 0, (segment.seq + 1) % MODULUS, at.rcv_wnd)
        return Outcome(SYN_RECEIVED, "3.10.7.3, fourth: simultaneous open (MUST-10)", reply)
    return Outcome(ESTABLISHED, "3.10.7.3, fourth: our SYN has been acknowledged", Reply(".", 1, 1, at.rcv_wnd))


# --- 3.10.7.4 --------------------------------------------------------------------------------------------------------


def _otherwise(at: Situation, segment: Arriving) -> Outcome:
    for step in (_sequence, _rst, _syn, _ack_field):
        outcome = step(at, segment)
        if outcome is not None:
            return outcome
    state = _afterin_order_ack(at, segment)
    if state is CLOSED:
        return Outcome(CLOSED, "3.10.7.4, fifth: LAST-ACK, and our FIN is acknowledged")
    if state is CLOSING:
        return Outcome(CLOSING, "3.10.7.4, fifth: CLOSING, and our FIN is not acknowledged: ignored")
    return _text_and_fin(at, state, segment)


def _acceptable(at: Situation, segment: Arriving) -> bool:
    """The table of 3.10.7.4, first; the window is open in all of our situations."""
    first = diff(segment.seq, at.rcv_nxt)
    last = first + max(segment.length, 1) - 1
    return 0 <= first < at.rcv_wnd or 0 <= last < at.rcv_wnd


def _sequence(at: Situation, segment: Arriving) -> Outcome | None:
    if _acceptable(at, segment):
        return None
    if segment.has("R"):
        return Outcome(at.state, "3.10.7.4, first: an unacceptable RST is dropped")
    return Outcome(at.state, "3.10.7.4, first: an unacceptable segment is answered with an ACK", in_order_ack(at))


def _rst(at: Situation, segment: Arriving) -> Outcome | None:
    if not segment.has("R"):
        return None
    if at.state is TIME_WAIT:
        return Outcome(TIME_WAIT, "RFC 1337, F1: a RST is ignored in TIME-WAIT")
    if segment.seq != at.rcv_nxt:
        return Outcome(at.state, "RFC 5961, 3.2: a RST that is not exact gets a challenge ACK", in_order_ack(at))
    if at.state is SYN_RECEIVED and at.passive:
        return Outcome(LISTEN, "3.10.7.4, second: back to LISTEN (MUST-11)")
    return Outcome(CLOSED, "3.10.7.4, second: the connection is reset (MUST-12)")


def _syn(at: Situation, segment: Arriving) -> Outcome | None:
    if not segment.has("S"):
        return None
    if at.state is SYN_RECEIVED and at.passive:
        return Outcome(LISTEN, "3.10.7.4, fourth: back to LISTEN (MUST-11)")
    return Outcome(at.state, "RFC 5961, 4.2: a SYN gets a challenge ACK", in_order_ack(at))


def _ack_field(at: Situation, segment: Arriving) -> Outcome | None:
    if segment.ack is None:
        return Outcome(at.state, "3.10.7.4, fifth: the ACK bit is off: dropped")
    beyond = diff(segment.ack, at.snd_una)
    if at.state is SYN_RECEIVED:
        if 0 < beyond <= diff(at.snd_nxt, at.snd_una):
            return None
        return Outcome(SYN_RECEIVED, "3.10.7.4, fifth: an unacceptable ACK of our SYN is reset", _reset(segment))
    if beyond < -at.max_snd_wnd or beyond > diff(at.snd_nxt, at.snd_una):
        return Outcome(at.state, "RFC 5961, 5.2: an ACK out of range is answered with an ACK", in_order_ack(at))
    return None


def _afterin_order_ack(at: Situation, segment: Arriving) -> State:
    if at.state is SYN_RECEIVED:
        return ESTABLISHED
    if at.snd_una != at.snd_nxt and segment.ack == at.snd_nxt:  # what is outstanding in our situations is the FIN
        return {FIN_WAIT_1: FIN_WAIT_2, CLOSING: TIME_WAIT, LAST_ACK: CLOSED}[at.state]
    return at.state


def _text_and_fin(at: Situation, state: State, segment: Arriving) -> Outcome:
    if not segment.length:
        return Outcome(state, "3.10.7.4, fifth: the acknowledgment is taken")
    if state not in _RECEIVING:
        if segment.has("F"):
            return Outcome(state, "3.10.7.4, eighth: a FIN is acknowledged, and the state remains", in_order_ack(at))
        return Outcome(state, "3.10.7.4, seventh: after the peer's FIN the text is ignored")
    if segment.seq != at.rcv_nxt:
        why = "3.10.7.4, seventh and eighth (SHLD-31): ahead of a hole: held, and answered at once (RFC 5681, 4.2)"
        return Outcome(state, why, in_order_ack(at))
    if segment.has("F"):
        reply = in_order_ack(at, taken=segment.length)
        return Outcome(_AFTER_FIN[state], "3.10.7.4, eighth: the FIN is taken", reply, segment.octets, True)
    reply = in_order_ack(at, taken=segment.length, delayed=True)
    return Outcome(state, "3.10.7.4, seventh: the text is taken", reply, segment.octets)
