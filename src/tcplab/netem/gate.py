"""The faults in force: what stands between a packet's road and its link."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count
from typing import Final

from tcplab.netem.events import LinkName, PacketCorrupted, PacketDropped, PacketDuplicated, PacketHeld, PacketMarked
from tcplab.netem.faults import RULES, Fault
from tcplab.netem.flows import Entered, Flows, Sight
from tcplab.netem.impairments.corruption import damage
from tcplab.netem.link import Link
from tcplab.netem.notices import FaultApplied, FaultHealed, HealReason
from tcplab.netem.patterns import Road
from tcplab.netem.realised import Realised, of_fault
from tcplab.netem.standing import Done, Held, Standing, Stream, Struck
from tcplab.netem.strike import Strike
from tcplab.netem.values import CE
from tcplab.node import Address, Event, Output, Packet
from tcplab.units import MILLISECOND, Duration, Instant, earliest

Take = Callable[[Packet, Instant], Output]
"""What becomes of a packet that came in."""

HELD_LIMIT: Final = 1_000  # packets that one fault holds; what comes on top is dropped
LAST_PATIENCE: Final = 200 * MILLISECOND  # how long data waits to turn out to be the last
COPY_STEP: Final = 16  # between the numbers of copies that faults make: a link copies each of them a few times at most

_Blows = Sequence[tuple[Standing, Struck]]


class _Result:
    """What comes of one input, as it is being decided."""

    __slots__ = ("events", "now", "packets")

    def __init__(self, now: Instant) -> None:
        self.now = now
        self.packets: list[Packet] = []
        self.events: list[Event] = []

    def output(self) -> Output:
        return Output(self.packets, self.events)


class Gate:
    """Keeps the faults in force, and heals each when its lease ends.

    Each fault looks at every packet that it is about as the packet comes in, whatever the others do to it: setting one
    does not shift what another counts. If any that strikes it drops it, it is lost; else all damage, mark and copy it,
    in their order, and the first that would hold it does. What is held goes on to its link when it is let go: by time,
    by the segment that is awaited, or since the fault has healed.

    Connections are followed only while a fault, or somebody else, asks for it.
    """

    def __init__(self, seed: int, lifetime: Duration | None, role_of: Callable[[Address], str | None]) -> None:
        self._seed = seed
        self._lifetime = lifetime
        self._role_of = role_of
        self._standing: dict[str, Standing] = {}
        self._healed = dict.fromkeys(RULES, Done(0, 0))
        self._seekers: tuple[Standing, ...] = ()
        self._awaiting: tuple[Standing, ...] = ()
        self._flows: Flows | None = None
        self._entered: list[Entered] = []
        self._held: list[tuple[Instant, int, Held]] = []
        self._order = count()
        self._lease: Instant | None = None

    @property
    def is_open(self) -> bool:
        """Whether packets pass without being looked at."""
        return not self._standing and self._flows is None

    @property
    def follows(self) -> bool:
        """Whether connections are followed, so that it wants to be told what leaves the network."""
        return self._flows is not None

    def set(self, faults: Sequence[Fault], now: Instant, reason: HealReason, *, follow: bool) -> Output:
        """Have exactly these faults in force, but for those whose lease has ended; tell what that changes.

        A fault that stood already goes on with what it has counted and holds, whatever became of its lease.
        """
        result = _Result(now)
        before, self._standing = self._standing, {}
        wanted = {fault.name: fault for fault in faults if fault.until is None or fault.until > now}
        for name, standing in before.items():
            if name not in wanted or wanted[name].rule != standing.fault.rule:
                self._heal(standing, reason, result)
        for name, fault in wanted.items():
            kept = before.get(name)
            if kept is not None and kept.fault.rule == fault.rule:
                kept.fault = fault
                self._standing[name] = kept
            else:
                self._standing[name] = Standing(fault, self._seed)
                result.events.append(FaultApplied(name, str(fault.rule), fault.until))
        self._arrange(follow)
        return result.output()

    def deadline(self) -> Instant | None:
        """Return when the next lease ends, or the next packet is let go."""
        held = self._held
        while held and (held[0][2].gone or held[0][2].due != held[0][0]):
            heappop(held)
        return earliest(self._lease, held[0][0] if held else None)

    def advance(self, now: Instant, *, follow: bool) -> Output:
        """Let go of what is due, and heal what has stood to the end of its lease."""
        result = _Result(now)
        while self._held and self._held[0][0] <= now:
            due, _, held = heappop(self._held)
            if not held.gone and held.due == due:
                self._let_go(held, result)
        ended = [s for s in self._standing.values() if s.fault.until is not None and s.fault.until <= now]
        for standing in ended:
            del self._standing[standing.fault.name]
            self._heal(standing, "lease", result)
        if ended:
            self._arrange(follow)
        return result.output()

    def before(self, link: Link, road: Road) -> Take:
        """Return what becomes of the packets of a road: what its faults make of them, and then the link."""
        concerned = tuple(standing for standing in self._standing.values() if standing.concerns(road))
        if not concerned and self._flows is None:
            return link.take

        def take(packet: Packet, now: Instant) -> Output:
            return self._take(packet, link, road, concerned, now)

        return take

    def left(self, packets: Sequence[Packet]) -> None:
        """Be told of packets that left the network."""
        if self._flows is not None:
            for packet in packets:
                self._entered += self._flows.left(packet)

    def entered(self) -> list[Entered]:
        """Return the states that ends of connections have entered since this was last asked."""
        entered, self._entered = self._entered, []
        return entered

    def done(self) -> dict[str, Done]:
        """Return what each fault in force has done."""
        return {name: Done(standing.matched, standing.acted) for name, standing in self._standing.items()}

    def realised(self) -> dict[str, Realised]:
        """Return the same beside what was asked for."""
        return {
            name: of_fault(name, standing.fault.kind, standing.chance, standing.matched, standing.acted)
            for name, standing in self._standing.items()
        }

    def done_by_kind(self) -> dict[str, Done]:
        """Return what faults of each kind have done, those that have healed included."""
        done = dict(self._healed)
        for standing in self._standing.values():
            done[standing.fault.kind] = done[standing.fault.kind].and_of(standing)
        return done

    def faults(self) -> tuple[Fault, ...]:
        """Return the faults in force."""
        return tuple(standing.fault for standing in self._standing.values())

    def held(self) -> Mapping[LinkName, int]:
        """Return how many packets are held, by the names of their links."""
        return Counter(held.link.name for standing in self._standing.values() for held in standing.held)

    # --- one packet --------------------------------------------------------------------------------------------------

    def _take(self, packet: Packet, link: Link, road: Road, concerned: Sequence[Standing], now: Instant) -> Output:
        result, sight = _Result(now), None
        if self._flows is not None:
            sight, entered = self._flows.came(packet)
            self._entered += entered
            for standing in self._seekers:
                self._decide(standing, packet, sight, result)
        blows: list[tuple[Standing, Struck]] = []
        waits: Standing | None = None
        for standing in concerned:
            blow = None
            if sight is None or not standing.seeks_last:
                blow = standing.strikes(packet, sight, now)
            elif standing.may_be_last(packet, sight):
                waits = waits or standing
            elif standing.shows_last(packet, sight):
                blow = standing.strikes_last(packet)
            if blow is not None:
                blows.append((standing, blow))
        self._strike(packet, link, blows, result, sight=sight, waits=waits)
        if sight is not None:
            for standing in self._awaiting:
                if standing.held and standing.awaits(packet, road, sight):
                    self._has_come(standing, packet, sight, result)
        return result.output()

    def _strike(
        self,
        packet: Packet,
        link: Link,
        blows: _Blows,
        result: _Result,
        *,
        sight: Sight | None,
        waits: Standing | None = None,
    ) -> None:
        """Do what the faults do that have struck a packet, and carry on with what is left of it."""
        copies: list[tuple[Packet, str, float | None]] = []
        holder = None
        for standing, (draw,) in blows:
            if standing.action == "drop":
                result.events.append(PacketDropped(packet, link.name, "fault", standing.fault.name, draw))
                return
        for standing, (draw,) in blows:
            rule = standing.fault.rule
            assert isinstance(rule, Strike), "the others drop"
            match rule.action:
                case "corrupt":
                    packet = self._damage(packet, link, standing, draw, result)
                case "mark":
                    packet = replace(packet, ecn=CE)
                    result.events.append(PacketMarked(packet, link.name, rule=standing.fault.name, draw=draw))
                case "duplicate":
                    copies += [(packet, standing.fault.name, draw)] * rule.copies
                case "hold":
                    holder = holder or standing
        holder = holder or waits
        if holder is not None:
            self._hold(packet, link, holder, sight, result, undecided=holder is waits)
        else:
            self._absorb(link.take(packet, result.now), result)
        for number, (original, rule_name, draw) in enumerate(copies, start=1):
            copy = replace(original, copy=original.copy + COPY_STEP * number)
            result.events.append(PacketDuplicated(copy, link.name, rule_name, draw))
            self._absorb(link.take(copy, result.now), result)

    def _damage(self, packet: Packet, link: Link, standing: Standing, draw: float | None, result: _Result) -> Packet:
        found = damage(packet, standing.bit)
        if found is None:
            return packet
        damaged, bit = found
        result.events.append(PacketCorrupted(damaged, link.name, bit, standing.fault.name, draw))
        return damaged

    # --- holding -----------------------------------------------------------------------------------------------------

    def _hold(
        self, packet: Packet, link: Link, standing: Standing, sight: Sight | None, result: _Result, *, undecided: bool
    ) -> None:
        if len(standing.held) >= HELD_LIMIT:
            result.events.append(PacketDropped(packet, link.name, "limit", standing.fault.name))
            return
        held = Held(packet, link, standing, None if sight is None else Stream.of(sight))
        standing.held[held] = None
        result.events.append(PacketHeld(packet, link.name, standing.fault.name))
        if undecided:
            assert held.stream is not None, "whoever seeks the last has connections followed"
            standing.undecided[held.stream] = held
            self._schedule(held, result.now + LAST_PATIENCE)
        else:
            self._wait(held, result.now)

    def _wait(self, held: Held, now: Instant) -> None:
        """Let a packet wait for what its fault says."""
        rule = held.standing.fault.rule
        assert isinstance(rule, Strike), "nothing else holds anything"
        held.awaits = rule.until is not None
        self._schedule(held, None if held.awaits else now + rule.time)

    def _schedule(self, held: Held, due: Instant | None) -> None:
        """Let a packet go when it is due, but when it is too old at the latest: then it is lost."""
        lifetime = self._lifetime
        held.due = earliest(due, None if lifetime is None else held.packet.born + lifetime + 1)
        if held.due is not None:
            heappush(self._held, (held.due, next(self._order), held))

    def _decide(self, standing: Standing, packet: Packet, sight: Sight, result: _Result) -> None:
        """See what a packet tells of undecided data before it."""
        held = standing.undecided.get(Stream.of(sight))
        last = None if held is None else standing.is_last(held, packet, sight)
        if held is None or last is None:
            return
        del standing.undecided[Stream.of(sight)]
        blow = standing.strikes_last(held.packet) if last else None
        if blow is None:
            self._let_go(held, result)
        elif standing.action == "hold":
            self._wait(held, result.now)
        else:
            self._forget(held)
            self._strike(held.packet, held.link, ((standing, blow),), result, sight=sight)

    def _has_come(self, standing: Standing, packet: Packet, sight: Sight, result: _Result) -> None:
        """Let go of what awaited a packet of its connection, at once or after a time."""
        rule = standing.fault.rule
        assert isinstance(rule, Strike), "nothing else holds anything"
        for held in list(standing.held):
            if held.awaits and held.stream is not None and held.stream.flow is sight.flow and held.packet is not packet:
                held.awaits = False
                if rule.time:
                    self._schedule(held, result.now + rule.time)
                else:
                    self._let_go(held, result)

    def _let_go(self, held: Held, result: _Result) -> None:
        """Let a packet go on to its link, or drop it if it has become too old."""
        self._forget(held)
        if self._lifetime is not None and result.now - held.packet.born > self._lifetime:
            name = held.standing.fault.name
            result.events.append(PacketDropped(held.packet, held.link.name, "expired", name))
        else:
            self._absorb(held.link.take(held.packet, result.now), result)

    def _forget(self, held: Held) -> None:
        held.gone = True
        standing = held.standing
        del standing.held[held]
        if held.stream is not None and standing.undecided.get(held.stream) is held:
            del standing.undecided[held.stream]

    def _absorb(self, output: Output, result: _Result) -> None:
        self.left(output.packets)
        result.packets += output.packets
        result.events += output.events

    # --- what stands -------------------------------------------------------------------------------------------------

    def _heal(self, standing: Standing, reason: HealReason, result: _Result) -> None:
        result.events.append(FaultHealed(standing.fault.name, reason))
        for held in list(standing.held):
            self._let_go(held, result)
        kind = standing.fault.kind
        self._healed[kind] = self._healed[kind].and_of(standing)

    def _arrange(self, follow: bool) -> None:
        """Note what of the faults concerns every packet."""
        standing = self._standing.values()
        self._lease = earliest(*(each.fault.until for each in standing))
        self._seekers = tuple(each for each in standing if each.seeks_last)
        strikes = [(each, each.fault.rule) for each in standing if isinstance(each.fault.rule, Strike)]
        self._awaiting = tuple(each for each, rule in strikes if rule.until is not None)
        if not follow and not any(rule.needs_flows for _, rule in strikes):
            self._flows = None
        elif self._flows is None:
            self._flows = Flows(self._role_of)
