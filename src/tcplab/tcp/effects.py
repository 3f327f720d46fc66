"""What comes of one input to a connection."""

from tcplab.node import Event
from tcplab.tcp.app import AppEvent
from tcplab.wire.segment import Segment


class Effects:
    """Segments to send, events for observers, and events for the application, each in order."""

    __slots__ = ("events", "segments", "signals")

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.events: list[Event] = []
        self.signals: list[AppEvent] = []
