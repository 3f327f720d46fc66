"""What waits to leave the network: in a line as long as it comes in order, in a heap where it does not.

Nearly everything comes in order, and the ends of a line cost nothing to reach. Linux's netem keeps a list beside its
tree for the same reason (``tfifo_enqueue`` in net/sched/sch_netem.c).
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

from tcplab.node import Packet
from tcplab.units import Instant

if TYPE_CHECKING:
    from tcplab.netem.link import Link

Entry = tuple[Instant, int, Packet, "Link", Instant]
"""When a packet leaves, its place in the order of coming, the packet, its link, when it came in."""


class Queue:
    """Packets of all links that wait to leave: by when they leave, then by their place in the order of coming.

    Attributes:
        order: gives the next place in the order of coming.
        quiet: whether nobody is told of packets that a delay alone holds, and of those that leave.
    """

    __slots__ = ("_heap", "_line", "order", "quiet")

    def __init__(self) -> None:
        """Begin with nothing, and not quiet."""
        self.order = count()
        self.quiet = False
        self._line: deque[Entry] = deque()
        self._heap: list[Entry] = []

    def put(self, entry: Entry) -> None:
        """Add an entry; no two may have the same place."""
        line = self._line
        if not line or entry > line[-1]:
            line.append(entry)
        else:
            heappush(self._heap, entry)

    def first(self) -> Instant | None:
        """Return when the next packet leaves, ``None`` if none waits."""
        line, heap = self._line, self._heap
        if line and (not heap or line[0] < heap[0]):
            return line[0][0]
        return heap[0][0] if heap else None

    def take(self, now: Instant) -> Entry | None:
        """Take out the first of those that are due by ``now``; ``None`` if none is."""
        line, heap = self._line, self._heap
        if line and (not heap or line[0] < heap[0]):
            return line.popleft() if line[0][0] <= now else None
        return heappop(heap) if heap and heap[0][0] <= now else None
