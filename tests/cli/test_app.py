"""The command itself, beside its commands."""

from typer.testing import CliRunner

from tcplab import __version__
from tcplab.cli.app import app


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert (result.exit_code, result.output) == (0, f"tcplab {__version__}\n")


def test_without_a_command_the_commands_are_listed() -> None:
    result = CliRunner().invoke(app, [])

    assert all(command in result.output for command in ("demo", "local", "explore", "replay", "doctor"))
