"""Nothing stays: whatever was opened is closed in the end."""

from tcplab.check.history import History
from tcplab.check.verdict import Result, invalid
from tcplab.tcp.states import State


def all_closed(history: History) -> Result:
    """Judge that every connection's last state is CLOSED; a listener may go on."""
    connections = history.connections
    left = [life for life in connections if life.path[-1] is not State.CLOSED]
    findings = [invalid(f"{life} is in {life.path[-1].name} at the end", life.changes[-1]) for life in left]
    return Result("all closed", len(connections), tuple(findings))
