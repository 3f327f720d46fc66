"""The transitions of RFC 9293: those of its figure 5, those that its text adds, and where the engine differs.

Written from the RFC, not from the engine's table, so that the two can be held against each other.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from tcplab.tcp.states import State


class Trigger(StrEnum):
    """What leads from state to state, in the words of figure 5 and of section 3.10."""

    PASSIVE_OPEN = "passive OPEN"
    ACTIVE_OPEN = "active OPEN"
    SEND = "SEND"
    CLOSE = "CLOSE"
    ABORT = "ABORT"
    RCV_SYN = "rcv SYN"
    RCV_SYN_ACK = "rcv SYN,ACK"
    RCV_ACK_OF_SYN = "rcv ACK of SYN"
    RCV_FIN = "rcv FIN"
    RCV_ACK_OF_FIN = "rcv ACK of FIN"
    RCV_RST = "rcv RST"
    TIME_WAIT_TIMEOUT = "2 MSL over"
    RETRANSMISSION_TIMEOUT = "R2 over"
    USER_TIMEOUT = "user timeout"
    KEEP_ALIVE_TIMEOUT = "keep-alives unanswered"
    DESERTED = "nobody waits any more"


class Edge(NamedTuple):
    """A state, what happens in it, and the state after."""

    old: State
    trigger: Trigger
    new: State

    def __str__(self) -> str:
        """Return the edge as failures print it."""
        return f"{self.old.name} --{self.trigger}--> {self.new.name}"


_S, _T = State, Trigger
_RESET: Final = (_S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2, _S.CLOSE_WAIT, _S.CLOSING, _S.LAST_ACK, _S.TIME_WAIT)
_OPEN: Final = (_S.SYN_SENT, _S.SYN_RECEIVED, *_RESET)
_WAITING_FOR_ACKS: Final = (
    _S.SYN_SENT, _S.SYN_RECEIVED, _S.ESTABLISHED, _S.FIN_WAIT_1, _S.CLOSE_WAIT, _S.CLOSING, _S.LAST_ACK,
)  # fmt: skip

FIGURE: Final = "figure 5"

RFC: Final[Mapping[Edge, str]] = {
    Edge(_S.CLOSED, _T.PASSIVE_OPEN, _S.LISTEN): FIGURE,
    Edge(_S.CLOSED, _T.ACTIVE_OPEN, _S.SYN_SENT): FIGURE,
    Edge(_S.LISTEN, _T.CLOSE, _S.CLOSED): FIGURE,
    Edge(_S.LISTEN, _T.RCV_SYN, _S.SYN_RECEIVED): FIGURE,
    Edge(_S.LISTEN, _T.SEND, _S.SYN_SENT): FIGURE,
    Edge(_S.SYN_SENT, _T.CLOSE, _S.CLOSED): FIGURE,
    Edge(_S.SYN_SENT, _T.RCV_SYN, _S.SYN_RECEIVED): FIGURE,
    Edge(_S.SYN_SENT, _T.RCV_SYN_ACK, _S.ESTABLISHED): FIGURE,
    Edge(_S.SYN_RECEIVED, _T.RCV_RST, _S.LISTEN): "figure 5, note 1: after a passive OPEN",
    Edge(_S.SYN_RECEIVED, _T.RCV_ACK_OF_SYN, _S.ESTABLISHED): FIGURE,
    Edge(_S.SYN_RECEIVED, _T.CLOSE, _S.FIN_WAIT_1): FIGURE,
    Edge(_S.ESTABLISHED, _T.CLOSE, _S.FIN_WAIT_1): FIGURE,
    Edge(_S.ESTABLISHED, _T.RCV_FIN, _S.CLOSE_WAIT): FIGURE,
    Edge(_S.FIN_WAIT_1, _T.RCV_FIN, _S.CLOSING): FIGURE,
    Edge(_S.FIN_WAIT_1, _T.RCV_ACK_OF_FIN, _S.FIN_WAIT_2): FIGURE,
    Edge(_S.FIN_WAIT_2, _T.RCV_FIN, _S.TIME_WAIT): FIGURE,
    Edge(_S.CLOSING, _T.RCV_ACK_OF_FIN, _S.TIME_WAIT): FIGURE,
    Edge(_S.CLOSE_WAIT, _T.CLOSE, _S.LAST_ACK): FIGURE,
    Edge(_S.LAST_ACK, _T.RCV_ACK_OF_FIN, _S.CLOSED): FIGURE,
    Edge(_S.TIME_WAIT, _T.TIME_WAIT_TIMEOUT, _S.CLOSED): FIGURE,
    # what the text adds
    Edge(_S.LISTEN, _T.ACTIVE_OPEN, _S.SYN_SENT): "3.10.1",
    Edge(_S.SYN_SENT, _T.RCV_RST, _S.CLOSED): "3.10.7.3, second",
    Edge(_S.SYN_RECEIVED, _T.RCV_RST, _S.CLOSED): "3.10.7.4, second: after an active OPEN",
    Edge(_S.SYN_RECEIVED, _T.RCV_SYN, _S.LISTEN): "3.10.7.4, fourth: after a passive OPEN",
    Edge(_S.SYN_RECEIVED, _T.RCV_FIN, _S.CLOSE_WAIT): "3.10.7.4, eighth",
    **{Edge(old, _T.RCV_RST, _S.CLOSED): "3.10.7.4, second" for old in _RESET},
    **{Edge(old, _T.ABORT, _S.CLOSED): "3.10.5" for old in (_S.LISTEN, *_OPEN)},
    **{Edge(old, _T.USER_TIMEOUT, _S.CLOSED): "3.10.8" for old in (_S.LISTEN, *_OPEN)},
    **{Edge(old, _T.RETRANSMISSION_TIMEOUT, _S.CLOSED): "3.8.3" for old in _WAITING_FOR_ACKS},
    **{Edge(old, _T.KEEP_ALIVE_TIMEOUT, _S.CLOSED): "3.8.4" for old in (_S.ESTABLISHED, _S.CLOSE_WAIT, _S.FIN_WAIT_2)},
    Edge(_S.TIME_WAIT, _T.RCV_SYN, _S.CLOSED): "3.6.1, MAY-2: the SYN then finds the listener",
}
"""Every transition that the RFC has, and where it stands."""

_NOTHING_UNACKNOWLEDGED: Final = (
    "3.10.8 and RFC 5482: it bounds how long something stays unacknowledged; here nothing is"
)

ABSENT: Final[Mapping[Edge, str]] = {
    Edge(_S.LISTEN, _T.SEND, _S.SYN_SENT): "3.10.2: a listener names no remote socket, so that SEND in it is an error",
    Edge(_S.LISTEN, _T.ACTIVE_OPEN, _S.SYN_SENT): (
        "3.10.1: an OPEN to a peer makes a connection of its own, and the listener listens on"
    ),
    Edge(_S.LISTEN, _T.ABORT, _S.CLOSED): "3.10.5: a listener is ended by CLOSE; it has nobody to send a reset to",
    Edge(_S.SYN_RECEIVED, _T.CLOSE, _S.FIN_WAIT_1): "3.10.4: the CLOSE is queued until ESTABLISHED",
    Edge(_S.SYN_RECEIVED, _T.RCV_FIN, _S.CLOSE_WAIT): (
        "3.10.7.4, fifth: the ACK of the same segment has led to ESTABLISHED before its FIN is looked at"
    ),
    Edge(_S.TIME_WAIT, _T.ABORT, _S.CLOSED): "3.6.1, MUST-13: 2 MSL have to pass, whatever the application wants",
    **{
        Edge(old, _T.USER_TIMEOUT, _S.CLOSED): _NOTHING_UNACKNOWLEDGED
        for old in (_S.LISTEN, _S.FIN_WAIT_2, _S.TIME_WAIT)
    },
}
"""Transitions of the RFC that the engine does not take, however it is set, and why it may."""

BY_DEFAULT_ABSENT: Final[Mapping[Edge, str]] = {
    Edge(_S.TIME_WAIT, _T.RCV_RST, _S.CLOSED): "RFC 1337, fix F1: no reset ends a TIME_WAIT",
    Edge(_S.TIME_WAIT, _T.RCV_SYN, _S.CLOSED): "3.6.1: MAY-2 is an allowance, for whoever wants it",
    **{
        Edge(old, _T.KEEP_ALIVE_TIMEOUT, _S.CLOSED): "3.8.4, MUST-25: keep-alives are off unless asked for"
        for old in (_S.ESTABLISHED, _S.CLOSE_WAIT, _S.FIN_WAIT_2)
    },
    **{
        Edge(old, _T.USER_TIMEOUT, _S.CLOSED): "3.8.3: without a user timeout R2 takes its place"
        for old in _WAITING_FOR_ACKS
    },
}
"""Transitions of the RFC that are taken only where a host is set to, and why not otherwise."""

OWN: Final[Mapping[Edge, str]] = {
    Edge(_S.FIN_WAIT_2, _T.DESERTED, _S.CLOSED): (
        "3.6 lets a connection be half closed for ever; once its application is gone nobody wants what may still come"
    ),
}
"""Transitions that the engine takes and the RFC does not have, and why it may."""
