"""What a link does with marks, damage, reordering, slots and traces, at exact times."""

from dataclasses import replace

import pytest

from tcplab.netem.events import (
    PacketCorrupted,
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketMarked,
    PacketReordered,
)
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Packet, PacketDiscarded
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant
from tcplab.wire.octets import encode
from tests.netem.packets import CLIENT, SERVER, THERE, arrivals, events, network, of, packet, send_all
from tests.support.tcp import Recorder

MS = MILLISECOND
FILES = {"rate.txt": "1\n1\n4\n", "delay.txt": "2 10\n3 20\n"}


def parsed(text: str) -> Profile:
    return Profile.parse(text, FILES.__getitem__)


def row(count: int, every: int = MS, payload: bytes = b"") -> list[Packet]:
    return [packet(n, born=n * every, payload=payload) for n in range(count)]


# --- marks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ecn", [1, 2, 3])
def test_a_packet_of_an_ecn_capable_transport_is_marked_instead_of_lost(ecn: int) -> None:
    one = replace(packet(1), ecn=ecn)

    told = events(send_all(network(parsed("loss 100% ecn")), [one]))

    marked = replace(one, ecn=3)
    assert [type(event) for event in told] == [PacketMarked, PacketForwarded]
    assert isinstance(told[0], PacketMarked)
    assert (told[0].packet, told[0].rule, told[0].draw is None) == (marked, "loss", False)
    assert told[1] == PacketForwarded(marked, THERE, Duration(0))


def test_a_packet_of_another_transport_is_lost_all_the_same() -> None:
    outputs = send_all(network(parsed("loss 100% ecn")), [packet(1)])

    assert [event.reason for event in of(outputs, PacketDropped)] == ["loss"]


def test_a_mark_does_not_save_from_the_drop_list_or_the_limit() -> None:
    profile = parsed("loss 100% ecn delay 1ms limit 1 droplist 1")
    capable = [replace(packet(n), ecn=2) for n in (1, 2, 3)]

    outputs = send_all(network(profile), capable)

    assert [(event.packet.id, event.reason) for event in of(outputs, PacketDropped)] == [(1, "list"), (3, "limit")]


def test_where_a_mark_and_a_duplication_strike_both_go_on_marked() -> None:
    one = replace(packet(1), ecn=2)

    outputs = send_all(network(parsed("loss 100% ecn duplicate 100%")), [one])

    assert arrivals(outputs) == [(START, replace(one, ecn=3, copy=1)), (START, replace(one, ecn=3))]


def test_verdicts_name_the_model_that_lost_the_packet() -> None:
    for text, rule in (
        ("loss state 100% 0%", "state"),
        ("loss gemodel 0% 100% 100% 100%", "gemodel"),
        ("loss burst 50% 1", "burst"),
        ("loss 100% 10%", "loss"),
    ):
        outputs = send_all(network(parsed(text)), row(20))
        assert {event.rule for event in of(outputs, PacketDropped)} == {rule}


# --- damage ----------------------------------------------------------------------------------------------------------


def test_a_corrupted_packet_differs_by_the_bit_that_is_told() -> None:
    one = packet(1, payload=b"hello")

    outputs = send_all(network(parsed("corrupt 100%")), [one])

    (told,) = of(outputs, PacketCorrupted)
    ((_, arrived),) = arrivals(outputs)
    assert told.packet == arrived
    assert (told.rule, told.draw is None) == ("corrupt", False)
    assert arrived.octets is not None
    intact = int.from_bytes(encode(one.segment, CLIENT, SERVER), "big")
    length = 8 * len(arrived.octets)
    assert intact ^ int.from_bytes(arrived.octets, "big") == 1 << length - 1 - told.bit
    assert replace(arrived, octets=None) == one


def test_a_host_verifies_the_checksum_of_a_corrupted_packet_and_discards_it() -> None:
    ((_, arrived),) = arrivals(send_all(network(parsed("corrupt 100%")), [packet(1)]))

    output = Host(SERVER, Recorder(), isn_key=b"server").receive(arrived, START)

    assert output.events == (PacketDiscarded(arrived, "bad_checksum"),)
    assert not output.packets


def test_the_copy_was_made_before_the_damage() -> None:
    outputs = send_all(network(parsed("corrupt 100% copylist 1:1ms")), [packet(1)])

    assert [each.octets is None for _, each in arrivals(outputs)] == [False, True]


def test_what_is_lost_is_not_damaged_first() -> None:
    assert not of(send_all(network(parsed("corrupt 100% loss 100%")), [packet(1)]), PacketCorrupted)


def test_a_damaged_packet_of_which_nothing_is_left_passes() -> None:
    nothing = replace(packet(1), octets=b"")

    assert arrivals(send_all(network(parsed("corrupt 100%")), [nothing])) == [(START, nothing)]


# --- reordering ------------------------------------------------------------------------------------------------------


def test_after_the_gap_a_packet_is_sent_at_once_ahead_of_all() -> None:
    outputs = send_all(network(parsed("delay 10ms reorder 100% gap 3")), row(6))

    assert [(time, each.id) for time, each in arrivals(outputs)] == [
        (2 * MS, 2), (5 * MS, 5), (10 * MS, 0), (11 * MS, 1), (13 * MS, 3), (14 * MS, 4)
    ]  # fmt: skip
    assert [(event.packet.id, event.rule) for event in of(outputs, PacketReordered)] == [(2, "reorder"), (5, "reorder")]


def test_what_is_sent_at_once_passes_even_what_is_due_but_was_not_fetched() -> None:
    net, one, two = network(parsed("delay 1ms reorder 100% gap 2")), packet(1), packet(2)
    net.receive(one, START)

    taken = net.receive(two, Instant(5 * MS))

    assert taken.packets == [two]
    assert [type(event) for event in taken.events] == [PacketForwarded]
    assert net.advance(Instant(5 * MS)).packets == [one]


def test_what_is_sent_at_once_does_not_wait_for_the_line_and_does_not_hold_it_up() -> None:
    net = network(parsed("delay 1ms reorder 100% gap 2 rate 320kbit"))  # 40 octets take 1 ms

    outputs = send_all(net, [packet(n) for n in range(4)])

    assert [(time, each.id) for time, each in arrivals(outputs)] == [(0, 1), (0, 3), (2 * MS, 0), (3 * MS, 2)]


def test_the_limit_holds_for_what_would_be_sent_at_once() -> None:
    outputs = send_all(network(parsed("delay 10ms reorder 100% gap 2 limit 1")), row(2))

    assert [(event.packet.id, event.reason) for event in of(outputs, PacketDropped)] == [(1, "limit")]


# --- rate ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate", "took"),
    [
        ("320kbit", 1_000_000),  # 40 octets
        ("320kbit 40", 2_000_000),
        ("320kbit -20", 500_000),
        ("320kbit -60", 0),
        ("320kbit 0 48", 1_200_000),  # one cell, filled up
        ("320kbit 14 48 5", 2_650_000),  # two cells of 53
    ],
)
def test_overheads_and_cells_are_counted_on_the_line(rate: str, took: int) -> None:
    outputs = send_all(network(parsed(f"rate {rate}")), [packet(1)])

    assert [time for time, _ in arrivals(outputs)] == [took]


# --- slots -----------------------------------------------------------------------------------------------------------


def test_packets_wait_for_their_slot_and_it_is_told() -> None:
    outputs = send_all(network(parsed("slot 10ms")), row(3, every=4 * MS))

    assert [(time, each.id) for time, each in arrivals(outputs)] == [(10 * MS, 0), (10 * MS, 1), (10 * MS, 2)]
    assert [(event.rule, event.delay) for event in of(outputs, PacketDelayed)] == [
        ("slot", 10 * MS), ("slot", 6 * MS), ("slot", 2 * MS)
    ]  # fmt: skip


def test_delayed_packets_pass_the_slots_in_the_order_in_which_they_are_ready() -> None:
    # The first is held back: the others are ready before it, and take the slots before it.
    outputs = send_all(network(parsed("delay 5ms slot 10ms packets 1 delaylist 1:1ms")), [packet(n) for n in range(3)])

    assert [(time, each.id) for time, each in arrivals(outputs)] == [(15 * MS, 1), (25 * MS, 2), (35 * MS, 0)]
    assert [event.rule for event in of(outputs, PacketDelayed)] == [
        "delaylist",
        "delay",
        "delay",
        "slot",
        "slot",
        "slot",
    ]


def test_packets_that_were_ready_when_slots_were_switched_off_keep_their_time() -> None:
    net = network(parsed("delay 5ms slot 10ms"))
    net.receive(packet(1), START)
    net.set(THERE, parsed("delay 5ms"))

    assert net.advance(Instant(5 * MS)).packets == [packet(1)]
    assert net.queue_lengths()[THERE] == 0


# --- traces ----------------------------------------------------------------------------------------------------------


def test_a_rate_trace_delivers_at_its_opportunities_and_begins_anew() -> None:
    full = bytes(1_460)  # 1,500 octets, and 4 of Mahimahi's: one opportunity
    packets = [packet(n, born=SECOND, payload=full) for n in range(7)]

    outputs = send_all(network(parsed("trace rate rate.txt")), packets)

    assert [time - SECOND for time, _ in arrivals(outputs)] == [1 * MS, 1 * MS, 4 * MS, 5 * MS, 5 * MS, 8 * MS, 9 * MS]


def test_small_packets_share_an_opportunity_and_one_that_nobody_uses_is_lost() -> None:
    packets = [packet(n) for n in range(35)] + [packet(99, born=4 * MS + 1)]  # 44 of 1,504 octets each: 34 at a time

    times = [time for time, _ in arrivals(send_all(network(parsed("trace rate rate.txt")), packets))]

    assert times == [*[1 * MS] * 35, 5 * MS]


def test_a_large_packet_takes_several_opportunities() -> None:
    outputs = send_all(network(parsed("trace rate rate.txt")), [packet(1, payload=bytes(4_000)), packet(2)])

    assert [time for time, _ in arrivals(outputs)] == [4 * MS, 4 * MS]


def test_a_delay_trace_adds_to_the_delay() -> None:
    outputs = send_all(network(parsed("trace delay delay.txt delay 1ms")), row(7))

    assert [time for time, _ in arrivals(outputs)] == [n * MS for n in (11, 12, 16, 17, 23, 24, 25)]


def test_a_trace_goes_on_when_another_clause_changes() -> None:
    net = network(parsed("trace delay delay.txt"))
    net.receive(packet(1), START)
    net.set(THERE, parsed("trace delay delay.txt limit 7"))

    (told,) = net.receive(packet(2), Instant(2 * MS)).events

    assert isinstance(told, PacketDelayed)
    assert told.delay == 20 * MS


# --- what stays, and what begins anew --------------------------------------------------------------------------------


def lost(net: Network, packets: list[Packet]) -> list[int]:
    return [each.id for each in packets if not net.receive(each, each.born).packets]


def test_a_burst_goes_on_when_another_clause_changes() -> None:
    packets, profile = row(2_000), "loss burst 30% 8"
    whole = lost(network(parsed(profile)), packets)
    net = network(parsed(profile))

    parts = lost(net, packets[:1_000])
    net.set(THERE, parsed(f"{profile} duplicate 0.001% corrupt 50%"))
    parts += lost(net, packets[1_000:])

    assert parts == whole


def test_a_profile_may_bring_a_seed_of_its_own() -> None:
    packets = row(500)

    def run(seed: int, text: str) -> list[int]:
        return lost(Network({THERE: parsed(text)}, seed=seed), packets)

    assert run(1, "loss 50% seed 9") == run(2, "loss 50% seed 9") == run(9, "loss 50%") != run(1, "loss 50%")


def test_copies_have_chains_of_their_own() -> None:
    packets, profile = row(2_000), "loss burst 30% 8"
    without = set(lost(network(parsed(profile)), packets))
    net = network(parsed(f"{profile} duplicate 30%"))
    outputs = [net.receive(each, each.born) for each in packets]

    told = [event for output in outputs for event in output.events]
    dropped = {each.packet.id for each in told if isinstance(each, PacketDropped) and not each.packet.copy}
    doubled = {each.packet.id for each in told if isinstance(each, PacketDuplicated)}
    assert dropped <= without, "no packet is lost that would not have been"
    assert not doubled & without
    assert len(without - dropped) > 100, "what struck both went on"
