"""Which segments a fault is about, as values and as words; docs/faults.md has the grammar."""

from collections.abc import Callable
from dataclasses import dataclass
from json import dumps
from typing import Final, Literal, NamedTuple

from tcplab.netem.flows import End, Sight
from tcplab.netem.grammar.units import write_share
from tcplab.netem.patterns import Road, check_who, means
from tcplab.netem.roles import Roles
from tcplab.node import Packet
from tcplab.wire.segment import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG

FLAGS: Final = {"fin": FIN, "syn": SYN, "rst": RST, "psh": PSH, "ack": ACK, "urg": URG, "ece": ECE, "cwr": CWR}
_TELLING: Final = SYN | FIN | RST

Age = Literal["", "new", "retransmitted"]
Looks = Callable[[Packet, Sight | None], bool]


class Place(NamedTuple):
    """An end that a segment may come from or go to: who, and which port if any."""

    who: str
    port: int | None = None

    def __str__(self) -> str:
        """Return ``WHO`` or ``WHO:PORT``."""
        return self.who if self.port is None else f"{self.who}:{self.port}"


class Occurrence(NamedTuple):
    """Which of the segments that fit."""

    kind: Literal["every", "nth", "first", "last"] = "every"
    number: int = 0

    def __str__(self) -> str:
        """Return it as words: nothing for every one."""
        match self.kind:
            case "every":
                return ""
            case "nth":
                return ordinal(self.number)
            case "first":
                return f"first {self.number}"
            case "last":
                return "last"

    def takes(self, number: int) -> bool:
        """Return whether the segment is meant that is so-and-so-manieth to fit, the first being 1."""
        match self.kind:
            case "nth":
                return number == self.number
            case "first":
                return number <= self.number
            case _:
                return True


EVERY: Final = Occurrence()


@dataclass(frozen=True, slots=True)
class What:
    """Segments of a kind.

    Attributes:
        segment: ``segment``, ``data``, ``ack``, ``ack of fin``, or flags such as ``syn+ack``.
        chance: of each of them, 0..1.
        occurrence: which of them.
        each: whether those of each connection are counted by themselves.
        age: whether it carries anything new.
        source: where they come from.
        target: where they go to.
        flags: words and flags, such as ``("without", "psh")``.
        octets: how long the payload is, at least and at most (``None`` for no bound).
        content: what the payload has in it.
        states: who must be in which of some states.
    """

    segment: str = "segment"
    chance: float = 1.0
    occurrence: Occurrence = EVERY
    each: bool = False
    age: Age = ""
    source: Place | None = None
    target: Place | None = None
    flags: tuple[tuple[str, str], ...] = ()
    octets: tuple[int, int | None] | None = None
    content: bytes | None = None
    states: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def __str__(self) -> str:
        """Return the words that :func:`read_what` takes."""
        said = [f"{write_share(self.chance)} of"] if self.chance < 1 else []
        said += [str(self.occurrence), self.age, self.segment, "of each connection" if self.each else ""]
        said += [f"{word} {place}" for word, place in (("from", self.source), ("to", self.target)) if place is not None]
        said += [f"{word} {flags}" for word, flags in self.flags]
        if self.octets is not None:
            least, most = self.octets
            said.append(
                f"with {least if least == most else f'{least}..' if most is None else f'{least}..{most}'} octets"
            )
        if self.content is not None:
            said.append(f"with {_content_text(self.content)}")
        said += [f"while {who} in {','.join(states)}" for who, states in self.states]
        return " ".join(filter(None, said))

    @property
    def needs_flows(self) -> bool:
        """Whether connections must be followed to tell."""
        is_last = self.occurrence.kind == "last"
        return bool(self.each or self.age or self.states or is_last or self.segment == "ack of fin")

    def concerns(self, road: Road) -> bool:
        """Return whether any packet of a road could be meant."""
        source = self.source is None or means(self.source.who, road.source, road.source_role)
        return source and (self.target is None or means(self.target.who, road.target, road.target_role))

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for whom the lab does not have."""
        for place in (self.source, self.target):
            if place is not None:
                check_who(place.who, roles)
        for who, _ in self.states:
            check_who(who, roles)

    def looks(self) -> Looks:
        """Return what tells whether a packet of a road that is concerned fits, whichever occurrence it is."""
        must, must_not = _masks(self)
        tests = list(_tests(self))

        def fits(packet: Packet, sight: Sight | None) -> bool:
            flags = packet.segment.flags
            if flags & must != must or flags & must_not:
                return False
            return all(test(packet, sight) for test in tests)

        return fits


def _masks(what: What) -> tuple[int, int]:
    """Return which flags must be set, and which must not be."""
    must = must_not = 0
    match what.segment:
        case "segment" | "data":
            pass
        case "ack":
            must, must_not = ACK, _TELLING
        case "ack of fin":
            must = ACK
        case named:
            must = mask(named)
            must_not = _TELLING & ~must | (ACK if must == SYN else 0)
    for word, flags in what.flags:
        if word == "without":
            must_not |= mask(flags)
        else:
            must |= mask(flags)
            must_not |= 0xFF & ~mask(flags) if word == "exactly" else 0
    return must, must_not


def _tests(what: What) -> "list[Looks]":
    """Return what else must hold, the cheapest first."""
    tests: list[Looks] = []
    if what.segment in ("data", "ack"):
        wanted = what.segment == "data"
        tests.append(lambda packet, _: bool(packet.segment.payload) == wanted)
    if what.source is not None and (sport := what.source.port) is not None:
        tests.append(lambda packet, _: packet.segment.sport == sport)
    if what.target is not None and (dport := what.target.port) is not None:
        tests.append(lambda packet, _: packet.segment.dport == dport)
    if what.octets is not None:
        least, most = what.octets
        tests.append(lambda packet, _: least <= len(packet.segment.payload) and (
            most is None or len(packet.segment.payload) <= most
        ))  # fmt: skip
    if (content := what.content) is not None:
        tests.append(lambda packet, _: content in packet.segment.payload)
    if what.segment == "ack of fin":
        tests.append(lambda _, sight: sight is not None and sight.acks_fin)
    if what.age == "retransmitted":
        tests.append(lambda _, sight: sight is not None and sight.retransmitted)
    if what.age == "new":
        tests.append(
            lambda packet, sight: bool(packet.segment.length) and sight is not None and not sight.retransmitted
        )
    tests += [_state_test(who, states) for who, states in what.states]
    return tests


def _state_test(who: str, states: tuple[str, ...]) -> Looks:
    def is_in(_: Packet, sight: Sight | None) -> bool:
        if sight is None:
            return False
        ends: tuple[End, End] = (sight.source, sight.target)
        return any(
            state in states and means(who, end.address, end.role) for end, state in zip(ends, sight.states, strict=True)
        )

    return is_in


def mask(flags: str) -> int:
    """Return the flags that ``syn+ack`` names, as bits."""
    bits = 0
    for name in flags.split("+"):
        bits |= FLAGS[name]
    return bits


def ordinal(number: int) -> str:
    """Return ``1st``, ``2nd``, ``3rd``, ``4th``, ..."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def _content_text(content: bytes) -> str:
    if content.isascii() and content.decode().isprintable():
        return f"text {dumps(content.decode())}"
    return f"hex {content.hex()}"
