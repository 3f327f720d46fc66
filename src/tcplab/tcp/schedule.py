"""When which connection must be woken: one heap for the host, corrected lazily."""

from heapq import heappop, heappush, heapreplace

from tcplab.tcp.connection import Connection
from tcplab.units import Instant


class Schedule:
    """Books the deadlines of connections.

    A deadline that moved later is corrected when its turn comes: most timers are restarted long before they
    fire, and so cost nothing here.
    """

    __slots__ = ("_bookings", "_heap")

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, Connection]] = []
        self._bookings = 0

    def book(self, connection: Connection, deadline: Instant) -> None:
        """Wake the connection at its deadline, which is earlier than what it was booked for."""
        connection.scheduled = deadline
        self._bookings += 1
        heappush(self._heap, (deadline, self._bookings, connection))

    def next_due(self, now: Instant) -> Connection | None:
        """Return, and forget, a connection that may have something to do; ``None`` if none has."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            at, _, connection = heappop(heap)
            if connection.scheduled == at:
                connection.scheduled = None
                return connection
        return None

    def deadline(self) -> Instant | None:
        """Return the earliest deadline that still stands."""
        heap = self._heap
        while heap:
            at, count, connection = heap[0]
            if connection.scheduled != at:
                heappop(heap)
            elif (wanted := connection.deadline()) is None:
                connection.scheduled = None
                heappop(heap)
            elif wanted > at:
                connection.scheduled = wanted
                heapreplace(heap, (wanted, count, connection))
            else:
                return at
        return None
