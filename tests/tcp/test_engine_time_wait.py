"""TIME_WAITs that newer connections take the place of, again and again (RFC 9293, 3.6.1, MAY-2; RFC 6191)."""

import pytest

from tcplab.tcp.app import Close
from tcplab.tcp.events import TimeWaitEnded
from tcplab.tcp.states import State
from tests.support.states import Wires
from tests.support.tcp import Wire, ack, fin, prompt, syn

REUSE = prompt(time_wait_reuse=True)


def comes_and_goes(wire: Wire, port: int, seq: int, at: float) -> None:
    """Let a connection be opened by the peer, from that port and number, and closed by the host first."""
    [answer] = wire.arrives(syn(seq), at, peer_port=port)
    number = answer.seq + 1
    wire.arrives(ack(seq + 1, number), peer_port=port)
    [name] = [status.connection for status in wire.statuses if status.state is State.ESTABLISHED]
    wire.call(Close(name))
    wire.arrives(fin(seq + 1, number + 1), peer_port=port)


@pytest.mark.rfc("RFC6191-2", "MAY-2")
@pytest.mark.parametrize("times", [1, 2, 5])
def test_each_time_wait_of_a_4_tuple_ends_when_it_is_reused_and_the_last_in_its_time(wires: Wires, times: int) -> None:
    wire = wires(REUSE)
    wire.listen()
    comes_and_goes(wire, 1, 0, 0.0)
    for n in range(times + 1):
        comes_and_goes(wire, 2, 1_000 * n, 1.0 + n)
    comes_and_goes(wire, 3, 0, 100.0)

    wire.run(1_000.0)

    ended = [(at, event.connection.remote_port, event.reason) for at, event in wire.seen(TimeWaitEnded)]
    assert ended == [
        *[(2.0 + n, 2, "reused") for n in range(times)],
        (240.0, 1, "expired"),
        (241.0 + times, 2, "expired"),
        (340.0, 3, "expired"),
    ]
    assert wire.statuses == []
    assert wire.host.deadline() is None
