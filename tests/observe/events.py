"""Events as a host would tell them."""

from tcplab.node import Address, Packet
from tcplab.tcp.events import ConnectionId, StateChanged
from tcplab.tcp.states import TRANSITIONS, Cause, State
from tcplab.units import Instant
from tcplab.wire.segment import Flags, Segment
from tcplab.wire.seq import SeqNumber

CLIENT, SERVER = Address("10.0.1.1"), Address("10.0.2.1")

OPENING = (Cause.ACTIVE_OPEN, Cause.SYN_ACK_ARRIVED)
CLOSING_FIRST = (Cause.CLOSE_CALL, Cause.ACK_OF_FIN, Cause.FIN_ARRIVED, Cause.TIME_WAIT_EXPIRED)
CLOSING_AT_ONCE = (Cause.CLOSE_CALL, Cause.FIN_ARRIVED, Cause.ACK_OF_FIN, Cause.TIME_WAIT_EXPIRED)
CLOSING_SECOND = (Cause.FIN_ARRIVED, Cause.FIN_SENT, Cause.ACK_OF_FIN)


def connection(number: int = 0) -> ConnectionId:
    return ConnectionId(CLIENT, 49152 + number % 16384, SERVER, 80, number)


def listener(number: int = 0) -> ConnectionId:
    return ConnectionId(SERVER, 80, Address("0.0.0.0"), 0, number)


def life(name: ConnectionId, *causes: Cause) -> list[StateChanged]:
    """Return the steps of a connection that begins in CLOSED, by the transition table."""
    state, steps = State.CLOSED, []
    for cause in causes:
        steps.append(StateChanged(name, state, TRANSITIONS[state, cause], cause))
        state = TRANSITIONS[state, cause]
    return steps


def packet(flags: Flags, payload: bytes = b"") -> Packet:
    segment = Segment(49152, 80, SeqNumber(1), SeqNumber(2), flags, 65535, payload=payload)
    return Packet(1, Instant(0), CLIENT, SERVER, segment)
