"""When which connection must be woken: one heap for the host, corrected lazily."""

from heapq import heappop, heappush, heapreplace

from tcplab.tcp.connection import Connection
from tcplab.units import Instant


class Schedule:
    """Books the deadlines of connections.

    A connection that has acted is looked at when somebody next asks what is due, however often it acted until then. A
    deadline that moved later is corrected when its turn comes: most timers are restarted long before they fire, and so
    cost nothing here.

    Attributes:
        acted: who has acted since somebody last asked, and may want to be woken at another time; the host adds to it.
    """

    __slots__ = ("_bookings", "_heap", "acted")

    def __init__(self) -> None:
        self.acted: dict[Connection, None] = {}
        self._heap: list[tuple[Instant, int, Connection]] = []
        self._bookings = 0

    def next_due(self, now: Instant) -> Connection | None:
        """Return, and forget, a connection that may have something to do; ``None`` if none has."""
        if self.acted:
            self._book()
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, connection = heappop(heap)
            if connection.scheduled == at:
                connection.scheduled = None
                return connection
        return None

    def deadline(self) -> Instant | None:
        """Return the earliest deadline that stands."""
        if self.acted:
            self._book()
        heap = self._heap
        while heap:
            at, count, connection = heap[0]
            wanted = connection.due
            if connection.scheduled != at:
                heappop(heap)
            elif wanted is None:
                connection.scheduled = None
                heappop(heap)
            elif wanted > at:
                connection.scheduled = wanted
                heapreplace(heap, (wanted, count, connection))
            else:
                return at
        return None

    def _book(self) -> None:
        """See to it that whoever has acted is woken in time. A booking that has become too early does no harm."""
        for connection in self.acted:
            connection.due = due = connection.deadline()
            if due is None:
                continue
            scheduled = connection.scheduled
            if scheduled is None or due < scheduled:
                connection.scheduled = due
                self._bookings += 1
                heappush(self._heap, (due, self._bookings, connection))
        self.acted.clear()
