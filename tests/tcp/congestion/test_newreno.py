"""The window of RFC 5681, counted in octets (RFC 3465), and what every congestion control does alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.congestion import Algorithm, congestion_control, initial_window
from tcplab.tcp.congestion.control import SSTHRESH_INITIAL, CongestionControl
from tcplab.tcp.congestion.newreno import NewReno
from tcplab.units import MILLISECOND, SECOND, Duration, Instant

MSS = 1_000
RTT = 100 * MILLISECOND
ALGORITHMS: list[Algorithm] = ["newreno", "cubic"]


def acknowledge(control: CongestionControl, octets: int, times: int = 1, *, limited: bool = True) -> None:
    for _ in range(times):
        control.acknowledged(octets, Instant(0), RTT, limited)


@pytest.mark.rfc("RFC6928-2")
@pytest.mark.parametrize(
    ("mss", "segments", "octets"),
    [
        (1_460, 10, 14_600),
        (1_000, 10, 10_000),
        (4_000, 10, 14_600),
        (9_000, 10, 18_000),
        (1_460, 4, 5_840),
        (536, 1, 536),
    ],
)
def test_the_initial_window_is_ten_segments_within_bounds(mss: int, segments: int, octets: int) -> None:
    """RFC 6928, section 2."""
    assert initial_window(mss, segments) == octets


@pytest.mark.rfc("RFC5681-3.1")
@pytest.mark.parametrize("name", ALGORITHMS)
def test_slow_start_adds_what_is_delivered_up_to_two_segments(name: Algorithm) -> None:
    """RFC 5681, 3.1 with L = 2 of RFC 3465, 2.3."""
    control = congestion_control(name, MSS, 10 * MSS)
    assert control.ssthresh == SSTHRESH_INITIAL

    acknowledge(control, 400)
    assert control.cwnd == 10_400
    acknowledge(control, 2 * MSS)
    assert control.cwnd == 12_400
    acknowledge(control, 9 * MSS)
    assert control.cwnd == 14_400


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_window_that_is_not_used_up_does_not_grow(name: Algorithm) -> None:
    """RFC 9438, 5.8; in congestion avoidance as in slow start."""
    control = congestion_control(name, MSS, 10 * MSS)
    acknowledge(control, MSS, limited=False)
    assert control.cwnd == 10 * MSS

    control.lost(10 * MSS)
    control.recovered()
    window = control.cwnd
    acknowledge(control, MSS, 1_000, limited=False)
    assert control.cwnd == window


@pytest.mark.rfc("RFC5681-3.1")
def test_congestion_avoidance_adds_a_segment_for_each_window_delivered() -> None:
    """RFC 3465, 2.1: octets are counted, however many acknowledgements bring them."""
    control = NewReno(MSS, 20 * MSS)
    control.lost(20 * MSS)
    control.recovered()

    acknowledge(control, 500, 19)
    assert control.cwnd == 10 * MSS
    acknowledge(control, 500)
    assert control.cwnd == 11 * MSS
    acknowledge(control, 11 * MSS)
    assert control.cwnd == 12 * MSS


@pytest.mark.rfc("RFC5681-3.2")
@pytest.mark.parametrize(("flight", "left"), [(20 * MSS, 10 * MSS), (7 * MSS, 3_500), (3 * MSS, 2 * MSS), (0, 2 * MSS)])
def test_a_loss_halves_the_flight_but_leaves_two_segments(flight: int, left: int) -> None:
    """RFC 5681, equation 4."""
    control = NewReno(MSS, 20 * MSS)

    control.lost(flight)

    assert (control.cwnd, control.ssthresh) == (left, left)


def test_what_limited_transmit_sent_does_not_count_as_flight() -> None:
    """RFC 5681, 3.2, step 2."""
    control = NewReno(MSS, 20 * MSS)

    control.lost(22 * MSS)

    assert control.ssthresh == 10 * MSS


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_window_stands_while_a_reduction_is_recovered_from(name: Algorithm) -> None:
    control = congestion_control(name, MSS, 20 * MSS)
    control.lost(20 * MSS)
    window = control.cwnd

    acknowledge(control, MSS, 100)
    assert control.cwnd == window

    control.recovered()
    acknowledge(control, MSS, 100)
    assert control.cwnd > window


@pytest.mark.rfc("MUST-19", "RFC5681-3.1")
def test_the_sawtooth() -> None:
    """Reno's average: from half a window to a whole one, a segment a round trip, and down again."""
    control = NewReno(MSS, 64 * MSS)
    windows = []
    for _ in range(2):
        control.lost(control.cwnd)
        control.recovered()
        start = control.cwnd
        while control.cwnd < 64 * MSS:
            windows.append(control.cwnd)
            acknowledge(control, MSS, control.cwnd // MSS)

        assert start == 32 * MSS

    assert windows == [*range(32 * MSS, 64 * MSS, MSS)] * 2


@pytest.mark.rfc("RFC5681-3.1")
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_timeout_begins_anew_with_one_segment(name: Algorithm) -> None:
    """RFC 5681, 3.1: LW; ssthresh is set once however often the same segment times out."""
    control = congestion_control(name, MSS, 40 * MSS)
    control.timed_out(40 * MSS, again=False)
    threshold = control.ssthresh
    assert (control.cwnd, threshold) == (MSS, 20 * MSS if name == "newreno" else 28 * MSS)

    control.timed_out(MSS, again=True)
    assert (control.cwnd, control.ssthresh) == (MSS, threshold)


def test_slow_start_after_a_timeout_adds_one_segment_an_acknowledgement() -> None:
    """RFC 3465, 2.3: L = 1 until what was outstanding at the timeout is acknowledged."""
    control = NewReno(MSS, 40 * MSS)
    control.timed_out(40 * MSS, again=False)

    acknowledge(control, 30 * MSS)
    assert control.cwnd == 2 * MSS
    control.recovered()
    acknowledge(control, 30 * MSS)
    assert control.cwnd == 4 * MSS


@pytest.mark.rfc("RFC3168-6.1.2")
@pytest.mark.parametrize(("name", "left"), [("newreno", 10 * MSS), ("cubic", 14 * MSS)])
def test_a_mark_reduces_as_a_loss_does(name: Algorithm, left: int) -> None:
    """RFC 3168, 6.1.2."""
    control = congestion_control(name, MSS, 20 * MSS)

    control.congestion_experienced(20 * MSS)
    assert (control.cwnd, control.ssthresh) == (left, left)
    acknowledge(control, MSS, 50)
    assert control.cwnd == left
    control.undo()
    assert control.cwnd == left, "a mark is no mistake"


@pytest.mark.parametrize("name", ALGORITHMS)
def test_marks_bring_the_window_down_to_one_segment(name: Algorithm) -> None:
    """RFC 9438, 4.6; RFC 3168, 6.1.2: what is left is the timer's business."""
    control = congestion_control(name, MSS, 20 * MSS)

    for _ in range(20):
        control.congestion_experienced(control.cwnd)
        control.recovered()

    assert (control.cwnd, control.ssthresh) == (MSS, 2 * MSS)


@pytest.mark.rfc("RFC9438-4.9")
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_needless_reduction_is_taken_back(name: Algorithm) -> None:
    """RFC 9438, 4.9."""
    control = congestion_control(name, MSS, 20 * MSS)
    control.lost(20 * MSS)

    control.undo()

    assert (control.cwnd, control.ssthresh) == (20 * MSS, SSTHRESH_INITIAL)
    acknowledge(control, MSS)
    assert control.cwnd == 21 * MSS
    control.undo()
    assert control.cwnd == 21 * MSS


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_needless_timeout_is_taken_back(name: Algorithm) -> None:
    control = congestion_control(name, MSS, 20 * MSS)
    control.timed_out(20 * MSS, again=False)
    control.timed_out(20 * MSS, again=True)

    control.undo()

    assert (control.cwnd, control.ssthresh) == (20 * MSS, SSTHRESH_INITIAL)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_was_recovered_from_can_still_prove_needless(name: Algorithm) -> None:
    """The D-SACK block that shows it comes a round trip later; what was gained since stays."""
    control = congestion_control(name, MSS, 20 * MSS)
    control.lost(20 * MSS)
    control.recovered()
    control.cwnd = 25 * MSS

    control.undo()

    assert (control.cwnd, control.ssthresh) == (25 * MSS, SSTHRESH_INITIAL)


@pytest.mark.rfc("RFC5681-4.1")
@pytest.mark.parametrize("name", ALGORITHMS)
def test_after_a_pause_of_more_than_an_rto_the_window_restarts(name: Algorithm) -> None:
    """RFC 5681, 4.1: RW = min(IW, cwnd)."""
    control = congestion_control(name, MSS, 10 * MSS)
    acknowledge(control, MSS, 10)

    control.resumed(SECOND, SECOND)
    assert control.cwnd == 20 * MSS
    control.resumed(SECOND + 1, SECOND)
    assert control.cwnd == 10 * MSS

    control.timed_out(10 * MSS, again=False)
    control.resumed(2 * SECOND, SECOND)
    assert control.cwnd == MSS


@given(
    st.sampled_from(ALGORITHMS),
    st.lists(st.tuples(st.sampled_from("ASLTMRUI"), st.integers(0, 50_000)), max_size=80),
)
def test_the_window_is_never_below_a_segment_nor_ssthresh_below_two(
    name: Algorithm, steps: list[tuple[str, int]]
) -> None:
    control = congestion_control(name, MSS, 10 * MSS)
    now = Instant(0)
    for what, amount in steps:
        now += amount * 10_000
        match what:
            case "A" | "S":
                before = control.cwnd
                control.acknowledged(amount, now, RTT, what == "A")
                assert before <= control.cwnd <= before + max(amount, MSS)
            case "L":
                control.lost(amount)
            case "T":
                control.timed_out(amount, again=bool(amount % 2))
            case "M":
                control.congestion_experienced(amount)
            case "R":
                control.recovered()
            case "U":
                control.undo()
            case _:
                control.resumed(Duration(amount * 100_000), SECOND)
        assert control.cwnd >= MSS
        assert control.ssthresh >= 2 * MSS
