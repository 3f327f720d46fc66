"""Opening: three-way, simultaneous, and with data on the SYN (RFC 9293, 3.5)."""

import pytest

from tcplab.tcp.app import Opened, OpenFailed, PeerClosed, Readable
from tcplab.tcp.events import ConnectionOpened, Failure, Ignored, SegmentIgnored, StateChanged
from tcplab.tcp.states import Cause, State
from tests.support.states import Wires
from tests.support.tcp import PEER, SERVICE, Seg, Wire, ack, data, fin, prompt, rst, rst_ack, syn, syn_ack


def changes(wire: Wire) -> list[tuple[float, State, Cause]]:
    return [(time, event.new, event.cause) for time, event in wire.seen(StateChanged)]


def ignored(wire: Wire) -> list[Ignored]:
    return [event.reason for _, event in wire.seen(SegmentIgnored)]


@pytest.mark.rfc("SHLD-5")
def test_three_way_handshake_as_client(wires: Wires) -> None:
    wire = wires()

    assert wire.open(0.0) == [syn()]
    assert wire.last.window == 65_535
    assert wire.last.options.mss == 1_460
    assert wire.state is State.SYN_SENT
    assert wire.arrives(syn_ack(), 0.25) == [ack(1, 1)]

    assert wire.state is State.ESTABLISHED
    assert wire.heard() == [Opened(wire.connection, 131_072, 7)]
    assert changes(wire) == [
        (0.0, State.SYN_SENT, Cause.ACTIVE_OPEN),
        (0.25, State.ESTABLISHED, Cause.SYN_ACK_ARRIVED),
    ]
    [(_, opened)] = wire.seen(ConnectionOpened)
    assert (opened.side, opened.duration) == ("active", 250_000_000)
    assert wire.run(3_600.0) == []


@pytest.mark.rfc("SHLD-5")
def test_three_way_handshake_as_server(wires: Wires) -> None:
    wire = wires()
    wire.listen()

    assert wire.arrives(syn(), 1.0) == [syn_ack()]
    assert wire.last.options.mss == 1_460
    assert wire.state is State.SYN_RECEIVED
    assert wire.arrives(ack(1, 1), 1.5) == []

    assert wire.state is State.ESTABLISHED
    assert wire.heard() == [Opened(wire.connection, 131_072, None)]
    assert [change[1:] for change in changes(wire)] == [
        (State.LISTEN, Cause.PASSIVE_OPEN),
        (State.LISTEN, Cause.PASSIVE_OPEN),
        (State.SYN_RECEIVED, Cause.SYN_ARRIVED),
        (State.ESTABLISHED, Cause.ACK_OF_SYN),
    ]
    [(_, opened)] = wire.seen(ConnectionOpened)
    assert (opened.side, opened.duration) == ("passive", 500_000_000)


@pytest.mark.rfc("MUST-10")
def test_simultaneous_open(wires: Wires) -> None:
    """RFC 9293, figure 8: SYNs cross; the SYN+ACK of each lies left of the other's window and is acknowledged."""
    wire = wires()
    wire.open(0.0)

    assert wire.arrives(syn(), 0.1) == [syn_ack()]
    assert wire.state is State.SYN_RECEIVED
    assert wire.arrives(syn_ack(), 0.2) == [ack(1, 1)]
    assert wire.arrives(ack(1, 1), 0.3) == []

    assert wire.state is State.ESTABLISHED
    assert wire.heard() == [Opened(wire.connection, 131_072, 7)]
    assert [change[1:] for change in changes(wire)] == [
        (State.SYN_SENT, Cause.ACTIVE_OPEN),
        (State.SYN_RECEIVED, Cause.SYN_ARRIVED),
        (State.ESTABLISHED, Cause.ACK_OF_SYN),
    ]
    assert wire.seen(ConnectionOpened)[0][1].side == "active"


@pytest.mark.rfc("MUST-10")
def test_a_simultaneous_open_sends_its_syn_ack_again_by_the_timer_of_the_syn(wires: Wires) -> None:
    wire = wires()
    wire.open(0.0)
    wire.arrives(syn(), 0.5)

    assert wire.run(8.0) == [(1.0, syn_ack()), (3.0, syn_ack()), (7.0, syn_ack())]


def test_data_follows_a_simultaneous_open(wires: Wires) -> None:
    wire = wires()
    wire.open(0.0)
    wire.arrives(syn(), 0.1)

    assert wire.arrives(data(1, 1, b"hello"), 0.3) == [ack(1, 6)]

    assert wire.receive() == b"hello"


@pytest.mark.parametrize("window", [0, 1, 65_535])
def test_the_window_of_the_syn_ack_bounds_what_is_sent(wires: Wires, window: int) -> None:
    wire = wires.client(window=window)

    assert wire.send(b"xyz") == ([data(1, 1, b"xyz"[:window])] if window else [])


def test_a_syn_ack_for_another_syn_is_refused(wires: Wires) -> None:
    wire = wires()
    wire.open(0.0)

    assert wire.arrives(syn_ack(ack=0), 0.1) == [rst(0)]
    assert wire.arrives(syn_ack(ack=2), 0.2) == [rst(2)]
    assert ignored(wire) == [Ignored.UNACCEPTABLE_ACK] * 2
    assert wire.state is State.SYN_SENT
    assert wire.arrives(syn_ack(), 0.3) == [ack(1, 1)]


def test_an_ack_for_another_syn_is_refused_in_syn_received(wires: Wires) -> None:
    wire = wires.reach(State.SYN_RECEIVED)

    assert wire.arrives(ack(1, 0)) == [rst(0)]
    assert wire.arrives(ack(1, 2)) == [rst(2)]
    assert wire.state is State.SYN_RECEIVED
    assert wire.arrives(ack(1, 1)) == []
    assert wire.state is State.ESTABLISHED


def test_a_bare_ack_does_not_open(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.arrives(ack(1, 1)) == []
    assert ignored(wire) == [Ignored.NO_SYN]
    assert wire.state is State.SYN_SENT


@pytest.mark.parametrize("seg", [fin(0, 1), Seg("F", 0), fin(0, 1, b"x")], ids=["fin-ack", "fin", "data"])
def test_a_fin_in_syn_sent_changes_nothing(wires: Wires, seg: Seg) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.arrives(seg) == []
    assert wire.state is State.SYN_SENT
    assert wire.heard() == []


@pytest.mark.parametrize(("seg", "answer"), [(Seg("F", 0), []), (fin(0, 1), [rst(1)]), (Seg("", 0, None, b"x"), [])])
def test_a_fin_or_data_in_listen_changes_nothing(wires: Wires, seg: Seg, answer: list[Seg]) -> None:
    wire = wires.reach(State.LISTEN)

    assert wire.arrives(seg) == answer
    assert wire.statuses == []


def test_data_on_the_syn_waits_for_the_handshake(wires: Wires) -> None:
    """RFC 9293, 3.10.7.2: text on a SYN is kept, but neither acknowledged nor handed over before ESTABLISHED."""
    wire = wires.reach(State.LISTEN)

    assert wire.arrives(syn(0, b"hello")) == [syn_ack(0, 1)]
    assert wire.heard() == []
    assert wire.arrives(ack(6, 1)) == [ack(1, 6)]

    assert [type(event) for event in wire.heard()] == [Opened, Readable]
    assert wire.receive() == b"hello"


def test_data_on_the_syn_that_comes_again_is_taken_once(wires: Wires) -> None:
    wire = wires.reach(State.LISTEN)
    wire.arrives(syn(0, b"hello"))

    assert wire.arrives(data(1, 1, b"hello you")) == [ack(1, 10)]

    assert wire.receive() == b"hello you"


def test_data_on_the_syn_ack_is_taken_at_once(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.arrives(syn_ack(0, 1, b"hello")) == [ack(1, 6)]

    assert wire.receive() == b"hello"


def test_a_fin_on_the_syn_ack_is_taken_after_the_handshake(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.arrives(Seg("FSA", 0, 1, b"bye")) == [ack(1, 5)]

    assert wire.state is State.CLOSE_WAIT
    assert [type(event) for event in wire.heard()] == [Opened, Readable, PeerClosed]


def test_a_syn_that_comes_again_is_acknowledged(wires: Wires) -> None:
    wire = wires.reach(State.SYN_RECEIVED)

    assert wire.arrives(syn()) == [ack(1, 1)]
    assert wire.state is State.SYN_RECEIVED


def test_a_syn_ack_that_comes_again_is_acknowledged(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(syn_ack()) == [ack(1, 1)]
    assert wire.state is State.ESTABLISHED


@pytest.mark.parametrize("seq", [1, 100])
def test_a_syn_in_the_window_returns_a_passive_opener_to_listen(wires: Wires, seq: int) -> None:
    wire = wires.reach(State.SYN_RECEIVED)

    assert wire.arrives(syn(seq)) == []

    assert wire.statuses == []
    assert [change[1:] for change in changes(wire)][-2:] == [
        (State.LISTEN, Cause.SYN_IN_WINDOW),
        (State.CLOSED, Cause.CLOSE_CALL),
    ]
    assert wire.arrives(syn(seq)) == [syn_ack(0, seq + 1)]


@pytest.mark.rfc("RFC5961-4.2")
def test_a_syn_in_the_window_gets_a_challenge_ack(wires: Wires) -> None:
    """RFC 5961, 4.2."""
    wire = wires.client()

    assert wire.arrives(syn(10)) == [ack(1, 1)]
    assert wire.state is State.ESTABLISHED


@pytest.mark.rfc("MUST-14", "MUST-16")
def test_the_mss_is_the_smaller_of_both(wires: Wires) -> None:
    wire = wires.client(prompt(mss=1_000), mss=700)

    assert [len(seg.data) for seg in wire.send(bytes(2_000))] == [700, 700, 600]


@pytest.mark.rfc("MUST-14", "MUST-15")
def test_the_mss_is_536_where_the_peer_told_none(wires: Wires) -> None:
    """MUST-15."""
    wire = wires.client(mss=None)

    assert [len(seg.data) for seg in wire.send(bytes(1_200))] == [536, 536, 128]


@pytest.mark.rfc("MUST-22", "MUST-23", "RFC6298-2.5")
def test_a_lost_syn_is_sent_again_until_r2(wires: Wires) -> None:
    """MUST-23: R2 for a SYN is 3 minutes at least; the RTO doubles up to 60 s (RFC 6298, 2.5)."""
    wire = wires()
    wire.open(0.0)

    assert wire.run(200.0) == [(float(at), syn()) for at in (1, 3, 7, 15, 31, 63, 123)]

    assert wire.state is State.CLOSED
    assert wire.heard() == [OpenFailed(7, Failure.TIMEOUT)]
    assert changes(wire)[-1] == (180.0, State.CLOSED, Cause.RETRANSMISSION_TIMEOUT)


@pytest.mark.rfc("MUST-22", "MUST-23")
def test_a_lost_syn_ack_is_sent_again_until_r2(wires: Wires) -> None:
    wire = wires()
    wire.listen()
    wire.arrives(syn(), 0.0)

    assert wire.run(200.0) == [(float(at), syn_ack()) for at in (1, 3, 7, 15, 31, 63, 123)]

    assert wire.statuses == []
    assert wire.heard() == []
    assert changes(wire)[-1] == (180.0, State.CLOSED, Cause.RETRANSMISSION_TIMEOUT)


def test_a_connection_refused(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.arrives(rst_ack(0, 1)) == []

    assert wire.state is State.CLOSED
    assert wire.heard() == [OpenFailed(7, Failure.REFUSED)]


def test_the_connection_is_named_after_both_ends(wires: Wires) -> None:
    wire = wires.client()

    assert str(wire.connection) == f"10.0.1.1:49152>{PEER}:{SERVICE}#0"
