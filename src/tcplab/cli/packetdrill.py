"""``tcplab packetdrill``: runs packetdrill scripts against the lab's TCP, and shows where one fails."""

import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from tcplab.observe.ladder import Row, ladder
from tcplab.observe.ladder.text import ASCII, UNICODE, Layout, draw
from tcplab.packetdrill import Outcome, Place, Problem, Variant, Verdict, run_text
from tcplab.packetdrill.settings import configured
from tcplab.packetdrill.subject import HOST, SCRIPT
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.time_wait import POLICIES
from tcplab.units import in_seconds
from tcplab.wire.seq import MODULUS

PIPED_WIDTH: Final = 100
SUFFIX: Final = ".pkt"
EXIT_CODES: Final = {Outcome.PASSED: 0, Outcome.UNSUPPORTED: 3, Outcome.INVALID: 2, Outcome.FAILED: 1}
"""What each outcome ends the command with; of several scripts, the outcome that stands last here counts."""
_STYLES: Final = {
    Outcome.PASSED: "green",
    Outcome.UNSUPPORTED: "yellow",
    Outcome.INVALID: "magenta",
    Outcome.FAILED: "red",
}
_ISN_FORM: Final = "two numbers, as in 4294967290,100, or the first alone"


def command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Scripts, and folders whose *.pkt are all run.", exists=True, show_default=False),
    ],
    *,
    isn: Annotated[
        str,
        typer.Option(
            metavar="LOCAL[,REMOTE]",
            help="The host's first initial sequence number, and what is added to the script's; -1 is 2^32-1.",
        ),
    ] = f"{Variant().local_isn},{Variant().remote_isn}",
    config: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A setting of the host's TCP, such as msl=30s; may be given often."),
    ] = None,
    time_wait_policy: Annotated[
        str | None, typer.Option(metavar="POLICY", help=f"What TIME_WAIT does: {', '.join(POLICIES)}.")
    ] = None,
    show: Annotated[bool, typer.Option("--ladder", help="Draw the ladder of scripts that pass too.")] = False,
) -> None:
    """Run packetdrill scripts against the lab's TCP, in virtual time.

    Ends with 0 if all passed, 1 if one failed, else 2 if one cannot be read, else 3 if one asks for what is not
    supported.
    """
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH, highlight=False)
    chosen = [*(config or ()), *([f"time_wait_policy={time_wait_policy}"] if time_wait_policy else ())]
    variant = _variant(isn, chosen)
    files = list(_files(paths))
    if not files:
        raise typer.BadParameter(f"there is no {SUFFIX} in {', '.join(map(str, paths))}")
    began = time.perf_counter()
    verdicts = [_run(path, variant) for path in _with_progress(files, console)]
    took = time.perf_counter() - began
    for verdict in verdicts:
        if verdict.problem is not None or show:
            _tell(console, verdict)
    _summarise(console, verdicts, took)
    raise typer.Exit(EXIT_CODES[_worst({verdict.outcome for verdict in verdicts})])


def _variant(isn: str, chosen: Sequence[str]) -> Variant:
    local, _, remote = isn.partition(",")
    try:
        numbers = int(local, 0), int(remote or "0", 0)
    except ValueError:
        raise typer.BadParameter(f"{isn!r}: expected {_ISN_FORM}", param_hint="--isn") from None
    if any(not -MODULUS < number < MODULUS for number in numbers):
        raise typer.BadParameter(f"{isn!r}: a sequence number is below 2^32", param_hint="--isn")
    config = TcpConfig()
    for setting in chosen:
        try:
            config = configured(config, setting)
        except ValueError as error:
            raise typer.BadParameter(f"{setting}: {error}", param_hint="--config") from None
    return Variant(*numbers, config)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob(f"*{SUFFIX}"))
        else:
            yield path


def _with_progress(files: Sequence[Path], console: Console) -> Iterable[Path]:
    if not console.is_terminal or len(files) == 1:
        return files
    return track(files, "running scripts", console=console, transient=True)


def _run(path: Path, variant: Variant) -> Verdict:
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        place = Place(str(path), 1, 1)
        return Verdict(str(path), Outcome.INVALID, Problem(place, None, f"octet {error.start} is no UTF-8"))
    except OSError as error:
        return Verdict(str(path), Outcome.INVALID, Problem(Place(str(path), 1, 1), None, f"{error.strerror}"))
    return run_text(text, str(path), variant)


# --- what is shown ---------------------------------------------------------------------------------------------------


def _tell(console: Console, verdict: Verdict) -> None:
    """Print what came of a script: its ladder, and the line at fault with what was expected and what came."""
    problem, style = verdict.problem, _STYLES[verdict.outcome]
    words = verdict.file if problem is None else str(problem)
    console.print(Text.assemble((verdict.outcome.value, f"bold {style}"), f" {words}"), soft_wrap=True)
    for line in _ladder(console, verdict):
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    if problem is not None:
        for line in _excerpt(verdict, problem.place):
            console.print(line, no_wrap=True, overflow="crop", crop=True)
        for name, text in (("expected", problem.expected), ("came", problem.came)):
            if text:
                console.print(Text(f"  {name:<9} {text}", style if name == "came" else ""), soft_wrap=True)
        if problem.time is not None:
            console.print(f"  at        {in_seconds(problem.time):.6f} s of virtual time")
    console.print()


def _ladder(console: Console, verdict: Verdict) -> Iterator[Text]:
    if verdict.journal is None or verdict.connection is None:
        return
    layout = Layout(console.width, ASCII if console.options.ascii_only else UNICODE, left=HOST, right=SCRIPT)
    rows = ladder(verdict.journal.records, HOST, SCRIPT, connection=verdict.connection)
    yield from draw(map(_without_delay, rows), layout)


def _without_delay(row: Row) -> Row:
    return row._replace(delay=None)  # between the host and the script there is no way that takes time


def _excerpt(verdict: Verdict, place: Place) -> Iterator[Text]:
    """Yield the line at fault, with its number, and what points at the word."""
    if verdict.text is None:
        return
    lines = verdict.text.splitlines()
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    yield Text(f"{place.line:>6} │ {line.expandtabs(1)}")
    yield Text(f"       │ {' ' * (place.column - 1)}{'^' * max(place.width, 1)}", "bold")


def _summarise(console: Console, verdicts: Sequence[Verdict], took: float) -> None:
    counts = Counter(verdict.outcome for verdict in verdicts)
    worst = _worst(counts)
    if len(verdicts) == 1:
        console.print(f"1 script in {took:.2f} s: [{_STYLES[worst]}]{worst.value}[/]")
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for outcome in EXIT_CODES:
        if counts[outcome]:
            table.add_row(Text(f"{counts[outcome]:,}", justify="right"), Text(outcome.value, _STYLES[outcome]))
    console.print(table)
    share = "all" if counts[worst] == len(verdicts) else f"{counts[worst]:,}"
    console.print(f"{len(verdicts):,} scripts in {took:.2f} s: [{_STYLES[worst]}]{share} {worst.value}[/]")


def _worst(outcomes: Container[Outcome]) -> Outcome:
    return [outcome for outcome in EXIT_CODES if outcome in outcomes][-1]
