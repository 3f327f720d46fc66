"""One direction between two roles: what becomes of each packet on it."""

from dataclasses import replace
from typing import Final, NamedTuple

from tcplab.netem.events import (
    DropReason,
    LinkName,
    PacketCorrupted,
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketMarked,
    PacketReordered,
)
from tcplab.netem.impairments.corruption import damage
from tcplab.netem.impairments.line import packet_size
from tcplab.netem.impairments.maker import Maker, Way
from tcplab.netem.loss_models import Bursts, FourStates, GilbertElliott
from tcplab.netem.profile import Profile, is_plain
from tcplab.netem.queue import Entry, Queue
from tcplab.netem.realised import Passage, Realised, of_link, varies
from tcplab.netem.values import CE
from tcplab.node import NOTHING, Event, Output, Packet
from tcplab.units import START, Instant

_RULES: Final = {FourStates: "state", GilbertElliott: "gemodel", Bursts: "burst"}


class _Outcome(NamedTuple):
    """What comes of one packet, as it is being decided."""

    now: Instant
    packets: list[Packet]
    events: list[Event]


class _Loss(NamedTuple):
    """Why a packet does not go on."""

    reason: DropReason
    rule: str
    draw: float | None = None


class Link:
    """Decides what becomes of each packet, in the order in which tc netem does.

    The duplicate's draw, the loss's draw, the mark instead of the loss, the extra copy (once more through all but
    duplication, ahead of the packet itself), the flipped bit, the limit; then either at once past all others, or the
    delay, the line, the slot. The lists come on top: what is on the drop list is gone before chance is asked; what is
    on the delay list is held back only after it has passed the line, so that others overtake it.

    Attributes:
        packets: how many were ever let onto the link; the place of the last one.
        queued: how many are in the queue, copies included.
        late: how much later than they were to packets left, all together, nanoseconds; counted by whoever lets them go.
        to_slot: orders of the entries in the queue that are to pass :meth:`into_slot` when their time has come.
    """

    __slots__ = (
        "_copied", "_dropped", "_latest", "_loss_rule", "_maker", "_parts", "_plain_delay", "_queue", "_varies", "late",
        "name", "packets", "profile", "queued", "to_slot",
    )  # fmt: skip

    def __init__(
        self, name: LinkName, profile: Profile, seed: int, queue: Queue, *, key: LinkName | None = None
    ) -> None:
        self.name = name
        """What events call it; its draws are named by ``key``, where that is another."""
        self.packets = self.queued = self.late = 0
        self.to_slot: set[int] = set()
        self._copied = self._dropped = 0
        self._queue = queue
        self._latest = START  # when the last to leave of those that came in leaves; copies do not count
        self._maker = Maker(key or name, seed)
        self.set(profile)

    def set(self, profile: Profile) -> None:
        """Go by this profile from the next packet on; those in the queue keep their time.

        A clause that stays as it was goes on: with the state that it is in, and with its counts.
        """
        self.profile = profile
        self._parts = self._maker.make(profile, self.packets)
        self._loss_rule = _RULES.get(type(profile.loss_model), "loss")
        self._varies = varies(profile)
        self._plain_delay = profile.delay if is_plain(profile) else None

    def take(self, packet: Packet, now: Instant) -> Output:
        """Decide what becomes of a packet that came in."""
        self.packets += 1
        delay = self._plain_delay
        if delay and self.queued < self.profile.limit:
            # A short way for a link that only delays: the same outcome at a third of the price.
            leave = now + delay
            if leave >= self._latest:
                self._latest = leave
                self.queued += 1
                queue = self._queue
                queue.put((leave, next(queue.order), packet, self, now))
                return NOTHING if queue.quiet else Output((), (PacketDelayed(packet, self.name, delay, "delay"),))
        outcome = _Outcome(now, [], [])
        self._decide(packet, outcome)
        return Output(outcome.packets, outcome.events)

    def into_slot(self, entry: Entry, now: Instant) -> PacketDelayed | None:
        """Put an entry whose time has come, and that is in ``to_slot``, back to leave in its slot.

        Returns:
            What became of it; ``None`` where it may leave at once.
        """
        ready, order, packet, _, came = entry
        self.to_slot.discard(order)
        slots = self._parts.slots
        leave = ready if slots is None else slots.leave(ready, packet_size(packet))
        if leave <= ready:
            return None
        self._queue.put((leave, order, packet, self, came))
        return PacketDelayed(packet, self.name, max(now, leave) - now, "slot")

    def realised(self) -> tuple[Realised, ...]:
        """Return what each clause of the profile really did since it was set."""
        left = self.packets + self._copied - self._dropped - self.queued
        return of_link(self.profile, self._loss_rule, self._parts, Passage(self.packets, left, self.late))

    def _decide(self, packet: Packet, outcome: _Outcome) -> None:
        place, profile, parts = self.packets, self.profile, self._parts
        twice, lost = parts.duplicate.strikes(place), parts.packets.loss.strikes(place)
        loss: _Loss | None = None
        passes = packet
        if place in profile.drop_list:
            parts.listed.add(place)
            loss = _Loss("list", "droplist")
        elif lost is not None and profile.ecn and packet.ecn:
            passes = self._mark(packet, lost, outcome)
            lost = None
        elif lost is not None and twice is None:
            loss = _Loss("loss", self._loss_rule, lost)

        copies = packet.copy
        if twice is not None and lost is None and loss is None:  # where both strike, one packet goes on
            copies += 1
            self._take_copy(replace(passes, copy=copies), twice, outcome)

        ready = self._ready(parts.packets, outcome.now)
        extra = profile.delay_list.get(place, 0)
        leave = self._carry(passes, parts.packets, ready, outcome, loss=loss, extra=extra)
        if leave is not None:
            self._latest = max(self._latest, leave)
        if place in profile.copy_list:
            left = leave if leave is not None else ready + extra
            self._follow(replace(packet, copy=copies + 1), left + profile.copy_list[place], outcome)

    def _mark(self, packet: Packet, draw: float, outcome: _Outcome) -> Packet:
        marked = replace(packet, ecn=CE)
        self._parts.marked.add(self.packets)
        outcome.events.append(PacketMarked(marked, self.name, self._loss_rule, draw))
        return marked

    def _take_copy(self, copy: Packet, draw: float, outcome: _Outcome) -> None:
        """Take the copy that a duplication made as tc does: like a packet of its own, with draws of its own."""
        way = self._parts.copies
        self._copied += 1
        outcome.events.append(PacketDuplicated(copy, self.name, "duplicate", draw))
        lost = way.loss.strikes(self.packets)
        loss: _Loss | None = None
        if lost is not None and self.profile.ecn and copy.ecn:
            copy = self._mark(copy, lost, outcome)
        elif lost is not None:
            loss = _Loss("loss", self._loss_rule, lost)
        self._carry(copy, way, self._ready(way, outcome.now), outcome, loss=loss)

    def _follow(self, copy: Packet, leave: Instant, outcome: _Outcome) -> None:
        """Let a copy of the copy list follow at its time."""
        self._copied += 1
        self._parts.followed.add(self.packets)
        outcome.events.append(PacketDuplicated(copy, self.name, "copylist"))
        if not self._drop(copy, None, outcome):
            self._hold(copy, leave, outcome, "copylist", None)

    def _ready(self, way: Way, now: Instant) -> Instant:
        """Return when a packet that comes now reaches the line; of lost ones too, so that losses shift no delay."""
        ready = now + way.delay.of(self.packets)
        trace = self._parts.delay_trace
        return Instant(ready if trace is None else ready + trace.at(now))

    def _carry(
        self, packet: Packet, way: Way, ready: Instant, outcome: _Outcome, *, loss: _Loss | None, extra: int = 0
    ) -> Instant | None:
        """Let a packet pass the line and hold it ``extra`` more; return when it leaves, ``None`` if it is dropped."""
        place, now, parts = self.packets, outcome.now, self._parts
        if way.corrupt is not None and (struck := way.corrupt.strikes(place)) is not None and loss is None:
            packet = self._damage(packet, way, struck, outcome)
        if self._drop(packet, loss, outcome):
            return None
        if extra:
            parts.held.add(place)
        if way.reorder is not None and (at_once := way.reorder.strikes(place)) is not None:
            leave = now + extra
            self._hold(packet, leave, outcome, "reorder", at_once, ahead=True)
            return leave
        if self._varies:
            parts.delays.add(ready - now)
        passed = ready if parts.line is None else parts.line.through(packet, ready)
        leave = passed + extra
        rule = "delaylist" if extra else "rate" if passed > ready else "delay"
        self._hold(packet, leave, outcome, rule, way.delay.draw)
        return leave

    def _damage(self, packet: Packet, way: Way, draw: float, outcome: _Outcome) -> Packet:
        found = damage(packet, way.bits.at(self.packets))
        if found is None:
            return packet
        damaged, bit = found
        outcome.events.append(PacketCorrupted(damaged, self.name, bit, "corrupt", draw))
        return damaged

    def _drop(self, packet: Packet, loss: _Loss | None, outcome: _Outcome) -> bool:
        """Drop the packet for the reason given, or for want of room; return whether it was."""
        if loss is None and self.queued >= self.profile.limit:
            loss = _Loss("limit", "limit")
        if loss is None:
            return False
        self._dropped += 1
        outcome.events.append(PacketDropped(packet, self.name, *loss))
        return True

    def _hold(
        self, packet: Packet, leave: Instant, outcome: _Outcome, rule: str, draw: float | None, *, ahead: bool = False
    ) -> None:
        """Keep a packet until it leaves, or let it leave at once where nothing that is due stands before it."""
        queue, now, slots = self._queue, outcome.now, self._parts.slots
        overtakes = PacketReordered(packet, self.name, rule, draw) if leave < self._latest else None
        first = leave == now and (ahead or (due := queue.first()) is None or due > now)
        if slots is not None and first:
            leave = slots.leave(now, packet_size(packet))
            if leave > now:
                first, rule, draw = False, "slot", None
        if first:
            outcome.packets.append(packet)
            said = (rule, draw) if ahead else ("", None)
            outcome.events.append(PacketForwarded(packet, self.name, leave - now, *said))
        else:
            order = next(queue.order)
            if ahead:
                order = -order  # what is sent ahead leaves before what leaves at the same time
            if slots is not None and rule != "slot":
                self.to_slot.add(order)
            self.queued += 1
            queue.put((leave, order, packet, self, now))
            outcome.events.append(PacketDelayed(packet, self.name, leave - now, rule, draw))
        if overtakes is not None:
            outcome.events.append(overtakes)
