"""What faults that understand TCP do to segments, one by one and to whole connections."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from tcplab.netem.configuration import Configuration
from tcplab.netem.events import (
    PacketCorrupted,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketHeld,
    PacketMarked,
)
from tcplab.netem.gate import HELD_LIMIT, LAST_PATIENCE
from tcplab.netem.network import Network
from tcplab.netem.notices import FaultHealed, TimelineFired
from tcplab.netem.profile import Profile
from tcplab.node import NOTHING, Event, Packet, PacketReceived, PacketSent
from tcplab.tcp.events import Retransmitted, StateChanged
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, START, Instant
from tests.netem.dialogue import converse, handshake, segment
from tests.netem.packets import THERE, drain, network

MS = MILLISECOND
DATA = segment("A", 100, 500, b"first")
MORE = segment("A", 105, 500, b"second")
FIN = segment("FA", 111, 500)
ACK = segment("A", 500, 111, back=True)


def configured(text: str, net: Network | None = None) -> Network:
    net = net or network()
    net.configure(Configuration.parse(text, START, 1), START)
    return net


def passing(net: Network, packets: Iterable[Packet], now: int = 0) -> list[Packet]:
    return [out for each in packets for out in net.receive(each, Instant(now)).packets]


def lost(text: str, *packets: Packet) -> list[int]:
    """Return which of the packets, counted from 1, these faults drop."""
    net = configured(text)
    return [n for n, each in enumerate(packets, start=1) if not net.receive(each, START).packets]


def events(net: Network, packet: Packet, now: int = 0) -> list[Event]:
    return list(net.receive(packet, Instant(now)).events)


# --- which -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("drop fin", [1, 2, 3, 4]),
        ("drop 2nd fin", [2]),
        ("drop first 2 fin", [1, 2]),
        ("drop 2nd fin of each connection", [2, 4]),
        ("drop first 1 fin of each connection", [1, 3]),
        ("drop retransmitted fin", [2, 4]),
        ("drop 1st retransmission", [2]),
    ],
)
def test_occurrences_are_counted_overall_or_by_connection(text: str, places: list[int]) -> None:
    other = segment("FA", 111, 500, port=50_000)

    assert lost(text, FIN, FIN, other, other) == places


def test_each_fault_counts_what_comes_whatever_the_others_do() -> None:
    assert lost("drop 1st fin as a\ndrop 2nd fin as b", FIN, FIN, FIN) == [1, 2]

    net = configured("blackhole client>* as hole\ndrop 2nd fin as b")
    told = [event for _ in range(3) for event in events(net, FIN)]

    assert [event.rule for event in told if isinstance(event, PacketDropped)] == ["hole", "hole", "hole"]
    assert net.faults_done()["b"].acted == 1


def test_a_share_is_drawn_for_each_by_itself() -> None:
    fins = [FIN] * 2_000
    few, many = lost("drop 10% of fin as x", *fins), lost("drop 50% of fin as x", *fins)

    assert len(few) == pytest.approx(200, abs=50)
    assert set(few) < set(many)
    assert lost("drop 10% of fin as x\nblackhole server>*", *fins) == few


def test_the_draw_that_decided_is_told() -> None:
    net = configured("drop 50% of fin as x")
    told = [event for _ in range(100) for event in events(net, FIN)]

    drops = [event for event in told if isinstance(event, PacketDropped)]
    assert {drop.rule for drop in drops} == {"x"}
    assert all(drop.draw is not None and drop.draw < 0.5 for drop in drops)
    assert net.faults_done()["x"] == (100, len(drops))


def test_a_share_is_told_with_what_was_asked_and_its_bounds() -> None:
    net = configured("drop 50% of fin as some\ndrop syn as all\ndrop 1st rst as none")
    passing(net, [FIN] * 400)
    passing(net, handshake()[:1] * 3)

    some, everything, none = net.faults_realised().values()
    assert (some.rule, some.measure, some.requested, some.n) == ("some", "drop", 0.5, 400)
    assert some.realised == some.touched / 400
    assert some.low is not None
    assert some.high is not None
    assert some.low < 0.5 < some.high
    assert str(some).startswith("drop: asked for 50%, gave ")
    assert str(everything) == "drop: gave 100%, 3 of 3 segments"
    assert str(none) == "drop: has touched no segment of 0"


def test_the_second_fin_of_a_host_is_its_first_again_and_is_lost_alone() -> None:
    fin = segment("FA", 500, 112, back=True)

    assert lost("drop the 2nd FIN from the server", FIN, fin, fin, fin) == [3]


def test_the_ack_of_the_fin_is_not_the_fin_nor_an_ack_before_it() -> None:
    before, of_it = segment("A", 500, 111, back=True), segment("A", 500, 112, back=True)

    assert lost("drop the ACK of the FIN", before, FIN, before, of_it, of_it) == [4]


# --- damage, marks, copies -------------------------------------------------------------------------------------------


def test_a_corrupted_segment_goes_on_with_a_bit_flipped() -> None:
    net = configured("corrupt data as x")

    corrupted, forwarded = events(net, DATA)

    assert isinstance(corrupted, PacketCorrupted)
    assert isinstance(forwarded, PacketForwarded)
    assert (corrupted.rule, corrupted.packet.segment) == ("x", DATA.segment)
    assert corrupted.packet.octets is not None
    assert forwarded.packet == corrupted.packet


def test_a_mark_is_for_those_who_understand_it() -> None:
    net = configured("mark data as x")
    capable = replace(DATA, ecn=2)

    marked, forwarded = events(net, capable)

    assert marked == PacketMarked(replace(capable, ecn=3), THERE, "x")
    assert isinstance(forwarded, PacketForwarded)
    assert forwarded.packet.ecn == 3
    assert [type(event) for event in events(net, DATA)] == [PacketForwarded]
    assert net.faults_done()["x"] == (1, 1)


def test_copies_have_numbers_of_their_own_and_pass_the_link_by_themselves() -> None:
    net = configured("duplicate data 2 times as x", network(Profile(duplicate=1)))

    told = events(net, DATA)

    copies = [event.packet.copy for event in told if isinstance(event, PacketDuplicated)]
    assert len(copies) == 5  # two by the fault, and one by the link of each of the three
    assert len(set(copies)) == 5
    assert [event.rule for event in told if isinstance(event, PacketDuplicated)].count("x") == 2


def test_who_drops_comes_before_who_does_something_else() -> None:
    net = configured("corrupt data as a\nduplicate data as b\nhold data for 1s as c\ndrop data as d")

    assert events(net, DATA) == [PacketDropped(DATA, THERE, "fault", "d")]


# --- holding ---------------------------------------------------------------------------------------------------------


def test_what_is_held_for_a_time_goes_on_then_and_not_before() -> None:
    net = configured("hold data for 5ms as x")

    assert events(net, DATA) == [PacketHeld(DATA, THERE, "x")]
    assert net.queue_lengths()[THERE] == 1
    assert net.deadline() == 5 * MS
    assert net.advance(START + 5 * MS - 1) == NOTHING
    assert net.advance(Instant(5 * MS)).packets == [DATA]
    assert net.queue_lengths()[THERE] == 0
    assert net.deadline() is None


def test_what_is_let_go_takes_its_link_from_there() -> None:
    net = configured("hold data for 5ms", network(Profile(delay=3 * MS)))
    net.receive(DATA, START)

    assert [time for time, output in drain(net) for _ in output.packets] == [8 * MS]


def test_the_first_that_would_hold_does() -> None:
    net = configured("hold data for 5ms as a\nhold data for 1ms as b")

    assert events(net, DATA) == [PacketHeld(DATA, THERE, "a")]
    assert net.deadline() == 5 * MS


def test_what_awaits_a_segment_goes_on_after_it_and_only_that_of_its_connection() -> None:
    net = configured("hold data until fin")
    other = segment("FA", 111, 500, port=50_000)

    assert passing(net, [DATA, other, MORE, ACK, FIN]) == [other, ACK, FIN, DATA, MORE]


def test_what_awaits_a_segment_may_wait_on_after_it() -> None:
    net = configured("hold data until 300ms after ack from server")

    assert passing(net, [DATA, FIN]) == [FIN]
    assert passing(net, [ACK], 10 * MS) == [ACK]
    assert net.deadline() == 310 * MS
    assert net.advance(Instant(310 * MS)).packets == [DATA]


def test_what_is_held_goes_on_when_the_fault_heals_and_what_grew_too_old_is_lost() -> None:
    net = configured("hold data until fin as x for 1s")
    net.receive(DATA, START)

    healed = net.advance(Instant(SECOND))

    assert healed.packets == [DATA]
    assert healed.events[0] == FaultHealed("x", "lease")
    net = configured("hold data until fin as x", network(lifetime=SECOND))
    net.receive(DATA, START)
    assert net.deadline() == SECOND + 1
    assert net.advance(START + SECOND + 1).events == [PacketDropped(DATA, THERE, "expired", "x")]
    assert net.queue_lengths()[THERE] == 0


def test_a_fault_that_goes_on_in_the_next_configuration_keeps_what_it_holds() -> None:
    net = configured("hold data until fin as x")
    net.receive(DATA, START)

    assert configured("hold data until fin as x\nblackhole server>*", net).queue_lengths()[THERE] == 1
    assert net.configure(Configuration(2), START).packets == [DATA]


def test_no_fault_holds_more_than_so_many() -> None:
    net = configured("hold data until fin as x")
    for _ in range(HELD_LIMIT):
        assert events(net, DATA) == [PacketHeld(DATA, THERE, "x")]

    assert events(net, DATA) == [PacketDropped(DATA, THERE, "limit", "x")]
    assert len(passing(net, [FIN])) == HELD_LIMIT + 1


# --- the last data ---------------------------------------------------------------------------------------------------


def test_data_waits_until_more_comes_or_the_fin_shows_that_it_was_the_last() -> None:
    net = configured("drop last data as x")

    assert events(net, DATA) == [PacketHeld(DATA, THERE, "x")]
    assert passing(net, [MORE]) == [DATA]
    told = events(net, FIN)

    assert told[0] == PacketDropped(MORE, THERE, "fault", "x")
    assert [type(event) for event in told[1:]] == [PacketForwarded]
    assert net.queue_lengths()[THERE] == 0


def test_whoever_waits_too_long_for_either_is_not_the_last() -> None:
    net = configured("drop last data as x")
    net.receive(DATA, START)

    assert net.deadline() == LAST_PATIENCE
    assert net.advance(Instant(LAST_PATIENCE)).packets == [DATA]
    assert passing(net, [segment("FA", 105, 500)], LAST_PATIENCE) == [segment("FA", 105, 500)]


def test_a_fin_beyond_a_hole_does_not_follow_the_data_before_the_hole() -> None:
    net = configured("drop last data as x")
    net.receive(DATA, START)

    assert passing(net, [FIN]) == [DATA, FIN]


def test_data_that_brings_the_fin_along_is_the_last() -> None:
    net = configured("drop last data as x")
    both = segment("FA", 105, 500, b"last")
    net.receive(DATA, START)

    assert passing(net, [both]) == [DATA]
    assert passing(net, [both]) == [both]  # sent again


def test_a_retransmission_tells_nothing_and_a_reset_everything() -> None:
    net = configured("drop last data as x")
    net.receive(DATA, START)
    net.receive(MORE, START)

    assert passing(net, [DATA]) == [DATA]
    assert passing(net, [segment("R", 111)]) == [MORE, segment("R", 111)]


def test_the_last_data_may_be_held_until_after_the_very_fin_that_shows_it() -> None:
    net = configured("hold last data from client until 300ms after fin")

    assert passing(net, [DATA, MORE, FIN]) == [DATA, FIN]
    assert net.deadline() == 300 * MS
    assert net.advance(Instant(300 * MS)).packets == [MORE]


def test_the_last_data_may_be_copied_damaged_and_marked() -> None:
    net = configured("duplicate last data as a\n")
    assert [each.copy for each in passing(net, [DATA, MORE, FIN])] == [0, 0, 16, 0]
    net = configured("corrupt last data as a")
    assert [each.octets is None for each in passing(net, [DATA, MORE, FIN])] == [True, False, True]


# --- whole connections -----------------------------------------------------------------------------------------------


def kinds(journal_events: Iterable[PacketDropped]) -> list[str]:
    return [event.packet.segment.kind for event in journal_events]


def test_a_lost_ack_of_the_fin_is_answered_from_time_wait_when_the_fin_comes_again() -> None:
    journal, network = converse("drop 1st ack from client while client in TIME_WAIT as lost")

    assert kinds(record.event for record in journal.of(PacketDropped)) == ["ack"]
    (again,) = journal.of(Retransmitted, "server")
    acks = [r for r in journal.of(PacketSent, "client") if r.time > again.time and r.event.packet.segment.kind == "ack"]
    assert len(acks) == 1
    assert network.faults_done()["lost"].acted == 1


def test_the_second_syn_and_ack_is_lost_too() -> None:
    journal, _ = converse("drop first 2 syn+ack from server")

    assert kinds(record.event for record in journal.of(PacketDropped)) == ["syn_ack", "syn_ack"]


def test_the_fin_overtakes_the_last_data() -> None:
    journal, _ = converse("hold last data from client until 300ms after fin", request=1_000, rest=500)

    arrived = [record.event.packet.segment.kind for record in journal.of(PacketReceived, "server")]
    assert arrived[:5] == ["syn", "ack", "data", "ack", "fin"]
    assert arrived.count("data") == 2


def test_a_timeline_waits_for_states_that_come_at_the_door_and_on_the_way_out() -> None:
    text = (
        "when server enters CLOSE_WAIT: blackhole server>client as hole for 3s\nwhen server enters LAST_ACK: heal hole"
    )
    journal, _ = converse(text)

    close_wait = next(r for r in journal.of(StateChanged, "server") if r.event.new is State.CLOSE_WAIT)
    first, second = journal.of(TimelineFired)
    assert (first.time, first.event.entry) == (close_wait.time, text.splitlines()[0])
    assert second.event.entry == text.splitlines()[1]
    assert len(journal.of(PacketDropped)) >= 1


def test_a_state_that_is_entered_on_the_way_out_of_a_queue_fires_as_well() -> None:
    net = configured("when client enters ESTABLISHED: blackhole *>* as hole", network(Profile(delay=MS)))
    syn, answer, _ = handshake()

    told = [*events(net, syn), *events(net, answer)]
    fired = [event for _, output in drain(net) for event in output.events]

    assert any(isinstance(event, TimelineFired) for event in [*told, *fired])
    assert [fault.name for fault in net.faults()] == ["hole"]
