"""The ``tcplab`` command: a registry of one module per command."""

from typing import Annotated

import typer

from tcplab import __version__
from tcplab.cli import (
    capture,
    demo,
    diff,
    doctor,
    explore,
    local,
    netem,
    packetdrill,
    replay,
    time_wait_policies,
    watch,
)

app = typer.Typer(
    help="A laboratory for TCP's life and death.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)
app.command("demo")(demo.command)
app.command("local")(local.command)
app.command("replay")(replay.command)
app.command("capture")(capture.command)
app.command("diff")(diff.command)
app.command("watch")(watch.command)
app.add_typer(netem.app, name="netem")
app.command("explore")(explore.command)
app.command("packetdrill")(packetdrill.command)
app.command("time-wait-policies")(time_wait_policies.command)
app.command("doctor")(doctor.command)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tcplab {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take what holds for every command."""
