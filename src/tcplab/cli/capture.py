"""``tcplab capture``: what passed the network, as Wireshark reads it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from tcplab.cli.journals import JournalError, read
from tcplab.cli.recorders import STANDARD_OUTPUT, Recorder, Sides, recording
from tcplab.cli.virtual_runs import VirtualRun, records_of
from tcplab.node import Event
from tcplab.observe.journal import Record

WRONG: Final = 2  # exit code


def command(
    output: Annotated[str, typer.Argument(help="File to write, - for standard output; NAME.jsonl for a journal.")],
    journals: Annotated[
        list[Path] | None, typer.Argument(help="Journals to read, or folders of them, as TCPLAB_JOURNAL writes them.")
    ] = None,
    *,
    scenario: Annotated[
        VirtualRun | None, typer.Option(help="Play a run in virtual time and capture that; it needs no lab.")
    ] = None,
    seed: Annotated[int, typer.Option(help="What chance is drawn from in that run.", min=0)] = 1,
    side: Annotated[
        Sides, typer.Option(help="The network's side where segments come in, that where they go out, or both.")
    ] = Sides.BOTH,
    count: Annotated[int | None, typer.Option(help="Stop after so many packets (records of a journal).", min=1)] = None,
) -> None:
    """Write what passed the network as pcapng, with real IP and TCP headers and the network's verdicts as comments."""
    try:
        lab, records = _source(journals or [], scenario, seed)
        with recording(output, lab, side, count) as recorder:
            _record(recorder, records)
    except BrokenPipeError:
        raise typer.Exit(0) from None  # whoever read it has seen enough
    except OSError as error:
        _refuse(f"{output}: {error.strerror}")
    except (JournalError, ValueError) as error:
        _refuse(str(error))
    where = "standard output" if output == STANDARD_OUTPUT else output
    typer.echo(f"{recorder.written} written to {where}", err=True)


def _source(journals: Sequence[Path], scenario: VirtualRun | None, seed: int) -> tuple[str, Iterable[Record[Event]]]:
    """Return the name of what is captured, and its records."""
    if bool(journals) == (scenario is not None):
        raise ValueError("name journals to read, or a run to play (--scenario lifecycle): one of the two")
    if scenario is not None:
        return f"{scenario.value}, seed {seed}", records_of(scenario, seed)
    return ", ".join(path.name for path in journals), read(journals)


def _record(recorder: Recorder, records: Iterable[Record[Event]]) -> None:
    for record in records:
        recorder.feed(record)
        if recorder.full:
            break
    recorder.pause()


def _refuse(why: str) -> None:
    typer.echo(f"tcplab capture: {why}", err=True)
    raise typer.Exit(WRONG)
