"""``tcplab time-wait-policies``: what the stacks' TIME_WAITs do to each kind of segment, side by side."""

import time
from typing import Annotated, Final, cast, get_args

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.text import ASCII, UNICODE, Layout, draw
from tcplab.scenarios.time_waits import PROBE_AT, PROBES, Effect, Outcome, Probe, play
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.time_wait import POLICIES, PolicyName
from tcplab.units import in_seconds

PIPED_WIDTH: Final = 120
_COLOURS: Final[dict[Effect, str]] = {
    "stays": "default",
    "restarted": "yellow",
    "expired": "bright_black",
    "reused": "cyan",
    "assassinated": "red",
}
_ANSWERS: Final = {"A": "ACK", "R": "RST", "RA": "RST", "SA": "SYN,ACK"}
_MEANING: Final = (
    "rfc9293  2 MSL. Only the FIN restarts it, nothing ends it; a newer SYN takes its place with --reuse (MAY-2, RFC "
    "6191).",
    "linux    60 s, restarted by whatever has an ACK. An exact RST kills it (RFC 1337 calls that assassination; "
    "net.ipv4.tcp_rfc1337 is off by default). A SYN takes its place if its number or its timestamp is newer.",
    "freebsd  2 x 30 s. It looks at numbers alone, never at timestamps, and has no word for a SYN that is old. A newer "
    "one ends it even where nobody listens.",
    "none     CLOSED at once, for lessons: a retransmitted FIN is answered with a RST, and its sender fails.",
)


def command(
    *,
    reuse: Annotated[
        bool | None,
        typer.Option(help="Let a new connection take the place of a TIME_WAIT, or never; else as each stack has it."),
    ] = None,
    picture: Annotated[
        tuple[str, str] | None,
        typer.Option("--ladder", metavar="POLICY SEGMENT", help="Draw what happens; segments have names in the table."),
    ] = None,
) -> None:
    """Show what the policies of TIME_WAIT do to each kind of segment, by trying it."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH, highlight=False)
    if picture is not None:
        _draw(console, _probe(picture[1]), _policy(picture[0]), reuse)
        return
    began = time.perf_counter()
    console.print(_table(reuse))
    for line in _MEANING:
        console.print(Text(line))
    tried = len(PROBES) * len(POLICIES)
    console.print(
        f"{tried} connections were opened, closed and tried, each by a host with its own clock, in "
        f"{time.perf_counter() - began:.1f} s. Draw one: tcplab time-wait-policies --ladder linux rst",
        style="bright_black",
    )


def _table(reuse: bool | None) -> Table:
    table = Table(title=f"What reaches TIME_WAIT {in_seconds(PROBE_AT):.0f} s after it began", title_justify="left")
    table.add_column("--ladder")
    table.add_column("segment")
    for name in POLICIES:
        table.add_column(name)
    for probe in PROBES:
        cells = [_cell(play(probe, TcpConfig(time_wait_policy=name, time_wait_reuse=reuse))) for name in POLICIES]
        table.add_row(probe.name, probe.words, *cells)
    return table


def _cell(outcome: Outcome) -> Text:
    """Return an outcome in words: what is answered, what becomes of TIME_WAIT, and how long it lasted in all."""
    answer = " ".join(_ANSWERS.get(flags, flags) for flags in outcome.answers)
    words = {
        "stays": "",
        "restarted": "begins anew",
        "expired": "is over",
        "reused": "gives way",
        "assassinated": "is killed",
    }[outcome.effect]
    told = ", ".join(part for part in (answer or "silent", words) if part)
    return Text(f"{told}; {in_seconds(outcome.lasted):.0f} s", _COLOURS[outcome.effect])


def _draw(console: Console, probe: Probe, name: PolicyName, reuse: bool | None) -> None:
    outcome = play(probe, TcpConfig(time_wait_policy=name, time_wait_reuse=reuse))
    console.print(Text(f"{name}: {probe.words}", "bold"))
    layout = Layout(console.width, ASCII if console.options.ascii_only else UNICODE)
    for line in draw(ladder(outcome.journal.records), layout):
        console.print(line, no_wrap=True, overflow="crop", crop=True)
    console.print(_cell(outcome))


def _probe(name: str) -> Probe:
    for probe in PROBES:
        if probe.name == name:
            return probe
    raise typer.BadParameter(f"there is no segment {name!r}; there are {', '.join(probe.name for probe in PROBES)}")


def _policy(name: str) -> PolicyName:
    if name not in get_args(PolicyName):
        raise typer.BadParameter(f"there is no policy {name!r}; there are {', '.join(POLICIES)}")
    return cast(PolicyName, name)
