"""Reordering, rates and slots over 100,000 packets, against what was asked for."""

from collections import Counter
from dataclasses import replace
from itertools import accumulate, pairwise

import pytest

from tcplab.netem.events import PacketDelayed, PacketDropped, PacketForwarded
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.units import MICROSECOND, MILLISECOND, SECOND
from tests.netem.conformance import (
    ENDLESS,
    EVERY,
    SEEDS,
    N,
    assert_correlation,
    assert_distribution,
    assert_mean,
    assert_share,
    packets,
    run,
    runs,
    uncollected,
)
from tests.netem.packets import THERE, of, stream

pytestmark = pytest.mark.parametrize("seed", SEEDS)

MS = MILLISECOND
SIZE = 500  # octets of the packets that a line carries


# --- reordering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("percent", [1, 75])
def test_as_many_are_sent_at_once_as_asked_for(percent: int, seed: int) -> None:
    assert_share(run(f"delay 10ms reorder {percent}%", seed).at_once, percent / 100)


@pytest.mark.parametrize(("percent", "gap"), [(25, 5), (100, 3)])
def test_after_the_gap_it_takes_as_many_as_it_takes(percent: int, gap: int, seed: int) -> None:
    at_once = run(f"delay 10ms reorder {percent}% gap {gap}", seed).at_once

    delayed = runs([1 - each for each in at_once[1:]])
    assert min(delayed) == gap - 1
    for longer in range(4):
        share = (1 - percent / 100) ** longer
        if share not in (0.0, 1.0):
            assert_share((each >= gap - 1 + longer for each in delayed), share, len(delayed))
    assert sum(at_once) == pytest.approx(N / (gap - 1 + 100 / percent), rel=0.02)


@pytest.mark.parametrize("correlation", [25, 75])
def test_reordering_correlates_as_asked_for(correlation: int, seed: int) -> None:
    at_once = run(f"delay 10ms reorder 25% {correlation}%", seed).at_once[1:]

    assert_mean(at_once, 0.25, 1_000)
    assert_correlation(at_once, correlation / 100)


def test_what_is_sent_at_once_overtakes_all_that_is_under_way(seed: int) -> None:
    at_once = run("delay 10ms reorder 10%", seed).at_once
    network = Network({THERE: Profile.parse(f"delay 10ms reorder 10% {ENDLESS}")}, seed=seed)
    sent = (replace(each, born=each.id * EVERY) for each in packets())  # type: ignore[arg-type]

    with uncollected():
        left = [packet.id for _, output in stream(network, sent) for packet in output.packets]

    latest = list(accumulate(left, max))
    overtaking = {one for one, most in zip(left, latest, strict=True) if one == most and at_once[one]}
    assert len(left) == N
    assert overtaking == {place for place in range(1, N + 1) if at_once[place]}


# --- rates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "octets", "rate"),
    [
        ("rate 5mbit", SIZE, 5_000_000),
        ("rate 1gbit 24", SIZE + 24, 1_000_000_000),
        ("rate 8mbit 0 48 5", 11 * 53, 8_000_000),
        ("rate 5mbit delay 10ms 3ms 50% distribution normal", SIZE, 5_000_000),
    ],
)
def test_a_crowded_line_gives_its_rate(text: str, octets: int, rate: int, seed: int) -> None:
    crowded = octets * 8 * SECOND // rate // 4
    delays = run(text, seed, payload=SIZE - 40, every=crowded).delays

    left = [place * crowded + delays[place] for place in range(1, N + 1)]
    assert left == sorted(left)
    assert (N - 1) * octets * 8 * SECOND / (left[-1] - left[0]) == pytest.approx(rate, rel=0.01)


def test_a_line_that_loses_carries_the_others_at_its_rate(seed: int) -> None:
    every = SIZE * 8 * SECOND // 5_000_000 // 4
    found = run("rate 5mbit loss burst 30% 6", seed, payload=SIZE - 40, every=every)

    left = [place * every + delay for place, delay in enumerate(found.delays) if delay >= 0]
    assert (len(left) - 1) * SIZE * 8 * SECOND / (left[-1] - left[0]) == pytest.approx(5_000_000, rel=0.01)


def test_a_full_queue_drops_what_the_line_cannot_carry(seed: int) -> None:
    every = SIZE * 8 * SECOND // 5_000_000 // 2  # twice as many as it can carry
    network = Network({THERE: Profile.parse("rate 5mbit limit 50")}, seed=seed, lifetime=None)
    sent = (replace(each, born=each.id * every) for each in packets(payload=SIZE - 40))  # type: ignore[arg-type]

    with uncollected():
        outputs = list(stream(network, sent))

    dropped, left = of(outputs, PacketDropped), [time for time, output in outputs for _ in output.packets]
    assert {event.reason for event in dropped} == {"limit"}
    assert len(dropped) == pytest.approx(N / 2, rel=0.01)
    assert (len(left) - 1) * SIZE * 8 * SECOND / (left[-1] - left[0]) == pytest.approx(5_000_000, rel=0.01)


def test_a_traced_line_gives_the_rate_of_its_trace(seed: int) -> None:
    times = sorted((n * 7_919 + seed) % 10_000 + 1 for n in range(4_000))
    profile = Profile.parse(f"trace rate t {ENDLESS}", lambda _: "".join(f"{time}\n" for time in times))
    network = Network({THERE: profile}, seed=seed, lifetime=None)
    sent = (replace(each, born=each.id * MICROSECOND) for each in packets(payload=1_460))  # type: ignore[arg-type]

    with uncollected():
        left = [time for time, output in stream(network, sent) for _ in output.packets]

    assert profile.rate_trace is not None
    rate = N * 1_504 * 8 * SECOND / (left[-1] - left[0])
    assert rate == pytest.approx(profile.rate_trace.rate(), rel=0.01)


# --- slots -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["slot 1ms 5ms", "slot 1ms 5ms packets 40", "slot 1ms 5ms bytes 1600b delay 2ms 1ms"])
def test_slots_begin_between_min_and_max_apart(text: str, seed: int) -> None:
    network = Network({THERE: Profile.parse(f"{text} {ENDLESS}")}, seed=seed, lifetime=None)
    sent = (replace(each, born=each.id * EVERY) for each in packets())  # type: ignore[arg-type]

    with uncollected():
        outputs = list(stream(network, sent))

    left = [time for time, output in outputs for _ in output.packets]
    slots = sorted(set(left))
    full = 40 if ("packets" in text or "bytes" in text) else N
    assert len(left) == N
    assert max(Counter(left).values()) <= full
    waits = [later - earlier for earlier, later in pairwise(slots)]
    if full < N:  # there is always somebody waiting: slots follow each other
        assert_distribution(waits[: len(waits) // 2], lambda wait: (wait - MS) / (4 * MS))
    else:  # the first to be ready after a slot comes within an interval, and waits for the next one
        assert_distribution(waits, lambda wait: min(1.0, max(0.0, (wait - EVERY - MS) / (4 * MS))))
    told = {event.packet.id for event in of(outputs, PacketDelayed) if event.rule == "slot"}
    assert len(told) + sum(event.delay == 0 for event in of(outputs, PacketForwarded)) >= N * 0.99
