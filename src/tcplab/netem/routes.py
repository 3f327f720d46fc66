"""Which link a packet takes, and what that link goes by."""

from collections import Counter
from collections.abc import Mapping
from itertools import permutations
from typing import Final

from tcplab.netem.events import LinkName
from tcplab.netem.link import Link
from tcplab.netem.patterns import Pattern, Road
from tcplab.netem.profile import Profile
from tcplab.netem.queue import Queue
from tcplab.netem.realised import Realised
from tcplab.netem.roles import Roles, link_name
from tcplab.node import Address

_NOBODY: Final = Address("")


class Links:
    """The links between roles, which are always there, and those that patterns make for single hosts.

    A pattern that names a host has a link of its own, with its own line, queue and draws, as soon as a packet needs it:
    ``10.0.1.1>*`` makes ``10.0.1.1>server``. Events call it by its roles, of which there are few. What a pattern has
    made goes when the pattern does.
    """

    def __init__(self, profiles: Mapping[LinkName, Profile], roles: Roles, seed: int, queue: Queue) -> None:
        """Make the links between roles.

        Raises:
            ValueError: a profile is for a link that cannot be.
        """
        self._seed = seed
        self._queue = queue
        between = [link_name(*pair) for pair in permutations(roles.names, 2)]
        within = [link_name(role, role) for role in roles.names]
        for name in profiles:
            if name not in between and name not in within:
                raise ValueError(f"link {name!r} joins no two roles; there may be {', '.join(between + within)}")
        names = (*between, *(name for name in within if name in profiles))
        self._base = {name: profiles.get(name, Profile()) for name in names}
        self._links = {name: Link(name, profile, seed, queue) for name, profile in self._base.items()}
        self._made: dict[LinkName, tuple[Link, Road]] = {}
        self._patterns: Mapping[Pattern, Profile] = {}

    def set_base(self, name: LinkName, profile: Profile) -> None:
        """Have a link between roles go by this profile where no pattern says otherwise.

        Raises:
            ValueError: there is no such link.
        """
        if name not in self._base:
            raise ValueError(f"there is no link {name!r}; there are {', '.join(self._base)}")
        self._base[name] = profile
        self._adjust()

    def configure(self, patterns: Mapping[Pattern, Profile]) -> None:
        """Have these patterns, and no others, say what links go by."""
        self._patterns = patterns
        for name, (link, road) in list(self._made.items()):
            named = any(p.link(road.source_role or "", road.target_role or "") == name for p in patterns)
            if not named and not link.queued:
                del self._made[name]
        self._adjust()

    def find(self, road: Road) -> Link | None:
        """Return the link of a road, ``None`` if there is none."""
        role, its_role = road.source_role, road.target_role
        if role is None or its_role is None:
            return None
        between = link_name(role, its_role)
        fitting = [pattern for pattern in self._patterns if pattern.fits(*road)]
        if between not in self._links and not any(pattern.joins(role, its_role) for pattern in fitting):
            return None
        best = max(fitting, key=lambda pattern: pattern.rank, default=None)
        name = between if best is None else best.link(role, its_role)
        if name in self._links:
            return self._links[name]
        if name not in self._made:
            self._made[name] = (Link(between, Profile(), self._seed, self._queue, key=name), road)
        link, _ = self._made[name]
        _set(link, self._patterns[best] if best is not None else Profile())
        return link

    def profiles(self) -> Mapping[LinkName, Profile]:
        """Return what each link between roles goes by now."""
        return {name: link.profile for name, link in self._links.items()}

    def packet_counts(self) -> Mapping[LinkName, int]:
        """Return how many packets were ever let onto each link, those for single hosts by their own names."""
        counts = {name: link.packets for name, link in self._links.items()}
        return counts | {name: link.packets for name, (link, _) in self._made.items()}

    def realised(self) -> Mapping[LinkName, tuple[Realised, ...]]:
        """Return what each link really did, those for single hosts by their own names."""
        realised = {name: link.realised() for name, link in self._links.items()}
        return realised | {name: link.realised() for name, (link, _) in self._made.items()}

    def queue_lengths(self) -> Mapping[LinkName, int]:
        """Return how many packets wait between each two roles."""
        lengths = Counter({name: link.queued for name, link in self._links.items()})
        for link, _ in self._made.values():
            lengths[link.name] += link.queued
        return dict(lengths)

    def _adjust(self) -> None:
        for name, link in self._links.items():
            role, _, its_role = name.partition(">")
            fitting = [pattern for pattern in self._patterns if pattern.fits(_NOBODY, role, _NOBODY, its_role)]
            best = max(fitting, key=lambda pattern: pattern.rank, default=None)
            _set(link, self._base[name] if best is None else self._patterns[best])


def _set(link: Link, profile: Profile) -> None:
    """Change a link's profile only if it is another: whatever state an impairment has goes on else."""
    if link.profile != profile:
        link.set(profile)
