"""The ``tcplab`` command: a registry of one module per command."""

import typer

from tcplab.cli import demo, doctor, explore, local, replay

app = typer.Typer(
    help="A laboratory for TCP's life and death.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)
app.command("demo")(demo.command)
app.command("local")(local.command)
app.command("replay")(replay.command)
app.command("explore")(explore.command)
app.command("doctor")(doctor.command)


@app.callback()
def main() -> None:
    """Keep every command a subcommand, were there only one."""
