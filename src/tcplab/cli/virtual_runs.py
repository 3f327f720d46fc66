"""Runs in virtual time that commands can make for themselves, so that they need no lab."""

from collections.abc import Sequence
from enum import StrEnum
from typing import assert_never

from tcplab.node import Event
from tcplab.observe.journal import Record
from tcplab.scenarios import virtual
from tcplab.scenarios.last_ack import last_ack
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.sim import storm


class VirtualRun(StrEnum):
    """Runs by their names: scenarios, the first of which ``tcplab demo`` shows, and what ``tcplab replay`` draws."""

    LIFECYCLE = "lifecycle"
    LAST_ACK = "last-ack"
    STORM = "storm"


def records_of(run: VirtualRun, seed: int) -> Sequence[Record[Event]]:
    """Play a run, and return its journal."""
    match run:
        case VirtualRun.LIFECYCLE:
            return virtual.play(lifecycle(seed)).journal.records
        case VirtualRun.LAST_ACK:
            return virtual.play(last_ack(seed)).journal.records
        case VirtualRun.STORM:
            return storm.run(storm.draw(seed)).journal.records
        case _:
            assert_never(run)
