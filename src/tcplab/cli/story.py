"""What to say beside a ladder: headings, remarks and the count by state, all computed from its rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from tcplab.node import Event
from tcplab.observe.journal import Record
from tcplab.observe.ladder import Row
from tcplab.tcp.events import StateChanged
from tcplab.tcp.states import State
from tcplab.units import Instant, in_seconds
from tcplab.wire.segment import FIN, SYN

Kind = Literal["heading", "row", "remark", "count"]


class Item(NamedTuple):
    """A piece of the story, and the time from which to which it happens."""

    kind: Kind
    start: Instant
    end: Instant
    row: Row | None = None
    text: str = ""
    states: tuple[tuple[State, int], ...] = ()
    """How many connections and listeners are in each state."""


_CLOSING: Final = frozenset({State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSING})
_NAMES: Final = {"left": "client", "right": "server"}
_AGAIN: Final = {
    "": "After {wait:.1f} s without an acknowledgement the {sender} sends it again.",
    "fast": "What was sent after it has arrived, says an acknowledgement: the {sender} sends it again, {wait:.2f} s "
    "after the first time, without waiting for its timer.",
    "probe": "Nothing was heard for {wait:.1f} s: the {sender} sends its last segment again, to learn what is missing.",
}
"""What to say of a retransmission, by what the ladder notes of its cause."""


def tell(rows: Iterable[Row], records: Sequence[Record[Event]]) -> Iterator[Item]:
    """Yield the rows with what there is to say of them, in order."""
    teller = _Teller(_listeners(records))
    for row in rows:
        yield from teller.tell(row)
    yield teller.count()


class _Teller:
    def __init__(self, listeners: list[tuple[Instant, int]]) -> None:
        self._listeners = listeners
        self._state = {"left": State.CLOSED, "right": State.CLOSED}
        self._told: set[str] = set()
        self._sent: dict[tuple[str, int], Instant] = {}  # (sender, seq) -> when it left last
        self._waiting: dict[str, Instant] = {}  # since when each side has been in TIME_WAIT
        self._leapt = False
        self._now = Instant(0)
        self._chapter = 0

    def tell(self, row: Row) -> Iterator[Item]:
        heading = self._heading(row)
        if heading and heading not in self._told:
            if self._told:
                yield self.count()
            self._told.add(heading)
            self._chapter += 1
            yield Item("heading", row.start, row.start, text=f"{self._chapter}  {heading}")
        before = dict(self._state)
        self._state["left"] = (before["left"], *row.left)[-1]
        self._state["right"] = (before["right"], *row.right)[-1]
        for side in ("left", "right"):
            if before[side] is not State.TIME_WAIT and self._state[side] is State.TIME_WAIT:
                self._waiting[side] = row.end
        self._now = max(self._now, row.end)
        yield Item("row", row.start, row.end, row=row, states=self._states())
        for text in self._remarks(row, before):
            yield Item("remark", self._now, self._now, text=text)

    def count(self) -> Item:
        """Return the count by state as an item of its own."""
        return Item("count", self._now, self._now, states=self._states())

    def _states(self) -> tuple[tuple[State, int], ...]:
        states: Counter[State] = Counter(self._state.values())
        states[State.CLOSED] = 0
        states[State.LISTEN] = next((count for time, count in reversed(self._listeners) if time <= self._now), 0)
        return tuple((each, states[each]) for each in State if states[each])

    def _heading(self, row: Row) -> str:
        """Return the title of the chapter that begins with this row, if one does."""
        if row.kind == "gap":
            return ""
        if State.TIME_WAIT in self._state.values():
            return "TIME_WAIT"
        if row.label is None:
            return ""
        if row.label.flags & SYN:
            return "Three-way handshake"
        if row.label.flags & FIN:
            return "Close"
        return "Data" if row.label.length else ""

    def _remarks(self, row: Row, before: dict[str, State]) -> Iterator[str]:
        if row.kind == "gap" and not self._leapt:
            self._leapt = True
            yield "A wait in which nothing but a timer runs. We leap over it, as over all that come."
        if row.label is None:
            yield from self._of_lifeline(row, before)
            return
        sender = _NAMES[row.sender]
        key = (row.sender, row.label.seq)
        needs_ack = bool(row.label.length or row.label.flags & (SYN | FIN))
        if (why := _why_again(row)) is not None and key in self._sent:
            wait = in_seconds(row.start - self._sent[key])
            yield _AGAIN[why].format(sender=sender, wait=wait)
        if row.kind == "lost":
            yield (
                f"Lost. Nobody tells the {sender}: it misses an acknowledgement, and waits."
                if needs_ack
                else "Lost, and never sent again: it carried nothing that needs an acknowledgement."
            )
        if row.kind in ("departs", "lost", "whole") and needs_ack:
            self._sent[key] = row.start
        yield from self._of_arrival(row, before)

    def _of_arrival(self, row: Row, before: dict[str, State]) -> Iterator[str]:
        receiver = "right" if row.sender == "left" else "left"
        state = self._state[receiver]
        if row.label is None or row.delay is None:
            return
        overtakes = any(note.startswith("overtakes") for note in row.notes)
        if overtakes and row.label.flags & FIN and state in _CLOSING:
            name = _NAMES[receiver]
            yield f"This FIN came too early: octets before it are missing. The {name} stays in {state.name}."
        if "overtaken" in row.notes and state is State.TIME_WAIT and before[receiver] is not State.TIME_WAIT:
            yield "The hole is filled, so now the FIN counts. Nothing was lost by closing."
        if row.copy and before[receiver] is State.TIME_WAIT:
            yield (
                "A late duplicate. A new connection between the same ports might take it for its own data; "
                "TIME_WAIT answers it and throws it away."
            )
        if "ignored: reset in time wait" in row.notes:
            yield "The answer met a TCP that has forgotten the connection. Its RST must not end TIME_WAIT (RFC 1337)."

    def _of_lifeline(self, row: Row, before: dict[str, State]) -> Iterator[str]:
        for side, states in (("left", row.left), ("right", row.right)):
            if before[side] is State.TIME_WAIT and State.CLOSED in states:
                wait = in_seconds(row.start - self._waiting[side])
                yield f"2 MSL, {wait:.0f} s, are over: the {_NAMES[side]} forgets the connection, and the port is free."


def _why_again(row: Row) -> str | None:
    """Return why the segment of a row was sent again, as the ladder notes it, ``None`` where it was not."""
    note = next((note for note in row.sent_notes if note.startswith("retransmission")), None)
    if note is None:
        return None
    return next((why for why in _AGAIN if why and note.endswith(f"({why})")), "")


def _listeners(records: Sequence[Record[Event]]) -> list[tuple[Instant, int]]:
    """Return how many listeners there were from each instant on at which that changed."""
    count, found = 0, []
    for record in records:
        event = record.event
        if isinstance(event, StateChanged) and event.connection.remote_port == 0:
            count += 1 if event.new is State.LISTEN else -1
            found.append((record.time, count))
    return found
