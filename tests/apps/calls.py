"""Comparing calls: named tuples of different types are equal to Python when their fields are."""

from collections.abc import Iterable

from tcplab.tcp.app import Call


def exact(calls: Iterable[Call]) -> list[tuple[str, Call]]:
    """Return the calls with the names of their types, to compare both."""
    return [(type(call).__name__, call) for call in calls]
