"""Which segments are acceptable, and what answers the others (RFC 9293, 3.10.7.4; RFC 5961, sections 4, 5 and 7)."""

import pytest

from tcplab.tcp.app import Send
from tcplab.tcp.events import Ignored, SegmentIgnored
from tcplab.tcp.states import State
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt

_S = State
SYNCHRONIZED = (_S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2, _S.CLOSE_WAIT, _S.CLOSING, _S.LAST_ACK)
WINDOW = 65_535


def ignored(wire: Wire) -> list[Ignored]:
    return [event.reason for _, event in wire.seen(SegmentIgnored)]


@pytest.mark.parametrize("state", SYNCHRONIZED, ids=lambda state: state.value)
def test_what_lies_outside_of_the_window_is_answered_with_an_ack(wires: Wires, state: State) -> None:
    wire = wires.reach(state)
    here, nxt, window = wire.snd_nxt, wire.rcv_nxt, wire.status.rcv_wnd

    for seg in (
        data(nxt - 3, here, b"old"),
        data(nxt + window, here, b"beyond"),
        fin(nxt - 1, here),
        Seg("SA", nxt - 1, here),
        data(nxt - 2**31, here, b"far"),
    ):
        assert wire.arrives(seg) == [ack(here, nxt)], seg

    assert ignored(wire) == [Ignored.UNACCEPTABLE_SEQUENCE] * 5
    assert wire.state is state


def test_the_edges_of_the_window(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(data(WINDOW, 1, b"z")) == [ack(1, 1)]
    assert wire.arrives(data(WINDOW + 1, 1, b"!")) == [ack(1, 1)]
    assert wire.arrives(data(0, 1, b"_a")) == [ack(1, 2)]

    assert ignored(wire) == [Ignored.UNACCEPTABLE_SEQUENCE]
    assert wire.receive() == b"a"


def test_a_peer_that_has_filled_the_window_is_heard(wires: Wires) -> None:
    """What filled it is lost: its bare ACKs come from the right edge, which is outside by the letter of 3.10.7.4."""
    wire = wires.client()
    wire.send(b"abc")

    assert wire.arrives(ack(1 + WINDOW, 4)) == []
    assert wire.status.unsent_or_unacknowledged == 0
    assert ignored(wire) == []
    assert wire.arrives(ack(2 + WINDOW, 4)) == [ack(4, 1)]
    assert wire.arrives(data(1 + WINDOW, 4, b"x")) == [ack(4, 1)]


def test_a_peer_that_does_not_know_that_its_probe_was_taken_is_heard(wires: Wires) -> None:
    """Its bare ACKs come from before its probe; likewise a keep-alive (3.8.4), which must be answered."""
    wire = wires.client()
    wire.send(b"abc")
    wire.arrives(data(1, 1, b"p"))

    assert wire.arrives(ack(1, 4)) == [ack(4, 2)]
    assert wire.status.unsent_or_unacknowledged == 0
    assert ignored(wire) == []
    assert wire.arrives(ack(0, 4), 1.0) == [ack(4, 2)]
    assert ignored(wire) == [Ignored.UNACCEPTABLE_SEQUENCE]


def test_an_ack_from_before_the_syn_does_not_open(wires: Wires) -> None:
    wire = wires.reach(State.SYN_RECEIVED)

    assert wire.arrives(ack(0, 1)) == [ack(1, 1)]
    assert wire.state is State.SYN_RECEIVED


def test_what_reaches_beyond_the_window_is_cut_off(wires: Wires) -> None:
    wire = wires.client()
    for start in range(1, 65_001, 1_000):
        wire.arrives(data(start, 1, bytes(1_000)))
    assert wire.rcv_nxt == 65_001

    assert wire.arrives(data(65_001, 1, bytes(1_000))) == [ack(1, 65_536)]
    assert wire.last.window == 0
    assert len(wire.receive()) == 65_535


def test_a_fin_beyond_the_window_waits_for_room(wires: Wires) -> None:
    wire = wires.client(prompt(receive_buffer=3))

    assert wire.arrives(fin(1, 1, b"abc")) == [ack(1, 4)]
    assert wire.state is State.ESTABLISHED
    assert wire.receive() == b"abc"
    assert wire.sent() == [(0.0, ack(1, 4))]
    assert wire.arrives(fin(4, 1)) == [ack(1, 5)]
    assert wire.state is State.CLOSE_WAIT


def test_without_an_ack_nothing_is_taken(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(Seg("", 1, None, b"x")) == []
    assert wire.arrives(Seg("F", 1)) == []

    assert ignored(wire) == [Ignored.NO_ACK] * 2
    assert wire.state is State.ESTABLISHED


@pytest.mark.rfc("MAY-12", "RFC5961-5.2")
def test_an_ack_of_what_was_never_sent_is_answered_and_not_believed(wires: Wires) -> None:
    """RFC 5961, 5.2: nor is the text of such a segment."""
    wire = wires.client()
    wire.send(b"abc")

    assert wire.arrives(data(1, 5, b"x")) == [ack(4, 1)]

    assert ignored(wire) == [Ignored.UNACCEPTABLE_ACK]
    assert wire.status.unsent_or_unacknowledged == 3
    assert wire.heard() == []


@pytest.mark.rfc("MAY-12", "RFC5961-5.2")
def test_an_ack_from_before_the_last_window_is_answered_and_not_believed(wires: Wires) -> None:
    """RFC 5961, 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT."""
    wire = wires.client(window=4)
    wire.send(b"abcdefgh")
    wire.arrives(ack(1, 5, window=4))
    wire.arrives(ack(1, 9, window=4))

    assert wire.arrives(data(1, 4, b"x", window=4)) == [ack(9, 1)]
    assert wire.arrives(data(1, 5, b"x", window=4)) == [ack(9, 2)]
    assert ignored(wire) == [Ignored.UNACCEPTABLE_ACK]


def test_the_text_of_a_segment_with_an_old_ack_counts(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"abc")
    wire.arrives(ack(1, 4))

    assert wire.arrives(data(1, 1, b"hello")) == [ack(4, 6)]
    assert wire.receive() == b"hello"


def test_an_old_ack_alone_has_no_effect(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"abc")
    wire.arrives(ack(1, 4))

    assert wire.arrives(ack(1, 1, window=0)) == []

    assert ignored(wire) == [Ignored.OLD_ACK]
    assert wire.status.snd_wnd == WINDOW


@pytest.mark.rfc("RFC5961-7")
@pytest.mark.parametrize("octets", [b"!", b"!!"], ids=["one", "two"])
def test_two_desynchronized_ends_do_not_acknowledge_each_other_for_ever(wires: Wires, octets: bytes) -> None:
    """Octets that only we have seen make each end's ACK unacceptable to the other (RFC 5961, section 7)."""
    wire = wires.client()
    wire.arrives(data(1, 1, octets))

    answers = [wire.arrives(ack(1, 1), 0.1 * n) for n in range(10)]

    assert answers.count([ack(1, 1 + len(octets))]) == 2
    assert answers.count([]) == 8


@pytest.mark.rfc("RFC5961-7")
def test_nor_does_an_end_whose_peer_acknowledges_what_it_never_sent(wires: Wires) -> None:
    wire = wires.client()

    answers = [wire.arrives(ack(1, 2), 0.1 * n) for n in range(10)]

    assert answers.count([ack(1, 1)]) == 2
    assert answers.count([]) == 8


@pytest.mark.parametrize("again", [data(1, 1, b"lost"), fin(1, 1, b"lost")], ids=["data", "fin"])
def test_a_lost_ack_is_sent_again_however_often_and_soon(wires: Wires, again: Seg) -> None:
    """What slows down bare ACKs must not starve a peer that sends again because our ACK was lost."""
    wire = wires.client()
    wire.arrives(again, 0.0)
    wire.arrives(ack(1, 1), 0.1)
    expected = [ack(1, wire.rcv_nxt)]

    for n in range(2, 12):
        assert wire.arrives(again, 0.1 * n) == expected


def test_a_challenge_is_no_reason_for_a_challenge(wires: Wires) -> None:
    """The peer's answer to our challenge ACK is acceptable, so that it ends there."""
    wire = wires.client()
    wire.call(Send(wire.connection, b"abc"))

    assert wire.arrives(Seg("R", 2), 0.1) == [ack(4, 1)]
    assert wire.arrives(ack(1, 1), 0.2) == []
    assert wire.arrives(ack(1, 4), 0.3) == []
