"""What the network does to each packet, at exact times."""

from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.events import (
    LinkName,
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketReordered,
)
from tcplab.netem.network import LIFETIME_DEFAULT, Network
from tcplab.netem.profile import Profile
from tcplab.node import NOTHING, Address, Output, PacketDiscarded
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Duration, Instant
from tests.netem.packets import BACK, CLIENT, SERVER, THERE, arrivals, drain, events, of, packet, send_all

MS = MILLISECOND
PERFECT = Profile()


def network(there: Profile = PERFECT, lifetime: Duration | None = LIFETIME_DEFAULT) -> Network:
    return Network({THERE: there}, seed=1, lifetime=lifetime)


# --- delay and queue -------------------------------------------------------------------------------------------------


def test_a_perfect_link_passes_a_packet_on_at_once() -> None:
    one = packet()

    output = network().receive(one, START)

    assert output == Output([one], [PacketForwarded(one, THERE, Duration(0))])


def test_a_delayed_packet_leaves_at_its_time_and_not_before() -> None:
    net, one = network(Profile(delay=MS)), packet()

    taken = net.receive(one, START)

    assert list(taken.events) == [PacketDelayed(one, THERE, MS)]
    assert not taken.packets
    assert net.deadline() == MS
    assert net.queue_lengths() == {THERE: 1, BACK: 0}
    assert net.advance(Instant(MS - 1)) == NOTHING
    assert net.advance(Instant(MS)) == Output([one], [PacketForwarded(one, THERE, MS)])
    assert net.deadline() is None
    assert net.queue_lengths() == {THERE: 0, BACK: 0}


def test_a_late_advance_says_how_long_the_packet_was_really_under_way() -> None:
    net, one, two = network(Profile(delay=MS)), packet(1), packet(2, born=5)
    net.receive(one, START)
    net.receive(two, Instant(5))

    output = net.advance(Instant(3 * MS))

    assert output.packets == [one, two]
    assert output.events == [
        PacketForwarded(one, THERE, Duration(3 * MS)),
        PacketForwarded(two, THERE, Duration(3 * MS - 5)),
    ]


def test_each_direction_has_a_delay_of_its_own() -> None:
    net = Network({THERE: Profile(delay=MS), BACK: Profile(delay=Duration(3 * MS))}, seed=1)
    net.receive(packet(1), START)
    net.receive(packet(2, source=SERVER, target=CLIENT), START)

    assert [(time, each.id) for time, each in arrivals(drain(net))] == [(MS, 1), (3 * MS, 2)]


def test_packets_that_leave_at_one_instant_keep_their_order() -> None:
    outputs = send_all(network(Profile(delay=MS)), [packet(n) for n in range(100)])

    assert [each.id for _, each in arrivals(outputs)] == list(range(100))


def test_a_packet_does_not_pass_one_that_is_due_but_was_not_yet_fetched() -> None:
    net, one, two = network(Profile(delay=MS)), packet(1), packet(2)
    net.receive(one, START)
    net.set(THERE, Profile())

    taken = net.receive(two, Instant(2 * MS))

    assert not taken.packets
    assert net.advance(Instant(2 * MS)).packets == [one, two]


def test_what_comes_on_top_of_the_limit_is_dropped_until_there_is_room() -> None:
    net = network(Profile(delay=MS, limit=2))
    packets = [packet(1), packet(2), packet(3), packet(4, born=MS)]

    outputs = send_all(net, packets)

    assert of(outputs, PacketDropped) == [PacketDropped(packets[2], THERE, "limit")]
    assert arrivals(outputs) == [(MS, packets[0]), (MS, packets[1]), (2 * MS, packets[3])]


# --- rate ------------------------------------------------------------------------------------------------------------


def test_packets_pass_a_slow_line_one_after_the_other_behind_the_delay() -> None:
    # 40 octets at 320 kbit/s take 1 ms, 1,500 octets 37.5 ms
    net = network(Profile(delay=Duration(5 * MS), rate=320_000))
    packets = [packet(1), packet(2, payload=b"x" * 1460), packet(3, born=MS), packet(4, born=100 * MS)]

    outputs = send_all(net, packets)

    assert [time for time, _ in arrivals(outputs)] == [6 * MS, 43_500_000, 44_500_000, 106 * MS]


def test_jitter_reorders_nothing_on_a_line_with_a_rate() -> None:
    net = network(Profile(delay=Duration(50 * MS), jitter=Duration(50 * MS), rate=10_000_000))

    outputs = send_all(net, [packet(n, born=n * MS) for n in range(200)])

    assert [each.id for _, each in arrivals(outputs)] == list(range(200))
    assert not of(outputs, PacketReordered)


# --- lists -----------------------------------------------------------------------------------------------------------


def test_the_drop_list_names_packets_by_their_place_on_the_link() -> None:
    net = network(Profile(drop_list=frozenset({1, 3})))
    net.receive(packet(99, source=SERVER, target=CLIENT), START)  # another link: not counted
    packets = [packet(n) for n in (11, 12, 13, 14)]

    outputs = send_all(net, packets)

    assert [each.id for _, each in arrivals(outputs)] == [12, 14]
    assert of(outputs, PacketDropped) == [PacketDropped(packets[n], THERE, "list") for n in (0, 2)]


def test_a_packet_on_the_delay_list_is_overtaken_and_the_overtaking_is_told() -> None:
    net = network(Profile(delay=MS, delay_list={1: Duration(10 * MS)}))
    late, early = packet(1), packet(2, born=MS)

    outputs = send_all(net, [late, early])

    assert events(outputs) == [
        PacketDelayed(late, THERE, Duration(11 * MS)),
        PacketDelayed(early, THERE, MS),
        PacketReordered(early, THERE),
        PacketForwarded(early, THERE, MS),
        PacketForwarded(late, THERE, Duration(11 * MS)),
    ]


def test_a_packet_held_back_by_the_list_does_not_hold_up_the_line() -> None:
    net = network(Profile(rate=320_000, delay_list={1: SECOND}))

    outputs = send_all(net, [packet(1), packet(2)])

    assert [(time, each.id) for time, each in arrivals(outputs)] == [(2 * MS, 2), (SECOND + MS, 1)]


def test_a_late_copy_follows_with_its_copy_number() -> None:
    net = network(Profile(delay=MS, copy_list={2: SECOND}))
    packets = [packet(n) for n in (1, 2, 3)]
    copy = packets[1]._replace(copy=1)

    outputs = send_all(net, packets)

    assert arrivals(outputs) == [*((MS, each) for each in packets), (SECOND + MS, copy)]
    assert of(outputs, PacketDuplicated) == [PacketDuplicated(copy, THERE)]
    assert not of(outputs, PacketReordered), "a copy did not come in: nobody overtakes it"
    assert of(outputs, PacketForwarded)[-1] == PacketForwarded(copy, THERE, Duration(SECOND + MS))


def test_a_late_copy_comes_even_of_a_dropped_packet() -> None:
    net = network(Profile(delay=MS, drop_list=frozenset({1}), delay_list={1: MS}, copy_list={1: SECOND}))

    outputs = send_all(net, [packet(1)])

    assert arrivals(outputs) == [(SECOND + 2 * MS, packet(1)._replace(copy=1))]


def test_a_late_copy_needs_room_in_the_queue() -> None:
    net, one = network(Profile(delay=MS, limit=1, copy_list={1: SECOND})), packet(1)
    copy = one._replace(copy=1)

    outputs = send_all(net, [one])

    assert of(outputs, PacketDuplicated) == [PacketDuplicated(copy, THERE)]
    assert of(outputs, PacketDropped) == [PacketDropped(copy, THERE, "limit")]


# --- chance, where it is certain -------------------------------------------------------------------------------------


def test_a_certain_loss_is_a_black_hole() -> None:
    outputs = send_all(network(Profile(delay=MS, loss=1.0)), [packet(n) for n in range(1_000)])

    assert not arrivals(outputs)
    assert len(of(outputs, PacketDropped)) == 1_000


def test_a_certain_duplicate_goes_through_all_that_the_packet_does_ahead_of_it() -> None:
    one = packet(1)
    copy = one._replace(copy=1)

    outputs = send_all(network(Profile(delay=MS, duplicate=1.0)), [one])

    assert events(outputs) == [
        PacketDuplicated(copy, THERE),
        PacketDelayed(copy, THERE, MS),
        PacketDelayed(one, THERE, MS),
        PacketForwarded(copy, THERE, MS),
        PacketForwarded(one, THERE, MS),
    ]


def test_where_loss_and_duplication_both_strike_one_packet_goes_on() -> None:
    outputs = send_all(network(Profile(loss=1.0, duplicate=1.0)), [packet(1)])

    assert events(outputs) == [PacketForwarded(packet(1), THERE, Duration(0))]


def test_what_is_on_the_drop_list_is_gone_whatever_chance_says() -> None:
    profile = Profile(loss=1.0, duplicate=1.0, drop_list=frozenset({1}))

    outputs = send_all(network(profile), [packet(1)])

    assert events(outputs) == [PacketDropped(packet(1), THERE, "list")]


def test_a_random_and_a_late_copy_of_one_packet_have_numbers_of_their_own() -> None:
    outputs = send_all(network(Profile(duplicate=1.0, copy_list={1: MS})), [packet(1)])

    assert [each.copy for _, each in arrivals(outputs)] == [1, 0, 2]


def test_a_copy_takes_the_last_place_in_the_queue_before_the_packet_itself() -> None:
    one = packet(1)

    outputs = send_all(network(Profile(delay=MS, duplicate=1.0, limit=1)), [one])

    assert of(outputs, PacketDropped) == [PacketDropped(one, THERE, "limit")]


# --- lifetime --------------------------------------------------------------------------------------------------------


def test_a_packet_lives_for_one_msl_and_not_a_nanosecond_longer() -> None:
    net = network()
    at_bound, beyond = Instant(2 * MINUTE), Instant(2 * MINUTE + 1)

    assert net.receive(packet(1), at_bound).packets
    assert net.receive(packet(1), beyond) == Output((), (PacketDropped(packet(1), THERE, "expired"),))


def test_a_packet_that_grew_too_old_in_the_queue_is_dropped_when_it_is_to_leave() -> None:
    net = network(Profile(delay=SECOND), lifetime=SECOND)
    old, young = packet(1), packet(2, born=1)

    net.receive(old, Instant(1))
    net.receive(young, Instant(1))

    assert net.advance(Instant(SECOND + 1)) == Output(
        [young], [PacketDropped(old, THERE, "expired"), PacketForwarded(young, THERE, SECOND)]
    )
    assert net.queue_lengths()[THERE] == 0


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

    assert output.events == [PacketDropped(packet(3, born=3 * MINUTE), THERE, "list")]
    assert net.packet_counts() == {THERE: 1, BACK: 0}


def test_more_claimed_sources_than_are_remembered_do_no_harm() -> None:
    net = network()

    for number in range(70_000):
        stranger = packet(1, source=Address(f"172.{16 + number // 65_536}.{number // 256 % 256}.{number % 256}"))
        assert not net.receive(stranger, START, "client").packets

    assert net.receive(packet(1), START, "client").packets


# --- changes while running -------------------------------------------------------------------------------------------


def test_a_new_profile_holds_from_the_next_packet_on() -> None:
    net = network(Profile(delay=Duration(10 * MS)))
    net.receive(packet(1), START)

    net.set(THERE, Profile(delay=MS))
    output = net.receive(packet(2), START)

    assert output.events == [PacketDelayed(packet(2), THERE, MS), PacketReordered(packet(2), THERE)]
    assert [(time, each.id) for time, each in arrivals(drain(net))] == [(MS, 2), (10 * MS, 1)]
    assert net.profiles()[THERE] == Profile(delay=MS)


def test_setting_the_same_profile_again_changes_nothing() -> None:
    profile = Profile(
        delay=MS, jitter=MS, loss=0.3, duplicate=0.3, rate=1_000_000, drop_list=frozenset({50}), copy_list={60: MS}
    )
    packets = [packet(n, born=n * 1000) for n in range(100)]
    left_alone, set_again = network(profile), network(profile)

    expected = [left_alone.receive(each, each.born) for each in packets]
    outputs = []
    for each in packets:
        set_again.set(THERE, replace(profile))
        outputs.append(set_again.receive(each, each.born))

    assert outputs == expected


@given(
    delays=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    limit=st.integers(1, 6),
    gaps=st.lists(st.integers(0, 2), max_size=40),
)
def test_a_link_that_only_delays_takes_a_short_way_to_the_same_outcome(
    delays: list[int], limit: int, gaps: list[int]
) -> None:
    packets = [packet(n, born=born) for n, born in enumerate(accumulate(gaps))]
    beyond_all = frozenset({len(packets) + 1})  # changes nothing, but is not plain delay

    def run(drop_list: frozenset[int]) -> list[tuple[Instant, Output]]:
        net = network(PERFECT, lifetime=Duration(4))
        outputs = []
        for n, each in enumerate(packets):
            profile = Profile(delay=Duration(delays[n % len(delays)]), limit=limit, drop_list=drop_list)
            net.set(THERE, profile)
            outputs.append((each.born, net.receive(each, each.born)))
            if n % 3 == 0:
                outputs.append((each.born, net.advance(each.born)))
        last = packets[-1].born if packets else START
        return [*outputs, (last, net.advance(last)), *drain(net)]

    short, long = run(frozenset()), run(beyond_all)

    assert (arrivals(short), events(short)) == (arrivals(long), events(long))


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
