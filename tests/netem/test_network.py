"""Which packets find a link, which are turned away, and how old they may become."""

import tracemalloc

import pytest

from tcplab.netem.events import (
    LinkName,
    PacketDropped,
    PacketForwarded,
)
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address, Output, PacketDiscarded
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Duration, Instant
from tests.netem.packets import BACK, THERE, arrivals, drain, network, packet

MS = MILLISECOND


# --- lifetime --------------------------------------------------------------------------------------------------------


def test_a_packet_lives_for_one_msl_and_not_a_nanosecond_longer() -> None:
    net = network()
    at_bound, beyond = START + 2 * MINUTE, START + 2 * MINUTE + 1

    assert net.receive(packet(1), at_bound).packets
    assert net.receive(packet(1), beyond) == Output((), (PacketDropped(packet(1), THERE, "expired"),))


def test_a_packet_that_grew_too_old_in_the_queue_is_dropped_when_it_is_to_leave() -> None:
    net = network(Profile(delay=SECOND), lifetime=SECOND)
    old, young = packet(1), packet(2, born=1)

    net.receive(old, Instant(1))
    net.receive(young, Instant(1))

    assert net.advance(START + SECOND + 1) == Output(
        [young], [PacketDropped(old, THERE, "expired"), PacketForwarded(young, THERE, SECOND)]
    )
    assert net.queue_lengths()[THERE] == 0


def test_a_packet_from_beyond_the_lifetime_in_the_future_would_never_grow_old() -> None:
    net = network(lifetime=SECOND)
    young, unborn = packet(1, born=SECOND), packet(2, born=SECOND + 1)

    assert net.receive(young, START).packets
    assert net.receive(unborn, START) == Output((), (PacketDropped(unborn, THERE, "expired"),))


def test_without_a_lifetime_nothing_is_too_old() -> None:
    assert network(lifetime=None).receive(packet(1), Instant(100 * MINUTE)).packets


def test_a_packet_from_a_clock_that_is_ahead_is_not_too_old() -> None:
    assert network().receive(packet(1, born=SECOND), START).packets


# --- roads and spoofing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "link"),
    [
        ("10.0.1.1", "10.9.9.9", "client>elsewhere"),
        ("10.9.9.9", "10.0.2.1", "elsewhere>server"),
        ("nonsense", "10.0.2.1", "elsewhere>server"),
        ("10.0.1.1", "10.0.1.2", "client>client"),
    ],
)
def test_a_packet_without_a_link_is_dropped_and_the_road_named(source: str, target: str, link: str) -> None:
    lost = packet(1, source=Address(source), target=Address(target))

    assert network().receive(lost, START) == Output((), (PacketDropped(lost, LinkName(link), "no_route"),))


def test_a_profile_makes_a_link_within_a_role() -> None:
    within = LinkName("client>client")
    net = Network({within: Profile(delay=MS)}, seed=1)
    one = packet(1, target=Address("10.0.1.2"))

    net.receive(one, START)

    assert set(net.profiles()) == {THERE, BACK, within}
    assert arrivals(drain(net)) == [(MS, one)]


def test_every_pair_of_three_roles_has_a_link() -> None:
    net = Network({}, roles={"a": "10.0.1.0/24", "b": "10.0.2.0/24", "c": "10.0.3.0/24"}, seed=1)

    assert sorted(net.queue_lengths()) == ["a>b", "a>c", "b>a", "b>c", "c>a", "c>b"]


@pytest.mark.parametrize("source", ["10.0.2.9", "10.9.9.9", "nonsense"])
def test_a_source_outside_of_the_senders_prefix_is_refused(source: str) -> None:
    spoofed = packet(1, source=Address(source))

    output = network().receive(spoofed, START, "client")

    assert output == Output((), (PacketDiscarded(spoofed, "spoofed_source"),))


def test_a_sender_who_has_no_role_may_send_nothing() -> None:
    assert network().receive(packet(1), START, "guest").events == (PacketDiscarded(packet(1), "spoofed_source"),)


def test_the_rightful_sender_and_one_whom_nobody_knows_may_send() -> None:
    assert network().receive(packet(1), START, "client").packets
    assert network().receive(packet(1), START).packets


def test_packets_that_are_refused_do_not_count_on_the_link() -> None:
    net = network(Profile(drop_list=frozenset({1})))

    net.receive(packet(1), START, "server")
    net.receive(packet(2), Instant(3 * MINUTE))
    assert net.packet_counts()[THERE] == 0
    output = net.receive(packet(3, born=3 * MINUTE), Instant(3 * MINUTE))

    assert output.events == [PacketDropped(packet(3, born=3 * MINUTE), THERE, "list", "droplist")]
    assert net.packet_counts() == {THERE: 1, BACK: 0}


def test_whatever_sources_are_claimed_memory_stays_bounded() -> None:
    net = network()

    tracemalloc.start()
    try:
        for number in range(40_000):
            stranger = packet(1, source=Address(f"172.16.{number // 256}.{number % 256}"))
            assert not net.receive(stranger, START, "client").packets
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 8_000_000  # all of them, remembered, take 12 MB
    assert net.receive(packet(1), START, "client").packets


# --- what cannot be --------------------------------------------------------------------------------------------------


def test_a_profile_for_a_link_that_cannot_be_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="link 'client>sever' joins no two roles; there may be client>server, "):
        Network({LinkName("client>sever"): Profile()}, seed=1)


def test_setting_a_link_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="there is no link 'a>b'; there are client>server, server>client"):
        network().set(LinkName("a>b"), Profile())


@pytest.mark.parametrize("lifetime", [0, -1])
def test_a_lifetime_must_be_above_zero(lifetime: int) -> None:
    with pytest.raises(ValueError, match=f"lifetime must be above 0, or None for no bound; it is {lifetime}"):
        network(lifetime=Duration(lifetime))


# --- without anybody who observes ------------------------------------------------------------------------------------


def test_a_quiet_network_tells_only_what_is_out_of_the_ordinary() -> None:
    told, quiet = network(Profile(delay=MS, limit=2)), network(Profile(delay=MS, limit=2))
    quiet.keep_quiet()

    for number in (1, 2, 3):
        told.receive(packet(number), START)
        came = quiet.receive(packet(number), START)
    left, silent = told.advance(Instant(MS)), quiet.advance(Instant(MS))

    assert list(came.events) == [PacketDropped(packet(3), THERE, "limit", "limit")]
    assert list(silent.packets) == list(left.packets) == [packet(1), packet(2)]
    assert [type(event) for event in left.events] == [PacketForwarded, PacketForwarded]
    assert list(silent.events) == []
