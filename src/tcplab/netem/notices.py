"""What the network tells its observers of itself: what was set, and what healed."""

from dataclasses import dataclass
from typing import Literal

from tcplab.node import Event
from tcplab.units import Instant

HealReason = Literal["lease", "cleared", "timeline"]


@dataclass(slots=True)
class ConfigurationApplied(Event):
    """From the next packet on, the network goes by the configuration of this revision."""

    revision: int


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
