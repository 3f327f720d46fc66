"""Every connection goes only where the table lets it."""

from collections.abc import Iterator

from tcplab.check.history import History, Life
from tcplab.check.verdict import Finding, Result, invalid
from tcplab.tcp.events import IllegalTransition
from tcplab.tcp.states import TRANSITIONS, State


def legal_path(history: History) -> Result:
    """Judge that each connection begins in CLOSED, and that each change has its row in the table."""
    findings = [
        invalid(f"{record.event.connection} of {record.node} had no row for {record.event.cause.name} "
                f"in {record.event.state.name}", record)
        for record in history.of(IllegalTransition)
    ]  # fmt: skip
    for life in history.lives.values():
        findings += _breaks(life)
    return Result("legal path", len(history.lives), tuple(findings))


def _breaks(life: Life) -> Iterator[Finding]:
    state = State.CLOSED
    for number, record in enumerate(life.changes):
        change = record.event
        if change.old is not state or (number and state is State.CLOSED):
            yield invalid(f"{life} left {change.old.name}, but it was in {state.name}", record)
        if TRANSITIONS.get((change.old, change.cause)) is not change.new:
            yield invalid(
                f"{life} went from {change.old.name} to {change.new.name} by {change.cause.name}: no such row", record
            )
        state = change.new
