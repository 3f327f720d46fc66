"""Faults as values, and the texts that say them.

A fault is a rule with a name, in force until it is healed or its lease ends. The language stands in docs/faults.md.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from typing import Final, NamedTuple

from tcplab.netem.grammar.units import write_time
from tcplab.netem.patterns import ANYBODY, Pattern, Road, check_who, parse_who
from tcplab.netem.roles import Roles
from tcplab.netem.sentence import Sentence
from tcplab.netem.strike import ACTIONS, Strike
from tcplab.node import Address
from tcplab.units import MICROSECOND, START, Duration, Instant

FLAP_LEAST: Final = 1_000_000  # nanoseconds that a flap lasts at least, each way
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
RULES: Final = ("partition", "blackhole", "flap", *ACTIONS)


@dataclass(frozen=True, slots=True)
class Partition:
    """Groups that do not hear each other: a packet from one to another is lost; within a group all is well.

    Who is in two groups by role and by address belongs where the address stands; ``*`` is whoever is in no other
    group. Who is in none is not concerned.
    """

    groups: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """Return ``partition A B | C``."""
        return "partition " + " | ".join(" ".join(group) for group in self.groups)

    def strikes(self, road: Road) -> bool:
        """Return whether the two are in different groups."""
        one, other = self._group(road.source, road.source_role), self._group(road.target, road.target_role)
        return one is not None and other is not None and one != other

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for a member that the lab does not have."""
        for group in self.groups:
            for who in group:
                check_who(who, roles)

    def _group(self, address: Address, role: str | None) -> int | None:
        for who in (address, role, ANYBODY):
            for number, group in enumerate(self.groups):
                if who in group:
                    return number
        return None

    @classmethod
    def read(cls, words: Sentence) -> "Partition":
        """Take the groups; raise a :class:`GrammarError` where there are not two, or somebody stands twice."""
        groups: list[list[str]] = [[]]
        seen: set[str] = set()
        while words.next not in ("", *_ENDS):
            if words.next == "|":
                if not groups[-1]:
                    words.missing("a member of the group")
                words.skip("|")
                groups.append([])
                continue
            word = words.take("a member")
            who = parse_who(words, word, word.text)
            if who in seen:
                raise words.error(word, "stands twice, and can be in one group only")
            seen.add(who)
            groups[-1].append(who)
        if not groups[-1]:
            words.missing("a member of the group")
        if len(groups) < 2:
            words.missing("'|' and another group, as in partition client | server,")
        return cls(tuple(map(tuple, groups)))


@dataclass(frozen=True, slots=True)
class Blackhole:
    """Loses everything in one direction; the other is left alone."""

    where: Pattern

    def __str__(self) -> str:
        """Return ``blackhole A>B``."""
        return f"blackhole {self.where}"

    def strikes(self, road: Road) -> bool:
        """Return whether the direction is meant."""
        return self.where.fits(*road)

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for a side that the lab does not have."""
        self.where.check(roles)


@dataclass(frozen=True, slots=True)
class Flap:
    """Loses everything in one direction now and then: up first, then down, and so on from when the fault was set."""

    where: Pattern
    up: Duration
    down: Duration

    def __str__(self) -> str:
        """Return ``flap A>B up TIME down TIME``."""
        return f"flap {self.where} up {write_time(self.up)} down {write_time(self.down)}"

    def strikes(self, road: Road) -> bool:
        """Return whether the direction is meant."""
        return self.where.fits(*road)

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for a side that the lab does not have."""
        self.where.check(roles)

    def is_down(self, since: Instant, now: Instant) -> bool:
        """Return whether a flap that was set at ``since`` loses what comes now."""
        return (now - since) % (self.up + self.down) >= self.up

    @classmethod
    def read(cls, words: Sentence) -> "Flap":
        """Take the direction and both times."""
        where = Pattern.read(words)
        words.expect("up", "'up TIME down TIME'")
        up = words.duration("the time up", FLAP_LEAST)
        words.expect("down", "'down TIME'")
        return cls(where, up, words.duration("the time down", FLAP_LEAST))


Rule = Partition | Blackhole | Flap | Strike


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule in force.

    Attributes:
        name: what it is healed by and what verdicts call it; letters, digits, ``_``, ``.`` and ``-``, 64 at most.
        rule: what it does.
        since: when it was set.
        until: when the network heals it by itself; ``None`` where only somebody can.

    Both instants are kept in whole microseconds, rounded up, so that JavaScript's numbers hold them.
    """

    name: str
    rule: Rule
    since: Instant = START
    until: Instant | None = None

    def __post_init__(self) -> None:
        """Round the instants.

        Raises:
            ValueError: the name cannot be one.
        """
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} is no name for a fault: 1 to 64 letters, digits, '_', '.' and '-'")
        object.__setattr__(self, "since", whole_microseconds(self.since))
        if self.until is not None:
            object.__setattr__(self, "until", whole_microseconds(self.until))

    @property
    def kind(self) -> str:
        """The word with which its rule begins."""
        return kind_of(self.rule)

    def __str__(self) -> str:
        """Return ``RULE as NAME since INSTANT [until INSTANT]``, of which :class:`Setting` makes the same fault."""
        return str(Setting(self.rule, self.name, None, self.since, self.until))


class Setting(NamedTuple):
    """A fault as it is asked for: its name may be left to whoever sets it, and its lease begins when it is set."""

    rule: Rule
    name: str = ""
    lease: Duration | None = None
    since: Instant | None = None
    """When it was set, where that is no news."""
    until: Instant | None = None
    """When it heals, in the place of a lease."""

    def __str__(self) -> str:
        """Return the text that :func:`read_setting` takes."""
        said = [str(self.rule)]
        for word, time in (("since", self.since), ("for", self.lease), ("until", self.until)):
            if time is not None:
                said.append(f"{word} {write_time(time)}")
        if self.name:
            said.insert(1, f"as {self.name}")
        return " ".join(said)

    def named(self, taken: Collection[str]) -> "Setting":
        """Return it with a name: without one it gets the first of its kind that is free."""
        kind = kind_of(self.rule)
        free = (name for n in count(1) if (name := f"{kind}-{n}") not in taken)
        return self._replace(name=self.name or next(free))

    def at(self, now: Instant, taken: Collection[str]) -> Fault:
        """Return the fault that is set now."""
        until = self.until if self.lease is None else now + self.lease
        return Fault(self.named(taken).name, self.rule, now if self.since is None else self.since, until)


_ENDS: Final = ("as", "since", "for", "until")


def kind_of(rule: Rule) -> str:
    """Return the word with which a rule begins."""
    return str(rule).partition(" ")[0]


def whole_microseconds(instant: Instant) -> Instant:
    """Return the instant, rounded up to whole microseconds."""
    return Instant(-(-instant // MICROSECOND) * MICROSECOND)


def parse_rule(text: str) -> Rule:
    """Return the rule that a text says.

    Raises:
        GrammarError: points at the word.
    """
    words = Sentence(text)
    rule = read_rule(words)
    words.end()
    return rule


def read_rule(words: Sentence) -> Rule:
    """Take a rule."""
    word = words.take("a rule, such as partition client | server")
    match word.text.lower():
        case "partition":
            return Partition.read(words)
        case "blackhole":
            return Blackhole(Pattern.read(words))
        case "flap":
            return Flap.read(words)
        case "drop" | "hold" | "duplicate" | "corrupt" | "mark" as action:
            return Strike.read(action, words)
        case _:
            raise words.error(word, f"no rule begins so; there are {', '.join(RULES)}", RULES)


def read_setting(words: Sentence) -> Setting:
    """Take ``RULE [as NAME] [since INSTANT] [for TIME | until INSTANT]``."""
    rule = read_rule(words)
    name = read_name(words) if words.skip("as") else ""
    since = words.instant("when it was set") if words.skip("since") else None
    lease = words.duration("the lease", 1) if words.skip("for") else None
    until = words.instant("the end of the lease") if lease is None and words.skip("until") else None
    return Setting(rule, name, lease, since, until)


def read_name(words: Sentence) -> str:
    """Take the name of a fault."""
    word = words.take("a name")
    if not _NAME.fullmatch(word.text):
        raise words.error(word, "a name has letters, digits, '_', '.' and '-', 64 at most")
    return word.text
