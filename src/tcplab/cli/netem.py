"""``tcplab netem``: what the network of a running lab does, shown and changed through the lab service."""

import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final, NoReturn

import httpx
import typer
from rich.console import Console

from tcplab.cli.lab_client import By, LabClient, LabUrl, Refused, talking
from tcplab.cli.netem_tables import change_line, changes_table, show_tables
from tcplab.cli.troubles import HOPELESS, WRONG
from tcplab.netem.changes import parse_lines
from tcplab.netem.grammar.errors import GrammarError
from tcplab.netem.grammar.units import read_time
from tcplab.units import in_seconds

app = typer.Typer(
    help="Show and change what the network of a running lab does.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

HOLD_TTL: Final = 6.0  # seconds that what is held outlives a command that was killed
HEARTBEAT: Final = 2.0  # seconds
PIPED_WIDTH: Final = 120

Words = Annotated[list[str], typer.Argument(show_default=False)]
For = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="Let it end by itself, as in --for 30s; nothing need run.")
]
Hold = Annotated[bool, typer.Option("--hold", help="Let it last as long as this command runs, until Ctrl-C.")]
Name = Annotated[
    str, typer.Option("--name", help="What the fault is called; the first free name of its kind unless told.")
]


@app.command("show")
def show(
    lab: LabUrl = None, *, as_json: Annotated[bool, typer.Option("--json", help="As the lab service tells it.")] = False
) -> None:
    """Show what stands, and what each shard of the network has really done."""
    with talking(lab) as client:
        stands, status = client.get("/network"), client.get("/status")
    if as_json:
        typer.echo(json.dumps({"network": stands, "status": status}, indent=2))
        return
    console = _console()
    for part in show_tables(stands, status):
        console.print(part)


@app.command("set")
def set_link(
    link: Annotated[str, typer.Argument(help="A direction, such as 'client>server', '10.0.1.1>*' or '*>*'.")],
    profile: Annotated[list[str], typer.Argument(help="What it does, such as delay 100ms loss 1%; or reset.")],
    *,
    lasts: For = None,
    hold: Hold = False,
    lab: LabUrl = None,
    by: By = "",
) -> None:
    """Set what a direction does."""
    _change(f"link {link} {' '.join(profile)}", lasts, hold=hold, lab=lab, by=by)


@app.command("clear")
def clear(lab: LabUrl = None, by: By = "") -> None:
    """Let nothing stand on top of the network's base: no profile, no fault, no timeline."""
    with talking(lab, by) as client:
        _console().print(change_line(client.clear()), markup=False)


@app.command("partition")
def partition(
    groups: Words, *, name: Name = "", lasts: For = None, hold: Hold = False, lab: LabUrl = None, by: By = ""
) -> None:
    """Cut groups off from each other, as in: partition client '|' server --for 30s."""
    _change(_named(("partition", *groups), name), lasts, hold=hold, lab=lab, by=by)


@app.command("blackhole")
def blackhole(
    link: str, *, name: Name = "", lasts: For = None, hold: Hold = False, lab: LabUrl = None, by: By = ""
) -> None:
    """Lose everything in one direction, as in: blackhole 'client>server'."""
    _change(_named(("blackhole", link), name), lasts, hold=hold, lab=lab, by=by)


@app.command("flap")
def flap(
    words: Words, *, name: Name = "", lasts: For = None, hold: Hold = False, lab: LabUrl = None, by: By = ""
) -> None:
    """Lose everything now and then, as in: flap 'client>server' up 2s down 500ms."""
    _change(_named(("flap", *words), name), lasts, hold=hold, lab=lab, by=by)


@app.command("fault")
def fault(
    words: Words, *, name: Name = "", lasts: For = None, hold: Hold = False, lab: LabUrl = None, by: By = ""
) -> None:
    """Set any fault, in the words of docs/faults.md."""
    _change(_named(words, name), lasts, hold=hold, lab=lab, by=by)


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="Lines of changes and of a timeline; - for the standard input.")],
    *,
    lasts: For = None,
    hold: Hold = False,
    lab: LabUrl = None,
    by: By = "",
) -> None:
    """Make the changes that the lines of a file say, all of them or none."""
    try:
        lines = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"{file}: {getattr(error, 'strerror', None) or 'is no text'}")
    _change(lines, lasts, hold=hold, lab=lab, by=by)


@app.command("heal")
def heal(names: Annotated[list[str], typer.Argument(help="Names of faults.")], lab: LabUrl = None, by: By = "") -> None:
    """End faults."""
    _change("\n".join(f"heal {name}" for name in names), None, hold=False, lab=lab, by=by)


@app.command("history")
def history(
    lab: LabUrl = None, *, limit: Annotated[int, typer.Option(help="How many changes.", min=1, max=1_000)] = 20
) -> None:
    """Show what was changed, by whom and when; the last first."""
    with talking(lab) as client:
        _console().print(changes_table(client.get("/history", limit=limit)))


@app.command("watch")
def watch(lab: LabUrl = None) -> None:
    """Follow changes as they are made, heartbeats left out, until Ctrl-C."""
    console = _console()
    with talking(lab) as client:
        for told in client.events():
            if not told["renewal"]:
                console.print(change_line(told), markup=False)
    typer.echo("tcplab netem: the lab service has ended", err=True)
    raise typer.Exit(HOPELESS)


# --- changing for a while --------------------------------------------------------------------------------------------


def _change(lines: str, lasts: str | None, *, hold: bool, lab: str | None, by: str) -> None:
    """Make changes: for good, for a time, or as long as we run."""
    seconds, traces = _checked(lasts, hold=hold), _traces(lines)
    with talking(lab, by) as client:
        lease = None if seconds is None else client.begin_lease(seconds)
        stands = _bound_to(client, lines, traces, lease)
        _console().print(change_line(stands), markup=False)
        if lease is not None and hold:
            _hold(client, lease)


def _checked(lasts: str | None, *, hold: bool) -> float | None:
    """Return how many seconds a lease is to last, ``None`` for no lease."""
    if lasts is not None and hold:
        _refuse("--for ends it by itself, and --hold when the command does: choose one")
    if lasts is None:
        return HOLD_TTL if hold else None
    try:
        return in_seconds(read_time(lasts))
    except ValueError as error:
        _refuse(f"--for {lasts}: {error}")


def _traces(lines: str) -> Mapping[str, str]:
    """Return the trace files that lines name, read from here: the lab service does not see our files."""
    found: dict[str, str] = {}

    def read(name: str) -> str:
        found[name] = Path(name).read_text(encoding="utf-8")
        return found[name]

    if "trace" in lines.split():
        try:
            parse_lines(lines, read)
        except GrammarError as error:
            _refuse(f"{error}\n{error.display()}")
    return found


def _bound_to(client: LabClient, lines: str, traces: Mapping[str, str], lease: str | None) -> Any:
    """Make changes with a lease, which is of no use where they are refused."""
    try:
        return client.change(lines, traces, lease)
    except Refused:
        if lease is not None:
            client.release(lease)
        raise


def _hold(client: LabClient, lease: str) -> None:
    """Renew a lease until told to stop, and end it then."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    typer.echo("held until Ctrl-C", err=True)
    while not stop.wait(HEARTBEAT):
        try:
            client.renew(lease)
        except httpx.TransportError as error:
            typer.echo(f"tcplab netem: no heartbeat gets through ({error}); trying again", err=True)
    client.release(lease)


def _refuse(line: str) -> NoReturn:
    typer.echo(f"tcplab netem: {line}", err=True)
    raise typer.Exit(WRONG)


def _named(words: Sequence[str], name: str) -> str:
    return " ".join((*words, *(("as", name) if name else ())))


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(width=PIPED_WIDTH, highlight=False, soft_wrap=True)
