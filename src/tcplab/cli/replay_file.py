"""A journal, shown again as ladders, and its networks run again in virtual time."""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console

from tcplab.cli.ladders import Connections, lines
from tcplab.node import Event
from tcplab.observe.journal import Record
from tcplab.observe.sightings import Verdict, words
from tcplab.sim.rerun import Difference, Result, rerun

CONTEXT: Final = 5  # records of the network before the one at which a run parts from its record


def show(records: Sequence[Record[Event]], console: Console, *, absolute: bool, limit: int) -> bool:
    """Show the ladders of a journal's first connections; run its networks again, and return whether they did the same.

    Raises:
        NotPlayable: what a network was set to cannot be read.
    """
    connections = Connections(records)
    for pair in connections.pairs[:limit]:
        console.print()
        for text in lines(connections.rows(pair, absolute=absolute), pair, console):
            console.print(text)
    if len(connections.pairs) > limit:
        console.print(f"\n{len(connections.pairs) - limit} more connections: --connections {len(connections.pairs)}")
    console.print()
    result = rerun(records)
    for line in judge(result, records):
        console.print(line, markup=False)
    return not result.differences


def judge(result: Result, records: Sequence[Record[Event]]) -> Iterator[str]:
    """Yield lines that say what came of running the networks again."""
    if result.begun:
        names = ", ".join(sorted(result.begun))
        yield f"{names}: {result.compared:,} verdicts and settings came again as they were recorded"
    for name in sorted(result.missed):
        yield f"{name}: not run again, since its beginning is not in this journal"
    for difference in result.differences:
        yield from _parting(difference, records)


def _parting(difference: Difference, records: Sequence[Record[Event]]) -> Iterator[str]:
    n, node = difference.n, difference.node
    yield f"{node} parts from its record at {difference.time} ns, n {n}:"
    place = next(i for i, record in enumerate(records) if (record.node, record.n) == (node, n))
    before = [record for record in records[:place] if record.node == node][-CONTEXT:]
    for record in before:
        yield f"    {_words(record.event)}  ({record.time} ns, n {record.n})"
    yield f"  recorded: {_words(difference.recorded)}"
    yield f"  run again: {_words(difference.found)}"


def _words(event: Event | None) -> str:
    if event is None:
        return "nothing"
    said = f": {words(event)}" if isinstance(event, Verdict) else ""
    packet = getattr(event, "packet", None)
    which = f" of packet {packet.id} of {packet.source}, {packet.segment}" if packet is not None else ""
    return f"{type(event).__name__}{which}{said}"
