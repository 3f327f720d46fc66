"""What a sender keeps of its segments once they are not just acknowledged in order (RFC 6675, section 3)."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from enum import Enum
from typing import Final, NamedTuple

from tcplab.units import Instant


class Fate(Enum):
    """What is believed of a segment."""

    IN_NETWORK = "in the network"
    SACKED = "selectively acknowledged"
    LOST = "lost, and not sent again yet"
    ACKNOWLEDGED = "acknowledged"


COMPACT: Final = 64  # so many entries at the front of a list must be done with before the rest is moved
_IN_NETWORK: Final = Fate.IN_NETWORK


class Sent:
    """A segment that was sent.

    Attributes:
        start: position of its first octet.
        end: position after its last.
        at: when it was last sent.
        nth: the how manyth sending of the flight that was, which tells the order even within one instant.
        times: how often it was sent.
        fate: what is believed of it.
    """

    __slots__ = ("at", "end", "fate", "nth", "start", "times")

    def __init__(self, start: int, end: int, at: Instant, nth: int) -> None:
        self.start = start
        self.end = end
        self.at = at
        self.nth = nth
        self.times = 1
        self.fate = _IN_NETWORK


class Sending(NamedTuple):
    """One sending of a segment; what was one then may be in parts now."""

    nth: int
    end: int
    segment: Sent


def _order(sending: Sending) -> tuple[int, int]:
    return sending.nth, sending.end


class Scoreboard:
    """The selectively acknowledged ranges, what is lost, and the order of sending.

    Attributes:
        lost: a heap of positions at which lost segments start; entries that became untrue are left in it.
        sacked: how many segments are selectively acknowledged.
        until: from this position on, everything was sent once and nothing is known of it.
    """

    __slots__ = ("_done", "_ends", "_order", "_starts", "lost", "sacked", "until")

    def __init__(self, segments: Iterable[Sent]) -> None:
        """Begin with segments that were all sent once."""
        self.lost: list[int] = []
        self.sacked = 0
        self.until = 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._order: list[Sending] = []
        self._done = 0  # sendings before this one are of the past
        for segment in segments:
            self.sent(segment)

    def sent(self, segment: Sent) -> None:
        """Take note that a segment was sent, or that a part of one is now looked at by itself."""
        order, sending = self._order, Sending(segment.nth, segment.end, segment)
        if order and _order(order[-1]) > _order(sending):
            insort(order, sending, lo=self._done, key=_order)
        else:
            order.append(sending)

    def overtaken(self, nth: int, end: int) -> list[Sent]:
        """Return what is in the network though it was sent before the nth sending, or in it and before ``end``.

        What has left the network is dropped on the way, so that nothing is looked at in vain twice.
        """
        order = self._order
        waiting = []
        passed = self._done
        while passed < len(order):
            sending = order[passed]
            if sending.nth > nth or (sending.nth == nth and sending.end >= end):
                break
            passed += 1
            if sending.segment.fate is _IN_NETWORK and sending.segment.nth == sending.nth:
                waiting.append(sending)
        done = passed - len(waiting)
        order[done:passed] = waiting
        if done > COMPACT and 2 * done > len(order):
            del order[:done]
            done = 0
        self._done = done
        return [sending.segment for sending in waiting]

    def covers(self, start: int, end: int) -> bool:
        """Return whether a range is known to be selectively acknowledged."""
        index = bisect_right(self._starts, start)
        return index > 0 and self._ends[index - 1] >= end

    def take(self, start: int, end: int) -> list[tuple[int, int]]:
        """Take a range into those that are selectively acknowledged, and return what of it is new."""
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        fresh = []
        at = start
        for left, right in zip(self._starts[first:last], self._ends[first:last], strict=True):
            if at < left:
                fresh.append((at, left))
            at = max(at, right)
        if at < end:
            fresh.append((at, end))
        self._starts[first:last] = [min(start, self._starts[first]) if first < last else start]
        self._ends[first:last] = [max(at, end)]
        return fresh

    def drop(self, position: int) -> None:
        """Drop the ranges below a position: they are acknowledged."""
        done = bisect_right(self._ends, position)
        if done:
            del self._starts[:done], self._ends[:done]

    def forget(self) -> None:
        """Forget what was selectively acknowledged."""
        self._starts.clear()
        self._ends.clear()
        self.sacked = 0

    def arrange(self, segments: Iterable[Sent]) -> None:
        """Put these segments, and no others, in the order in which they were last sent."""
        self._done = 0
        self._order = sorted((Sending(each.nth, each.end, each) for each in segments), key=_order)
