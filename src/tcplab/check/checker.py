"""What a checker is: a name, and a look at a history."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, Protocol

from tcplab.check.history import History
from tcplab.check.verdict import Result, Verdict, unknown
from tcplab.node import Event
from tcplab.observe.journal import Record
from tcplab.tcp.config import TcpConfig
from tcplab.units import Duration

Configs = Mapping[str, TcpConfig]
"""What each host was set to, by the name of its node."""

EXACT: Final = Duration(0)
"""How late a driver of virtual time wakes its nodes."""


class Checker(Protocol):
    """Judges one property; independent of all others."""

    def __call__(self, history: History, /) -> Result:
        """Return whether the property holds in this history, with the evidence."""


def run(records: Sequence[Record[Event]], checkers: Iterable[Checker]) -> Verdict:
    """Let every checker judge a journal.

    A journal from which records are missing proves nothing: the verdict is unknown at best.
    """
    history = History(records)
    whole = Result("journal", len(records), tuple(unknown(f"records are missing before {n}") for n in _gaps(records)))
    return Verdict((whole, *(checker(history) for checker in checkers)))


def _gaps(records: Sequence[Record[Event]]) -> list[int]:
    """Return the numbers before which records are missing.

    Numbers that only rise are those of one journal; else each node has its own.
    """
    if all(left.n < right.n for left, right in pairwise(records)):
        return [right.n for left, right in pairwise(records) if right.n != left.n + 1]
    last: dict[str, int] = {}
    gaps = []
    for record in records:
        if record.n != last.get(record.node, record.n - 1) + 1:
            gaps.append(record.n)
        last[record.node] = record.n
    return gaps
