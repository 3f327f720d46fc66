"""How often a host answers what looks like an attack: a pause of each connection, a budget of all (RFC 5961, 7)."""

from dataclasses import replace

import pytest

from tcplab.tcp.challenge import ChallengeAcks
from tcplab.tcp.events import Ignored, SegmentIgnored
from tcplab.tcp.states import State
from tcplab.units import Instant, seconds
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt, rst, syn, syn_ack

CHALLENGES = [
    pytest.param(rst(500), id="a reset in the window"),
    pytest.param(syn(500), id="a SYN in the window"),
    pytest.param(ack(1, 500), id="an ACK of what was not sent"),
    pytest.param(ack(-70_000, 1), id="a bare ACK left of the window"),
]


def grants(per_second: int, second: int) -> int:
    """Return the budget of that second of a host whose key is the default."""
    budget = ChallengeAcks(per_second, bytes(16))
    return sum(budget.grant(Instant(0), Instant(seconds(second))) is not None for _ in range(per_second + 1))


def connections(wires: Wires, count: int, per_second: int = 10) -> Wire:
    """Return a host with so many connections that it opened; tell the wire which is meant by its ``local_port``."""
    wire = wires(prompt(challenge_acks_per_second=per_second))
    for _ in range(count):
        wire.open()
        wire.local_port = wire.last.sport
        wire.arrives(syn_ack())
    return wire


def ports(wire: Wire) -> list[int]:
    return [status.connection.local_port for status in wire.statuses]


@pytest.mark.rfc("RFC5961-7")
@pytest.mark.parametrize("seg", CHALLENGES)
def test_a_connection_answers_once_in_half_a_second(wires: Wires, seg: Seg) -> None:
    wire = wires.client()

    assert wire.arrives(seg, 1.0) == [ack(1, 1)]
    assert [wire.arrives(seg, 1.0 + n / 10) for n in range(5)] == [[]] * 5
    assert wire.arrives(seg, 1.5) == [ack(1, 1)]
    assert wire.state is State.ESTABLISHED
    assert len(wire.seen(SegmentIgnored)) == 7


@pytest.mark.rfc("RFC5961-7")
def test_different_challenges_share_the_pause(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(rst(500), 1.0) == [ack(1, 1)]
    assert wire.arrives(syn(500), 1.1) == []
    assert wire.arrives(ack(1, 500), 1.2) == []


@pytest.mark.rfc("RFC5961-7")
def test_connections_pause_by_themselves(wires: Wires) -> None:
    wire = connections(wires, 2, per_second=100)
    answers = []
    for port in ports(wire):
        wire.local_port = port
        answers += wire.arrives(rst(500), 1.0)

    assert answers == [ack(1, 1)] * 2


@pytest.mark.rfc("RFC5961-7")
def test_all_connections_share_the_budget_of_a_second(wires: Wires) -> None:
    wire = connections(wires, 12)
    budgets = []
    for second in (1, 2, 3):
        answered = 0
        for port in ports(wire):
            wire.local_port = port
            answered += len(wire.arrives(rst(500), float(second)))
        budgets.append(answered)

    assert budgets == [grants(10, second) for second in (1, 2, 3)]
    assert all(5 <= budget <= 10 for budget in budgets)


@pytest.mark.rfc("RFC5961-7")
@pytest.mark.parametrize("seg", [data(-3, 1, b"old"), fin(-1, 1), data(70_000, 1, b"x"), data(1, 500, b"x")])
def test_data_and_fins_are_always_answered(wires: Wires, seg: Seg) -> None:
    """The peer may be sending them again since our ACK was lost, and waits for it."""
    wire = wires.client(prompt(challenge_acks_per_second=1))

    for n in range(20):
        assert wire.arrives(seg, 1.0 + n / 1_000) == [ack(1, 1)]


@pytest.mark.rfc("RFC5961-7")
def test_two_ends_that_disagree_do_not_answer_each_other_for_ever(wires: Wires) -> None:
    """What one sends as a challenge is unacceptable to the other."""
    one, other = wires.client(), wires.client()
    one.arrives(data(1, 1, b"abc"), 1.0)
    count = 0
    to, answers = other, [ack(-5, 500)]
    other.at(1.0)
    while answers and count < 100:
        [seg] = answers
        answers = to.arrives(replace(seg, seq=-5, ack=500))
        to = one if to is other else other
        count += 1

    assert count == 3


@pytest.mark.rfc("RFC5961-3.2")
def test_a_reset_that_answers_the_challenge_is_believed(wires: Wires) -> None:
    wire = wires.client()
    [challenge] = wire.arrives(rst(500), 1.0)
    assert challenge.ack == 1

    wire.arrives(rst(challenge.ack), 1.0)

    assert wire.state is State.CLOSED


@pytest.mark.rfc("RFC5961-3.2")
def test_a_reset_is_not_challenged_outside_of_the_window(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(rst(70_000)) == []
    assert wire.arrives(rst(0)) == []
    assert [event.reason for _, event in wire.seen(SegmentIgnored)] == [Ignored.UNACCEPTABLE_SEQUENCE] * 2
