"""The table's rows: how a host is brought into each state, and which segments arrive there."""

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from tcplab.tcp.states import State
from tests.packetdrill.table.rules import MODULUS, Arriving, Situation

BUFFER: Final = 65_535
"""The host's receive buffer; no window is scaled, since the script's SYN does not offer it."""
PEER_WINDOW: Final = 1_000
DATA: Final = 10


class Kind(Enum):
    """The segments that arrive; the value is part of the file's name."""

    SYN = "syn"
    SYN_ACK = "syn-ack"
    ACK = "ack"
    FIN = "fin"
    FIN_ACK = "fin-ack"
    RST = "rst"
    RST_ACK = "rst-ack"
    DATA = "data"


FLAGS: Final = {
    Kind.SYN: "S", Kind.SYN_ACK: "S.", Kind.ACK: ".", Kind.FIN: "F", Kind.FIN_ACK: "F.", Kind.RST: "R",
    Kind.RST_ACK: "R.", Kind.DATA: ".",
}  # fmt: skip


class Position(Enum):
    """Where a segment's sequence number lies; the value is part of the file's name."""

    LEFT = "left"
    AT = "at"
    INSIDE = "inside"
    LAST = "last"
    EDGE = "edge"
    BEYOND = "beyond"


WORDS: Final = {
    Position.LEFT: "100 left of the window",
    Position.AT: "at RCV.NXT",
    Position.INSIDE: "inside the window",
    Position.LAST: "at the window's last octet",
    Position.EDGE: "at the window's right edge",
    Position.BEYOND: "100 beyond the window",
}


class Row(NamedTuple):
    """A state, and how to get there.

    Attributes:
        name: of the folder.
        title: for people.
        begin: the lines that lead there.
        fd: the descriptor of the connection; 0 where there is none.
        at: the connection's variables then.
        acks: the acknowledgment numbers that arrive, by their part of the file's name.
    """

    name: str
    title: str
    begin: tuple[str, ...]
    fd: int
    at: Situation
    acks: dict[str, int]


_SOCKET: Final = (" 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0")
_LISTEN: Final = (*_SOCKET, "+0 bind(3, ..., ...) = 0", "+0 listen(3, 1) = 0")
_OFFER: Final = f"win {PEER_WINDOW} <mss 1460>"
_CONNECT: Final = (
    *_SOCKET,
    "+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)",
    "+0 > S 0:0(0) <...>",
)
_ESTABLISHED: Final = (
    *_CONNECT,
    f"+.1 < S. 0:0(0) ack 1 {_OFFER}",
    "+0 > . 1:1(0) ack 1 win 65535",
    "+.1 write(3, ..., 500) = 500",
    "+0 > P. 1:501(500) ack 1 win 65535",
    f"+.1 < P. 1:1001(1000) ack 501 win {PEER_WINDOW}",
    "+0~+.5 > . 501:501(0) ack 1001 win 64535",
    "+0 read(3, ..., 2000) = 1000",
)
_PEER_CLOSES: Final = f"+.1 < F. 1001:1001(0) ack 501 win {PEER_WINDOW}"
_HOST_CLOSES: Final = "+.1 shutdown(3, SHUT_WR) = 0"
_FIN_WAIT_1: Final = (*_ESTABLISHED, _HOST_CLOSES, "+0 > F. 501:501(0) ack 1001 win 64535")
_FIN_WAIT_2: Final = (*_FIN_WAIT_1, f"+.1 < . 1001:1001(0) ack 502 win {PEER_WINDOW}")
_CLOSE_WAIT: Final = (*_ESTABLISHED, _PEER_CLOSES, "+0 > . 501:501(0) ack 1002 win 64534")
_CLOSING: Final = (*_FIN_WAIT_1, _PEER_CLOSES, "+0 > . 502:502(0) ack 1002 win 64534")
_LAST_ACK: Final = (*_CLOSE_WAIT, _HOST_CLOSES, "+0 > F. 501:501(0) ack 1002 win 64534")
_TIME_WAIT: Final = (
    *_FIN_WAIT_2,
    f"+.1 < F. 1001:1001(0) ack 502 win {PEER_WINDOW}",
    "+0 > . 502:502(0) ack 1002 win 64534",
)
_SYN_ARRIVES: Final = (f"+.1 < S 0:0(0) {_OFFER}", "+0 > S. 0:0(0) ack 1 win 65535 <...>")

_NUMBERS: Final = {"old": 1, "exact": 501, "beyond": 1001}
_HANDSHAKE: Final = {"old": 0, "exact": 1, "beyond": 2}


def _situation(
    state: State, snd_una: int, snd_nxt: int, rcv_nxt: int, rcv_wnd: int = BUFFER, *, passive: bool = False
) -> Situation:
    return Situation(state, passive, snd_una, snd_nxt, rcv_nxt, rcv_wnd, PEER_WINDOW)


def _synchronized(state: State, begin: tuple[str, ...], una: int, nxt: int, rcv_nxt: int) -> Row:
    name = state.value
    acks = {"old": una - 100, "exact": nxt, "beyond": nxt + 1}
    if una != nxt:
        acks["una"] = una
    at = _situation(state, una, nxt, rcv_nxt, BUFFER + 1 - rcv_nxt)
    return Row(name, name.upper().replace("_", "-"), begin, 3, at, acks)


ROWS: Final = (
    Row("closed", "CLOSED", (), 0, _situation(State.CLOSED, 0, 0, 1), _NUMBERS),
    Row("listen", "LISTEN", _LISTEN, 0, _situation(State.LISTEN, 0, 0, 1, passive=True), _NUMBERS),
    Row("syn_sent", "SYN-SENT", _CONNECT, 3, _situation(State.SYN_SENT, 0, 1, 1), _HANDSHAKE),
    Row(
        "syn_received_active", "SYN-RECEIVED after SYN-SENT", (*_CONNECT, *_SYN_ARRIVES), 3,
        _situation(State.SYN_RECEIVED, 0, 1, 1), _HANDSHAKE,
    ),
    Row(
        "syn_received_passive", "SYN-RECEIVED after LISTEN", (*_LISTEN, *_SYN_ARRIVES), 4,
        _situation(State.SYN_RECEIVED, 0, 1, 1, passive=True), _HANDSHAKE,
    ),
    _synchronized(State.ESTABLISHED, _ESTABLISHED, 501, 501, 1001),
    _synchronized(State.FIN_WAIT_1, _FIN_WAIT_1, 501, 502, 1001),
    _synchronized(State.FIN_WAIT_2, _FIN_WAIT_2, 502, 502, 1001),
    _synchronized(State.CLOSE_WAIT, _CLOSE_WAIT, 501, 501, 1002),
    _synchronized(State.CLOSING, _CLOSING, 501, 502, 1002),
    _synchronized(State.LAST_ACK, _LAST_ACK, 501, 502, 1002),
    _synchronized(State.TIME_WAIT, _TIME_WAIT, 502, 502, 1002),
)  # fmt: skip


class Case(NamedTuple):
    """One script: a row, and the segment that arrives."""

    row: Row
    kind: Kind
    position: Position
    ack: str
    segment: Arriving

    @property
    def name(self) -> str:
        """The file's name within the table's folder."""
        parts = [self.kind.value, self.position.value, *([self.ack] if self.ack else [])]
        return f"{self.row.name}/{'-'.join(parts)}.pkt"


def cases() -> Iterator[Case]:
    """Yield every case."""
    for row in ROWS:
        for kind in Kind:
            for position in Position:
                for ack in row.acks if "." in FLAGS[kind] else ("",):
                    yield Case(row, kind, position, ack, _segment(row, kind, position, ack))


def _segment(row: Row, kind: Kind, position: Position, ack: str) -> Arriving:
    at = row.at
    offset = {
        Position.LEFT: -100, Position.AT: 0, Position.INSIDE: 100, Position.LAST: at.rcv_wnd - 1,
        Position.EDGE: at.rcv_wnd, Position.BEYOND: at.rcv_wnd + 100,
    }[position]  # fmt: skip
    octets = DATA if kind is Kind.DATA else 0
    return Arriving(FLAGS[kind], (at.rcv_nxt + offset) % MODULUS, row.acks[ack] if ack else None, octets)
