"""Where a play against one host may begin: every state, reached as a peer and an application would."""

from typing import Final

from tcplab.wire.segment import ACK, FIN, SYN
from tests.fuzz.steps import Arrival, Ask, Step

_LISTEN: Final[tuple[Step, ...]] = (Ask("listen"),)
_SYN_RECEIVED: Final = (*_LISTEN, Arrival(0, SYN, seq=-4))
_SYN_SENT: Final[tuple[Step, ...]] = (Ask("open"),)
_ESTABLISHED: Final = (*_SYN_SENT, Arrival(1, SYN | ACK, seq=-4))
_FIN_WAIT_1: Final = (*_ESTABLISHED, Ask("close"))
_FIN_WAIT_2: Final = (*_FIN_WAIT_1, Arrival(1, ACK))
_CLOSE_WAIT: Final = (*_ESTABLISHED, Arrival(1, FIN | ACK))

WAYS: Final[dict[str, tuple[Step, ...]]] = {
    "closed": (),
    "listen": _LISTEN,
    "syn_sent": _SYN_SENT,
    "syn_received": _SYN_RECEIVED,
    "syn_received, both opened": (*_SYN_SENT, Arrival(1, SYN, seq=-4)),
    "established": _ESTABLISHED,
    "established, it opened": (*_SYN_RECEIVED, Arrival(0, ACK)),
    "established, much unacknowledged": (*_ESTABLISHED, Ask("send", size=16)),
    "fin_wait_1": _FIN_WAIT_1,
    "fin_wait_2": _FIN_WAIT_2,
    "closing": (*_FIN_WAIT_1, Arrival(1, FIN | ACK, ack_base="snd_una")),
    "time_wait": (*_FIN_WAIT_2, Arrival(1, FIN | ACK)),
    "close_wait": _CLOSE_WAIT,
    "last_ack": (*_CLOSE_WAIT, Ask("close")),
}
