"""``tcplab watch``: a line for each segment, as tcpdump has it, with what the network decided; or ladders."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from tcplab.cli.ladder_recorder import LadderRecorder
from tcplab.cli.ladders import console
from tcplab.cli.recorders import JournalRecorder, LineRecorder, Recorder, Sides
from tcplab.cli.sources import Journals, Scenario, Seed, Source, Url
from tcplab.cli.troubles import one_line
from tcplab.cli.wanted import Flags, From, Host, Rule, Side, To, Verdict
from tcplab.observe.lines import Lines
from tcplab.observe.sieve import Sieve
from tcplab.runtime.clock import EPOCH
from tcplab.units import SECOND, Instant, in_seconds


def command(
    journals: Journals = None,
    *,
    scenario: Scenario = None,
    seed: Seed = 1,
    broker: Url = None,
    side: Side = Sides.IN,
    source: From = None,
    target: To = None,
    host: Host = None,
    flags: Flags = "",
    verdict: Verdict = None,
    rule: Rule = "",
    count: Annotated[int | None, typer.Option(help="Stop after so many lines, records or ladders.", min=1)] = None,
    absolute: Annotated[bool, typer.Option("--absolute", help="Sequence numbers as they are on the wire.")] = False,
    as_ladder: Annotated[
        bool, typer.Option("--ladder", help="The ladder of each connection of which a segment is wanted, as it ends.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The network's records as they are, a line each.")] = False,
) -> None:
    """Follow what passes the network of the lab that runs, a line for each segment, until Ctrl-C."""
    with one_line("tcplab watch", "standard output"):
        sieve = Sieve.of(source=source, target=target, either=host, flags=flags, verdict=verdict, rule=rule)
        if as_ladder and (as_json or side is not Sides.IN):
            raise ValueError("--ladder shows both sides of the network, and no records: leave --json and --side out")
        found = Source(journals or [], scenario, seed, broker)
        recorder: Recorder
        if as_ladder:
            recorder = LadderRecorder(console(), stamp, sieve, count, absolute=absolute)
        elif as_json:
            recorder = JournalRecorder(sys.stdout.buffer, sieve, count)
        else:
            lines = Lines(stamp, absolute=absolute, sides=side is Sides.BOTH)
            recorder = LineRecorder(lines, show, side, sieve, count)
        found.into(recorder, lambda line: typer.echo(f"tcplab watch: {line}", err=True))


def show(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


def stamp(instant: Instant) -> str:
    """Return an instant of the lab as the local time of day, or, of a run in virtual time, in seconds."""
    if instant < EPOCH:
        return f"{in_seconds(instant):.6f}"
    whole, rest = divmod(instant, SECOND)
    return f"{datetime.fromtimestamp(whole):%H:%M:%S}.{rest // 1_000:06}"
