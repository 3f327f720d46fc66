"""Where commands take records from: journals, a run in virtual time, or a lab that runs."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tcplab.cli import live
from tcplab.cli.journals import read
from tcplab.cli.recorders import Recorder
from tcplab.cli.virtual_runs import VirtualRun, records_of
from tcplab.node import Event
from tcplab.observe.journal import Record

Journals = Annotated[
    list[Path] | None,
    typer.Argument(help="Journals, or folders of them, as TCPLAB_JOURNAL writes them; without any, the lab that runs."),
]
Scenario = Annotated[VirtualRun | None, typer.Option(help="Play a run in virtual time, and take that; no lab needed.")]
Seed = Annotated[int, typer.Option(help="What chance is drawn from in that run.", min=0)]
Url = Annotated[
    str | None,
    typer.Option(
        "--broker",
        metavar="URL",
        help="Of the lab that runs: amqp://user:password@host:5672/vhost; Compose's if absent.",
    ),
]


class Source:
    """What the arguments of a command name.

    Attributes:
        lab: what it is, in words.
        is_live: whether it goes on until somebody interrupts.
    """

    def __init__(self, journals: Sequence[Path], scenario: VirtualRun | None, seed: int, url: str | None) -> None:
        """Find the source.

        Raises:
            ValueError: there are two.
            JournalError: a journal cannot be read.
        """
        if (bool(journals), scenario is not None, url is not None).count(True) > 1:
            raise ValueError(
                "name journals to read, a run to play (--scenario), or a lab's broker (--broker): one of them"
            )
        self._url = url
        self._records: Iterable[Record[Event]] = ()
        self.is_live = not journals and scenario is None
        self.lab = "live"
        if scenario is not None:
            self._records = records_of(scenario, seed)
            self.lab = f"{scenario.value}, seed {seed}"
        elif journals:
            self._records = read(journals)
            self.lab = ", ".join(path.name for path in journals)

    def into(self, recorder: Recorder, say: Callable[[str], None]) -> None:
        """Let a recorder take everything down, until it is full; ``say`` takes lines about what is amiss meanwhile.

        Raises:
            JournalError: a line of a journal cannot be read.
            PortError: no lab answers.
            Exception: whatever the recorder raises.
        """
        if self.is_live:
            live.watch(self._url, recorder, say)
        else:
            for record in self._records:
                recorder.feed(record)
                if recorder.full:
                    break
            recorder.pause()
        recorder.end()
