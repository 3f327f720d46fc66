"""The network between the hosts, as a node: finds each packet its link, and holds it until it leaves."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from tcplab.netem.configuration import Configuration
from tcplab.netem.events import LinkName, PacketDropped, PacketForwarded
from tcplab.netem.faults import Fault
from tcplab.netem.gate import Gate, Take
from tcplab.netem.notices import ConfigurationApplied, HealReason, NetworkStarted
from tcplab.netem.patterns import Road
from tcplab.netem.profile import Profile
from tcplab.netem.queue import Queue
from tcplab.netem.realised import Realised
from tcplab.netem.roles import DEFAULT_ROLES, ELSEWHERE, Roles, link_name
from tcplab.netem.routes import Links
from tcplab.netem.snapshot import to_json
from tcplab.netem.standing import Done
from tcplab.netem.timeline import Fired, Timeline
from tcplab.node import NOTHING, Address, Event, Output, Packet, PacketDiscarded
from tcplab.units import MINUTE, START, Duration, Instant, earliest
from tcplab.value import value

LIFETIME_DEFAULT: Final = 2 * MINUTE  # MSL of RFC 9293, 3.4.2

_ROUTES_LIMIT: Final = 16_384  # pairs of addresses remembered: a packet may claim to come from anywhere


@value
class _Route:
    """What is known of a pair of addresses."""

    source_role: str | None
    name: LinkName
    """Of the link between the roles, for those who are told."""
    take: Take | None
    """What becomes of its packets; ``None`` where there is no link."""


class Network:
    """Carries packets between roles, which are names for the hosts of an IPv4 prefix.

    Every ordered pair of different roles has a link, a perfect one unless a profile is given for it; a profile for
    ``"client>client"`` makes a link within one role. A packet that finds no link is dropped (``no_route``), and so is
    one that is older than ``lifetime`` by its ``born`` when it comes in, or when it is to leave (``expired``); one that
    claims to come from as far in the future would never grow old, and is dropped as well.

    What becomes of the n-th packet of a link depends on nothing but the seed, the link's name, its profile, n, and what
    is in its queue.

    On top of that stands a :class:`Configuration`, which may be replaced between any two packets: other profiles, also
    for single hosts, and faults, which look at a packet before its link does. Faults heal by themselves when their
    lease ends. Without faults a packet pays nothing for them.
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
        links = tuple((name, str(profile)) for name, profile in profiles.items())
        self._beginning = NetworkStarted(seed, lifetime, tuple(roles.items()), links)
        self._now = START
        self._queue = queue = Queue()
        self._routes: dict[tuple[Address, Address], _Route] = {}
        self._links = Links(profiles, self._roles, seed, queue)
        self._configuration = Configuration()
        self._timeline = Timeline()
        self._gate = Gate(seed, lifetime, self._roles.of)
        self._next_change: Instant | None = None  # when a lease ends, the timeline goes on, or a fault lets go
        self._follows = False  # whether connections are followed

    def keep_quiet(self) -> None:
        """From now on make none of the events of packets that a delay alone holds, and of those that leave the queue.

        Nobody observes, and they are nearly all that there is.
        """
        self._queue.quiet = True

    def start(self, now: Instant) -> Output:
        """Tell what the network begins with; it takes packets without that, too."""
        assert now >= self._now, f"time went back from {self._now} to {now}"
        self._now = now
        return Output((), (self._beginning,))

    def receive(self, packet: Packet, now: Instant, sender: str | None = None) -> Output:
        """Take a packet from a host.

        ``sender`` is who it is known to come from, whatever it says itself; ``None`` if nobody knows. A packet whose
        source is not an address of that role is discarded.
        """
        assert now >= self._now, f"time went back from {self._now} to {now}"
        self._now = now
        source, target = packet.source, packet.target
        route = self._routes.get((source, target)) or self._find_route(source, target)
        if sender is not None and sender != route.source_role:
            return Output((), (PacketDiscarded(packet, "spoofed_source"),))
        if route.take is None:
            return Output((), (PacketDropped(packet, route.name, "no_route"),))
        lifetime, age = self._lifetime, now - packet.born
        if age and lifetime is not None and not -lifetime <= age <= lifetime:
            return Output((), (PacketDropped(packet, route.name, "expired"),))
        return route.take(packet, now)

    def advance(self, now: Instant) -> Output:
        """Do what the timeline has for now, heal every fault whose lease has ended, let go of every packet."""
        assert now >= self._now, f"time went back from {self._now} to {now}"
        self._now = now
        change = self._next_change
        changed = None if change is None or change > now else self._change(now)
        take, lifetime, quiet = self._queue.take, self._lifetime, self._queue.quiet
        packets: list[Packet] = []
        events: list[Event] = []
        while (entry := take(now)) is not None:
            leave, order, packet, link, came = entry
            if order in link.to_slot and (waits := link.into_slot(entry, now)) is not None:
                events.append(waits)
                continue
            link.queued -= 1
            link.late += now - leave
            if lifetime is not None and now - packet.born > lifetime:
                events.append(PacketDropped(packet, link.name, "expired"))
            else:
                packets.append(packet)
                if not quiet:
                    events.append(PacketForwarded(packet, link.name, now - came))
        if not packets and not events:
            return NOTHING if changed is None else changed
        left = Output(packets, events)
        return left if changed is None and not self._follows else self._joined_with_seen(changed, left, now)

    def deadline(self) -> Instant | None:
        """Return when the next packet is to leave, the next lease to end, or the timeline to go on."""
        first, change = self._queue.first(), self._next_change
        return first if change is None or (first is not None and first < change) else change

    def configure(self, configuration: Configuration, now: Instant) -> Output:
        """Go by this configuration, and no other, from the next packet on; those in the queue keep their time.

        A fault that stood already goes on with what it has counted; one whose lease has ended is left out. An entry of
        the timeline that stood already is where it is; one whose time has passed happens now, as it would have then.

        Raises:
            ValueError: the network has no such host or role; nothing has changed.
        """
        assert now >= self._now, f"time went back from {self._now} to {now}"
        configuration.check(self._roles)
        self._now = now
        self._configuration = configuration
        self._timeline.set(configuration, now)
        outputs = (self._go_by_it(now, "cleared"), self._change(now))
        applied = ConfigurationApplied(configuration.revision, json.dumps(to_json(configuration)))
        return _joined(Output((), (applied,)), *outputs)

    @property
    def configuration(self) -> Configuration:
        """What was last given to :meth:`configure`."""
        return self._configuration

    @property
    def in_force(self) -> Configuration:
        """The same with what the timeline has made of it since; leases that have ended still stand there."""
        return self._timeline.configuration

    def faults(self) -> tuple[Fault, ...]:
        """Return the faults in force: what was configured, without what has healed since."""
        return self._gate.faults()

    def faults_done(self) -> Mapping[str, Done]:
        """Return what each fault in force has done so far."""
        return self._gate.done()

    def faults_realised(self) -> Mapping[str, Realised]:
        """Return how many of the packets that each fault in force is about it has struck, beside what was asked for."""
        return self._gate.realised()

    def faults_done_by_kind(self) -> Mapping[str, Done]:
        """Return what faults of each kind have done so far, those that have healed included."""
        return self._gate.done_by_kind()

    def set(self, link: LinkName, profile: Profile) -> None:
        """Give a link another base profile from the next packet on; those in the queue keep their time.

        What the configuration says of the link comes first. The places in the profile's lists count from the link's
        first packet, not from now: see :meth:`packet_counts`.

        Raises:
            ValueError: there is no such link.
        """
        self._links.set_base(link, profile)

    def profiles(self) -> Mapping[LinkName, Profile]:
        """Return what each link between roles goes by now."""
        return self._links.profiles()

    def packet_counts(self) -> Mapping[LinkName, int]:
        """Return how many packets were ever let onto each link: the place of its last one."""
        return self._links.packet_counts()

    def queue_lengths(self) -> Mapping[LinkName, int]:
        """Return how many packets wait on the way between each two roles, those that faults hold among them."""
        lengths, held = self._links.queue_lengths(), self._gate.held()
        return {name: length + held.get(name, 0) for name, length in lengths.items()}

    def realised(self) -> Mapping[LinkName, tuple[Realised, ...]]:
        """Return what the clauses of each link really did since they were set, beside what was asked of them.

        Links for single hosts are called by their own names.
        """
        return self._links.realised()

    def role_of(self, address: Address) -> str | None:
        """Return the role that holds the address, ``None`` if none does."""
        return self._roles.of(address)

    def _change(self, now: Instant) -> Output:
        """Do what the timeline has in store, end the leases that are over, let go of what faults held until now."""
        outputs = [self._gate.advance(now, follow=self._timeline.follows), self._seen(now)]
        while fired := self._timeline.due(now):
            outputs.append(self._fire(fired, now))
        self._routes.clear()
        self._follows = self._gate.follows
        self._next_change = earliest(self._gate.deadline(), self._timeline.deadline())
        return _joined(*outputs)

    def _joined_with_seen(self, changed: Output | None, left: Output, now: Instant) -> Output:
        """Return all that came of an advance, once what has left was looked at."""
        self._gate.left(left.packets)
        return _joined(changed or NOTHING, left, self._seen(now))

    def _fire(self, fired: Sequence[Fired], now: Instant) -> Output:
        return _joined(Output((), self._timeline.fire(fired)), self._go_by_it(now, "timeline"))

    def _seen(self, now: Instant) -> Output:
        """Let the timeline know which states ends of connections have entered, and do what it has for that."""
        output = NOTHING
        while (entered := self._gate.entered()) and (fired := self._timeline.entered(entered, now)):
            output = _joined(output, self._fire(fired, now), self._change(now))
        return output

    def _go_by_it(self, now: Instant, reason: HealReason) -> Output:
        """Let links and faults be as the configuration has them now."""
        configuration = self._timeline.configuration
        self._links.configure(configuration.links)
        output = self._gate.set(configuration.faults, now, reason, follow=self._timeline.follows)
        self._follows = self._gate.follows
        return output

    def _watched(self, take: Take, road: Road) -> Take:
        """Return what becomes of the packets of a road, where faults and the timeline look on."""

        def watched(packet: Packet, now: Instant) -> Output:
            output = take(packet, now)
            fired = self._timeline.saw(road, output.events, now) if self._timeline.counts else ()
            told = _joined(self._fire(fired, now), self._change(now)) if fired else NOTHING
            seen = self._seen(now)
            self._next_change = earliest(self._gate.deadline(), self._timeline.deadline())
            return output if told is NOTHING and seen is NOTHING else _joined(output, told, seen)

        return watched

    def _find_route(self, source: Address, target: Address) -> _Route:
        road = Road(source, self._roles.of(source), target, self._roles.of(target))
        name = link_name(road.source_role or ELSEWHERE, road.target_role or ELSEWHERE)
        if len(self._routes) >= _ROUTES_LIMIT:
            self._routes.clear()
        link = self._links.find(road)
        take = None if link is None else self._gate.before(link, road)
        if take is not None and (self._timeline.counts or not self._gate.is_open):
            take = self._watched(take, road)
        route = self._routes[source, target] = _Route(road.source_role, name, take)
        return route


def _joined(*outputs: Output) -> Output:
    packets = [packet for output in outputs for packet in output.packets]
    return Output(packets, [event for output in outputs for event in output.events])
