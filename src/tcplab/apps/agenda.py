"""What a workload has to do, and when."""

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

from tcplab.units import Instant

Task = TypeVar("Task")


class Agenda(Generic[Task]):
    """Tasks by the instant at which they are due; each task is there at most once.

    Setting and clearing cost O(log n) at most: an entry that was overtaken stays in the heap until it comes up,
    and the heap is rebuilt once such entries are the majority.
    """

    __slots__ = ("_due", "_heap", "_serial")

    def __init__(self) -> None:
        self._due: dict[Task, tuple[Instant, int]] = {}
        self._heap: list[tuple[Instant, int, Task]] = []
        self._serial = 0

    def set(self, task: Task, instant: Instant) -> None:
        """Make ``task`` due at ``instant``, whatever it was before."""
        self._serial += 1
        self._due[task] = (instant, self._serial)
        heapq.heappush(self._heap, (instant, self._serial, task))
        if len(self._heap) > 2 * len(self._due) + 8:
            self._heap = [(at, serial, task) for task, (at, serial) in self._due.items()]
            heapq.heapify(self._heap)

    def clear(self, task: Task) -> None:
        """Make ``task`` never due."""
        self._due.pop(task, None)

    def deadline(self) -> Instant | None:
        """Return when the first task is due, ``None`` if there is none."""
        while self._heap:
            instant, serial, task = self._heap[0]
            if self._due.get(task) == (instant, serial):
                return instant
            heapq.heappop(self._heap)
        return None

    def due(self, now: Instant) -> Iterator[Task]:
        """Take out, and give, each task that is due at ``now``, in order of time, then of setting."""
        while (first := self.deadline()) is not None and first <= now:
            task = heapq.heappop(self._heap)[2]
            del self._due[task]
            yield task
