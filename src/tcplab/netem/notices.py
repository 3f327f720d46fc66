"""What the network tells its observers of itself: what was set, and what healed."""

from dataclasses import dataclass, field
from typing import Literal

from tcplab.netem.events import LinkName
from tcplab.node import Event
from tcplab.units import Duration, Instant

HealReason = Literal["lease", "cleared", "timeline"]


@dataclass(slots=True)
class NetworkStarted(Event):
    """A network begins, with nothing under way; these, what is set on it, and what comes when, give its verdicts."""

    seed: int
    lifetime: Duration | None
    roles: tuple[tuple[str, str], ...]
    """The prefix of each."""
    links: tuple[tuple[LinkName, str], ...]
    """The profile of each link that was given one, in the grammar of docs/netem.md."""


@dataclass(slots=True)
class LinkSet(Event):
    """From the next packet on, a link has another base profile."""

    link: LinkName
    profile: str


@dataclass(slots=True)
class ConfigurationApplied(Event):
    """From the next packet on, the network goes by the configuration of this revision.

    ``text`` is the whole of it as JSON, so that a record can be played again; the revision names it.
    """

    revision: int
    text: str = field(default="", compare=False)


@dataclass(slots=True)
class FaultApplied(Event):
    """A fault is in force from now on; ``rule`` is its text, ``until`` the end of its lease."""

    name: str
    rule: str
    until: Instant | None = None


@dataclass(slots=True)
class FaultHealed(Event):
    """A fault is in force no more: its lease ended, a configuration came without it, or the timeline healed it."""

    name: str
    reason: HealReason


@dataclass(slots=True)
class TimelineFired(Event):
    """An entry of the timeline has happened; ``error`` is why it changed nothing, where it could not."""

    entry: str
    error: str = ""
