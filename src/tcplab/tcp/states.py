"""The eleven states, what can happen in them, and the only table that says what follows what.

Source: RFC 9293, sections 3.3.2 (figure 5) and 3.10. Two rows that figure 5 shows are absent because no
input takes them: CLOSE in SYN_RECEIVED is queued until ESTABLISHED, as section 3.10.4 allows where data waits,
and a FIN in SYN_RECEIVED arrives after the ACK of the same segment has led to ESTABLISHED.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class State(Enum):
    """The states of RFC 9293, section 3.3.2; the value is the name in metrics."""

    CLOSED = "closed"
    LISTEN = "listen"
    SYN_SENT = "syn_sent"
    SYN_RECEIVED = "syn_received"
    ESTABLISHED = "established"
    FIN_WAIT_1 = "fin_wait_1"
    FIN_WAIT_2 = "fin_wait_2"
    CLOSE_WAIT = "close_wait"
    CLOSING = "closing"
    LAST_ACK = "last_ack"
    TIME_WAIT = "time_wait"

    __hash__ = object.__hash__  # members are singletons: Enum's own hash of the name costs a Python call


class Cause(Enum):
    """What happened; the value is the name in metrics."""

    PASSIVE_OPEN = "passive_open"
    ACTIVE_OPEN = "active_open"
    SYN_ARRIVED = "syn_arrived"
    SYN_ACK_ARRIVED = "syn_ack_arrived"
    ACK_OF_SYN = "ack_of_syn"
    CLOSE_CALL = "close_call"
    FIN_SENT = "fin_sent"
    FIN_ARRIVED = "fin_arrived"
    ACK_OF_FIN = "ack_of_fin"
    RESET_ARRIVED = "reset_arrived"
    RESET_OF_PASSIVE_OPEN = "reset_of_passive_open"
    SYN_IN_WINDOW = "syn_in_window"
    ABORT_CALL = "abort_call"
    RETRANSMISSION_TIMEOUT = "retransmission_timeout"
    USER_TIMEOUT = "user_timeout"
    KEEP_ALIVE_TIMEOUT = "keep_alive_timeout"
    FIN_WAIT_2_TIMEOUT = "fin_wait_2_timeout"
    TIME_WAIT_EXPIRED = "time_wait_expired"

    __hash__ = object.__hash__


# Python 3.11 finds members through a descriptor, at three times the price of an attribute; 3.12 does so no more.
for _kind in (State, Cause):
    for _member in _kind:
        type.__setattr__(_kind, _member.name, _member)

# The same by name alone, for what each segment passes: through an enumeration's class, Python 3.11 takes ten times as
# long, since EnumType has a __getattr__ there.
CLOSED: Final = State.CLOSED
LISTEN: Final = State.LISTEN
SYN_SENT: Final = State.SYN_SENT
SYN_RECEIVED: Final = State.SYN_RECEIVED
ESTABLISHED: Final = State.ESTABLISHED
FIN_WAIT_1: Final = State.FIN_WAIT_1
FIN_WAIT_2: Final = State.FIN_WAIT_2
CLOSE_WAIT: Final = State.CLOSE_WAIT
CLOSING: Final = State.CLOSING
LAST_ACK: Final = State.LAST_ACK
TIME_WAIT: Final = State.TIME_WAIT
SYN_ARRIVED: Final = Cause.SYN_ARRIVED
SYN_ACK_ARRIVED: Final = Cause.SYN_ACK_ARRIVED
ACK_OF_SYN: Final = Cause.ACK_OF_SYN
FIN_SENT: Final = Cause.FIN_SENT
FIN_ARRIVED: Final = Cause.FIN_ARRIVED
ACK_OF_FIN: Final = Cause.ACK_OF_FIN

_S, _C = State, Cause

SYNCHRONIZED: Final = frozenset(
    {_S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2, _S.CLOSE_WAIT, _S.CLOSING, _S.LAST_ACK, _S.TIME_WAIT}
)
_RETRANSMITTING: Final = (
    _S.SYN_SENT, _S.SYN_RECEIVED, _S.ESTABLISHED, _S.FIN_WAIT_1, _S.CLOSE_WAIT, _S.CLOSING, _S.LAST_ACK,
)  # fmt: skip

TRANSITIONS: Final[Mapping[tuple[State, Cause], State]] = {
    # opening
    (_S.CLOSED, _C.PASSIVE_OPEN): _S.LISTEN,
    (_S.CLOSED, _C.ACTIVE_OPEN): _S.SYN_SENT,
    (_S.LISTEN, _C.SYN_ARRIVED): _S.SYN_RECEIVED,
    (_S.SYN_SENT, _C.SYN_ACK_ARRIVED): _S.ESTABLISHED,
    (_S.SYN_SENT, _C.SYN_ARRIVED): _S.SYN_RECEIVED,
    (_S.SYN_RECEIVED, _C.ACK_OF_SYN): _S.ESTABLISHED,
    # closing
    (_S.LISTEN, _C.CLOSE_CALL): _S.CLOSED,
    (_S.SYN_SENT, _C.CLOSE_CALL): _S.CLOSED,
    (_S.ESTABLISHED, _C.CLOSE_CALL): _S.FIN_WAIT_1,
    (_S.CLOSE_WAIT, _C.FIN_SENT): _S.LAST_ACK,
    (_S.ESTABLISHED, _C.FIN_ARRIVED): _S.CLOSE_WAIT,
    (_S.FIN_WAIT_1, _C.FIN_ARRIVED): _S.CLOSING,
    (_S.FIN_WAIT_2, _C.FIN_ARRIVED): _S.TIME_WAIT,
    (_S.FIN_WAIT_1, _C.ACK_OF_FIN): _S.FIN_WAIT_2,
    (_S.CLOSING, _C.ACK_OF_FIN): _S.TIME_WAIT,
    (_S.LAST_ACK, _C.ACK_OF_FIN): _S.CLOSED,
    (_S.TIME_WAIT, _C.TIME_WAIT_EXPIRED): _S.CLOSED,
    # leaving TIME_WAIT before its time, as other policies than RFC 9293's do, or as MAY-2 allows
    (_S.TIME_WAIT, _C.SYN_ARRIVED): _S.CLOSED,
    (_S.TIME_WAIT, _C.ACTIVE_OPEN): _S.CLOSED,
    (_S.TIME_WAIT, _C.RESET_ARRIVED): _S.CLOSED,
    # ending otherwise
    (_S.SYN_RECEIVED, _C.RESET_OF_PASSIVE_OPEN): _S.LISTEN,
    (_S.SYN_RECEIVED, _C.SYN_IN_WINDOW): _S.LISTEN,
    **{(state, _C.RESET_ARRIVED): _S.CLOSED for state in (*_RETRANSMITTING, _S.FIN_WAIT_2)},
    **{(state, _C.RETRANSMISSION_TIMEOUT): _S.CLOSED for state in _RETRANSMITTING},
    **{(state, _C.USER_TIMEOUT): _S.CLOSED for state in _RETRANSMITTING},
    **{(state, _C.KEEP_ALIVE_TIMEOUT): _S.CLOSED for state in (_S.ESTABLISHED, _S.CLOSE_WAIT, _S.FIN_WAIT_2)},
    **{(state, _C.ABORT_CALL): _S.CLOSED for state in State if state is not _S.CLOSED},
    (_S.FIN_WAIT_2, _C.FIN_WAIT_2_TIMEOUT): _S.CLOSED,
}
