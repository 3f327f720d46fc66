"""What goes wrong with a command, in a line for people."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

from tcplab.cli.journals import JournalError
from tcplab.port import PortError

HOPELESS: Final = 1  # exit codes, those of the services
WRONG: Final = 2


@contextmanager
def one_line(command: str, output: str) -> Iterator[None]:
    """Turn what people can mend into a line and an exit code; ``output`` is what was to be written."""
    try:
        yield
    except BrokenPipeError:
        _write_no_more()
        raise typer.Exit(0) from None  # whoever read it has seen enough
    except PortError as error:
        _end(f"{command}: {error}", HOPELESS)
    except OSError as error:
        _end(f"{command}: {output}: {error.strerror}", WRONG)
    except (JournalError, ValueError) as error:
        _end(f"{command}: {error}", WRONG)


def _write_no_more() -> None:
    """Let what is still buffered go nowhere: the interpreter would write it at its end, and complain of the pipe."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _end(line: str, code: int) -> None:
    typer.echo(line, err=True)
    raise typer.Exit(code) from None
