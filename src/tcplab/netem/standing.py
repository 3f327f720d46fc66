"""One fault in force: which packets it strikes, what it keeps back, and what it has done."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from tcplab.netem.events import LinkName
from tcplab.netem.faults import Fault, Flap
from tcplab.netem.flows import FLOWS_LIMIT, End, Flow, Sight
from tcplab.netem.impairments.draws import Draws
from tcplab.netem.link import Link
from tcplab.netem.match import Looks, Occurrence
from tcplab.netem.patterns import Road
from tcplab.netem.strike import Action, Strike
from tcplab.netem.values import ECN_CAPABLE
from tcplab.node import Packet
from tcplab.units import Instant
from tcplab.wire.segment import FIN, RST, SYN

_ENDS_DATA: Final = SYN | FIN | RST


class Done(NamedTuple):
    """What a fault has done since it was set."""

    matched: int
    """Packets that it was about."""
    acted: int
    """Packets that it did something to."""

    def and_of(self, standing: "Standing") -> "Done":
        """Return the sum of this and of what a fault has done."""
        return Done(self.matched + standing.matched, self.acted + standing.acted)


class Struck(NamedTuple):
    """A packet is struck; ``draw`` decided, where chance had a part in it."""

    draw: float | None = None


@dataclass(slots=True, eq=False)
class Held:
    """A packet that a fault keeps back."""

    packet: Packet
    link: Link
    standing: "Standing"
    stream: "Stream | None"
    due: Instant | None = None
    """When time alone lets it go."""
    awaits: bool = False
    """Whether a segment is awaited."""
    gone: bool = False
    """Whether it is held no more."""


class Stream(NamedTuple):
    """One direction of a connection."""

    flow: Flow
    end: End

    @classmethod
    def of(cls, sight: Sight) -> "Stream":
        """Return the stream that a segment is of."""
        return cls(sight.flow, sight.source)


class Standing:
    """A fault in force, and what it has done."""

    __slots__ = (
        "_bits", "_by_flow", "_chances", "_looks", "_seen", "_until", "acted", "fault", "held", "matched", "undecided",
    )  # fmt: skip

    def __init__(self, fault: Fault, seed: int) -> None:
        self.fault = fault
        self.matched = 0
        self.acted = 0
        self.held: dict[Held, None] = {}
        """What it keeps back, in the order of coming."""
        self.undecided: dict[Stream, Held] = {}
        """Of that, the data of which nobody knows yet whether it is the last of its stream."""
        self._seen = 0
        self._by_flow: dict[Flow, int] = {}
        self._chances = Draws(seed, LinkName(fault.name), "fault")
        self._bits = Draws(seed, LinkName(fault.name), "bit of fault")
        rule = fault.rule
        self._looks: Looks | None = rule.what.looks() if isinstance(rule, Strike) else None
        until = rule.until if isinstance(rule, Strike) else None
        self._until: Looks | None = None if until is None else until.looks()

    @property
    def action(self) -> Action:
        """What is done to what it strikes."""
        return self.fault.rule.action if isinstance(self.fault.rule, Strike) else "drop"

    @property
    def chance(self) -> float:
        """With which probability a packet is struck that it is about, 1 where chance has no part in it."""
        return self.fault.rule.what.chance if isinstance(self.fault.rule, Strike) else 1.0

    @property
    def seeks_last(self) -> bool:
        """Whether it is about the last data of a stream, which shows only later."""
        return isinstance(self.fault.rule, Strike) and self.fault.rule.what.occurrence.kind == "last"

    @property
    def bit(self) -> float:
        """The draw that says which bit of the packet that was struck last is flipped."""
        return self._bits.at(self.matched)

    def concerns(self, road: Road) -> bool:
        """Return whether any packet of a road could be struck."""
        return self.fault.rule.strikes(road)

    def strikes(self, packet: Packet, sight: Sight | None, now: Instant) -> Struck | None:
        """Return whether a packet of a road that is concerned is struck; count it."""
        rule = self.fault.rule
        if isinstance(rule, Strike):
            if not self._fits(packet, sight) or not self._is_meant(rule.what.occurrence, sight, rule.what.each):
                return None
            return self._meant(packet, rule.what.chance, rule.action)
        self.matched += 1
        if isinstance(rule, Flap) and not rule.is_down(self.fault.since, now):
            return None
        self.acted += 1
        return Struck()

    def may_be_last(self, packet: Packet, sight: Sight) -> bool:
        """Return whether data comes that is the last of its stream unless more comes."""
        return not packet.segment.flags & _ENDS_DATA and not sight.retransmitted and self._fits(packet, sight)

    def shows_last(self, packet: Packet, sight: Sight) -> bool:
        """Return whether data comes that brings the FIN along, and so is the last."""
        fin = packet.segment.flags & FIN and packet.segment.payload and not sight.retransmitted
        return bool(fin) and self._fits(packet, sight)

    def is_last(self, held: Held, packet: Packet, sight: Sight) -> bool | None:
        """Return what the next packet of its stream tells of undecided data; ``None`` if it tells nothing."""
        segment = packet.segment
        if segment.flags & (SYN | RST) or (segment.payload and not sight.retransmitted):
            return False
        if segment.flags & FIN and not sight.retransmitted:
            return segment.seq == held.packet.segment.end
        return None

    def strikes_last(self, packet: Packet) -> Struck | None:
        """Return whether data that has turned out to be the last is struck; count it."""
        assert isinstance(self.fault.rule, Strike), "nothing else seeks the last"
        return self._meant(packet, self.fault.rule.what.chance, self.fault.rule.action)

    def awaits(self, packet: Packet, road: Road, sight: Sight) -> bool:
        """Return whether this is what packets are held until."""
        rule = self.fault.rule
        if not isinstance(rule, Strike) or rule.until is None or self._until is None:
            return False
        return rule.until.concerns(road) and self._until(packet, sight)

    def _fits(self, packet: Packet, sight: Sight | None) -> bool:
        return self._looks is not None and self._looks(packet, sight)

    def _is_meant(self, occurrence: Occurrence, sight: Sight | None, each: bool) -> bool:
        """Count a packet that fits, and return whether it is one of those that are meant."""
        if not each or sight is None:
            self._seen += 1
            return occurrence.takes(self._seen)
        seen = self._by_flow.pop(sight.flow, 0) + 1
        if len(self._by_flow) >= FLOWS_LIMIT:
            del self._by_flow[next(iter(self._by_flow))]
        self._by_flow[sight.flow] = seen
        return occurrence.takes(seen)

    def _meant(self, packet: Packet, chance: float, action: Action) -> Struck | None:
        if action == "mark" and packet.ecn not in ECN_CAPABLE:
            return None
        self.matched += 1
        draw = self._chances.at(self.matched) if chance < 1 else None
        if draw is not None and draw >= chance:
            return None
        self.acted += 1
        return Struck(draw)
