"""When data and ACKs go out (RFC 9293, 3.7.4, 3.8.2, 3.8.6.3): Nagle, slow start, and ACKs that wait."""

from dataclasses import replace

import pytest

from tcplab.tcp.app import Configure, Open
from tcplab.tcp.config import CongestionControlName, TcpConfig
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND
from tcplab.wire.segment import PSH, Options
from tests.support.states import Wires
from tests.support.tcp import PEER, SERVICE, ack, data, fin, syn_ack

SMALL = TcpConfig(mss=10)
DELAY = 0.04  # seconds


@pytest.mark.rfc("SHLD-7", "SHLD-27", "MAY-16", "MUST-60")
def test_short_segments_are_put_together_while_one_is_unacknowledged(wires: Wires) -> None:
    wire = wires.client(SMALL)

    assert wire.send(b"one", 0.0) == [data(1, 1, b"one")]
    assert wire.send(b"two", 0.1) == []
    assert wire.send(b"3", 0.2) == []
    assert wire.arrives(ack(1, 4), 0.3) == [data(4, 1, b"two3")]
    assert wire.last.flags & PSH


@pytest.mark.rfc("SHLD-7")
def test_a_full_segment_does_not_wait(wires: Wires) -> None:
    wire = wires.client(SMALL)
    wire.send(b"one")

    assert wire.send(b"0123456789abc") == [data(4, 1, b"0123456789")]
    assert wire.arrives(ack(1, 14)) == [data(14, 1, b"abc")]


@pytest.mark.rfc("MUST-17")
def test_an_application_switches_nagle_off_for_one_connection(wires: Wires) -> None:
    wire, other = wires.client(SMALL), wires.client(SMALL)
    for each in (wire, other):
        each.send(b"one")

    wire.call(Configure(wire.connection, no_delay=True))

    assert wire.send(b"two") == [data(4, 1, b"two")]
    assert other.send(b"two") == []


@pytest.mark.rfc("MUST-17")
def test_switching_nagle_off_lets_go_of_what_waits(wires: Wires) -> None:
    wire = wires.client(SMALL)
    wire.send(b"one")
    wire.send(b"two")

    assert wire.call(Configure(wire.connection, no_delay=True)) == [data(4, 1, b"two")]


@pytest.mark.rfc("SHLD-18", "MUST-40")
def test_an_ack_waits_for_company_but_not_for_half_a_second(wires: Wires) -> None:
    wire = wires.client(TcpConfig())

    assert wire.arrives(data(1, 1, b"abc"), 0.0) == []
    assert wire.run(0.499) == [(DELAY, ack(1, 4))]


@pytest.mark.rfc("MUST-40")
def test_no_ack_can_be_set_to_wait_for_half_a_second(wires: Wires) -> None:
    longest = 500 * MILLISECOND - 1
    wire = wires.client(TcpConfig(delayed_ack=longest))
    wire.arrives(data(1, 1, b"abc"), 0.0)

    assert wire.run(0.5) == [(pytest.approx(0.5, abs=1e-8), ack(1, 4))]
    with pytest.raises(ValueError, match="delayed_ack"):
        TcpConfig(delayed_ack=longest + 1)


@pytest.mark.rfc("SHLD-19")
def test_every_second_full_segment_is_acknowledged_at_once(wires: Wires) -> None:
    wire = wires.client(SMALL)

    answers = [wire.arrives(data(1 + 10 * n, 1, bytes(10)), 0.001 * n) for n in range(6)]

    assert answers == [[], [ack(1, 21)], [], [ack(1, 41)], [], [ack(1, 61)]]
    assert wire.run(10.0) == []


@pytest.mark.rfc("MUST-58")
def test_one_ack_acknowledges_what_comes_while_it_waits(wires: Wires) -> None:
    wire = wires.client(TcpConfig())
    for n, (seq, octets) in enumerate(((1, bytes(100)), (101, b"a"), (102, b"b"), (103, b"c"))):
        assert wire.arrives(data(seq, 1, octets), 0.001 * n) == []

    assert wire.run(1.0) == [(DELAY, ack(1, 104))]


@pytest.mark.rfc("MUST-58")
@pytest.mark.parametrize("how", ["data", "fin"])
def test_what_is_sent_in_answer_takes_the_ack_along(wires: Wires, how: str) -> None:
    wire = wires.client(TcpConfig())
    assert wire.arrives(data(1, 1, b"question"), 0.0) == []

    if how == "data":
        assert wire.send(b"answer", 0.01) == [data(1, 9, b"answer")]
    else:
        assert wire.close(0.01) == [fin(1, 9)]
    assert wire.run(0.9) == []


@pytest.mark.rfc("MUST-19")
@pytest.mark.parametrize("congestion", ["newreno", "cubic"])
def test_slow_start_begins_with_ten_segments_and_doubles(wires: Wires, congestion: CongestionControlName) -> None:
    wire = wires.client(replace(SMALL, congestion=congestion))

    flights = [wire.send(bytes(1_000), 0.0)]
    for at in (0.1, 0.2):
        flights.append([seg for sent in flights[-1] for seg in wire.arrives(ack(1, sent.seq + 10), at)])

    assert [len(flight) for flight in flights] == [10, 20, 40]


@pytest.mark.rfc("MUST-19")
@pytest.mark.parametrize("congestion", ["newreno", "cubic"])
def test_after_a_timeout_one_segment_begins_anew(wires: Wires, congestion: CongestionControlName) -> None:
    wire = wires.client(replace(SMALL, congestion=congestion))
    wire.send(bytes(1_000), 0.0)

    assert wire.run(1.0) == [(1.0, data(1, 1, bytes(10)))]
    assert [seg.seq for seg in wire.arrives(ack(1, 11), 1.1)] == [11, 21]
    assert wire.run(3.5) == [(pytest.approx(3.1), data(11, 1, bytes(10)))]


@pytest.mark.rfc("MUST-21")
def test_an_application_sets_r2_of_one_connection_to_infinity(wires: Wires) -> None:
    wire = wires()
    wire.call(Open(PEER, SERVICE, config=TcpConfig(r2=None)))
    wire.arrives(syn_ack())
    wire.send(b"x", 0.0)
    other = wires.client(TcpConfig())
    other.send(b"x", 0.0)

    for each in (wire, other):
        each.run(100_000.0)
    assert (wire.state, other.state) == (State.ESTABLISHED, State.CLOSED)


@pytest.mark.rfc("MUST-21")
def test_an_application_sets_r2_of_a_connection_that_is_open(wires: Wires) -> None:
    wire = wires.client(TcpConfig())
    wire.call(Configure(wire.connection, user_timeout=5_000 * MILLISECOND))
    wire.send(b"x", 10.0)

    wire.run(14.999)
    assert wire.state is State.ESTABLISHED
    wire.run(15.0)
    assert wire.state is State.CLOSED


@pytest.mark.rfc("REC-1", "RFC7323-2.2")
def test_a_window_that_is_scaled_may_have_more_than_16_bits(wires: Wires) -> None:
    wire = wires()
    wire.open()
    wire.arrives(replace(syn_ack(), options=Options(mss=1_460, wscale=14)))

    wire.arrives(ack(1, 1, window=65_535))

    assert wire.status.snd_wnd == 65_535 << 14
