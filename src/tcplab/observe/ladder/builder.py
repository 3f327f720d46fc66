"""From points to rows: which segments take one row, which two, and what stands between.

The rows are honest in this sense: read downward, each lifeline has its happenings in their true order, and the times
at the left never fall. A segment takes one row if that lets it be so: if nothing happened on the receiver's lifeline
while it was under way but the arrival of what was sent before it. Else it takes two, one where it departs and one where
it arrives, so that segments which cross or overtake each other are seen to do so.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from tcplab.node import Event
from tcplab.observe.journal import Record
from tcplab.observe.ladder.points import Flight, Point, PointReader
from tcplab.observe.ladder.rows import Pair, Row, Side
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, Duration, Instant

GAP_DEFAULT: Final = 500 * MILLISECOND  # a wait that is worth a row of its own

_LISTENER: Final = {(State.CLOSED, State.LISTEN), (State.LISTEN, State.CLOSED)}


class Ladder:
    """Turns records into rows as they come; a row comes out once nothing can change it any more."""

    def __init__(
        self,
        left: str = "client",
        right: str = "server",
        *,
        connection: Pair | None = None,
        absolute: bool = False,
        gap: Duration = GAP_DEFAULT,
    ) -> None:
        """Begin a ladder.

        Args:
            left: the name of the node whose lifeline stands at the left.
            right: the same at the right.
            connection: whose segments to show; without it, those of the first connection that shows.
            absolute: give sequence numbers as they are, not relative to the ISNs.
            gap: a wait of at least this much gets a row of its own.
        """
        self._reader = PointReader(left, right, connection, absolute=absolute)
        self._gap = gap
        self._points: deque[Point] = deque()
        self._open: list[Flight] = []  # those of which it is not yet known whether they take one row
        self._shown: dict[Side, State] = {}  # the states that the rows so far have led to
        self._now: Instant | None = None  # how far the rows so far have come

    @property
    def connection(self) -> Pair | None:
        """Whose segments are shown; ``None`` as long as no connection has shown."""
        return self._reader.connection

    def feed(self, record: Record[Event]) -> list[Row]:
        """Take the next record; return the rows that are complete."""
        for point in self._reader.feed(record):
            self._add(point)
        return list(self._drain())

    def finish(self) -> list[Row]:
        """Return the rows that are left once no more records come."""
        for point in self._reader.end_turn():
            self._add(point)
        for flight in self._open:
            flight.whole = False
        self._open.clear()
        return list(self._drain(ended=True))

    def _add(self, point: Point) -> None:
        own = point.flight
        if own is not None and own.whole is None and not own.copy and point.kind in ("arrival", "loss"):
            own.whole = True
        if point.kind not in ("loss", "listener"):
            for flight in self._open:
                if flight.whole is None and not self._leaves_whole(flight, point):
                    flight.whole = False
        self._open = [flight for flight in self._open if flight.whole is None]
        self._points.append(point)
        if own is not None and point.kind == "departure":
            self._open.append(own)

    def _leaves_whole(self, flight: Flight, point: Point) -> bool:
        """Return whether ``flight`` may still take one row although ``point`` came before it arrived."""
        if point.time - flight.departed >= self._gap:
            return False  # one row over a long time would hide that something went on meanwhile
        if point.side == flight.side:
            return point.kind != "state"
        other = point.flight
        before = other is not None and point.kind == "arrival" and other.number < flight.number
        return before and other is not None and other.whole is True

    def _drain(self, *, ended: bool = False) -> Iterator[Row]:
        while self._points:
            point = self._points[0]
            flight = point.flight
            if flight is not None:
                if point.kind == "departure" and flight.whole is None:
                    return
                if point.kind != "departure" and flight.whole:
                    self._points.popleft()  # it stands in the row of its departure
                    continue
                if ended and point.kind == "departure" and flight.flying:
                    point.notes.append("not seen to arrive")
            self._points.popleft()
            if point.kind != "listener" or self._concerns_lifeline(point):
                yield from self._with_wait(_row(point), point.flying)

    def _concerns_lifeline(self, point: Point) -> bool:
        """Return whether a listener's change is seen on the lifeline, which shows the connection while there is one."""
        shown = self._shown.get(point.side)
        return shown is not None and (shown, point.states[-1]) in _LISTENER

    def _with_wait(self, row: Row, flying: int) -> Iterator[Row]:
        """Yield the row, and before it what must stand there: the states at the beginning, or a gap."""
        if self._now is None:
            left, right = self._first_state("left"), self._first_state("right")
            self._shown = {"left": left, "right": right}
            self._now = row.start
            yield Row("state", row.start, row.start, left=(left,), right=(right,))
        elif row.start - self._now >= self._gap:
            yield Row("gap", self._now, row.start, in_network=flying)
        self._now = max(self._now, row.end)
        self._shown["left"] = (self._shown["left"], *row.left)[-1]
        self._shown["right"] = (self._shown["right"], *row.right)[-1]
        yield row

    def _first_state(self, side: Side) -> State:
        connection = self._reader.connection
        listens = connection is not None and connection.of(side)[1] in self._reader.listening[side]
        return State.LISTEN if listens else State.CLOSED


def ladder(
    records: Iterable[Record[Event]],
    left: str = "client",
    right: str = "server",
    *,
    connection: Pair | None = None,
    absolute: bool = False,
    gap: Duration = GAP_DEFAULT,
) -> Iterator[Row]:
    """Yield the rows of the ladder that the records tell; see :class:`Ladder` for the arguments."""
    builder = Ladder(left, right, connection=connection, absolute=absolute, gap=gap)
    for record in records:
        yield from builder.feed(record)
    yield from builder.finish()


def _row(point: Point) -> Row:
    flight = point.flight
    if flight is None:
        return _with_states(Row("state", point.time, point.time), point)
    row = Row("departs", point.time, point.time, flight.side, flight.number, flight.label, copy=flight.copy)
    if point.kind == "loss":
        return row._replace(kind="vanishes", lost=flight.lost)
    if point.kind == "arrival":
        return _with_arrival(row._replace(kind="arrives"), point, flight)
    row = _with_states(row._replace(sent_notes=tuple(point.notes)), point)
    if flight.whole and flight.lost:
        return row._replace(kind="lost", lost=flight.lost)
    if flight.whole and flight.arrival is not None:
        return _with_arrival(row._replace(kind="whole"), flight.arrival, flight)
    return row


def _with_states(row: Row, point: Point) -> Row:
    states = tuple(point.states)
    return row._replace(left=states) if point.side == "left" else row._replace(right=states)


def _with_arrival(row: Row, arrival: Point, flight: Flight) -> Row:
    delay = arrival.time - flight.departed
    return _with_states(row._replace(end=arrival.time, delay=delay, notes=tuple(arrival.notes)), arrival)
