"""How states look on every board: the number and name of each, and its colour."""

from collections.abc import Mapping
from typing import Final

from tcplab.observe.catalogue import STATE_CODES
from tcplab.tcp.states import State

COLOURS: Final[Mapping[State, str]] = {
    # opening: yellow; open: green
    State.LISTEN: "#A6A6B5",
    State.SYN_SENT: "#FFE873",
    State.SYN_RECEIVED: "#E0B400",
    State.ESTABLISHED: "#56A64B",
    # who closes first: blue, and red to wait; both at once: cyan
    State.FIN_WAIT_1: "#8AB8FF",
    State.FIN_WAIT_2: "#3274D9",
    State.CLOSING: "#00B8C4",
    State.TIME_WAIT: "#E0523A",
    # who closes second: violet
    State.CLOSE_WAIT: "#CA95E5",
    State.LAST_ACK: "#8F3BB8",
    State.CLOSED: "#5E6079",
}

NAMES: Final = {code: (state, state.name) for state, code in STATE_CODES.items()}
