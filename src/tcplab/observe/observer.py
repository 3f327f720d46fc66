"""Several observers in the place of one."""

from collections.abc import Sequence

from tcplab.node import Event, Observer
from tcplab.units import Instant


class FanOut:
    """Tells every observer of every event, in the order they were given."""

    __slots__ = ("_observers",)

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Pass an event on to all."""
        for observer in self._observers:
            observer.observe(node, event, now)
