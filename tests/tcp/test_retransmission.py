"""Retransmission: intervals, Karn, R1 and R2, fast retransmit (RFC 6298; RFC 9293, 3.8.1 to 3.8.3; RFC 5681, 3.2)."""

import pytest

from tcplab.tcp.app import Failed, Writable
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Failure, Retransmitted, RttSampled
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, Duration
from tests.support.states import Wires
from tests.support.tcp import Wire, ack, data, fin, prompt, syn, syn_ack

MS = 0.001


def samples(wire: Wire) -> list[tuple[float, float]]:
    """Return every RTT measured and the RTO that came of it, seconds."""
    return [(event.rtt / SECOND, event.rto / SECOND) for _, event in wire.seen(RttSampled)]


def causes(wire: Wire) -> list[tuple[float, int, str]]:
    return [(time, event.attempt, event.cause) for time, event in wire.seen(Retransmitted)]


def opened(wires: Wires, rtt: float, config: TcpConfig | None = None) -> Wire:
    wire = wires(config)
    wire.open(0.0)
    wire.arrives(syn_ack(), rtt)
    wire.heard()
    return wire


@pytest.mark.rfc("MUST-18", "MUST-19", "RFC6298-2.5", "RFC6298-5.5")
def test_intervals_double_up_to_the_maximum(wires: Wires) -> None:
    """RFC 6298, 5.5 and 2.5."""
    wire = wires.client(prompt(r2=None))
    wire.send(b"x", 0.0)

    sent = wire.run(400.0)

    assert [time for time, _ in sent] == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0, 123.0, 183.0, 243.0, 303.0, 363.0]
    assert {seg for _, seg in sent} == {data(1, 1, b"x")}
    assert [attempt for _, attempt, _ in causes(wire)] == list(range(1, 12))


def test_the_maximum_and_minimum_can_be_set(wires: Wires) -> None:
    wire = wires.client(prompt(rto_min=200 * MILLISECOND, rto_max=500 * MILLISECOND, r2=None))
    wire.send(b"x", 0.0)

    assert [time for time, _ in wire.run(2.0)] == [0.2, 0.6, 1.1, 1.6]


@pytest.mark.rfc("MUST-20", "SHLD-11")
def test_data_is_given_up_after_r2(wires: Wires) -> None:
    """MUST-20, MUST-22, SHLD-11: at least 100 s; MUST-12: the application is told."""
    wire = wires.client()
    wire.send(b"x", 10.0)

    sent = wire.run(109.0)
    assert [time - 10.0 for time, _ in sent] == [1.0, 3.0, 7.0, 15.0, 31.0, 63.0]
    assert wire.state is State.ESTABLISHED
    name = wire.connection
    assert wire.run(500.0) == []

    assert wire.state is State.CLOSED
    assert wire.heard() == [Failed(name, Failure.TIMEOUT)]


@pytest.mark.rfc("MUST-20")
def test_r2_counts_from_the_last_progress(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"ab", 0.0)

    wire.arrives(ack(1, 2), 90.0)
    wire.run(189.0)
    assert wire.state is State.ESTABLISHED
    wire.run(190.0)
    assert wire.state is State.CLOSED


def test_a_peer_that_answers_without_progress_is_given_up_too(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"x", 0.0)

    for second in range(10, 100, 10):
        wire.arrives(ack(1, 1), float(second))
    wire.run(100.0)
    assert wire.state is State.CLOSED


@pytest.mark.rfc("MUST-18", "RFC6298-2.2")
def test_the_first_round_trip_sets_the_timeout(wires: Wires) -> None:
    """RFC 6298, 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR = 3 R."""
    assert samples(opened(wires, 0.8)) == [(0.8, pytest.approx(2.4))]


@pytest.mark.rfc("MUST-18", "RFC6298-2.3")
def test_later_round_trips_are_smoothed(wires: Wires) -> None:
    """RFC 6298, 2.3, with numbers: R = 800 ms, then 1600 ms, then 400 ms."""
    wire = opened(wires, 0.8)

    wire.send(b"x", 10.0)
    wire.arrives(ack(1, 2), 11.6)
    wire.send(b"y", 20.0)
    wire.arrives(ack(1, 3), 20.4)

    assert samples(wire) == [
        (0.8, pytest.approx(2.4)),
        (1.6, pytest.approx(0.9 + 4 * 0.5)),  # RTTVAR = 3/4 of 400 + 1/4 of 800; SRTT = 7/8 of 800 + 1/8 of 1600
        (0.4, pytest.approx(0.8375 + 4 * 0.5)),  # RTTVAR = 3/4 of 500 + 1/4 of 500; SRTT = 7/8 of 900 + 1/8 of 400
    ]


@pytest.mark.rfc("MUST-18", "RFC6298-2.4")
def test_the_timeout_is_never_below_the_minimum(wires: Wires) -> None:
    """RFC 6298, 2.4."""
    assert samples(opened(wires, 0.01)) == [(0.01, 1.0)]


@pytest.mark.rfc("RFC6298-2.3")
def test_the_variance_counts_as_one_tick_at_least(wires: Wires) -> None:
    """RFC 6298, 2.3: max(G, 4 RTTVAR), with G of a millisecond."""
    wire = opened(wires, 0.0, prompt(rto_min=Duration(1)))

    assert samples(wire) == [(0.0, MS)]


def test_only_one_segment_is_timed_at_a_time(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"a", 0.0)
    wire.send(b"b", 0.1)
    wire.arrives(ack(1, 3), 0.5)

    assert samples(wire)[1:] == [(0.5, pytest.approx(1.0))]


@pytest.mark.rfc("MUST-18", "RFC6298-3")
def test_karn_a_segment_that_was_sent_again_is_not_timed(wires: Wires) -> None:
    """MUST-18."""
    wire = wires.client()
    wire.send(b"x", 0.0)
    wire.run(1.0)
    wire.arrives(ack(1, 2), 1.001)

    assert len(samples(wire)) == 1


@pytest.mark.rfc("MUST-18")
def test_karn_the_backed_off_timeout_stands_until_a_segment_sent_once_is_timed(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"x", 0.0)
    wire.run(3.0)
    wire.arrives(ack(1, 2), 3.5)
    wire.sent()

    wire.send(b"y", 10.0)
    assert wire.run(14.0) == [(14.0, data(2, 1, b"y"))]
    wire.arrives(ack(1, 3), 14.5)
    wire.send(b"z", 20.0)
    wire.arrives(ack(1, 4), 20.5)
    assert samples(wire)[1:] == [(0.5, pytest.approx(1.0))]
    wire.send(b"!", 30.0)
    assert wire.run(31.5) == [(31.0, data(4, 1, b"!"))]


def test_what_is_sent_while_a_hole_is_being_filled_is_not_timed(wires: Wires) -> None:
    """Its acknowledgement waits for the hole, so that it tells nothing of the round trip."""
    wire = wires.client(prompt(mss=2))
    wire.send(b"aabbccdd", 0.0)
    for _ in range(3):
        wire.arrives(ack(1, 1), 0.1)
    wire.send(b"ee", 0.2)
    wire.arrives(ack(1, 11), 0.9)

    assert len(samples(wire)) == 1


@pytest.mark.rfc("RFC6298-5.7")
def test_after_a_lost_syn_data_begins_with_three_seconds(wires: Wires) -> None:
    """RFC 6298, 5.7."""
    wire = wires()
    wire.open(0.0)
    wire.run(1.0)
    wire.arrives(syn_ack(), 1.5)

    wire.send(b"x", 10.0)
    assert wire.run(14.0) == [(13.0, data(1, 1, b"x"))]


@pytest.mark.rfc("RFC6298-5.7")
def test_after_a_lost_syn_a_longer_timeout_stays(wires: Wires) -> None:
    """RFC 6298, 5.7 raises a timeout of less than 3 seconds; it lowers none, so that Karn's stands."""
    wire = wires(prompt(rto_initial=5 * SECOND))
    wire.open(0.0)
    wire.run(5.0)
    wire.arrives(syn_ack(), 6.0)

    wire.send(b"x", 10.0)
    assert wire.run(21.0) == [(20.0, data(1, 1, b"x"))]


def test_after_a_lost_syn_the_first_data_is_timed(wires: Wires) -> None:
    wire = wires()
    wire.open(0.0)
    wire.run(1.0)
    wire.arrives(syn_ack(), 1.5)

    wire.send(b"x", 10.0)
    wire.arrives(ack(1, 2), 10.25)
    assert samples(wire) == [(0.25, 1.0)]


@pytest.mark.rfc("RFC6298-5.7")
def test_after_a_lost_syn_ack_data_begins_with_three_seconds(wires: Wires) -> None:
    wire = wires()
    wire.listen()
    wire.arrives(syn(), 0.0)
    wire.run(1.0)
    wire.arrives(ack(1, 1), 1.5)

    wire.send(b"x", 10.0)
    assert wire.run(14.0) == [(13.0, data(1, 1, b"x"))]


@pytest.mark.rfc("RFC6298-5.3")
def test_an_acknowledgement_of_new_data_restarts_the_timer(wires: Wires) -> None:
    """RFC 6298, 5.3."""
    wire = wires.client()
    wire.send(b"ab", 0.0)

    wire.arrives(ack(1, 2), 0.75)
    assert wire.run(2.0) == [(1.75, data(2, 1, b"b"))]


def test_an_old_acknowledgement_does_not_restart_the_timer(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"a")
    wire.arrives(ack(1, 2))
    wire.send(b"b", 10.0)

    wire.arrives(ack(1, 1), 10.5)
    wire.arrives(ack(1, 2), 10.75)
    assert wire.run(11.5) == [(11.0, data(2, 1, b"b"))]


@pytest.mark.rfc("RFC6298-5.2")
def test_the_timer_stops_when_all_is_acknowledged(wires: Wires) -> None:
    """RFC 6298, 5.2."""
    wire = wires.client()
    wire.send(b"ab", 0.0)
    wire.arrives(ack(1, 3), 0.5)

    assert wire.host.deadline() is None
    assert wire.heard() == [Writable(wire.connection, 131_072)]


@pytest.mark.rfc("RFC6298-5.4")
def test_the_timer_sends_the_earliest_segment_alone(wires: Wires) -> None:
    """RFC 6298, 5.4."""
    wire = wires.client(prompt(mss=2))
    wire.send(b"aabbcc", 0.0)

    assert wire.run(1.0) == [(1.0, data(1, 1, b"aa"))]


def test_what_was_sent_after_a_lost_segment_follows_by_slow_start(wires: Wires) -> None:
    """RFC 5681, 3.1: the window is one segment after a timeout, and grows by what is acknowledged."""
    wire = wires.client(prompt(mss=2))
    wire.send(b"aabbccddee", 0.0)
    wire.run(1.0)
    wire.sent()

    assert wire.arrives(ack(1, 3), 1.1) == [data(3, 1, b"bb"), data(5, 1, b"cc")]
    assert wire.arrives(ack(1, 5), 1.2) == [data(7, 1, b"dd"), data(9, 1, b"ee")]
    assert wire.arrives(ack(1, 11), 1.3) == []


@pytest.mark.rfc("RFC5681-3.2")
def test_three_duplicate_acknowledgements_send_at_once(wires: Wires) -> None:
    """RFC 5681, 3.2."""
    wire = wires.client(prompt(mss=2))
    wire.send(b"aabbccddee", 0.0)

    assert wire.arrives(ack(1, 3), 0.1) == []
    assert wire.arrives(ack(1, 3), 0.1) == []
    assert wire.arrives(ack(1, 3), 0.1) == []
    assert wire.arrives(ack(1, 3), 0.1) == [data(3, 1, b"bb")]
    assert wire.arrives(ack(1, 3), 0.1) == []
    assert causes(wire) == [(0.1, 1, "fast")]


@pytest.mark.rfc("RFC5681-2")
@pytest.mark.parametrize("windows", [(9_000, 8_000, 7_000, 6_000), (60_000, 61_000, 62_000, 63_000)])
def test_a_window_update_is_no_duplicate_acknowledgement(wires: Wires, windows: tuple[int, ...]) -> None:
    """RFC 5681, section 2 (e): a duplicate tells the same window."""
    wire = wires.client(prompt(mss=2))
    wire.send(b"aabbcc", 0.0)

    for window in windows:
        assert wire.arrives(ack(1, 1, window=window), 0.1) == []


@pytest.mark.rfc("RFC5681-2")
def test_data_from_the_peer_is_no_duplicate_acknowledgement(wires: Wires) -> None:
    wire = wires.client(prompt(mss=2))
    wire.send(b"aabbcc", 0.0)

    for n in range(5):
        assert wire.arrives(data(1 + n, 1, b"x"), 0.1) == [ack(7, 2 + n)]


def test_what_is_sent_again_acknowledges_what_came_meanwhile(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"x", 0.0)
    assert wire.arrives(data(1, 1, b"hello"), 0.5) == [ack(2, 6)]

    assert wire.run(1.0) == [(1.0, data(1, 6, b"x"))]


def test_fin_and_data_are_sent_again(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"bye", 0.0)
    wire.close(0.0)

    assert wire.run(1.0) == [(1.0, data(1, 1, b"bye")), (1.0, fin(4, 1))]
