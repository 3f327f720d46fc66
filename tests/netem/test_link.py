"""What a link does to each packet, at exact times."""

from dataclasses import replace
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.events import (
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketReordered,
)
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import NOTHING, Output
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant
from tests.netem.packets import (
    BACK,
    CLIENT,
    PERFECT,
    SERVER,
    THERE,
    arrivals,
    drain,
    events,
    network,
    of,
    packet,
    send_all,
)

MS = MILLISECOND


# --- delay and queue -------------------------------------------------------------------------------------------------


def test_a_perfect_link_passes_a_packet_on_at_once() -> None:
    one = packet()

    output = network().receive(one, START)

    assert output == Output([one], [PacketForwarded(one, THERE, Duration(0))])


def test_a_delayed_packet_leaves_at_its_time_and_not_before() -> None:
    net, one = network(Profile(delay=MS)), packet()

    taken = net.receive(one, START)

    assert list(taken.events) == [PacketDelayed(one, THERE, MS, "delay")]
    assert not taken.packets
    assert net.deadline() == MS
    assert net.queue_lengths() == {THERE: 1, BACK: 0}
    assert net.advance(START + MS - 1) == NOTHING
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
        PacketForwarded(one, THERE, 3 * MS),
        PacketForwarded(two, THERE, 3 * MS - 5),
    ]


def test_the_delay_counts_from_when_the_packet_came_in_not_from_its_birth() -> None:
    net, one = network(Profile(delay=MS)), packet(1)
    net.receive(one, Instant(SECOND))

    assert drain(net)[0][1].events == [PacketForwarded(one, THERE, MS)]


def test_each_direction_has_a_delay_of_its_own() -> None:
    net = Network({THERE: Profile(delay=MS), BACK: Profile(delay=3 * MS)}, seed=1)
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

    assert of(outputs, PacketDropped) == [PacketDropped(packets[2], THERE, "limit", "limit")]
    assert arrivals(outputs) == [(MS, packets[0]), (MS, packets[1]), (2 * MS, packets[3])]


# --- rate ------------------------------------------------------------------------------------------------------------


def test_packets_pass_a_slow_line_one_after_the_other_behind_the_delay() -> None:
    # 40 octets at 320 kbit/s take 1 ms, 1,500 octets 37.5 ms
    net = network(Profile(delay=5 * MS, rate=320_000))
    packets = [packet(1), packet(2, payload=b"x" * 1460), packet(3, born=MS), packet(4, born=100 * MS)]

    outputs = send_all(net, packets)

    assert [time for time, _ in arrivals(outputs)] == [6 * MS, 43_500_000, 44_500_000, 106 * MS]


def test_jitter_reorders_nothing_on_a_line_with_a_rate() -> None:
    net = network(Profile(delay=50 * MS, jitter=50 * MS, rate=10_000_000))

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
    assert of(outputs, PacketDropped) == [PacketDropped(packets[n], THERE, "list", "droplist") for n in (0, 2)]


def test_a_packet_on_the_delay_list_is_overtaken_and_the_overtaking_is_told() -> None:
    net = network(Profile(delay=MS, delay_list={1: 10 * MS}))
    late, early = packet(1), packet(2, born=MS)

    outputs = send_all(net, [late, early])

    assert events(outputs) == [
        PacketDelayed(late, THERE, 11 * MS, "delaylist"),
        PacketDelayed(early, THERE, MS, "delay"),
        PacketReordered(early, THERE, "delay"),
        PacketForwarded(early, THERE, MS),
        PacketForwarded(late, THERE, 11 * MS),
    ]


def test_a_packet_held_back_by_the_list_does_not_hold_up_the_line() -> None:
    net = network(Profile(rate=320_000, delay_list={1: SECOND}))

    outputs = send_all(net, [packet(1), packet(2)])

    assert [(time, each.id) for time, each in arrivals(outputs)] == [(2 * MS, 2), (SECOND + MS, 1)]


def test_a_late_copy_follows_with_its_copy_number() -> None:
    net = network(Profile(delay=MS, copy_list={2: SECOND}))
    packets = [packet(n) for n in (1, 2, 3)]
    copy = replace(packets[1], copy=1)

    outputs = send_all(net, packets)

    assert arrivals(outputs) == [*((MS, each) for each in packets), (SECOND + MS, copy)]
    assert of(outputs, PacketDuplicated) == [PacketDuplicated(copy, THERE, "copylist")]
    assert not of(outputs, PacketReordered), "a copy did not come in: nobody overtakes it"
    assert of(outputs, PacketForwarded)[-1] == PacketForwarded(copy, THERE, SECOND + MS)


def test_a_late_copy_comes_even_of_a_dropped_packet() -> None:
    net = network(Profile(delay=MS, drop_list=frozenset({1}), delay_list={1: MS}, copy_list={1: SECOND}))

    outputs = send_all(net, [packet(1)])

    assert arrivals(outputs) == [(SECOND + 2 * MS, replace(packet(1), copy=1))]


def test_a_late_copy_needs_room_in_the_queue() -> None:
    net, one = network(Profile(delay=MS, limit=1, copy_list={1: SECOND})), packet(1)
    copy = replace(one, copy=1)

    outputs = send_all(net, [one])

    assert of(outputs, PacketDuplicated) == [PacketDuplicated(copy, THERE, "copylist")]
    assert of(outputs, PacketDropped) == [PacketDropped(copy, THERE, "limit", "limit")]


# --- chance, where it is certain -------------------------------------------------------------------------------------


def test_a_certain_loss_is_a_black_hole() -> None:
    outputs = send_all(network(Profile(delay=MS, loss=1.0)), [packet(n) for n in range(1_000)])

    assert not arrivals(outputs)
    assert len(of(outputs, PacketDropped)) == 1_000


def test_a_certain_duplicate_goes_through_all_that_the_packet_does_ahead_of_it() -> None:
    one = packet(1)
    copy = replace(one, copy=1)

    first, *others = events(send_all(network(Profile(delay=MS, duplicate=1.0)), [one]))

    assert isinstance(first, PacketDuplicated)
    assert (first.packet, first.rule, first.draw is None) == (copy, "duplicate", False)
    assert others == [
        PacketDelayed(copy, THERE, MS, "delay"),
        PacketDelayed(one, THERE, MS, "delay"),
        PacketForwarded(copy, THERE, MS),
        PacketForwarded(one, THERE, MS),
    ]


def test_where_loss_and_duplication_both_strike_one_packet_goes_on() -> None:
    outputs = send_all(network(Profile(loss=1.0, duplicate=1.0)), [packet(1)])

    assert events(outputs) == [PacketForwarded(packet(1), THERE, Duration(0))]


def test_what_is_on_the_drop_list_is_gone_whatever_chance_says() -> None:
    profile = Profile(loss=1.0, duplicate=1.0, drop_list=frozenset({1}))

    outputs = send_all(network(profile), [packet(1)])

    assert events(outputs) == [PacketDropped(packet(1), THERE, "list", "droplist")]


def test_a_random_and_a_late_copy_of_one_packet_have_numbers_of_their_own() -> None:
    outputs = send_all(network(Profile(duplicate=1.0, copy_list={1: MS})), [packet(1)])

    assert [each.copy for _, each in arrivals(outputs)] == [1, 0, 2]


def test_a_copy_takes_the_last_place_in_the_queue_before_the_packet_itself() -> None:
    one = packet(1)

    outputs = send_all(network(Profile(delay=MS, duplicate=1.0, limit=1)), [one])

    assert of(outputs, PacketDropped) == [PacketDropped(one, THERE, "limit", "limit")]


# --- changes while running -------------------------------------------------------------------------------------------


def test_a_new_profile_holds_from_the_next_packet_on() -> None:
    net = network(Profile(delay=10 * MS))
    net.receive(packet(1), START)

    net.set(THERE, Profile(delay=MS))
    output = net.receive(packet(2), START)

    assert output.events == [PacketDelayed(packet(2), THERE, MS, "delay"), PacketReordered(packet(2), THERE, "delay")]
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
