"""The faults in force: what stands between a packet's road and its link."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from tcplab.netem.events import PacketDropped
from tcplab.netem.faults import Fault, Flap
from tcplab.netem.link import Link
from tcplab.netem.notices import FaultApplied, FaultHealed, HealReason
from tcplab.netem.patterns import Road
from tcplab.node import Event, Output, Packet
from tcplab.units import Instant, earliest

Take = Callable[[Packet, Instant], Output]
"""What becomes of a packet that came in."""


class Done(NamedTuple):
    """What a fault has done so far."""

    matched: int
    """Packets that it was about."""
    acted: int
    """Packets that it did something to."""


class _Standing:
    """A fault in force, and what it has done."""

    __slots__ = ("acted", "fault", "matched")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.matched = 0
        self.acted = 0

    def drops(self, now: Instant) -> bool:
        """Return whether a packet of a direction that is meant is lost now."""
        self.matched += 1
        rule = self.fault.rule
        if isinstance(rule, Flap) and not rule.is_down(self.fault.since, now):
            return False
        self.acted += 1
        return True


class Gate:
    """Keeps the faults in force, and heals each when its lease ends.

    Each fault looks at every packet that it is about, whatever the others do to it: setting one does not shift what
    another counts.
    """

    __slots__ = ("_due", "_standing")

    def __init__(self) -> None:
        self._standing: dict[str, _Standing] = {}
        self._due: Instant | None = None

    def set(self, faults: Sequence[Fault], now: Instant, reason: HealReason) -> Iterator[Event]:
        """Have exactly these faults in force, but for those whose lease has ended; tell what that changes.

        A fault that stood already goes on with what it has counted, whatever became of its lease.
        """
        before, self._standing = self._standing, {}
        wanted = {fault.name: fault for fault in faults if fault.until is None or fault.until > now}
        for name, standing in before.items():
            if name not in wanted or wanted[name].rule != standing.fault.rule:
                yield FaultHealed(name, reason)
        for name, fault in wanted.items():
            kept = before.get(name)
            if kept is not None and kept.fault.rule == fault.rule:
                kept.fault = fault
                self._standing[name] = kept
            else:
                self._standing[name] = _Standing(fault)
                yield FaultApplied(name, str(fault.rule), fault.until)
        self._due = earliest(*(standing.fault.until for standing in self._standing.values()))

    def deadline(self) -> Instant | None:
        """Return when the next lease ends."""
        return self._due

    def advance(self, now: Instant) -> list[Event]:
        """Heal what has stood to the end of its lease."""
        ended = [s for s in self._standing.values() if s.fault.until is not None and s.fault.until <= now]
        for standing in ended:
            del self._standing[standing.fault.name]
        self._due = earliest(*(standing.fault.until for standing in self._standing.values()))
        return [FaultHealed(standing.fault.name, "lease") for standing in ended]

    def before(self, link: Link, road: Road) -> Take:
        """Return what becomes of the packets of a road: what its faults make of them, and then the link."""
        concerned = tuple(s for s in self._standing.values() if s.fault.rule.strikes(*road))
        if not concerned:
            return link.take

        def take(packet: Packet, now: Instant) -> Output:
            struck = [standing for standing in concerned if standing.drops(now)]
            if struck:
                return Output((), (PacketDropped(packet, link.name, "fault", struck[0].fault.name),))
            return link.take(packet, now)

        return take

    def done(self) -> dict[str, Done]:
        """Return what each fault in force has done."""
        return {name: Done(standing.matched, standing.acted) for name, standing in self._standing.items()}

    def faults(self) -> tuple[Fault, ...]:
        """Return the faults in force."""
        return tuple(standing.fault for standing in self._standing.values())
