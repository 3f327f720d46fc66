"""``tcplab capture``: what passed the network, as Wireshark reads it."""

from typing import Annotated

import typer

from tcplab.cli.recorders import STANDARD_OUTPUT, Sides, recording
from tcplab.cli.sources import Journals, Scenario, Seed, Source, Url
from tcplab.cli.troubles import one_line
from tcplab.cli.wanted import Flags, From, Host, Rule, Side, To, Verdict
from tcplab.observe.sieve import Sieve


def command(
    output: Annotated[str, typer.Argument(help="File to write, - for standard output; NAME.jsonl for a journal.")],
    journals: Journals = None,
    *,
    scenario: Scenario = None,
    seed: Seed = 1,
    broker: Url = None,
    side: Side = Sides.BOTH,
    source: From = None,
    target: To = None,
    host: Host = None,
    flags: Flags = "",
    verdict: Verdict = None,
    rule: Rule = "",
    count: Annotated[int | None, typer.Option(help="Stop after so many packets (records of a journal).", min=1)] = None,
) -> None:
    """Write what passed the network as pcapng, with real IP and TCP headers and the network's verdicts as comments."""
    with one_line("tcplab capture", output):
        sieve = Sieve.of(source=source, target=target, either=host, flags=flags, verdict=verdict, rule=rule)
        found = Source(journals or [], scenario, seed, broker)
        with recording(output, found.lab, side, sieve, count) as recorder:
            found.into(recorder, lambda line: typer.echo(f"tcplab capture: {line}", err=True))
        where = "standard output" if output == STANDARD_OUTPUT else output
        typer.echo(f"{recorder.count:,} {recorder.unit} written to {where}", err=True)
