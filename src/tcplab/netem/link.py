"""One direction between two roles: what becomes of each packet on it."""

from heapq import heappush
from itertools import count
from typing import NamedTuple

from tcplab.netem.events import (
    DropReason,
    LinkName,
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketReordered,
)
from tcplab.netem.impairments import Chance, Delay, Draws, Line
from tcplab.netem.profile import Profile
from tcplab.node import Event, Output, Packet
from tcplab.units import START, Instant, elapsed


class Queue:
    """Packets of all links that wait to leave, as a heap: the first to leave is ``entries[0]``.

    An entry is (when it leaves, its place in the order of coming, the packet, its link, when it came in).
    """

    __slots__ = ("entries", "order")

    def __init__(self) -> None:
        self.entries: list[tuple[Instant, int, Packet, Link, Instant]] = []
        self.order = count()


class _Outcome(NamedTuple):
    """What comes of one packet, as it is being decided."""

    now: Instant
    packets: list[Packet]
    events: list[Event]


class Link:
    """Decides what becomes of each packet, in the order in which tc netem does.

    The duplicate's draw, the loss's draw, the extra copy (once more through all but duplication, ahead of the packet
    itself), the limit, the delay, the line. The lists come on top: what is on the drop list is gone before chance
    is asked; what is on the delay list is held back only after it has passed the line, so that others overtake it.
    """

    __slots__ = (
        "_copy_delay", "_copy_loss", "_delay", "_draws", "_duplicate", "_latest", "_line", "_loss", "_plain_delay",
        "_queue", "name", "packets", "profile", "queued",
    )  # fmt: skip

    def __init__(
        self, name: LinkName, profile: Profile, seed: int, queue: Queue, *, key: LinkName | None = None
    ) -> None:
        self.name = name
        """What events call it; its draws are named by ``key``, where that is another."""
        self.packets = 0
        """How many were ever let onto the link; the place of the last one."""
        self.queued = 0
        """How many are in the queue, copies included."""
        self._queue = queue
        self._latest = START  # when the last to leave of those that came in leaves; copies do not count
        self._line = Line()
        purposes = ("loss", "duplicate", "jitter", "loss of copy", "jitter of copy")
        self._draws = {purpose: Draws(seed, key or name, purpose) for purpose in purposes}
        self.set(profile)

    def set(self, profile: Profile) -> None:
        """Go by this profile from the next packet on; those in the queue keep their time."""
        draws = self._draws
        self.profile = profile
        self._duplicate = Chance(profile.duplicate, draws["duplicate"])
        self._loss = Chance(profile.loss, draws["loss"])
        self._delay = Delay(profile.delay, profile.jitter, draws["jitter"])
        self._copy_loss = Chance(profile.loss, draws["loss of copy"])
        self._copy_delay = Delay(profile.delay, profile.jitter, draws["jitter of copy"])
        self._line.rate = profile.rate
        self._plain_delay = profile.delay if profile == Profile(delay=profile.delay, limit=profile.limit) else None

    def take(self, packet: Packet, now: Instant) -> Output:
        """Decide what becomes of a packet that came in."""
        self.packets += 1
        delay = self._plain_delay
        if delay and self.queued < self.profile.limit:
            # A short way for a link that only delays: the same outcome at a third of the price.
            leave = Instant(now + delay)
            if leave >= self._latest:
                self._latest = leave
                self.queued += 1
                queue = self._queue
                heappush(queue.entries, (leave, next(queue.order), packet, self, now))
                return Output((), (PacketDelayed(packet, self.name, delay),))
        outcome = _Outcome(now, [], [])
        self._decide(packet, outcome)
        return Output(outcome.packets, outcome.events)

    def _decide(self, packet: Packet, outcome: _Outcome) -> None:
        place, profile = self.packets, self.profile
        twice, lost = self._duplicate.strikes(place), self._loss.strikes(place)
        listed = place in profile.drop_list
        copies = packet.copy
        if twice and not lost and not listed:  # where both strike, one packet goes on
            copies += 1
            self._take_copy(packet._replace(copy=copies), outcome)

        reason: DropReason | None = "list" if listed else "loss" if lost and not twice else None
        ready, extra = Instant(outcome.now + self._delay.of(place)), profile.delay_list.get(place, 0)
        leave = self._pass_line(packet, ready, extra, reason, outcome)
        if leave is not None:
            self._latest = max(self._latest, leave)

        if place in profile.copy_list:
            left = leave if leave is not None else Instant(ready + extra)
            copy = packet._replace(copy=copies + 1)
            outcome.events.append(PacketDuplicated(copy, self.name))
            if not self._drop(copy, None, outcome):
                self._hold(copy, Instant(left + profile.copy_list[place]), outcome)

    def _take_copy(self, copy: Packet, outcome: _Outcome) -> None:
        """Take the copy that a duplication made as tc does: like a packet of its own, with draws of its own."""
        place = self.packets
        outcome.events.append(PacketDuplicated(copy, self.name))
        reason: DropReason | None = "loss" if self._copy_loss.strikes(place) else None
        self._pass_line(copy, Instant(outcome.now + self._copy_delay.of(place)), 0, reason, outcome)

    def _pass_line(
        self, packet: Packet, ready: Instant, extra: int, reason: DropReason | None, outcome: _Outcome
    ) -> Instant | None:
        """Let a packet pass the line and hold it ``extra`` more; return when it leaves, ``None`` if it is dropped."""
        if self._drop(packet, reason, outcome):
            return None
        leave = Instant(self._line.through(packet, ready) + extra)
        self._hold(packet, leave, outcome)
        return leave

    def _drop(self, packet: Packet, reason: DropReason | None, outcome: _Outcome) -> bool:
        """Drop the packet for the reason given, or for want of room; return whether it was."""
        if reason is None and self.queued >= self.profile.limit:
            reason = "limit"
        if reason is None:
            return False
        outcome.events.append(PacketDropped(packet, self.name, reason))
        return True

    def _hold(self, packet: Packet, leave: Instant, outcome: _Outcome) -> None:
        """Keep a packet until it leaves, or let it leave at once where nothing that is due stands before it."""
        entries, now = self._queue.entries, outcome.now
        delay = elapsed(now, leave)
        if delay == 0 and not (entries and entries[0][0] <= now):
            outcome.packets.append(packet)
            outcome.events.append(PacketForwarded(packet, self.name, delay))
        else:
            self.queued += 1
            heappush(entries, (leave, next(self._queue.order), packet, self, now))
            outcome.events.append(PacketDelayed(packet, self.name, delay))
        if leave < self._latest:
            outcome.events.append(PacketReordered(packet, self.name))
