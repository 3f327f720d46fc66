"""Ladders of whole connections on the console, from the hosts' records or from the network's alone."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from rich.console import Console
from rich.text import Text

from tcplab.node import Address, Event, PacketSent
from tcplab.observe.journal import Record
from tcplab.observe.ladder import Pair, Row, ladder
from tcplab.observe.ladder.passing import Passage, Passages
from tcplab.observe.ladder.text import ASCII, UNICODE, Layout, draw
from tcplab.observe.sightings import is_network
from tcplab.units import START
from tcplab.wire.segment import ACK, SYN

PIPED_WIDTH: Final = 100


def console() -> Console:
    """Return a console that is as wide as the terminal, or as files can bear."""
    made = _Console(highlight=False, soft_wrap=True)
    return made if made.is_terminal else _Console(width=PIPED_WIDTH, highlight=False, soft_wrap=True)


class _Console(Console):
    """Lets whoever uses it decide what it means that nobody reads any more."""

    def on_broken_pipe(self) -> NoReturn:
        with suppress(SystemExit):
            super().on_broken_pipe()  # standard output leads nowhere from now on
        raise BrokenPipeError


class Connections:
    """The connections of a journal, each with what a ladder is made of."""

    def __init__(self, records: Sequence[Record[Event]]) -> None:
        """Find them, in the order in which they began."""
        self._records = records
        self._hosts = _hosts(records)
        self._passages: dict[Pair, list[Record[Event]]] = {}
        for passage in _passages(records):
            self._passages.setdefault(passage.pair, []).extend(passage.records)
        self.pairs = list(dict.fromkeys((*self._passages, *_opened(records))))
        """All, whoever sent first at the left."""

    def rows(self, pair: Pair, *, absolute: bool = False) -> list[Row]:
        """Return the ladder of one: the hosts' own where their records are there, else as far as the network knows."""
        if {pair.left[0], pair.right[0]} <= self._hosts.keys():
            left, right = self._hosts[pair.left[0]], self._hosts[pair.right[0]]
            return list(ladder(self._records, left, right, connection=pair, absolute=absolute))
        return of_network(self._passages[pair], pair, absolute=absolute)


def of_network(records: Iterable[Record[Event]], pair: Pair, *, absolute: bool = False) -> list[Row]:
    """Return the ladder that a network's passages make."""
    return list(ladder(records, pair.left[0], pair.right[0], connection=pair, absolute=absolute))


def lines(rows: Sequence[Row], pair: Pair, console: Console, *, width: int = 0, note: str = "") -> Iterator[Text]:
    """Yield a title, with a note in it if there is one, and the lines of a ladder; time counts from its first row."""
    (left, left_port), (right, right_port) = pair
    yield Text(f"{left}:{left_port} > {right}:{right_port}" + (f", {note}" if note else ""), "bold")
    origin = rows[0].start if rows else START
    glyphs = ASCII if console.options.ascii_only else UNICODE
    yield from draw(rows, Layout(width or console.width, glyphs, origin, str(left), str(right)))


def _hosts(records: Iterable[Record[Event]]) -> dict[Address, str]:
    """Return the name of the node at each address of which there are records."""
    return {
        record.event.packet.source: record.node
        for record in records
        if isinstance(record.event, PacketSent) and not is_network(record.node)
    }


def _passages(records: Iterable[Record[Event]]) -> Iterator[Passage]:
    reader = Passages()
    for record in records:
        yield from reader.feed(record)
    yield from reader.flush()


def _opened(records: Iterable[Record[Event]]) -> Iterator[Pair]:
    """Yield the connections that hosts have opened, where no network's record tells of them."""
    if any(is_network(record.node) for record in records):
        return
    for record in records:
        if isinstance(record.event, PacketSent):
            packet = record.event.packet
            if packet.segment.flags & (SYN | ACK) == SYN:
                yield Pair((packet.source, packet.segment.sport), (packet.target, packet.segment.dport))
