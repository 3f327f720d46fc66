"""What rules say of what they did."""

import math
from dataclasses import replace
from random import Random

import pytest

from tcplab.netem.impairments.chance import Struck
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.netem.realised import Realised, share, wilson
from tcplab.units import MILLISECOND, Instant
from tests.netem.packets import BACK, THERE, network, packet, send_all

MS = MILLISECOND
N = 20_000
FILES = {"rate.txt": "1\n1\n4\n", "delay.txt": "2 10\n3 20\n"}


def after(text: str, packets: int = N, payload: bytes = b"") -> dict[str, Realised]:
    """Return what a link with this profile says, by measure, after so many packets, 10 microseconds apart."""
    profile = Profile.parse(f"{text} limit 1000000", FILES.__getitem__)
    net = Network({THERE: profile}, seed=2, lifetime=None)
    send_all(net, (replace(packet(n, born=n * 10_000, payload=payload), ecn=2) for n in range(packets)))
    return {each.measure: each for each in net.realised()[THERE]}


# --- bounds ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_the_bounds_of_a_share_are_wilsons(hits: int, n: int, low: float, high: float) -> None:
    # By R: prop.test(hits, n, correct = FALSE)
    assert wilson(hits, n) == pytest.approx((low, high), abs=5e-5)


def test_the_truth_lies_between_the_bounds_95_times_in_100() -> None:
    draw, within = Random(3).random, 0
    for _ in range(2_000):
        struck = Struck()
        for place in range(300):
            if draw() < 0.1:
                struck.add(place)
        found = share("loss", "loss", 0.1, struck, 300)
        assert found.low is not None
        assert found.high is not None
        within += found.low <= 0.1 <= found.high
    assert within / 2_000 == pytest.approx(0.95, abs=0.015)


def test_bursts_tell_less_and_the_bounds_say_so() -> None:
    draw, within = Random(4).random, 0
    for _ in range(1_000):
        struck, bad = Struck(), draw() < 0.1
        for place in range(2_000):
            if bad:
                struck.add(place)
            bad = draw() >= 0.1 if bad else draw() < 0.1 / 9  # bursts of 10, a tenth of all
        found = share("gemodel", "loss", 0.1, struck, 2_000)
        assert found.low is not None
        assert found.high is not None
        within += found.low <= 0.1 <= found.high
    assert within / 1_000 == pytest.approx(0.94, abs=0.03)


# --- clauses ---------------------------------------------------------------------------------------------------------


def test_a_perfect_link_has_nothing_to_tell() -> None:
    assert after("") == {}


@pytest.mark.parametrize(
    ("text", "measure", "rule", "requested"),
    [
        ("loss 10%", "loss", "loss", 0.1),
        ("loss 10% 50%", "loss", "loss", 0.1),
        ("loss 10% 50%", "burst", "loss", 1 / (1 - 0.55)),
        ("loss burst 10% 4", "loss", "burst", 0.1),
        ("loss burst 10% 4", "burst", "burst", 4.0),
        ("loss gemodel 10% 30% 50% 1%", "loss", "gemodel", 0.25 * 0.5 + 0.75 * 0.01),
        ("loss state 10% 50% 10% 40% 5%", "burst", "state", None),
        ("duplicate 5%", "duplicate", "duplicate", 0.05),
        ("corrupt 5% 20%", "corrupt", "corrupt", 0.05),
        ("delay 1ms reorder 25%", "reorder", "reorder", 0.25),
        ("delay 1ms reorder 25% gap 5", "reorder", "reorder", 1 / 8),
        ("delay 10ms 3ms", "delay", "delay", 0.010),
        ("delay 10ms 3ms 50%", "delay", "delay", 0.010),
        ("delay 10ms 2ms distribution normal", "delay", "delay", 0.010),
    ],
)
def test_what_came_is_what_was_asked_for_within_what_the_bounds_allow(
    text: str, measure: str, rule: str, requested: float | None
) -> None:
    found = after(text)[measure]

    assert found.rule == rule
    if requested is not None:
        assert found.requested == pytest.approx(requested)
    assert found.requested is not None
    assert found.realised is not None
    assert found.low is not None
    assert found.high is not None
    off, reach = abs(found.requested - found.realised), (found.high - found.low) / 2
    assert off < 2.3 * reach, "95 % bounds are missed once in 20 times, 4.5 standard deviations never"
    assert found.n == N
    assert 0 < found.touched <= N


def test_the_spread_of_delays_is_a_standard_deviation() -> None:
    even, bell = after("delay 10ms 3ms")["jitter"], after("delay 10ms 3ms distribution normal")["jitter"]

    assert even.requested == pytest.approx(0.003 / math.sqrt(3))
    assert even.realised == pytest.approx(even.requested, rel=0.02)
    assert (bell.requested, bell.realised) == (pytest.approx(0.003), pytest.approx(0.003, rel=0.02))


def test_a_delay_that_does_not_vary_is_exact() -> None:
    for text in ("delay 10ms", "delay 10ms duplicate 0.001%"):
        found = after(text, 100)["delay"]
        assert (found.requested, found.realised, found.low, found.high) == (pytest.approx(0.010),) * 4
        assert (found.n, found.touched) == (100, 100)


def test_what_is_late_counts_into_the_delay() -> None:
    net = network(Profile(delay=10 * MS))
    net.receive(packet(1), Instant(0))
    net.receive(packet(2), Instant(0))
    net.advance(Instant(12 * MS))

    (found,) = net.realised()[THERE]

    assert found.realised == pytest.approx(0.012)


def test_marks_are_told_beside_the_losses_that_they_replace() -> None:
    found = after("loss 10% ecn")

    assert found["mark"].touched == found["loss"].touched
    assert found["mark"].requested is None


def test_a_rate_is_measured_while_there_was_something_to_pass() -> None:
    found = after("rate 5mbit", 100, bytes(460))["rate"]

    assert (found.requested, found.realised) == (5_000_000, pytest.approx(5_000_000, rel=1e-6))
    assert (found.n, found.touched) == (100, 100)


def test_cells_cost_rate_and_it_shows() -> None:
    found = after("rate 5mbit 0 48 5", 100)["rate"]

    assert found.realised == pytest.approx(5_000_000 * 40 / 53, rel=1e-6)


def test_traces_ask_for_their_average() -> None:
    found = after("trace rate rate.txt trace delay delay.txt", 200, bytes(1_460))

    assert found["rate"].requested == 3 * 1_504 * 8 * 250
    assert found["rate"].realised == pytest.approx(3 * 1_500 * 8 * 250, rel=0.02)
    assert found["delay"].requested == pytest.approx(0.016)
    assert found["delay"].low is None, "what was recorded is no chance"


def test_lists_tell_how_many_of_their_packets_came() -> None:
    found = after("droplist 1,2,99 delaylist 3:1ms copylist 4:1ms", 10)

    assert {name: (each.requested, each.realised) for name, each in found.items()} == {
        "droplist": (3, 2),
        "delaylist": (1, 1),
        "copylist": (1, 1),
    }


# --- since when, and in words ----------------------------------------------------------------------------------------


def test_counts_begin_anew_with_the_clause_that_changes_and_with_no_other() -> None:
    net = Network({THERE: Profile.parse("loss 50% duplicate 50%")}, seed=1)
    for n in range(100):
        net.receive(packet(n), Instant(0))

    net.set(THERE, Profile.parse("loss 25% duplicate 50%"))
    net.receive(packet(100), Instant(0))

    found = {each.measure: each.n for each in net.realised()[THERE]}
    assert found == {"loss": 1, "burst": 1, "duplicate": 101}


def test_a_rule_that_has_touched_no_segment_says_so() -> None:
    net = Network({THERE: Profile.parse("loss 5%")}, seed=1)

    loss, burst = net.realised()[THERE]

    assert str(loss) == "loss: has touched no segment of 0"
    assert (loss.realised, loss.low, loss.high, burst.realised) == (None, None, None, None)
    assert net.realised()[BACK] == ()


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            Realised("loss", "loss", "share", 0.01, 0.0098, 0.0092, 0.0104, 100_000, 980),
            "loss: asked for 1%, gave 0.98% (0.92% to 1.04%), 980 of 100,000 segments",
        ),
        (
            Realised("delay", "delay", "seconds", 0.05, 0.0501, None, None, 7, 7),
            "delay: asked for 50 ms, gave 50.1 ms, 7 of 7 segments",
        ),
        (
            Realised("rate", "rate", "bits/s", 5e6, 4_999_999.6, None, None, 7, 7),
            "rate: asked for 5,000,000 bit/s, gave 5,000,000 bit/s, 7 of 7 segments",
        ),
        (
            Realised("burst", "burst", "packets", 4.0, 3.96, 3.9, 4.02, 100, 9),
            "burst: asked for 4, gave 3.96 (3.9 to 4.02), 9 of 100 segments",
        ),
        (Realised("ecn", "mark", "share", None, 0.5, None, None, 10, 5), "mark: gave 50%, 5 of 10 segments"),
    ],
)
def test_a_line_says_what_was_asked_for_and_what_came(found: Realised, line: str) -> None:
    assert str(found) == line
