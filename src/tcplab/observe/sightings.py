"""From the network's records to what is seen of each segment: as it comes in, with its verdicts, and as it goes out.

What a network tells of one packet stands in several records; here they are one :class:`Sighting` again, which captures,
live views and comparisons show.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

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
from tcplab.node import Address, Event, Packet, PacketDiscarded, PacketReceived
from tcplab.observe.journal import Record
from tcplab.observe.ladder.text import duration_text
from tcplab.units import Instant

NETWORK: Final = "netem"

Ruling = (
    PacketForwarded
    | PacketDropped
    | PacketDuplicated
    | PacketDelayed
    | PacketReordered
    | PacketCorrupted
    | PacketMarked
    | PacketHeld
)
"""What the network may decide of a packet that it let in."""

Verdict = Ruling | PacketDiscarded
"""What the network may decide of a packet."""

Side = Literal["in", "within", "out"]
"""``within`` is where a packet is of which something more is decided later: released, or too old to leave."""


class Sighting(NamedTuple):
    """A packet at one side of the network, or within; ``verdicts`` is what was decided there, in order."""

    n: int
    """Of the record that shows the packet."""
    time: Instant
    node: str
    side: Side
    packet: Packet
    verdicts: tuple[Verdict, ...] = ()

    @property
    def link(self) -> LinkName:
        """The link that the packet is on, empty where it was not let onto any."""
        links = (verdict.link for verdict in self.verdicts if not isinstance(verdict, PacketDiscarded))
        return next(links, LinkName(""))

    @property
    def comment(self) -> str:
        """What was decided, in words."""
        return "; ".join(map(words, self.verdicts))


@dataclass(slots=True)
class _Turn:
    """What a network tells of one packet that has come in, as long as more may follow."""

    first: Record[Event]
    packet: Packet
    verdicts: list[Verdict] = field(default_factory=list)
    leaving: list[Sighting] = field(default_factory=list)


class Sightings:
    """Turns records into sightings as they come, in their order; those of other nodes than networks are passed over."""

    def __init__(self) -> None:
        self._turn: _Turn | None = None

    def feed(self, record: Record[Event]) -> list[Sighting]:
        """Take the next record; return the sightings that are complete."""
        event = record.event
        begins = isinstance(event, PacketReceived | PacketDiscarded) and is_network(record.node)
        turn = self._turn
        ended = turn is not None and (begins or record.time != turn.first.time or record.node != turn.first.node)
        seen = self.flush() if ended else []
        if isinstance(event, PacketReceived | PacketDiscarded):
            if begins:
                self._turn = _Turn(record, event.packet)
                if isinstance(event, PacketDiscarded):
                    self._turn.verdicts.append(event)
        elif isinstance(event, Verdict):
            seen += self._decided(record, event)
        return seen

    def flush(self) -> list[Sighting]:
        """Return what is held back because more might be said of it; after that, nothing more may be."""
        turn, self._turn = self._turn, None
        if turn is None:
            return []
        first = turn.first
        came = Sighting(first.n, first.time, first.node, "in", turn.packet, tuple(turn.verdicts))
        return [came, *turn.leaving]

    def _decided(self, record: Record[Event], verdict: Verdict) -> list[Sighting]:
        turn, packet = self._turn, verdict.packet
        leaves = isinstance(verdict, PacketForwarded)
        here = Sighting(record.n, record.time, record.node, "out" if leaves else "within", packet, (verdict,))
        if turn is None or _identity(packet) != _identity(turn.packet):
            return [here]  # a packet that came in earlier
        turn.verdicts.append(verdict)
        if leaves:
            turn.leaving.append(here)
        return []


def sightings(records: Iterable[Record[Event]]) -> Iterator[Sighting]:
    """Yield what the records show of the network's packets."""
    reader = Sightings()
    for record in records:
        yield from reader.feed(record)
    yield from reader.flush()


def is_network(node: str) -> bool:
    """Return whether a node of this name is a network: ``netem``, or one of several, such as ``netem-2``."""
    return node.partition("-")[0] == NETWORK


def is_of_network(event: Event) -> bool:
    """Return whether an event is one that a network itself tells: a verdict, a setting, its beginning."""
    return type(event).__module__.startswith("tcplab.netem.")


def words(verdict: Verdict) -> str:
    """Return what was decided, by which rule and on which draw."""
    if isinstance(verdict, PacketDiscarded):
        return f"discarded: {_plain(verdict.reason)}"
    said, rule, draw = _said(verdict), verdict.rule, verdict.draw
    by = f" by {rule}" if rule and not said.endswith(rule) else ""
    return f"{said}{by}" + (f" on draw {draw:.6f}" if draw is not None else "")


def _said(ruling: Ruling) -> str:
    match ruling:
        case PacketForwarded(delay=delay):
            return f"left after {duration_text(delay)}" if delay else "passed on at once"
        case PacketDropped(reason=reason):
            return f"dropped: {_plain(reason)}"
        case PacketDuplicated(packet=packet):
            return f"duplicate {packet.copy}"
        case PacketDelayed(delay=delay):
            return f"delayed {duration_text(delay)}"
        case PacketReordered():
            return "overtakes what came earlier"
        case PacketCorrupted(bit=bit):
            return f"corrupted bit {bit}"
        case PacketMarked():
            return "marked CE"
        case PacketHeld():
            return "held"


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _identity(packet: Packet) -> tuple[Address, int]:
    return packet.source, packet.id
