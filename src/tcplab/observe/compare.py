"""Where two runs part: segment by segment, each direction of each connection by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Final, NamedTuple

from tcplab.node import Address, Event
from tcplab.observe.journal import Record
from tcplab.observe.lines import Lines
from tcplab.observe.sightings import Sighting, sightings
from tcplab.units import Duration, Instant

CONTEXT: Final = 3  # segments that are the same, before the first that is not

EXACTLY: Final = Duration(0)

_Flow = tuple[Address, int, Address, int]


class Seen(NamedTuple):
    """A segment as it came into the network: when, since the run's first, and its line."""

    since: Duration
    line: str


class Parting(NamedTuple):
    """The first segment of one direction that is not the same in both runs; ``None`` where a run has no more."""

    flow: _Flow
    place: int
    """Of the segment in its direction, 1 for the first."""
    before: tuple[Seen, ...]
    one: Seen | None
    other: Seen | None

    @property
    def since(self) -> Duration:
        """When the runs part."""
        return min(seen.since for seen in (self.one, self.other) if seen is not None)


def parting(
    one: Iterable[Record[Event]], other: Iterable[Record[Event]], tolerance: Duration = EXACTLY
) -> Parting | None:
    """Return where two runs part first, ``None`` where they are the same.

    Times count from a run's first segment, sequence numbers from each direction's first; packets' numbers do not count,
    nor do timestamps of the TCP, which every host begins anew.

    Args:
        one: the records of a run, with those of its network.
        other: those of the other.
        tolerance: by how much times may differ, nanoseconds.
    """
    ours, theirs = _directions(one), _directions(other)
    found = []
    for flow in dict.fromkeys((*ours, *theirs)):
        here, there = ours.get(flow, []), theirs.get(flow, [])
        for place, (mine, its) in enumerate(zip_longest(here, there)):
            if not _same(mine, its, tolerance):
                before = tuple(here[max(0, place - CONTEXT) : place])
                found.append(Parting(flow, place + 1, before, mine, its))
                break
    return min(found, key=lambda each: each.since, default=None)


def _directions(records: Iterable[Record[Event]]) -> dict[_Flow, list[Seen]]:
    lines = Lines(lambda _: "")
    flows: dict[_Flow, list[Seen]] = {}
    first: Instant | None = None
    for sighting in _in_order(sightings(records)):
        segment, packet = sighting.packet.segment, sighting.packet
        first = sighting.time if first is None else first
        flow = (packet.source, segment.sport, packet.target, segment.dport)
        flows.setdefault(flow, []).append(Seen(sighting.time - first, lines.of(sighting).strip()))
    return flows


def _in_order(seen: Iterable[Sighting]) -> Iterator[Sighting]:
    """Yield what came into the network, and what was decided later; without the TCP's timestamps."""
    for each in seen:
        if each.side != "out":
            segment = each.packet.segment
            plain = replace(segment, options=replace(segment.options, timestamps=None))
            yield each._replace(packet=replace(each.packet, segment=plain))


def _same(one: Seen | None, other: Seen | None, tolerance: Duration) -> bool:
    if one is None or other is None:
        return False
    return one.line == other.line and abs(one.since - other.since) <= tolerance
