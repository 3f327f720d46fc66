"""The network between the hosts, as a node: finds each packet its link, and holds it until it leaves."""

from collections.abc import Mapping
from heapq import heappop
from itertools import permutations
from typing import Final, NamedTuple

from tcplab.netem.events import LinkName, PacketDropped, PacketForwarded
from tcplab.netem.link import Link, Queue
from tcplab.netem.profile import Profile
from tcplab.netem.roles import DEFAULT_ROLES, ELSEWHERE, Roles, link_name
from tcplab.node import NOTHING, Address, Event, Output, Packet, PacketDiscarded
from tcplab.units import MINUTE, START, Duration, Instant

LIFETIME_DEFAULT: Final = Duration(2 * MINUTE)  # MSL of RFC 9293, 3.4.2

_ROUTES_LIMIT: Final = 16_384  # pairs of addresses remembered: a packet may claim to come from anywhere


class _Route(NamedTuple):
    """What is known of a pair of addresses."""

    source_role: str | None
    name: LinkName
    link: Link | None


class Network:
    """Carries packets between roles, which are names for the hosts of an IPv4 prefix.

    Every ordered pair of different roles has a link, a perfect one unless a profile is given for it; a profile for
    ``"client>client"`` makes a link within one role. A packet that finds no link is dropped (``no_route``), and so is
    one that is older than ``lifetime`` by its ``born`` when it comes in, or when it is to leave (``expired``); one that
    claims to come from as far in the future would never grow old, and is dropped as well.

    What becomes of the n-th packet of a link depends on nothing but the seed, the link's name, its profile, n, and what
    is in its queue.
    """

    def __init__(
        self,
        profiles: Mapping[LinkName, Profile],
        *,
        roles: Mapping[str, str] = DEFAULT_ROLES,
        seed: int,
        lifetime: Duration | None = LIFETIME_DEFAULT,
    ) -> None:
        """Make a network in which nothing is under way.

        Args:
            profiles: what each link does; links are named as ``"client>server"``.
            roles: the IPv4 prefix of each role, as ``"10.0.1.0/24"``; no two may share an address.
            seed: what all that is left to chance comes from.
            lifetime: how old a packet may become, nanoseconds; ``None`` for no bound.

        Raises:
            ValueError: names the role, the link or the setting, and what is wrong with it.
        """
        if lifetime is not None and lifetime <= 0:
            raise ValueError(f"lifetime must be above 0, or None for no bound; it is {lifetime!r}")
        self._roles = Roles(roles)
        self._lifetime = lifetime
        self._now = START
        self._queue = Queue()
        self._routes: dict[tuple[Address, Address], _Route] = {}
        between = [link_name(*pair) for pair in permutations(self._roles.names, 2)]
        within = [link_name(role, role) for role in self._roles.names]
        for name in profiles:
            if name not in between and name not in within:
                raise ValueError(f"link {name!r} joins no two roles; there may be {', '.join(between + within)}")
        self._links = {
            name: Link(name, profiles.get(name, Profile()), seed, self._queue)
            for name in (*between, *(name for name in within if name in profiles))
        }

    def receive(self, packet: Packet, now: Instant, sender: str | None = None) -> Output:
        """Take a packet from a host.

        ``sender`` is who it is known to come from, whatever it says itself; ``None`` if nobody knows. A packet whose
        source is not an address of that role is discarded.
        """
        assert now >= self._now, f"time went back from {self._now} to {now}"
        self._now = now
        source, target = packet.source, packet.target
        route = self._routes.get((source, target)) or self._find_route(source, target)
        source_role, name, link = route
        if sender is not None and sender != source_role:
            return Output((), (PacketDiscarded(packet, "spoofed_source"),))
        if link is None:
            return Output((), (PacketDropped(packet, name, "no_route"),))
        lifetime = self._lifetime
        if lifetime is not None and not -lifetime <= now - packet.born <= lifetime:
            return Output((), (PacketDropped(packet, name, "expired"),))
        return link.take(packet, now)

    def advance(self, now: Instant) -> Output:
        """Let go of every packet whose time has come."""
        assert now >= self._now, f"time went back from {self._now} to {now}"
        self._now = now
        entries = self._queue.entries
        if not entries or entries[0][0] > now:
            return NOTHING
        lifetime = self._lifetime
        packets: list[Packet] = []
        events: list[Event] = []
        while entries and entries[0][0] <= now:
            _, _, packet, link, came = heappop(entries)
            link.queued -= 1
            if lifetime is not None and now - packet.born > lifetime:
                events.append(PacketDropped(packet, link.name, "expired"))
            else:
                packets.append(packet)
                events.append(PacketForwarded(packet, link.name, Duration(now - came)))
        return Output(packets, events)

    def deadline(self) -> Instant | None:
        """Return when the next packet is to leave."""
        entries = self._queue.entries
        return entries[0][0] if entries else None

    def set(self, link: LinkName, profile: Profile) -> None:
        """Make a link go by this profile from the next packet on; those in the queue keep their time.

        The places in the profile's lists count from the link's first packet, not from now: see :meth:`packet_counts`.

        Raises:
            ValueError: there is no such link.
        """
        if link not in self._links:
            raise ValueError(f"there is no link {link!r}; there are {', '.join(self._links)}")
        self._links[link].set(profile)

    def profiles(self) -> Mapping[LinkName, Profile]:
        """Return what each link goes by now."""
        return {name: link.profile for name, link in self._links.items()}

    def packet_counts(self) -> Mapping[LinkName, int]:
        """Return how many packets were ever let onto each link: the place of its last one."""
        return {name: link.packets for name, link in self._links.items()}

    def queue_lengths(self) -> Mapping[LinkName, int]:
        """Return how many packets wait on each link."""
        return {name: link.queued for name, link in self._links.items()}

    def role_of(self, address: Address) -> str | None:
        """Return the role that holds the address, ``None`` if none does."""
        return self._roles.of(address)

    def _find_route(self, source: Address, target: Address) -> _Route:
        role, its_role = self._roles.of(source), self._roles.of(target)
        name = link_name(role or ELSEWHERE, its_role or ELSEWHERE)
        if len(self._routes) >= _ROUTES_LIMIT:
            self._routes.clear()
        route = self._routes[source, target] = _Route(role, name, self._links.get(name))
        return route
