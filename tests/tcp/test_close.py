"""Closing in every order, half-close, and closes that never finish (RFC 9293, 3.6)."""

import pytest

from tcplab.tcp.app import Closed, Failed, PeerClosed, Readable, Writable
from tcplab.tcp.events import ConnectionClosed, ConnectionFailed, Failure, Ignored, SegmentIgnored, StateChanged
from tcplab.tcp.states import Cause, State
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt, rst, rst_ack

DAY = 86_400.0


def path(wire: Wire) -> list[State]:
    return [event.new for _, event in wire.seen(StateChanged) if event.connection.remote_port]


def end(wire: Wire) -> tuple[float, State, Cause]:
    time, event = wire.seen(StateChanged)[-1]
    return time, event.old, event.cause


@pytest.mark.rfc("MUST-12")
def test_we_close_first(wires: Wires) -> None:
    wire = wires.client()

    assert wire.close(1.0) == [fin(1, 1)]
    assert wire.arrives(ack(1, 2), 2.0) == []
    assert wire.arrives(fin(1, 2), 5.0) == [ack(2, 2)]

    assert path(wire)[-3:] == [State.FIN_WAIT_1, State.FIN_WAIT_2, State.TIME_WAIT]
    assert [type(event) for event in wire.heard()] == [PeerClosed, Closed]
    [(_, closed)] = wire.seen(ConnectionClosed)
    assert (closed.side, closed.duration) == ("active", 4_000_000_000)


def test_the_peers_fin_may_acknowledge_ours(wires: Wires) -> None:
    wire = wires.client()
    wire.close(1.0)

    assert wire.arrives(fin(1, 2), 2.0) == [ack(2, 2)]

    assert path(wire)[-3:] == [State.FIN_WAIT_1, State.FIN_WAIT_2, State.TIME_WAIT]


@pytest.mark.rfc("MUST-12")
def test_the_peer_closes_first(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(fin(1, 1), 1.0) == [ack(1, 2)]
    assert wire.close(3.0) == [fin(1, 2)]
    assert wire.arrives(ack(2, 2), 4.0) == []

    assert path(wire)[-3:] == [State.CLOSE_WAIT, State.LAST_ACK, State.CLOSED]
    assert [type(event) for event in wire.heard()] == [PeerClosed, Closed]
    [(_, closed)] = wire.seen(ConnectionClosed)
    assert (closed.side, closed.duration) == ("passive", 3_000_000_000)
    assert wire.host.deadline() is None


def test_simultaneous_close(wires: Wires) -> None:
    """RFC 9293, figure 13."""
    wire = wires.client()
    wire.close(1.0)

    assert wire.arrives(fin(1, 1), 1.5) == [ack(2, 2)]
    assert wire.state is State.CLOSING
    assert wire.arrives(ack(2, 2), 2.0) == []

    assert path(wire)[-3:] == [State.FIN_WAIT_1, State.CLOSING, State.TIME_WAIT]
    assert wire.seen(ConnectionClosed)[0][1].side == "active"


def test_a_simultaneous_close_sends_its_fin_again(wires: Wires) -> None:
    wire = wires.reach(State.CLOSING)

    assert wire.run(4.0) == [(1.0, fin(1, 2)), (3.0, fin(1, 2))]
    assert wire.state is State.CLOSING


@pytest.mark.parametrize(("state", "after"), [(State.CLOSING, State.TIME_WAIT), (State.LAST_ACK, State.CLOSED)])
def test_only_the_ack_of_the_fin_goes_on(wires: Wires, state: State, after: State) -> None:
    wire = wires.reach(state)

    wire.arrives(ack(2, 1))
    assert wire.state is state
    wire.arrives(ack(2, 0))
    assert wire.state is state
    assert wire.arrives(ack(2, 2)) == []
    assert wire.state is after


@pytest.mark.parametrize("state", [State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK])
def test_an_ack_of_data_before_the_fin_is_not_one_of_the_fin(wires: Wires, state: State) -> None:
    wire = wires.client()
    seq = 1
    if state is State.LAST_ACK:
        wire.arrives(fin(1, 1))
        seq = 2
    wire.send(b"abc")
    wire.close()
    if state is State.CLOSING:
        wire.arrives(fin(1, 1))
        seq = 2

    wire.arrives(ack(seq, 4))
    assert wire.state is state
    wire.arrives(ack(seq, 5))
    assert wire.state is not state


def test_the_fin_follows_what_is_queued(wires: Wires) -> None:
    wire = wires.client(prompt(mss=4), window=4)
    wire.send(b"12345678")

    assert wire.close() == []
    assert wire.state is State.FIN_WAIT_1
    assert wire.arrives(ack(1, 5, window=4)) == [data(5, 1, b"5678")]
    assert wire.arrives(ack(1, 9, window=4)) == [fin(9, 1)]
    wire.arrives(ack(1, 10))
    assert wire.state is State.FIN_WAIT_2


def test_the_fin_rides_on_the_last_data_that_is_queued(wires: Wires) -> None:
    wire = wires.client(prompt(mss=4), window=4)
    wire.send(b"1234567")
    wire.close()

    assert wire.arrives(ack(1, 5, window=100)) == [fin(5, 1, b"567")]


def test_what_is_queued_follows_in_closing_too(wires: Wires) -> None:
    wire = wires.client(prompt(mss=4), window=4)
    wire.send(b"12345678")
    wire.close()

    assert wire.arrives(fin(1, 1, window=4)) == [ack(5, 2)]
    assert wire.state is State.CLOSING
    assert wire.arrives(ack(2, 5, window=100)) == [fin(5, 2, b"5678")]
    wire.arrives(ack(2, 10))
    assert wire.state is State.TIME_WAIT


def test_close_wait_lasts_until_the_fin_is_sent(wires: Wires) -> None:
    """RFC 9293, 3.10.4: queued until the data before it is sent, then LAST_ACK."""
    wire = wires.client(prompt(mss=4), window=4)
    wire.arrives(fin(1, 1, window=4))
    wire.send(b"12345678")

    wire.close()
    assert wire.state is State.CLOSE_WAIT
    wire.arrives(ack(2, 5, window=4))
    assert wire.state is State.CLOSE_WAIT
    assert wire.arrives(ack(2, 9, window=4)) == [fin(9, 2)]
    assert wire.state is State.LAST_ACK


def test_a_half_close_lets_the_peer_talk_for_days(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_2)

    for day in range(1, 11):
        assert wire.arrives(data(day, 2, b"x"), day * DAY) == [ack(2, day + 1)]
    assert wire.run(30 * DAY) == []
    assert wire.state is State.FIN_WAIT_2
    assert wire.receive() == b"x" * 10
    assert wire.arrives(fin(11, 2), 40 * DAY) == [ack(2, 12)]
    assert wire.state is State.TIME_WAIT


def test_a_half_close_lets_us_talk_for_days(wires: Wires) -> None:
    wire = wires.reach(State.CLOSE_WAIT)

    for day in range(1, 11):
        assert wire.send(b"x", day * DAY) == [data(day, 2, b"x")]
        wire.arrives(ack(2, day + 1))
    assert wire.state is State.CLOSE_WAIT
    assert wire.heard() == [Writable(wire.connection, 131_072)] * 10
    assert wire.close(40 * DAY) == [fin(11, 2)]


def test_a_fin_ahead_of_a_hole_waits_for_it(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(fin(4, 1, b"def")) == [ack(1, 1)]
    assert wire.state is State.ESTABLISHED
    assert wire.heard() == []
    assert wire.arrives(data(1, 1, b"abc")) == [ack(1, 8)]

    assert wire.state is State.CLOSE_WAIT
    assert wire.heard() == [Readable(wire.connection, 6), PeerClosed(wire.connection)]
    assert wire.receive() == b"abcdef"


def test_the_closer_stays_in_fin_wait_2_until_the_hole_is_filled(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_2)

    assert wire.arrives(fin(4, 2), 1.0) == [ack(2, 1)]
    assert wire.state is State.FIN_WAIT_2
    assert wire.arrives(data(1, 2, b"abc"), 2.0) == [ack(2, 5)]
    assert wire.state is State.TIME_WAIT
    assert end(wire)[:2] == (2.0, State.FIN_WAIT_2)


def test_a_fin_that_comes_again_is_acknowledged_again(wires: Wires) -> None:
    wire = wires.reach(State.CLOSE_WAIT)

    assert wire.arrives(fin(1, 1), 1.0) == [ack(1, 2)]
    assert wire.state is State.CLOSE_WAIT
    assert wire.heard() == []


def test_data_after_the_fin_is_not_taken(wires: Wires) -> None:
    wire = wires.reach(State.CLOSE_WAIT)

    assert wire.arrives(data(2, 1, b"more")) == []
    assert [event.reason for _, event in wire.seen(SegmentIgnored)] == [Ignored.AFTER_FIN]
    assert wire.heard() == []


def test_octets_that_a_peer_put_behind_its_fin_are_not_acknowledged_for_ever(wires: Wires) -> None:
    """An answer to each pure ACK would be an answer to each answer, were the peer like us."""
    wire = wires.client()
    wire.arrives(data(10, 1, b"behind"))
    wire.arrives(fin(1, 1))

    assert wire.arrives(ack(2, 1)) == []
    assert wire.arrives(ack(2, 1)) == []


@pytest.mark.parametrize("state", [State.FIN_WAIT_1, State.CLOSING, State.LAST_ACK])
def test_a_peer_that_is_gone_is_given_up_after_r2(wires: Wires, state: State) -> None:
    wire = wires.reach(state)

    sent = wire.run(200.0)

    assert [time for time, _ in sent] == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0]
    assert {seg.flags for _, seg in sent} == {"FA"}
    assert end(wire) == (100.0, state, Cause.RETRANSMISSION_TIMEOUT)
    assert wire.state is State.CLOSED
    [told] = wire.heard()
    assert isinstance(told, Failed)
    assert told.reason is Failure.TIMEOUT
    assert wire.host.deadline() is None


def test_without_r2_a_fin_is_sent_for_ever(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_1, prompt(r2=None))

    sent = wire.run(10_000.0)

    assert [time for time, _ in sent][:9] == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0, 183.0, 243.0]
    assert wire.state is State.FIN_WAIT_1


def test_fin_wait_2_ends_by_timeout_only_once_released(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_2)

    wire.run(10 * DAY)
    assert wire.state is State.FIN_WAIT_2
    assert wire.release() == []
    wire.run(10 * DAY + 59.999)
    assert wire.state is State.FIN_WAIT_2
    wire.run(10 * DAY + 60.0)

    assert end(wire) == (10 * DAY + 60, State.FIN_WAIT_2, Cause.FIN_WAIT_2_TIMEOUT)
    assert wire.state is State.CLOSED
    assert wire.heard() == []
    assert wire.seen(ConnectionFailed)[-1][1].reason is Failure.TIMEOUT
    assert wire.host.deadline() is None


def test_fin_wait_2_is_bounded_from_its_beginning_where_released_before(wires: Wires) -> None:
    wire = wires.client(prompt(fin_wait_2_timeout=prompt().fin_wait_2_timeout // 2))
    assert wire.release(1.0) == [fin(1, 1)]

    wire.arrives(ack(1, 2), 1.5)
    wire.run(31.0)
    assert wire.state is State.FIN_WAIT_2
    wire.run(31.5)
    assert end(wire) == (31.5, State.FIN_WAIT_2, Cause.FIN_WAIT_2_TIMEOUT)


def test_a_fin_ends_a_bounded_fin_wait_2_in_order(wires: Wires) -> None:
    wire = wires.client()
    wire.release(1.0)
    wire.arrives(ack(1, 2), 2.0)

    assert wire.arrives(fin(1, 2), 61.0) == [ack(2, 2)]
    wire.run(200.0)
    assert wire.state is State.TIME_WAIT
    assert wire.heard() == []


@pytest.mark.rfc("SHLD-3", "MAY-1")
def test_data_for_an_application_that_is_gone_is_reset(wires: Wires) -> None:
    """SHLD-3."""
    wire = wires.client()
    wire.release(1.0)

    assert wire.arrives(data(1, 2, b"hello?"), 2.0) == [rst(2)]
    assert wire.state is State.CLOSED
    assert wire.arrives(data(1, 2, b"hello?"), 3.0) == [rst(2)]


@pytest.mark.rfc("SHLD-3", "MAY-1")
def test_unread_data_at_release_is_answered_with_a_reset(wires: Wires) -> None:
    """SHLD-3: the peer must not believe that it was read."""
    wire = wires.client()
    wire.arrives(data(1, 1, b"never read"))

    assert wire.release(1.0) == [rst(1)]

    assert wire.state is State.CLOSED
    assert end(wire) == (1.0, State.ESTABLISHED, Cause.ABORT_CALL)
    assert wire.seen(ConnectionFailed)[-1][1].reason is Failure.ABORTED


def test_what_was_read_does_not_count_at_release(wires: Wires) -> None:
    wire = wires.client()
    wire.arrives(data(1, 1, b"read"))
    wire.receive()

    assert wire.release() == [fin(1, 5)]


def test_unread_data_can_be_read_after_the_close(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_2)
    name = wire.connection
    wire.arrives(fin(1, 2, b"last words"))
    assert wire.state is State.TIME_WAIT

    assert wire.receive(4) == b"last"
    assert wire.connection == name
    assert wire.receive() == b" words"


def test_a_release_in_time_wait_leaves_it_its_time(wires: Wires) -> None:
    """The peer has closed in order: nothing is left to be reset, and TIME_WAIT is the host's affair."""
    wire = wires.reach(State.FIN_WAIT_2)
    wire.arrives(fin(1, 2, b"never read"), 1.0)

    assert wire.release(2.0) == []
    wire.run(240.9)
    assert wire.state is State.TIME_WAIT
    wire.run(241.0)

    assert path(wire)[-2:] == [State.TIME_WAIT, State.CLOSED]
    assert wire.seen(ConnectionFailed) == []


def test_close_in_syn_received_waits_for_the_handshake(wires: Wires) -> None:
    wire = wires.reach(State.SYN_RECEIVED)

    assert wire.close() == []
    assert wire.state is State.SYN_RECEIVED
    assert wire.arrives(ack(1, 1)) == [fin(1, 1)]
    assert path(wire)[-2:] == [State.ESTABLISHED, State.FIN_WAIT_1]


@pytest.mark.parametrize("seg", [rst(1), Seg("S", 5)], ids=["reset", "syn"])
def test_a_peer_may_refuse_a_connection_that_is_to_be_closed(wires: Wires, seg: Seg) -> None:
    """The CLOSE was queued in SYN_RECEIVED; the way back to LISTEN must not make it an error."""
    wire = wires.reach(State.SYN_RECEIVED)
    wire.close()

    assert wire.arrives(seg) == []
    assert path(wire)[-2:] == [State.LISTEN, State.CLOSED]


def test_close_in_syn_sent_forgets_the_connection(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.close() == []
    assert end(wire)[1:] == (State.SYN_SENT, Cause.CLOSE_CALL)
    assert wire.arrives(Seg("SA", 0, 1)) == [rst(1)]
    assert wire.run(10.0) == []


def test_a_peer_that_knows_nothing_ends_a_last_ack(wires: Wires) -> None:
    wire = wires.reach(State.LAST_ACK)

    assert wire.arrives(rst(2)) == []
    assert wire.state is State.CLOSED
    assert wire.arrives(rst_ack(2, 2)) == []
