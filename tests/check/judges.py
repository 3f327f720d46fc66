"""All checkers, and whom they blame."""

from tcplab import check
from tcplab.check import BackOff, Checker, Conservation, GiveUp, Outcome, TimeWaitLasts, Verdict
from tcplab.observe.journal import Record
from tcplab.tcp.events import (
    StateChanged,
)
from tcplab.tcp.states import State
from tests.check.doctor import (
    CONFIGS,
    QUEUES,
    Records,
    of,
)

CHECKERS: tuple[Checker, ...] = (
    check.stream_intact,
    check.legal_path,
    check.all_closed,
    BackOff(CONFIGS),
    TimeWaitLasts(CONFIGS),
    GiveUp(CONFIGS),
    check.quiet,
    Conservation(queue_lengths=QUEUES),
)


def verdict(records: Records) -> Verdict:
    return check.run(records, CHECKERS)


def blamed(records: Records) -> set[str]:
    """Return the checkers that find something invalid."""
    return {name for name, _ in verdict(records).findings(Outcome.INVALID)}


def change(records: Records, node: str, new: State) -> Record[StateChanged]:
    [found] = [record for record in of(records, StateChanged, node) if record.event.new is new]
    return found
