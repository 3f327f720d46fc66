"""What assertions can ask for: those fields of Linux's ``struct tcp_info`` that this TCP has a value for."""

from collections.abc import Callable, Mapping
from typing import Final

from tcplab.packetdrill.assertions import CONSTANTS, STATE_NUMBERS
from tcplab.tcp.states import State
from tcplab.tcp.status import Status
from tcplab.wire.seq import seq_diff

_STATE: Final = "tcpi_state"
_FIELDS: Final[Mapping[str, Callable[[Status], int]]] = {
    _STATE: lambda status: STATE_NUMBERS[status.state],
    "tcpi_snd_wnd": lambda status: status.snd_wnd,
    "tcpi_rcv_wnd": lambda status: status.rcv_wnd,
    "tcpi_notsent_bytes": lambda status: max(
        status.unsent_or_unacknowledged - seq_diff(status.snd_nxt, status.snd_una), 0
    ),
}
KNOWN: Final = frozenset(_FIELDS)
"""The names that have values."""


def values(status: Status | None) -> dict[str, int]:
    """Return the value of every known name; without a connection, TCP_CLOSE and zeros."""
    if status is None:
        return {name: STATE_NUMBERS[State.CLOSED] if name == _STATE else 0 for name in _FIELDS}
    return {name: read(status) for name, read in _FIELDS.items()}


def text(name: str, value: int) -> str:
    """Return a value for people: states by their names."""
    if name == _STATE:
        return next(known for known, number in CONSTANTS.items() if number == value)
    return str(value)
