"""What was set on the network beyond what it was built with, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tcplab.netem.faults import Fault, Rule, whole_microseconds
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.roles import Roles
from tcplab.units import START, Instant

LINKS_LIMIT: Final = 256
FAULTS_LIMIT: Final = 64
TIMELINE_LIMIT: Final = 256


@dataclass(frozen=True, slots=True)
class Configuration:
    """A full snapshot of what stands on top of the network's base profiles.

    Attributes:
        revision: which one it is, as whoever keeps them counts; 0 is that of nothing at all.
        links: the profile of each direction; where several fit a packet, the one with the highest rank goes.
        faults: in the order in which they are asked; no two of one name.
        timeline: changes to come.
        begins: when the timeline began, in whole microseconds, rounded up.
    """

    revision: int = 0
    # Not in the hash, since a dictionary has none; equality looks at them.
    links: Mapping[Pattern, Profile] = field(default_factory=dict, hash=False)
    faults: tuple[Fault, ...] = ()
    timeline: tuple[()] = ()
    begins: Instant = START

    def __post_init__(self) -> None:
        """Keep a copy of the links.

        Raises:
            ValueError: there are too many of something, or two faults of one name.
        """
        object.__setattr__(self, "links", dict(self.links))
        object.__setattr__(self, "faults", tuple(self.faults))
        object.__setattr__(self, "begins", whole_microseconds(self.begins))
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

    def check(self, roles: Roles) -> None:
        """Refuse what a lab of these roles could not do.

        Raises:
            ValueError: names the link or the fault, and what is wrong.
        """
        for pattern in self.links:
            _named(f"links, {pattern}", pattern, roles)
        for fault in self.faults:
            _named(f"faults, {fault.name}", fault.rule, roles)


def _named(where: str, what: Pattern | Rule, roles: Roles) -> None:
    try:
        what.check(roles)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
