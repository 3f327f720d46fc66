"""A timeout that was needless is taken back, and patience ends before a timeout that would come later."""

from dataclasses import replace

import pytest

from tcplab.tcp.events import Retransmitted
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND
from tests.support.options import EVERYTHING, client, clock, stamped
from tests.support.states import Wires
from tests.support.tcp import ack, prompt


def test_an_ack_of_what_was_sent_first_takes_a_timeout_back(wires: Wires) -> None:
    """RFC 3522, 3.2: it echoes the first transmission's timestamp, so that nothing had been lost."""
    wire = client(wires, replace(EVERYTHING, wscale=None, sack_ok=False, mss=112), prompt(mss=112))
    before = wire.status.cwnd
    wire.send(bytes(500), 1.0)
    first = clock(wire)
    wire.run(8.0)
    collapsed = wire.status.cwnd
    assert [event.cause for _, event in wire.seen(Retransmitted)].count("rto") > 0
    assert before is not None
    assert collapsed is not None
    assert collapsed < before

    wire.arrives(stamped(ack(1, 501), 8_000, first))

    assert wire.status.cwnd is not None
    assert wire.status.cwnd >= before


def test_an_ack_of_what_was_sent_again_takes_nothing_back(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, wscale=None, sack_ok=False, mss=112), prompt(mss=112))
    before = wire.status.cwnd
    wire.send(bytes(500), 1.0)
    wire.run(8.0)

    wire.arrives(stamped(ack(1, 501), 8_000, clock(wire)))

    assert before is not None
    assert wire.status.cwnd is not None
    assert wire.status.cwnd < before


@pytest.mark.parametrize("patience", [400, 999, 1_000])
def test_patience_may_end_before_the_first_timeout(wires: Wires, patience: int) -> None:
    """3.8.3: R2 counts from the first time that something is sent, whenever the timer would go off."""
    wire = wires.client(prompt(r2=patience * MILLISECOND, rto_min=SECOND))
    wire.send(b"a", 5.0)

    wire.run(5.0 + (patience - 1) / 1_000)
    assert wire.state is State.ESTABLISHED
    wire.run(5.0 + patience / 1_000)
    assert wire.state is State.CLOSED
    assert wire.seen(Retransmitted) == []
