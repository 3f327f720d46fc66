"""What chance does over 100,000 packets, against what was asked for; seeds are fixed, so that no run differs."""

from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import NamedTuple

import pytest

from tcplab.netem.events import PacketDelayed, PacketDropped, PacketDuplicated, PacketReordered
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Packet
from tcplab.units import MICROSECOND, MILLISECOND, SECOND, Duration
from tests.netem.packets import THERE, arrivals, of, packet, send_all, stream

N = 100_000
SIGMAS = 4.5  # beyond it lies 1 honest run in 150,000
KOLMOGOROV = 1.95 / sqrt(N)  # beyond it lies 1 honest run in 1,000
MS = MILLISECOND


class Run(NamedTuple):
    """What came of packets 1..N, by the number of the packet; delays are those given, of packets and of copies."""

    lost: set[int]
    doubled: set[int]
    copies_lost: set[int]
    delays: dict[int, int]
    reordered: set[int]


@pytest.fixture(scope="module")
def packets() -> Sequence[Packet]:
    return [packet(n, born=n * 10 * MICROSECOND) for n in range(1, N + 1)]


def run(profile: Profile, packets: Sequence[Packet], seed: int = 42) -> Run:
    network = Network({THERE: replace(profile, limit=N)}, seed=seed)
    found = Run(set(), set(), set(), {}, set())
    for _, output in stream(network, packets):
        for event in output.events:
            if isinstance(event, PacketDelayed):
                if not event.packet.copy:
                    found.delays[event.packet.id] = event.delay
            elif isinstance(event, PacketDropped):
                assert event.reason in ("loss", "list")
                if event.reason == "loss":
                    (found.copies_lost if event.packet.copy else found.lost).add(event.packet.id)
            elif isinstance(event, PacketDuplicated):
                found.doubled.add(event.packet.id)
            elif isinstance(event, PacketReordered):
                found.reordered.add(event.packet.id)
    return found


def assert_binomial(count: int, trials: int, probability: float) -> None:
    expected, deviation = trials * probability, sqrt(trials * probability * (1 - probability))
    assert abs(count - expected) <= SIGMAS * deviation, (
        f"{count} of {trials}, {expected:.0f} +- {deviation:.0f} expected"
    )


@pytest.mark.parametrize("loss", [0.001, 0.01, 0.1, 0.3, 0.9])
def test_the_share_of_lost_packets(loss: float, packets: Sequence[Packet]) -> None:
    found = run(Profile(delay=MS, loss=loss), packets)

    assert_binomial(len(found.lost), N, loss)


def test_losses_do_not_know_of_each_other(packets: Sequence[Packet]) -> None:
    lost = run(Profile(loss=0.3), packets).lost

    for distance in (1, 2, 1_024):
        assert_binomial(sum(1 for n in lost if n + distance in lost), N - distance, 0.3 * 0.3)


@pytest.mark.parametrize("duplicate", [0.001, 0.05, 0.5])
def test_the_share_of_doubled_packets(duplicate: float, packets: Sequence[Packet]) -> None:
    found = run(Profile(delay=MS, duplicate=duplicate), packets)

    assert_binomial(len(found.doubled), N, duplicate)
    assert not found.lost


def test_loss_and_duplication_together(packets: Sequence[Packet]) -> None:
    loss, duplicate = 0.2, 0.3

    found = run(Profile(loss=loss, duplicate=duplicate), packets)

    assert_binomial(len(found.lost), N, loss * (1 - duplicate))
    assert_binomial(len(found.doubled), N, duplicate * (1 - loss))
    assert_binomial(len(found.copies_lost), len(found.doubled), loss)


def test_jitter_is_spread_evenly_over_its_range(packets: Sequence[Packet]) -> None:
    delay, jitter = 10 * MS, 3 * MS

    delays = sorted(run(Profile(delay=Duration(delay), jitter=Duration(jitter)), packets).delays.values())

    assert delay - jitter <= delays[0] <= delays[-1] <= delay + jitter
    shares = [(each - (delay - jitter)) / (2 * jitter) for each in delays]
    assert max(abs((n + 0.5) / N - share) for n, share in enumerate(shares)) < KOLMOGOROV


def test_a_jitter_beyond_the_delay_is_cut_off_at_zero(packets: Sequence[Packet]) -> None:
    network = Network({THERE: Profile(delay=MS, jitter=2 * MS, limit=N)}, seed=42)

    arrived = arrivals(stream(network, packets))

    assert len(arrived) == N
    assert_binomial(sum(1 for time, each in arrived if time == each.born), N, 1 / 4)  # evenly from -1 ms to 3 ms


def test_the_share_of_reordered_packets() -> None:
    # Sent a jitter apart, a packet can overtake none but the one before it, where their offsets differ by more.
    jitter = MS
    apart = [packet(n, born=n * jitter) for n in range(1, N + 1)]

    found = run(Profile(delay=5 * MS, jitter=jitter), apart)

    assert_binomial(len(found.reordered), N, 1 / 8)


def test_packets_are_told_as_reordered_exactly_when_they_leave_before_an_earlier_one(packets: Sequence[Packet]) -> None:
    network = Network({THERE: Profile(delay=MS, jitter=100 * MICROSECOND, loss=0.1, limit=N)}, seed=42)

    outputs = send_all(network, packets)

    overtaking, first_behind = set(), N + 1
    for _, each in reversed(arrivals(outputs)):
        if each.id > first_behind:
            overtaking.add(each.id)
        first_behind = min(first_behind, each.id)
    assert {event.packet.id for event in of(outputs, PacketReordered)} == overtaking
    assert overtaking


@pytest.mark.parametrize("rate", [100_000, 10_000_000, 1_000_000_000])
def test_a_crowded_line_gives_its_rate(rate: int) -> None:
    size = 1_500
    twice_as_fast = size * 8 * SECOND // rate // 2
    crowd = [packet(n, born=n * twice_as_fast, payload=bytes(size - 40)) for n in range(N)]
    network = Network({THERE: Profile(delay=MS, rate=rate, limit=100)}, seed=42, lifetime=None)

    arrived = arrivals(stream(network, crowd))

    octets, took = sum(40 + len(each.segment.payload) for _, each in arrived[1:]), arrived[-1][0] - arrived[0][0]
    assert octets * 8 * SECOND / took == pytest.approx(rate, rel=0.001)
    assert len(arrived) > N / 2


def test_a_copy_has_a_jitter_of_its_own(packets: Sequence[Packet]) -> None:
    network = Network({THERE: Profile(delay=MS, jitter=MS, duplicate=0.5, limit=N)}, seed=42)
    left = {(each.id, each.copy): time for time, each in arrivals(stream(network, packets))}

    pairs = [(left[number, 0], left[number, 1]) for number, copy in left if copy]

    # Of two offsets that do not know of each other, one is beyond the other half of the time.
    assert_binomial(sum(1 for one, other in pairs if other > one), len(pairs), 1 / 2)


def test_turning_one_knob_does_not_shift_what_the_others_do(packets: Sequence[Packet]) -> None:
    jitter = Profile(delay=5 * MS, jitter=MS)
    only_jitter, only_loss = run(jitter, packets), run(Profile(loss=0.2), packets)
    only_duplicate = run(Profile(duplicate=0.2), packets)

    everything = run(replace(jitter, loss=0.2, duplicate=0.2, drop_list=frozenset(range(500, 600))), packets)

    listed = set(range(500, 600))
    assert everything.lost == only_loss.lost - only_duplicate.doubled - listed
    assert everything.doubled == only_duplicate.doubled - only_loss.lost - listed
    assert everything.delays.items() <= only_jitter.delays.items()


def test_a_knob_that_was_off_for_a_while_goes_on_where_it_would_have_been(packets: Sequence[Packet]) -> None:
    always = run(Profile(loss=0.2), packets).lost
    network = Network({}, seed=42)
    lost = set()
    for place, each in enumerate(packets, start=1):
        if place in (1, 60_000):
            network.set(THERE, Profile(loss=0.2))
        elif place == 30_000:
            network.set(THERE, Profile())
        if not network.receive(each, each.born).packets:
            lost.add(each.id)

    assert lost == {n for n in always if not 30_000 <= n < 60_000}


def test_seeds_and_links_have_their_own_luck(packets: Sequence[Packet]) -> None:
    profile = Profile(loss=0.5)

    one, same, other = run(profile, packets).lost, run(profile, packets).lost, run(profile, packets, seed=43).lost

    assert one == same
    assert_binomial(len(one & other), N, 0.25)
