"""``tcplab diff``: where two runs part."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Final

import typer

from tcplab.cli.journals import read
from tcplab.cli.ladders import Connections, console, lines
from tcplab.cli.troubles import one_line
from tcplab.netem.grammar.units import read_time
from tcplab.node import Event
from tcplab.observe.compare import Parting, Seen, parting
from tcplab.observe.journal import Record
from tcplab.observe.ladder import Pair
from tcplab.observe.ladder.text import WIDTH_MIN
from tcplab.units import in_seconds

DIFFERENT: Final = 1  # exit code
_TIME: Final = 9  # columns of a ladder's line


def command(
    one: Annotated[Path, typer.Argument(help="A journal of a run, or a folder of journals.")],
    other: Annotated[Path, typer.Argument(help="The same of another run.")],
    *,
    tolerance: Annotated[
        str, typer.Option(metavar="TIME", help="By how much times may differ, such as 5ms; by default not at all.")
    ] = "0ms",
    ladders: Annotated[bool, typer.Option(help="Show both ladders of the connection, side by side.")] = True,
) -> None:
    """Show where two runs part: the first segment that is another, comes at another time, or meets another verdict.

    Ends with 1 where they do.
    """
    with one_line("tcplab diff", ""):
        bound = read_time(tolerance)
        first, second = (list(read([path])) for path in (one, other))
        found = parting(first, second, bound)
    if found is None:
        typer.echo("the runs are the same")
        return
    for line in describe(found):
        typer.echo(line)
    if ladders:
        for line in side_by_side(first, second, found):
            typer.echo(line)
    raise typer.Exit(DIFFERENT)


def describe(found: Parting) -> Iterator[str]:
    """Yield lines that say where two runs part."""
    source, sport, target, dport = found.flow
    yield f"the runs part at segment {found.place} of {source}.{sport} > {target}.{dport}:"
    for seen in found.before:
        yield f"    {_words(seen)}"
    yield f"  - {_words(found.one)}"
    yield f"  + {_words(found.other)}"


def side_by_side(one: Sequence[Record[Event]], other: Sequence[Record[Event]], found: Parting) -> Iterator[str]:
    """Yield both ladders of the connection at which two runs part; a bar stands where they are not alike."""
    left, right = _ladder(one, found), _ladder(other, found)
    width = max(map(len, (*left, "")))
    timeless = [[line[_TIME:] for line in each] for each in (left, right)]
    matcher = SequenceMatcher(None, timeless[0], timeless[1], autojunk=False)
    yield ""
    for kind, begin, end, its_begin, its_end in matcher.get_opcodes():
        for mine, its in zip_longest(left[begin:end], right[its_begin:its_end], fillvalue=""):
            yield f"{mine:<{width}} {' ' if kind == 'equal' else '|'} {its}".rstrip()


def _ladder(records: Sequence[Record[Event]], found: Parting) -> list[str]:
    connections = Connections(records)
    source, sport, target, dport = found.flow
    here, there = (source, sport), (target, dport)
    pair = next((pair for pair in (Pair(here, there), Pair(there, here)) if pair in connections.pairs), None)
    if pair is None:
        return []
    return [text.plain.rstrip() for text in lines(connections.rows(pair), pair, console(), width=WIDTH_MIN)]


def _words(seen: Seen | None) -> str:
    return "nothing more" if seen is None else f"{in_seconds(seen.since):.6f} {seen.line}"
