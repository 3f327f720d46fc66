"""What RFC 9293 asks of windows and of data under way (3.8.6, 3.9.1.2, 3.10.7.4), where no other test is about it."""

import pytest

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.states import State
from tests.support.states import Wires
from tests.support.tcp import ack, data


@pytest.mark.rfc("MUST-34", "MUST-35")
def test_a_window_that_shrinks_to_zero_is_probed(wires: Wires) -> None:
    wire = wires.client(TcpConfig(mss=10), window=30)
    wire.send(bytes(30), 0.0)

    assert wire.arrives(ack(1, 11, window=0), 0.5) == []
    probes = wire.run(10.0)
    assert [at for at, _ in probes] == [1.5, 3.5, 7.5]
    assert {(seg.seq, seg.ack) for _, seg in probes} == {(11, 1)}
    wire.arrives(ack(1, 31, window=30), 10.0)
    assert wire.status.unsent_or_unacknowledged == 0


@pytest.mark.rfc("MUST-37", "SHLD-17")
def test_what_lies_beyond_a_window_that_has_shrunk_is_no_reason_to_give_up(wires: Wires) -> None:
    wire = wires.client(TcpConfig(mss=10), window=30)
    wire.send(bytes(30), 0.0)

    wire.arrives(ack(1, 11, window=0), 0.5)
    for minute in range(1, 61):
        if wire.run(60.0 * minute):
            wire.arrives(ack(1, 11, window=0), 60.0 * minute)

    assert wire.state is State.ESTABLISHED
    wire.arrives(ack(1, 31, window=30))
    assert wire.status.unsent_or_unacknowledged == 0


@pytest.mark.rfc("MUST-58")
def test_what_is_sent_at_once_acknowledges_what_has_come(wires: Wires) -> None:
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)

    assert wire.arrives(data(1, 1, b"hello", window=100), 0.5) == [data(1, 6, b"abc")]
    assert wire.run(0.9) == []


@pytest.mark.rfc("MUST-60", "MUST-61")
def test_the_last_octets_are_not_held_back_for_ever_and_pushed(wires: Wires) -> None:
    wire = wires.client(TcpConfig(mss=10))
    sent = wire.send(bytes(15), 0.0)
    sent += wire.arrives(ack(1, 11), 0.25)

    assert [(seg.seq, len(seg.data)) for seg in sent] == [(1, 10), (11, 5)]
    assert wire.last.flags & 8
