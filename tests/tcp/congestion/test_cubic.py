"""CUBIC against the formulas of RFC 9438, reckoned in floating point and in segments."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.congestion.cubic import Cubic, cube_root
from tcplab.units import MILLISECOND, SECOND, Instant, seconds

MSS = 1_000
RTT = 100 * MILLISECOND
BETA = 0.7
C = 0.4


def reduced(cwnd: int) -> Cubic:
    """A flow of ``cwnd`` segments that has just recovered from a loss."""
    control = Cubic(MSS, cwnd * MSS)
    control.lost(cwnd * MSS)
    control.recovered()
    return control


def one_round(control: Cubic, start: float, rtt: float = 0.1) -> None:
    """Acknowledge a window, segment by segment, evenly over a round trip that begins ``start`` seconds in."""
    segments = control.cwnd // MSS
    for n in range(segments):
        control.acknowledged(MSS, Instant(seconds(start + rtt * n / segments)), seconds(rtt), True)


def w_cubic(t: float, w_max: float, k: float) -> float:
    return C * (t - k) ** 3 + w_max


@given(st.integers(0, 10**40))
def test_the_cube_root_is_exact(value: int) -> None:
    root = cube_root(value)

    assert root**3 <= value < (root + 1) ** 3


@pytest.mark.rfc("RFC9438-4.6")
def test_a_loss_leaves_seven_tenths() -> None:
    """4.6."""
    control = Cubic(MSS, 100 * MSS)

    control.lost(100 * MSS)

    assert (control.cwnd, control.ssthresh) == (70 * MSS, 70 * MSS)


@pytest.mark.parametrize(("flight", "left"), [(3, 2_100), (2, 2_000), (1, 2_000)])
def test_a_loss_leaves_two_segments(flight: int, left: int) -> None:
    """4.6."""
    control = Cubic(MSS, flight * MSS)

    control.lost(flight * MSS)

    assert (control.cwnd, control.ssthresh) == (left, left)


@pytest.mark.rfc("RFC9438-4.2")
def test_the_window_follows_the_cubic_function_below_and_above_w_max() -> None:
    """4.2, 4.4, 4.5: concave up to W_max, which it reaches after K, convex beyond."""
    control = reduced(1_000)
    k = ((1_000 - 700) / C) ** (1 / 3)
    assert k == pytest.approx(9.0856, abs=1e-4)

    start = 0.0
    while start < 2 * k:
        one_round(control, start)
        start += 0.1
        assert control.cwnd / MSS == pytest.approx(w_cubic(start, 1_000, k), rel=0.005), start

    assert control.cwnd / MSS == pytest.approx(1_300, rel=0.01)


def test_growth_is_slowest_around_w_max() -> None:
    control = reduced(1_000)
    windows = [control.cwnd]
    for n in range(180):
        one_round(control, n * 0.1)
        windows.append(control.cwnd)
    steps = [later - earlier for earlier, later in pairwise(windows)]

    slowest = steps.index(min(steps))
    assert 80 < slowest < 100
    assert windows[slowest] / MSS == pytest.approx(1_000, rel=0.005)


@pytest.mark.rfc("RFC9438-4.2")
def test_no_step_aims_higher_than_half_as_much_again() -> None:
    """4.2: the target is bounded to 1.5 cwnd, however long the round trip."""
    control = reduced(10)
    control.acknowledged(MSS, Instant(0), RTT, True)
    window = control.cwnd

    control.acknowledged(window, Instant(100 * SECOND), 100 * SECOND, True)

    assert control.cwnd == window + window // 2


@pytest.mark.rfc("RFC9438-4.3")
def test_on_a_short_path_it_grows_as_reno_does_on_average() -> None:
    """4.3, figure 4: 9/17 of a segment a round trip until cwnd_prior is reached, then a whole one."""
    control = reduced(20)
    start = 0.0
    rounds = 0
    while control.cwnd < 20 * MSS:
        one_round(control, start, 0.001)
        start += 0.001
        rounds += 1

    assert rounds == pytest.approx(6 * 17 / 9, abs=1.5)
    window = control.cwnd
    for _ in range(10):
        one_round(control, start, 0.001)
        start += 0.001
    assert (control.cwnd - window) / MSS == pytest.approx(10, abs=0.5)


@pytest.mark.rfc("RFC9438-4.7")
def test_a_flow_that_lost_below_its_old_maximum_gives_way() -> None:
    """4.7, fast convergence: the next plateau is at 0.85 of the window, not at the window."""
    control = reduced(1_000)
    control.lost(700 * MSS)
    control.recovered()
    k = ((0.85 * 700 - 490) / C) ** (1 / 3)

    start = 0.0
    while start < k:
        one_round(control, start)
        start += 0.1

    assert control.cwnd / MSS == pytest.approx(595, rel=0.005)


@pytest.mark.rfc("RFC9438-4.8")
def test_after_a_timeout_the_plateau_is_where_congestion_avoidance_starts() -> None:
    """4.8: K = 0 and W_max = cwnd, though cwnd was larger before."""
    control = Cubic(MSS, 1_000 * MSS)
    control.timed_out(1_000 * MSS, again=False)
    assert (control.cwnd, control.ssthresh) == (MSS, 700 * MSS)
    control.recovered()
    control.acknowledged(MSS, Instant(0), RTT, True)
    while control.cwnd < control.ssthresh:
        control.acknowledged(2 * MSS, Instant(0), RTT, True)
    base = control.cwnd / MSS

    start = 0.0
    while start < 8:
        one_round(control, start)
        start += 0.1

    assert control.cwnd / MSS == pytest.approx(base + C * 8**3, rel=0.01)


def test_the_first_congestion_avoidance_without_a_loss_starts_a_plateau_too() -> None:
    control = Cubic(MSS, 100 * MSS)
    control.ssthresh = 100 * MSS

    control.acknowledged(MSS, Instant(5 * SECOND), RTT, True)
    assert control.cwnd == 100_010, "W_est alone has grown"
    assert control.ssthresh == 100 * MSS


def test_time_in_which_the_window_did_not_limit_the_sender_does_not_count() -> None:
    """4.2: as if it had not passed."""
    steady, paused = reduced(100), reduced(100)
    for n in range(30):
        one_round(steady, n * 0.1)
        one_round(paused, n * 0.1)
    paused.acknowledged(MSS, Instant(seconds(50)), RTT, False)

    for n in range(30):
        one_round(steady, 3 + n * 0.1)
        one_round(paused, 50 + n * 0.1)

    assert paused.cwnd == pytest.approx(steady.cwnd, rel=0.01)


def test_time_in_which_nothing_was_in_the_network_does_not_count() -> None:
    """4.2."""
    control = reduced(100)
    control.acknowledged(MSS, Instant(0), RTT, True)
    window = control.cwnd

    control.resumed(60 * SECOND, 100 * SECOND)
    control.acknowledged(MSS, Instant(60 * SECOND), RTT, True)

    assert control.cwnd - window < MSS
    control.resumed(60 * SECOND, 100 * SECOND)
    control.acknowledged(MSS, Instant(61 * SECOND), RTT, True)
    assert control.cwnd - window < MSS, "nor does time run backwards"


@pytest.mark.rfc("RFC9438-4.9")
def test_a_needless_reduction_leaves_the_curve_as_it_was() -> None:
    """4.9.2: W_max, K, the epoch and W_est come back with the window."""
    undone, steady = reduced(1_000), reduced(1_000)
    for n in range(20):
        one_round(undone, n * 0.1)
        one_round(steady, n * 0.1)

    undone.lost(undone.cwnd)
    undone.undo()

    for n in range(20, 120):
        one_round(undone, n * 0.1)
        one_round(steady, n * 0.1)
    assert undone.cwnd == steady.cwnd


@pytest.mark.rfc("MAY-18", "RFC9438-4.3")
@given(st.integers(10, 2_000), st.integers(1, 300), st.integers(1, 60))
def test_it_is_never_slower_than_reno_on_average_nor_faster_than_its_target(
    cwnd: int, rtt_ms: int, rounds: int
) -> None:
    """4.3 below, 4.2 above, for any window and any path."""
    control = reduced(cwnd)
    rtt = rtt_ms / 1_000
    start, w_est = 0.0, control.cwnd / MSS
    for _ in range(rounds):
        one_round(control, start, rtt)
        start += rtt
    k = (max(cwnd - 0.7 * cwnd, 0) / C) ** (1 / 3)
    least = w_est + 9 / 17 * rounds * 0.9 - 1
    most = max(w_cubic(start + rtt, cwnd, k), w_est + rounds) * 1.01 + 1

    assert least <= control.cwnd / MSS <= most
