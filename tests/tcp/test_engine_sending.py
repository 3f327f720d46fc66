"""What holds data back, and what lets them go: Nagle, silly windows, probes, congestion windows (RFC 9293, 3.8.6)."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tcplab.tcp.config import CongestionControlName, TcpConfig
from tcplab.tcp.states import State
from tcplab.units import SECOND
from tcplab.wire.segment import Options
from tests.support.options import EVERYTHING, client, stamped
from tests.support.states import Wires
from tests.support.tcp import ack, data, fin, prompt, syn, syn_ack

TEN = prompt(mss=10)
NAGLE = TcpConfig(mss=10)
CONTROLS: list[CongestionControlName] = ["newreno", "cubic"]


# --- Nagle, as Minshall amended it -------------------------------------------------------------------------------


@pytest.mark.rfc("SHLD-7")
def test_the_rest_of_a_large_write_does_not_wait_for_its_full_segments(wires: Wires) -> None:
    wire = wires.client(NAGLE)

    assert [len(seg.data) for seg in wire.send(bytes(25))] == [10, 10, 5]


@pytest.mark.rfc("SHLD-7")
def test_a_small_segment_waits_for_a_small_one_alone(wires: Wires) -> None:
    wire = wires.client(NAGLE)
    wire.send(bytes(25))

    assert wire.send(b"x") == []
    assert wire.arrives(ack(1, 21)) == [], "what is small is still on its way"
    assert wire.arrives(ack(1, 26)) == [data(26, 1, b"x")]


def test_what_waits_goes_with_what_makes_it_full(wires: Wires) -> None:
    wire = wires.client(NAGLE)
    wire.send(b"a")

    assert wire.send(b"bcdef") == []
    assert wire.send(b"ghijklm") == [data(2, 1, b"bcdefghijk")]


def test_what_waits_goes_with_the_fin(wires: Wires) -> None:
    wire = wires.client(NAGLE)
    wire.send(b"a")
    wire.send(b"b")

    assert wire.close() == [fin(2, 1, b"b")]


# --- silly windows -----------------------------------------------------------------------------------------------


@pytest.mark.rfc("MUST-38")
def test_a_silly_window_is_waited_out_for_half_a_second(wires: Wires) -> None:
    """3.8.6.2.1: less than a segment and less than half of the largest window ever told, with nothing on its way."""
    wire = wires.client(TEN, window=100)
    wire.send(bytes(100), 0.0)
    wire.arrives(ack(1, 101, window=4), 0.5)

    assert wire.send(bytes(50), 2.0) == []
    assert wire.run(2.499) == []
    assert wire.run(2.6) == [(2.5, data(101, 1, bytes(4)))]


@pytest.mark.rfc("MUST-38")
def test_a_window_that_opens_meanwhile_is_not_waited_out(wires: Wires) -> None:
    wire = wires.client(TEN, window=100)
    wire.send(bytes(100), 0.0)
    wire.arrives(ack(1, 101, window=4), 0.5)
    wire.send(bytes(50), 2.0)

    assert wire.arrives(ack(1, 101, window=10), 2.2) == [data(101, 1, bytes(10))]
    assert wire.run(2.9) == []


@pytest.mark.rfc("MUST-38")
def test_half_of_the_largest_window_is_not_silly(wires: Wires) -> None:
    wire = wires.client(TEN, window=16)
    wire.send(bytes(10), 0.0)
    wire.arrives(ack(1, 11, window=8), 0.5)

    assert wire.send(bytes(50), 2.0) == [data(11, 1, bytes(8))]


def test_a_small_write_into_a_small_window_goes_at_once(wires: Wires) -> None:
    wire = wires.client(TEN, window=100)
    wire.send(bytes(100), 0.0)
    wire.arrives(ack(1, 101, window=4), 0.5)

    assert wire.send(b"abcd", 2.0) == [data(101, 1, b"abcd")]


def test_what_was_sent_into_a_silly_window_is_sent_again_by_the_timer(wires: Wires) -> None:
    wire = wires.client(TEN, window=100)
    wire.send(bytes(100), 0.0)
    wire.arrives(ack(1, 101, window=4), 0.5)
    wire.send(bytes(50), 2.0)
    wire.run(2.5)

    [(at, again)] = wire.run(6.0)[:1]
    assert (at, again) == (3.5, data(101, 1, bytes(4)))


def test_the_fin_follows_what_a_silly_window_held_back(wires: Wires) -> None:
    wire = wires.client(TEN, window=100)
    wire.send(bytes(100), 0.0)
    wire.arrives(ack(1, 101, window=4), 0.5)
    wire.send(bytes(6), 2.0)
    wire.close(2.0)

    assert wire.run(2.6) == [(2.5, data(101, 1, bytes(4)))]
    assert wire.arrives(ack(1, 105, window=100), 2.7) == [fin(105, 1, bytes(2))]


# --- closed windows ----------------------------------------------------------------------------------------------


@pytest.mark.rfc("MUST-36", "SHLD-30")
def test_probes_back_off_to_the_largest_timeout(wires: Wires) -> None:
    wire = wires.client(prompt(rto_max=4 * SECOND), window=0)
    wire.send(b"abc", 0.0)

    assert [at for at, _ in wire.run(20.0)] == [1.0, 3.0, 7.0, 11.0, 15.0, 19.0]


def test_a_probe_with_timestamps_has_one_octet_too(wires: Wires) -> None:
    wire = client(wires, EVERYTHING, TcpConfig(), window=0)
    wire.send(b"abc", 1.0)

    [(at, probe)] = wire.run(2.5)
    assert (at, probe.data) == (2.0, b"a")
    assert [seg.data for seg in wire.arrives(stamped(ack(1, 2, window=10), 1_100), 2.5)] == [b"bc"]


def test_a_window_that_opens_by_one_octet_admits_one(wires: Wires) -> None:
    wire = wires.client(TEN, window=1)

    assert wire.send(b"abc", 0.0) == [data(1, 1, b"a")]
    assert wire.arrives(ack(1, 2, window=1), 0.1) == [data(2, 1, b"b")]
    assert wire.arrives(ack(1, 3, window=0), 0.2) == []


def test_a_full_segment_with_a_fin_probes_without_it(wires: Wires) -> None:
    """The FIN takes a number beyond the MSS; it follows once the window is open."""
    wire = wires.client(TEN, window=0)
    wire.send(bytes(10), 0.0)
    wire.close(0.0)
    assert wire.arrives(ack(1, 1, window=100), 0.5) == [fin(1, 1, bytes(10))]

    wire.arrives(ack(1, 1, window=0), 0.6)
    assert [seg for _, seg in wire.run(1.6)] == [data(1, 1, bytes(10))]
    wire.arrives(ack(1, 11, window=100), 1.7)
    assert [seg for _, seg in wire.run(9.0)][:1] == [fin(11, 1)]


# --- the congestion window ---------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC6928-2")
@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("mss", [10, 1_460])
def test_ten_segments_are_sent_before_the_first_ack(wires: Wires, control: CongestionControlName, mss: int) -> None:
    wire = wires.client(prompt(mss=mss, congestion=control, send_buffer=1_000_000))

    assert [len(seg.data) for seg in wire.send(bytes(30_000))] == [mss] * 10


@pytest.mark.parametrize("segments", [1, 2, 4])
def test_the_initial_window_can_be_set(wires: Wires, segments: int) -> None:
    wire = wires.client(prompt(mss=10, initial_window=segments))

    assert len(wire.send(bytes(500))) == segments


@pytest.mark.rfc("RFC5681-3.1")
@pytest.mark.parametrize("control", CONTROLS)
def test_after_a_lost_syn_one_segment_is_sent(wires: Wires, control: CongestionControlName) -> None:
    wire = wires(prompt(mss=10, congestion=control))
    wire.open(0.0)
    wire.run(1.0)
    wire.arrives(syn_ack(), 1.1)

    assert wire.send(bytes(500), 1.1) == [data(1, 1, bytes(10))]
    assert len(wire.arrives(ack(1, 11), 1.2)) == 2


@pytest.mark.rfc("RFC5681-3.1")
def test_after_a_lost_syn_ack_one_segment_is_sent(wires: Wires) -> None:
    wire = wires(TEN)
    wire.listen()
    wire.arrives(syn(), 0.0)
    wire.run(1.0)
    wire.arrives(ack(1, 1), 1.1)

    assert wire.send(bytes(500), 1.1) == [data(1, 1, bytes(10))]


@pytest.mark.rfc("RFC5681-4.1")
@pytest.mark.parametrize("control", CONTROLS)
def test_after_a_pause_longer_than_the_timeout_the_window_begins_anew(
    wires: Wires, control: CongestionControlName
) -> None:
    wire = wires.client(replace(TEN, congestion=control))
    wire.send(bytes(400), 0.0)
    for acked in range(11, 402, 10):
        wire.arrives(ack(1, acked), 0.1)
    assert (wire.status.cwnd or 0) > 200

    assert len(wire.send(bytes(400), 10.0)) == 10


@pytest.mark.rfc("RFC5681-4.1")
def test_a_pause_within_the_timeout_leaves_the_window(wires: Wires) -> None:
    wire = wires.client(replace(TEN, congestion="newreno"))
    wire.send(bytes(400), 0.0)
    for acked in range(11, 402, 10):
        wire.arrives(ack(1, acked), 0.1)

    assert len(wire.send(bytes(400), 1.0)) > 20


def test_in_congestion_avoidance_the_window_grows_by_a_segment_a_round_trip(wires: Wires) -> None:
    """RFC 5681, 3.1, counted in octets (RFC 3465)."""
    wire = wires.client(replace(TEN, congestion="newreno"))
    wire.send(bytes(100), 0.0)
    wire.run(1.0)
    wire.arrives(ack(1, 101), 1.1)
    wire.send(bytes(5_000), 1.1)
    acked, windows = 101, []
    for step in range(20, 40):
        acked = wire.snd_nxt
        wire.arrives(ack(1, acked), step / 10)
        windows.append(wire.status.cwnd or 0)

    threshold = wire.status.ssthresh
    steps = [after - before for before, after in pairwise(windows) if before > (threshold or 0)]
    assert set(steps) <= {0, 10}
    assert steps.count(10) > 5


# --- room for options --------------------------------------------------------------------------------------------


def test_the_mss_leaves_room_for_timestamps(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, mss=100))

    assert {len(seg.data) for seg in wire.send(bytes(880), 0.2)} == {88}


def test_an_mss_without_room_for_options_admits_single_octets(wires: Wires) -> None:
    wire = client(wires, Options(mss=5, timestamps=(1, 0)))

    assert {len(seg.data) for seg in wire.send(bytes(5), 0.2)} == {1}
    assert wire.state is State.ESTABLISHED
