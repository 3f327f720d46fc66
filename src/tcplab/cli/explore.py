"""``tcplab explore``: every way in which a network may treat two ends, within bounds."""

import time
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.status import Status
from rich.text import Text

from tcplab.check.explore import (
    LIMITS,
    SIDES,
    TICK,
    WITHOUT_TIME_WAIT,
    Bounds,
    Model,
    Progress,
    Property,
    Report,
    Trace,
    replay,
    search,
)
from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.text import ASCII, UNICODE, Layout, draw
from tcplab.units import in_seconds

PIPED_WIDTH: Final = 100
STATES_MOST: Final = 20_000_000  # some 6 GB
_DEFAULT: Final = Bounds()


def command(
    *,
    incarnations: Annotated[
        int, typer.Option(help="How often a side that opens does so, from the same port to the same port.", min=1)
    ] = _DEFAULT.incarnations,
    octets: Annotated[
        int, typer.Option(help="Octets that each side sends on each connection, one a segment.", min=0)
    ] = _DEFAULT.octets,
    losses: Annotated[int, typer.Option(help="Packets that may be lost.", min=0)] = _DEFAULT.losses,
    duplicates: Annotated[
        int, typer.Option(help="Packets that may be copied; a copy goes its own way.", min=0)
    ] = _DEFAULT.duplicates,
    delays: Annotated[int, typer.Option(help="Packets that may be held back, and overtaken.", min=0)] = _DEFAULT.delays,
    simultaneous: Annotated[bool, typer.Option("--simultaneous", help="Both sides open; nobody listens.")] = False,
    isn_step: Annotated[
        tuple[int, int], typer.Option(help="From one ISN to the next, the client's and the server's.")
    ] = _DEFAULT.isn_step,
    msl: Annotated[int, typer.Option(help="MSL, ticks of 60 s; the timeout is one.", min=1)] = _DEFAULT.msl,
    time_wait: Annotated[
        int | None, typer.Option(help="How long TIME_WAIT lasts, ticks; 2 MSL if not given.", min=0)
    ] = None,
    most: Annotated[int, typer.Option(help="Give up beyond so many states.", min=1)] = STATES_MOST,
    no_time_wait: Annotated[
        bool, typer.Option("--no-time-wait", help="Only switch TIME_WAIT off, and show what comes of it.")
    ] = False,
    counter_examples: Annotated[
        bool, typer.Option(help="Show, after all, what happens without TIME_WAIT, as ladders.")
    ] = True,
    limits: Annotated[
        bool, typer.Option("--limits", help="Show what TCP does not promise, as ladders, where it was met.")
    ] = False,
) -> None:
    """Try everything that may happen to two TCPs within bounds, and see whether it ends well."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH, highlight=False)
    try:
        bounds = Bounds(
            incarnations=incarnations,
            octets=octets,
            losses=losses,
            duplicates=duplicates,
            delays=delays,
            simultaneous=simultaneous,
            isn_step=isn_step,
            msl=msl,
            time_wait=2 * msl if time_wait is None else time_wait,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    try:
        good = no_time_wait or _explore(console, bounds, most, limits=limits)
        if no_time_wait or counter_examples:
            good = _without_time_wait(console) and good
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(130) from None
    raise typer.Exit(0 if good else 1)


def _explore(console: Console, bounds: Bounds, most: int, *, limits: bool) -> bool:
    """Explore, and say what came of it; return whether everything within the bounds is as it ought to be."""
    _print_bounds(console, bounds)
    model = Model(bounds)
    began = time.perf_counter()
    with console.status("exploring") as status:
        report = search(model, limit=most, tell=lambda progress: _show(status, progress))
    _print_numbers(console, report, time.perf_counter() - began)
    _print_limits(console, report)
    if limits:
        for tally in (*report.limits.values(), *report.consequences.values()):
            _print_ladder(console, model, tally.first)
    if report.breach is not None:
        console.print(f"  [red]✗[/] {report.breach.breach.broken.value}: broken")
        _print_ladder(console, model, report.breach)
        return False
    if not report.complete:
        console.print(f"[red]There are more than {most:,} states: not everything was looked at; see --most.[/]")
        return False
    for kept in Property:
        if kept not in LIMITS and kept not in report.consequences:
            console.print(f"  [green]✓[/] {kept.value}")
    return True


def _print_limits(console: Console, report: Report) -> None:
    if report.limits:
        console.print("  TCP does not promise these where sequence numbers overlap (RFC 1337):")
    for broken, tally in report.limits.items():
        console.print(f"    [yellow]~[/] {broken.value}: {tally.moves:,} moves break it")
    if report.consequences:
        console.print("  nor these where one of those has happened; they hold where none has:")
    for broken, tally in report.consequences.items():
        console.print(f"    [yellow]~[/] {broken.value}: {tally.moves:,} moves break it")


def _without_time_wait(console: Console) -> bool:
    """Show what TIME_WAIT prevents; return whether all of it was found."""
    good = True
    for sought, bounds in WITHOUT_TIME_WAIT.items():
        console.print()
        console.print(Text(f"Without TIME_WAIT: {sought.value}?", "bold"))
        model = Model(bounds, reduced=False)
        report = search(model, sought=sought)
        if report.breach is None:
            console.print("[red]No counter-example was found, and there ought to be one.[/]")
            good = False
        else:
            _print_ladder(console, model, report.breach)
            console.print(f"The shortest counter-example has {len(report.breach.moves)} moves.")
    return good


def _show(status: Status, progress: Progress) -> None:
    status.update(
        f"exploring: {progress.states:,} states, {progress.moves:,} moves, {progress.depth} deep, "
        f"{progress.waiting:,} to look at"
    )


def _print_bounds(console: Console, bounds: Bounds) -> None:
    opening = "both sides open" if bounds.simultaneous else "the client opens, the server listens"
    isns = [" then ".join(str(bounds.isn(side, number)) for number in range(bounds.incarnations)) for side in SIDES]
    lines = [
        f"{opening}; incarnations of the one 4-tuple: {bounds.incarnations}; either side closes at any time",
        f"ISNs of the {SIDES[0]} {isns[0]}, of the {SIDES[1]} {isns[1]}; octets each way: {bounds.octets}",
        f"of all packets, at most: lost {bounds.losses}, copied {bounds.duplicates}, held back {bounds.delays}",
        f"ticks of {in_seconds(TICK):.0f} s: MSL {bounds.msl}, TIME_WAIT {bounds.time_wait}, the timeout 1, "
        f"R2 {bounds.patience}",
    ]
    console.print(Text("Bounds", "bold"))
    for line in lines:
        console.print(f"  {line}")


def _print_numbers(console: Console, report: Report, took: float) -> None:
    client, server = report.end_states
    console.print(Text("Explored" if report.complete else "Explored in part", "bold"))
    console.print(
        f"  {report.states:,} states, {report.moves:,} moves between them, {report.depth} moves deep, "
        f"{report.rests:,} states in which all is over"
    )
    console.print(
        f"  the client was in {client:,} states and the server in {server:,}; "
        f"the engine computed {report.steps:,} steps; {took:.1f} s"
    )


def _print_ladder(console: Console, model: Model, trace: Trace) -> None:
    journal = replay(model, trace.moves)
    layout = Layout(console.width, ASCII if console.options.ascii_only else UNICODE)
    console.print()
    for line in draw(ladder(journal.records, absolute=True), layout):
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    console.print(Text(f"Here {trace.breach.what}.", "red"))
