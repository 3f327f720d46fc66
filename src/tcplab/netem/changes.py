"""Changes of a configuration as values and as lines of text, and when a timeline makes them.

The lines stand in docs/faults.md. One line is one change, made at once; with a trigger before it, it is an entry of the
timeline.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from tcplab.netem.faults import RULES, Setting, read_name, read_setting, whole_microseconds
from tcplab.netem.flows import Entered
from tcplab.netem.grammar.clauses import no_traces
from tcplab.netem.grammar.errors import GrammarError
from tcplab.netem.grammar.units import write_time
from tcplab.netem.match_words import parse_state, read_who
from tcplab.netem.patterns import Pattern, check_who, means
from tcplab.netem.profile import Profile
from tcplab.netem.roles import Roles
from tcplab.netem.sentence import Sentence
from tcplab.netem.traces import TraceReader
from tcplab.units import START, Duration, Instant

T = TypeVar("T")

LINES_LIMIT: Final = 1_024
_SPOKEN: Final = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^#])*')  # up to a comment, which does not begin in double quotes


# --- changes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetLink:
    """A direction goes by this profile; ``None`` for whatever stands beneath it."""

    where: Pattern
    profile: Profile | None

    def __str__(self) -> str:
        """Return ``link A>B PROFILE`` or ``link A>B reset``."""
        return f"link {self.where} {'reset' if self.profile is None else self.profile}"

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for a side that the lab does not have."""
        self.where.check(roles)


@dataclass(frozen=True, slots=True)
class SetFault:
    """A fault is in force, in the place of one of the same name."""

    setting: Setting

    def __str__(self) -> str:
        """Return ``RULE [as NAME] [for TIME]``."""
        return str(self.setting)

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for whom the lab does not have."""
        self.setting.rule.check(roles)


@dataclass(frozen=True, slots=True)
class Heal:
    """The fault of this name is in force no more, and no entry of the timeline sets it."""

    name: str

    def __str__(self) -> str:
        """Return ``heal NAME``."""
        return f"heal {self.name}"

    def check(self, roles: Roles) -> None:
        """Whatever it is called, a lab can have it."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Nothing stands on top of the base any more: no profile, no fault, no timeline."""

    def __str__(self) -> str:
        """Return ``clear``."""
        return "clear"

    def check(self, roles: Roles) -> None:
        """Every lab can be cleared."""


Change = SetLink | SetFault | Heal | Clear


# --- triggers --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class At:
    """So long after the entry was set."""

    time: Duration

    def __str__(self) -> str:
        """Return ``at TIME``."""
        return f"at {write_time(self.time)}"


@dataclass(frozen=True, slots=True)
class AfterDrops:
    """Once so many packets were lost as they came in: to whatever, or ``by`` a fault, a clause or a reason."""

    count: int
    by: str = ""

    def __str__(self) -> str:
        """Return ``after N drops [by NAME]``."""
        return f"after {self.count} drops{f' by {self.by}' if self.by else ''}"


@dataclass(frozen=True, slots=True)
class AfterSegments:
    """Once so many packets have come in on a direction."""

    count: int
    where: Pattern

    def __str__(self) -> str:
        """Return ``after N segments on A>B``."""
        return f"after {self.count} segments on {self.where}"


@dataclass(frozen=True, slots=True)
class Enters:
    """Once an end of a connection enters a state, as far as segments show it."""

    who: str
    state: str

    def __str__(self) -> str:
        """Return ``when WHO enters STATE``."""
        return f"when {self.who} enters {self.state}"

    def fits(self, entered: Entered) -> bool:
        """Return whether this is what it waits for."""
        return entered.state == self.state and means(self.who, entered.end.address, entered.end.role)


Trigger = At | AfterDrops | AfterSegments | Enters


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the timeline: a change, and what triggers it, once.

    ``since`` is when it was set, in whole microseconds; times go from there. ``None`` where nobody has set it yet.
    """

    trigger: Trigger
    change: Change
    since: Instant | None = None

    def __str__(self) -> str:
        """Return ``TRIGGER: CHANGE``."""
        return f"{self.trigger}: {self.change}"

    def text(self) -> str:
        """Return ``TRIGGER since INSTANT: CHANGE``, of which :func:`parse_entry` makes the same entry."""
        since = "" if self.since is None else f" since {write_time(self.since)}"
        return f"{self.trigger}{since}: {self.change}"

    def set_at(self, now: Instant) -> "Entry":
        """Return the entry as it is set now; one that was set before is left as it is."""
        return self if self.since is not None else replace(self, since=whole_microseconds(now))

    @property
    def due(self) -> Instant | None:
        """When it is to be made, ``None`` where something else than time decides."""
        return (self.since or START) + self.trigger.time if isinstance(self.trigger, At) else None

    @property
    def sets(self) -> str:
        """The name of the fault that it sets, empty if it sets none."""
        return self.change.setting.name if isinstance(self.change, SetFault) else ""

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for whom the lab does not have."""
        self.change.check(roles)
        if isinstance(self.trigger, AfterSegments):
            self.trigger.where.check(roles)
        elif isinstance(self.trigger, Enters):
            check_who(self.trigger.who, roles)


# --- texts -----------------------------------------------------------------------------------------------------------


def parse_lines(text: str, traces: TraceReader = no_traces) -> tuple[Change | Entry, ...]:
    """Return what the lines of a text say; empty ones, and what follows ``#``, say nothing.

    ``traces`` gives the contents of the files that profiles name.

    Raises:
        GrammarError: points at the word, in the whole text.
    """
    said: list[Change | Entry] = []
    place = 0
    for line in text.splitlines(keepends=True):
        spoken = _spoken(line)
        if spoken.strip():
            said.append(_within(text, place, lambda line: parse_line(line, traces), spoken))
        place += len(line)
        if len(said) > LINES_LIMIT:
            raise GrammarError(text, place, "", f"no more than {LINES_LIMIT} lines at once")
    return tuple(said)


def parse_line(text: str, traces: TraceReader = no_traces) -> Change | Entry:
    """Return the change or the entry that a line says.

    Raises:
        GrammarError: points at the word.
    """
    words = Sentence(text)
    if words.next not in _TRIGGERS:
        return parse_change(text, traces)
    return parse_entry(text, traces)


def parse_entry(text: str, traces: TraceReader = no_traces) -> Entry:
    """Return the entry that a text says, ``TRIGGER [since INSTANT]: CHANGE``.

    Raises:
        GrammarError: points at the word.
    """
    head, colon, rest = text.partition(": ")
    words = Sentence(head)
    if words.next not in _TRIGGERS:
        word = words.take("a trigger, such as at 5s,")
        raise words.error(word, f"no trigger begins so; there are {', '.join(_TRIGGERS)}", _TRIGGERS)
    if not colon:
        raise GrammarError(text, len(text.rstrip()), "", "': ' and a change are missing, as in at 5s: heal split")
    trigger, since = _within(text, 0, _parse_trigger, head)
    change = _within(text, len(head) + len(colon), lambda said: parse_change(said, traces), rest)
    return Entry(trigger, change, since)


def parse_change(text: str, traces: TraceReader = no_traces) -> Change:
    """Return the change that a text says.

    Raises:
        GrammarError: points at the word.
    """
    words = Sentence(text)
    match words.next:
        case "link":
            return _read_link(words, traces)
        case "heal":
            words.skip("heal")
            change: Change = Heal(read_name(words))
        case "clear":
            words.skip("clear")
            change = Clear()
        case begin if begin in RULES or begin == "":
            change = SetFault(read_setting(words))
        case _:
            known = ("link", "heal", "clear", *RULES)
            raise words.error(words.take("a change"), f"no change begins so; there are {', '.join(known)}", known)
    words.end()
    return change


def _spoken(line: str) -> str:
    """Return a line without its comment."""
    found = _SPOKEN.match(line)
    return found.group().rstrip() if found is not None else ""


def _read_link(words: Sentence, traces: TraceReader) -> SetLink:
    words.skip("link")
    where = Pattern.read(words)
    first = words.take("a profile, such as delay 50ms, or reset,")
    if first.text.lower() == "reset":
        words.end()
        return SetLink(where, None)
    profile = _within(words.text, first.at, lambda said: Profile.parse(said, traces), words.text[first.at :])
    return SetLink(where, profile)


def _parse_trigger(text: str) -> tuple[Trigger, Instant | None]:
    words = Sentence(text)
    if words.skip("at"):
        trigger: Trigger = At(words.duration("the time"))
    elif words.skip("when"):
        trigger = _read_state(words)
    else:
        words.expect("after", "'after'")
        trigger = _read_count(words)
    since = words.instant("when it was set") if words.skip("since") else None
    words.end()
    return trigger, since


def _read_count(words: Sentence) -> Trigger:
    count = words.count("the count")
    if words.skip("drops", "drop"):
        return AfterDrops(count, read_name(words) if words.skip("by") else "")
    if words.skip("segments", "segment"):
        words.expect("on", "'on' and a direction")
        return AfterSegments(count, Pattern.read(words))
    raise words.error(words.take("what is counted, drops or segments,"), "there must be drops or segments", _COUNTED)


def _read_state(words: Sentence) -> Enters:
    who = read_who(words)
    words.expect("enters", "'enters' and a state")
    word = words.take("a state")
    return Enters(who, parse_state(words, word, word.text))


def _within(text: str, place: int, parse: Callable[[str], T], part: str) -> T:
    """Parse a part of a text that begins at ``place``; what is wrong with it is told of the whole."""
    try:
        return parse(part)
    except GrammarError as error:
        raise GrammarError(text, place + error.position, error.word, error.fault, error.nearest) from None


_TRIGGERS: Final = ("at", "after", "when")
_COUNTED: Final = ("drops", "segments")
