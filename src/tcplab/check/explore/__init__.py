"""Bounded exhaustive exploration: two ends of the real engine, and everything that a network may do to them.

``search(Model(Bounds()))`` gives a :class:`Report`; :func:`replay` plays a way that was found into a journal.
"""

from collections.abc import Mapping
from typing import Final

from tcplab.check.explore.bounds import SIDES, TICK, Bounds, Side
from tcplab.check.explore.model import Kind, Model, Move
from tcplab.check.explore.properties import CONSEQUENCES, LIMITS, Breach, Property
from tcplab.check.explore.replay import Replay, replay
from tcplab.check.explore.search import Progress, Report, Tally, Trace, search
from tcplab.check.explore.subject import Subject

__all__ = [
    "CONSEQUENCES",
    "LIMITS",
    "SIDES",
    "TICK",
    "WITHOUT_TIME_WAIT",
    "Bounds",
    "Breach",
    "Kind",
    "Model",
    "Move",
    "Progress",
    "Property",
    "Replay",
    "Report",
    "Side",
    "Subject",
    "Tally",
    "Trace",
    "replay",
    "search",
]

_READABLE: Final = (100, 300)  # ISNs that are easy to follow in a ladder

WITHOUT_TIME_WAIT: Final[Mapping[Property, Bounds]] = {
    Property.OLD_OCTET: Bounds(time_wait=0, losses=0, duplicates=1, delays=0, first_isn=_READABLE),
    Property.RESET_OF_FIN: Bounds(time_wait=0, losses=1, duplicates=0, delays=0, first_isn=_READABLE),
}
"""What TIME_WAIT prevents, and bounds within which it happens without: one copy, or one loss, is enough."""
