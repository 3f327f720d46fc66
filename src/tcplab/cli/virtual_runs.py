"""Runs in virtual time that commands can make for themselves, so that they need no lab."""

from collections.abc import Sequence
from enum import StrEnum

from tcplab.node import Event
from tcplab.observe.journal import Record
from tcplab.scenarios import virtual
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.sim import storm


class VirtualRun(StrEnum):
    """Runs by their names: what ``tcplab demo`` shows, and what ``tcplab replay`` draws from a seed."""

    LIFECYCLE = "lifecycle"
    STORM = "storm"


def records_of(run: VirtualRun, seed: int) -> Sequence[Record[Event]]:
    """Play a run, and return its journal."""
    if run is VirtualRun.LIFECYCLE:
        return virtual.play(lifecycle(seed)).journal.records
    return storm.run(storm.draw(seed)).journal.records
