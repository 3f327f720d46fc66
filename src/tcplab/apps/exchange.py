"""One connection's two frames as a workload sees them: what may be read and written now."""

from dataclasses import dataclass, field
from typing import Final, Literal

from tcplab.apps.frames import FrameReader, FrameWriter
from tcplab.tcp.app import Call, Close, Receive, Release, Send
from tcplab.tcp.events import ConnectionId
from tcplab.units import SECOND, Instant

PATIENCE_DEFAULT: Final = 180 * SECOND  # above R2, so that the TCP gives up first
READ_LIMIT: Final = 65_536  # octets per RECEIVE: bounds what a workload holds of one connection

Timer = Literal["read", "close", "patience"]
"""What a connection can wait for: its turn to read on, its time to close, or signs of life."""


@dataclass(slots=True)
class Exchange:
    """The frame that is read, the frame that is written, and how far the TCP lets them go.

    ``read_rate`` makes a slow reader: octets per second, ``None`` for as fast as they come.
    """

    connection: ConnectionId
    opened: Instant
    space: int
    read_rate: int | None = None
    writer: FrameWriter | None = None
    reader: FrameReader = field(default_factory=FrameReader)
    unread: int = 0
    """Octets that the TCP holds for us."""
    end_of_stream: bool = False
    """The peer's FIN was taken."""
    closed: bool = False
    """We called CLOSE."""
    settled: bool = False
    """What became of the transfer was reported."""
    progress: Instant = field(init=False)
    """When an octet last went either way."""
    next_read: Instant = field(init=False)
    """When a slow reader reads again."""
    _asked: bool = False

    def __post_init__(self) -> None:
        """Begin with the connection's opening."""
        self.progress = self.next_read = self.opened

    @property
    def exhausted(self) -> bool:
        """Whether the peer's stream has ended and all of it was read."""
        return self.end_of_stream and self.unread == 0

    def readable(self, available: int) -> None:
        """Take note of what the TCP holds for us."""
        self.unread = available

    def writable(self, space: int, now: Instant) -> None:
        """Take note of room in the TCP's send buffer."""
        self.space = space
        self.progress = now

    def received(self, data: bytes, now: Instant) -> bytes:
        """Take octets of the stream; return those that are payload.

        Raises:
            MalformedFrame: see :meth:`tcplab.apps.frames.FrameReader.feed`.
        """
        self._asked = False
        self.unread = max(0, self.unread - len(data))
        self.progress = now
        if self.read_rate is not None:
            self.next_read = now + len(data) * SECOND // self.read_rate
        return self.reader.feed(data)

    def read(self, now: Instant, room: int = READ_LIMIT) -> list[Call]:
        """Return the call that reads up to ``room`` octets, if anything is there and it is time."""
        if self._asked or self.unread == 0 or room <= 0 or now < self.next_read:
            return []
        self._asked = True
        limit = min(self.unread, room, READ_LIMIT)
        if self.read_rate is not None:
            limit = min(limit, max(1, self.read_rate // 10))  # ten sips a second
        return [Receive(self.connection, limit)]

    def leave(self) -> list[Call]:
        """Return the call that lets the TCP forget what it still holds for us, once both sides have closed."""
        return [Release(self.connection)] if self.unread else []

    def write(self, now: Instant) -> list[Call]:
        """Return the call that sends what there is and the TCP has space for, if anything."""
        if self.writer is None or self.space <= 0:
            return []
        data = self.writer.take(self.space)
        if not data:
            return []
        self.space -= len(data)
        self.progress = now
        return [Send(self.connection, data)]

    def close(self) -> list[Call]:
        """Return the call that closes our side, if that has not been called yet."""
        if self.closed:
            return []
        self.closed = True
        return [Close(self.connection)]
