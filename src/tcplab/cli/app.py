"""The ``tcplab`` command: a registry of one module per command."""

from collections import UserDict
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from tcplab import __version__

COMMANDS: Final = (
    "demo", "local", "replay", "capture", "diff", "watch", "netem", "explore", "packetdrill", "time-wait-policies",
    "doctor",
)  # fmt: skip


class _Commands(UserDict[str, Any]):
    """The commands by name; the module of one is imported when it is asked for, since all take most of a second."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(COMMANDS))

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = get_command(_app_of(name))
        return self.data[name]


def _app_of(name: str) -> typer.Typer:
    """Return what a command's module has made, or else an application of its one function."""
    module = import_module(f"tcplab.cli.{name.replace('-', '_')}")
    made = getattr(module, "app", None)
    if made is None:
        made = typer.Typer(add_completion=False, rich_markup_mode=None)
        made.command(name)(module.command)
    return made


class _Registry(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()


app = typer.Typer(
    cls=_Registry,
    help="A laboratory for TCP's life and death.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


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
