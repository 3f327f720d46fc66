"""Ladders of connections as they end, from what the network tells."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console

from tcplab.cli.ladders import lines, of_network
from tcplab.cli.recorders import Recorder
from tcplab.node import Address, Event
from tcplab.observe.journal import Record
from tcplab.observe.ladder import Pair
from tcplab.observe.ladder.passing import CONNECTIONS_LIMIT, Passage, Passages
from tcplab.observe.lines import Stamp
from tcplab.observe.sieve import Sieve

RECORDS_LIMIT: Final = 50_000  # of all connections that are not over
UNFINISHED_LIMIT: Final = 5  # ladders of connections that were not over at the end

_NOT_OVER: Final = "not over"
_TOO_LONG: Final = "not over, and too long to be followed further"
_NEXT: Final = "not seen to end"
_Ends = frozenset[tuple[Address, int]]


@dataclass(slots=True)
class _Seen:
    """A connection whose beginning was seen."""

    pair: Pair
    wanted: bool = False
    """Whether a segment of it is."""
    lost: Counter[str] = field(default_factory=Counter)
    """How many records are missing meanwhile, by node."""
    records: list[Record[Event]] = field(default_factory=list)


class LadderRecorder(Recorder):
    """Draws each connection once both its ends are closed or in TIME_WAIT, if its beginning was seen.

    What is remembered is bounded: where connections that are not over are too many, or have too many records, the one
    with the most is drawn as far as it came, and forgotten.
    """

    unit = "connections"

    def __init__(
        self,
        console: Console,
        stamp: Stamp,
        sieve: Sieve,
        limit: int | None,
        *,
        absolute: bool = False,
        records_limit: int = RECORDS_LIMIT,
    ) -> None:
        """Begin; a connection is wanted if one of its segments passes the sieve.

        Args:
            console: what to draw on.
            stamp: puts the instant at which a connection began into words.
            sieve: says which segments are wanted.
            limit: in connections.
            absolute: give sequence numbers as they are on the wire.
            records_limit: how many records to remember.
        """
        super().__init__(limit)
        self._console = console
        self._stamp = stamp
        self._sieve = sieve
        self._absolute = absolute
        self._records_limit = records_limit
        self._passages = Passages()
        self._open: dict[_Ends, _Seen] = {}
        self._held = 0

    def feed(self, record: Record[Event]) -> None:
        """Take the next record."""
        self._see(self._passages.feed(record))

    def gap(self, node: str, lost: int) -> None:
        """Let the ladders of those that are not over say what is missing."""
        for seen in self._open.values():
            seen.lost[node] += lost

    def pause(self) -> None:
        """Take what was held back: nothing more comes for now."""
        self._see(self._passages.flush())

    def end(self) -> None:
        """Draw what is not over, the first of it."""
        wanted = [seen for seen in self._open.values() if seen.wanted]
        for seen in wanted[:UNFINISHED_LIMIT]:
            self._draw(seen, _NOT_OVER)
        more = len(wanted) - UNFINISHED_LIMIT
        if more > 0 and not self.full:
            self._console.print(f"\n{more:,} more were not over", markup=False)

    def _see(self, passages: list[Passage]) -> None:
        for passage in passages:
            self._take(passage)

    def _take(self, passage: Passage) -> None:
        ends = frozenset(passage.pair)
        if passage.begins:
            self._end(ends, _NEXT)
            if len(self._open) >= CONNECTIONS_LIMIT:
                self._make_room()
            self._open[ends] = _Seen(passage.pair)
        seen = self._open.get(ends)
        if seen is None:
            return
        sighting = passage.sighting
        seen.wanted = seen.wanted or self._sieve.passes(sighting.packet, sighting.verdicts)
        seen.records.extend(passage.records)
        self._held += len(passage.records)
        if passage.is_over:
            self._end(ends)
        elif self._held > self._records_limit:
            self._make_room()

    def _make_room(self) -> None:
        self._end(max(self._open, key=lambda ends: len(self._open[ends].records)), _TOO_LONG)

    def _end(self, ends: _Ends, note: str = "") -> None:
        """Draw a connection, if there is one, and forget it."""
        seen = self._open.pop(ends, None)
        if seen is not None:
            self._held -= len(seen.records)
            if seen.wanted:
                self._draw(seen, note)

    def _draw(self, seen: _Seen, note: str) -> None:
        if self.full:
            return
        began = f"from {self._stamp(seen.records[0].time)}"
        missing = (f"{lost} records of {node} are missing" for node, lost in seen.lost.items())
        title = ", ".join(filter(None, (began, note, *missing)))
        self._console.print()
        rows = of_network(seen.records, seen.pair, absolute=self._absolute)
        for text in lines(rows, seen.pair, self._console, note=title):
            self._console.print(text)
        self.count += 1
