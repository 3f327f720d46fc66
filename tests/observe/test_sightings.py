from collections import Counter
from dataclasses import replace

import pytest

from tcplab.netem.events import (
    LinkName,
    PacketCorrupted,
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketHeld,
    PacketMarked,
    PacketReordered,
)
from tcplab.node import Event, PacketDiscarded, PacketReceived, PacketSent
from tcplab.observe.journal import Record
from tcplab.observe.sightings import Sighting, Sightings, Verdict, is_network, sightings, words
from tcplab.sim import storm
from tcplab.units import MILLISECOND, Duration, Instant
from tests.netem.packets import packet

LINK = LinkName("client>server")
DELAY = 50 * MILLISECOND
FIRST, SECOND = packet(1), packet(2)


def records(*told: tuple[int, Event], node: str = "netem") -> list[Record[Event]]:
    return [Record(n, Instant(time), node, event) for n, (time, event) in enumerate(told, start=1)]


def shown(found: list[Sighting]) -> list[tuple[int, str, int, str]]:
    return [(each.time, each.side, each.packet.id, each.comment) for each in found]


def test_a_packet_is_seen_with_its_verdicts_and_when_it_leaves() -> None:
    told = records(
        (5, PacketReceived(FIRST)),
        (5, PacketDelayed(FIRST, LINK, DELAY)),
        (5, PacketReordered(FIRST, LINK)),
        (9, PacketForwarded(FIRST, LINK, DELAY)),
    )

    came, left = sightings(told)

    assert came == Sighting(1, Instant(5), "netem", "in", FIRST, (told[1].event, told[2].event))  # type: ignore[arg-type]
    assert (came.link, came.comment) == (LINK, "delayed 50 ms; overtakes what came earlier")
    assert (left.n, left.time, left.side, left.comment) == (4, 9, "out", "left after 50 ms")


def test_what_passes_at_once_is_seen_on_both_sides_in_order() -> None:
    copy = replace(FIRST, copy=1)
    told = records(
        (5, PacketReceived(FIRST)),
        (5, PacketSent(copy)),  # as virtual time tells it
        (5, PacketSent(FIRST)),
        (5, PacketDuplicated(copy, LINK)),
        (5, PacketForwarded(copy, LINK, Duration(0))),
        (5, PacketForwarded(FIRST, LINK, Duration(0))),
        (5, PacketReceived(SECOND)),
        (5, PacketDropped(SECOND, LINK, "no_route")),
    )

    assert shown(list(sightings(told))) == [
        (5, "in", 1, "duplicate 1; passed on at once; passed on at once"),
        (5, "out", 1, "passed on at once"),
        (5, "out", 1, "passed on at once"),
        (5, "in", 2, "dropped: no route"),
    ]


def test_what_leaves_at_the_instant_at_which_another_comes_is_told_apart() -> None:
    told = records(
        (5, PacketReceived(FIRST)),
        (5, PacketForwarded(SECOND, LINK, DELAY)),
        (5, PacketDelayed(FIRST, LINK, DELAY)),
    )

    assert shown(list(sightings(told))) == [(5, "out", 2, "left after 50 ms"), (5, "in", 1, "delayed 50 ms")]


def test_what_is_decided_later_is_seen_within() -> None:
    told = records(
        (5, PacketReceived(FIRST)), (5, PacketDelayed(FIRST, LINK, DELAY)), (9, PacketDropped(FIRST, LINK, "expired"))
    )

    assert shown(list(sightings(told))) == [(5, "in", 1, "delayed 50 ms"), (9, "within", 1, "dropped: expired")]


def test_what_is_turned_away_at_the_door_is_seen_coming() -> None:
    assert shown(list(sightings(records((5, PacketDiscarded(FIRST, "spoofed_source")))))) == [
        (5, "in", 1, "discarded: spoofed source")
    ]


def test_hosts_are_passed_over() -> None:
    told = records((5, PacketReceived(FIRST)), (6, PacketDiscarded(FIRST, "expired")), node="client-10.0.1.1")

    assert list(sightings(told)) == []


def test_a_turn_is_complete_once_another_begins_time_goes_on_or_it_is_asked_for() -> None:
    reader = Sightings()
    first, second, later = records((5, PacketReceived(FIRST)), (5, PacketReceived(SECOND)), (6, PacketSent(FIRST)))

    assert reader.feed(first) == []
    assert [each.packet for each in reader.feed(second)] == [FIRST]
    assert [each.packet for each in reader.feed(later)] == [SECOND]
    assert reader.flush() == []
    assert reader.feed(first) == []
    assert [each.packet for each in reader.flush()] == [FIRST]


@pytest.mark.parametrize(
    ("node", "network"), [("netem", True), ("netem-2", True), ("netemx", False), ("client-10.0.1.1", False)]
)
def test_networks_are_known_by_their_names(node: str, network: bool) -> None:
    assert is_network(node) is network


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (PacketForwarded(FIRST, LINK, Duration(0)), "passed on at once"),
        (PacketDropped(FIRST, LINK, "loss", "loss", 0.25), "dropped: loss on draw 0.250000"),
        (PacketDropped(FIRST, LINK, "loss", "gemodel", 0.25), "dropped: loss by gemodel on draw 0.250000"),
        (PacketDropped(FIRST, LINK, "no_route"), "dropped: no route"),
        (PacketDuplicated(replace(FIRST, copy=2), LINK), "duplicate 2"),
        (PacketDelayed(FIRST, LINK, DELAY, "fault 3"), "delayed 50 ms by fault 3"),
        (PacketCorrupted(FIRST, LINK, 77, "corrupt", 0.5), "corrupted bit 77 by corrupt on draw 0.500000"),
        (PacketMarked(FIRST, LINK), "marked CE"),
        (PacketHeld(FIRST, LINK, "the second FIN"), "held by the second FIN"),
        (PacketReordered(FIRST, LINK), "overtakes what came earlier"),
        (PacketDiscarded(FIRST, "spoofed_source"), "discarded: spoofed source"),
    ],
)
def test_every_verdict_has_words(verdict: Verdict, said: str) -> None:
    assert words(verdict) == said


@pytest.mark.parametrize("seed", range(5))
def test_a_run_is_seen_whole(seed: int) -> None:
    journal = storm.run(storm.draw(seed)).journal

    seen = Counter(each.side for each in sightings(journal.records))

    assert seen["in"] == len(journal.of(PacketReceived, "netem"))
    assert seen["out"] == len(journal.of(PacketForwarded))
