"""What was set on the network beyond what it was built with, as one value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Self, assert_never

from tcplab.netem.changes import Change, Clear, Entry, Heal, SetFault, SetLink, parse_lines
from tcplab.netem.faults import Fault, Rule
from tcplab.netem.grammar.clauses import no_traces
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.roles import Roles
from tcplab.netem.traces import TraceReader
from tcplab.units import START, Instant

LINKS_LIMIT: Final = 256
FAULTS_LIMIT: Final = 64
TIMELINE_LIMIT: Final = 256
TRACES_LIMIT: Final = 1 << 18  # characters of all traces together: each snapshot in the log has them


@dataclass(frozen=True, slots=True)
class Configuration:
    """A full snapshot of what stands on top of the network's base profiles.

    Attributes:
        revision: which one it is, as whoever keeps them counts; 0 is that of nothing at all.
        links: the profile of each direction; where several fit a packet, the one with the highest rank goes.
        faults: in the order in which they are asked; no two of one name.
        timeline: changes to come, each made once by the network itself.
    """

    revision: int = 0
    # Not in the hash, since a dictionary has none; equality looks at them.
    links: Mapping[Pattern, Profile] = field(default_factory=dict, hash=False)
    faults: tuple[Fault, ...] = ()
    timeline: tuple[Entry, ...] = ()

    def __post_init__(self) -> None:
        """Keep copies of what was given.

        Raises:
            ValueError: there are too many of something, or two faults or traces of one name.
        """
        object.__setattr__(self, "links", dict(self.links))
        object.__setattr__(self, "faults", tuple(self.faults))
        object.__setattr__(self, "timeline", tuple(self.timeline))
        for what, count, limit in (
            ("links", len(self.links), LINKS_LIMIT),
            ("faults", len(self.faults), FAULTS_LIMIT),
            ("timeline", len(self.timeline), TIMELINE_LIMIT),
        ):
            if count > limit:
                raise ValueError(f"{what}: {count} are too many; {limit} may stand at once")
        names: set[str] = set()
        for fault in self.faults:
            if fault.name in names:
                raise ValueError(f"faults: two are called {fault.name!r}")
            names.add(fault.name)
        length = sum(map(len, self.traces().values()))
        if length > TRACES_LIMIT:
            raise ValueError(f"traces: {length:,} characters are too many; {TRACES_LIMIT:,} may stand at once")

    @classmethod
    def parse(cls, text: str, now: Instant = START, revision: int = 0, traces: TraceReader = no_traces) -> Self:
        """Return the configuration that lines of text make of nothing at all, at ``now``.

        ``traces`` gives the contents of the files that they name.

        Raises:
            GrammarError: points at the word.
            ValueError: what the lines say does not go together.
        """
        return cls(revision).changed(parse_lines(text, traces), now)

    def __str__(self) -> str:
        """Return the lines that :meth:`parse` makes the same of, but for the revision."""
        links = [str(SetLink(pattern, profile)) for pattern, profile in self.links.items()]
        entries = [entry.text() for entry in self.timeline]
        return "".join(f"{line}\n" for line in (*links, *map(str, self.faults), *entries))

    def traces(self) -> Mapping[str, str]:
        """Return the trace files that profiles are made of, those that the timeline sets among them, by their names.

        Raises:
            ValueError: two are called the same.
        """
        found: dict[str, str] = {}
        later = (entry.change.profile for entry in self.timeline if isinstance(entry.change, SetLink))
        for profile in (*self.links.values(), *later):
            for name, text in () if profile is None else profile.traces().items():
                if found.setdefault(name, text) != text:
                    raise ValueError(f"traces: two files are called {name!r}; give one of them another name")
        return found

    def changed(self, changes: Iterable[Change | Entry], now: Instant) -> Self:
        """Return what these changes, made one after the other at ``now``, make of this configuration.

        A fault without a name gets the first free one of its kind, which no entry of the timeline uses either.

        Raises:
            ValueError: there is no fault to heal, or there are too many of something.
        """
        configuration = self
        for change in changes:
            if isinstance(change, Entry):
                configuration = configuration._with_entry(change, now)
            else:
                configuration = configuration._with(change, now)
        return configuration

    def check(self, roles: Roles) -> None:
        """Refuse what a lab of these roles could not do.

        Raises:
            ValueError: names the link, the fault or the entry, and what is wrong.
        """
        for pattern in self.links:
            _named(f"links, {pattern}", pattern, roles)
        for fault in self.faults:
            _named(f"faults, {fault.name}", fault.rule, roles)
        for entry in self.timeline:
            _named(f"timeline, {entry}", entry, roles)

    @property
    def _names(self) -> frozenset[str]:
        return frozenset(fault.name for fault in self.faults) | {entry.sets for entry in self.timeline}

    def _with_entry(self, entry: Entry, now: Instant) -> Self:
        if isinstance(entry.change, SetFault):
            named = entry.change.setting.named(self._names)
            entry = replace(entry, change=SetFault(named))
        return replace(self, timeline=(*self.timeline, entry.set_at(now)))

    def _with(self, change: Change, now: Instant) -> Self:
        match change:
            case SetLink(where, profile):
                links = {
                    pattern: each for pattern, each in self.links.items() if profile is not None or pattern != where
                }
                return replace(self, links=links if profile is None else links | {where: profile})
            case SetFault(setting):
                fault = setting.at(now, self._names)
                if any(each.name == fault.name for each in self.faults):
                    placed = (fault if each.name == fault.name else each for each in self.faults)
                    return replace(self, faults=tuple(placed))
                return replace(self, faults=(*self.faults, fault))
            case Heal(name):
                if name not in self._names:
                    known = ", ".join(sorted(self._names - {""})) or "none"
                    raise ValueError(f"there is no fault {name!r}; there are {known}")
                faults = tuple(fault for fault in self.faults if fault.name != name)
                return replace(self, faults=faults, timeline=tuple(e for e in self.timeline if e.sets != name))
            case Clear():
                return type(self)(self.revision)
            case _:
                assert_never(change)


def _named(where: str, what: Pattern | Rule | Entry, roles: Roles) -> None:
    try:
        what.check(roles)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
