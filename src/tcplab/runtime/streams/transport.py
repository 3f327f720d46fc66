"""An asyncio transport over one connection of an emulated host.

The TCP tells it what happened while it is at work, so the transport only takes note then; the protocol's callbacks are
called from the loop, one turn later, as those of a socket's transport are.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Protocol

from tcplab.runtime.streams.errors import error_of
from tcplab.tcp.app import (
    Abort,
    Close,
    Closed,
    Failed,
    OnConnection,
    PeerClosed,
    Readable,
    Receive,
    Received,
    Release,
    Send,
    Writable,
)
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.states import State

READ_LIMIT: Final = 65_536
"""Octets that a protocol is given at a time, at most."""

HIGH_WATER_DEFAULT: Final = 65_536  # asyncio's own
LOW_WATER_DIVISOR: Final = 4  # asyncio's own

ConnectionEvent = Readable | Received | Writable | PeerClosed | Closed | Failed


class Calls(Protocol):
    """What a transport needs of the host beneath it."""

    def perform(self, call: OnConnection) -> None:
        """Make a call on a connection; nothing comes of it where the connection has just failed."""

    def state_of(self, connection: ConnectionId) -> State:
        """Return the state of a connection."""

    def forget(self, connection: ConnectionId) -> None:
        """Tell the transport nothing more."""


class LabTransport(asyncio.Transport):
    """One connection, for one protocol: ``asyncio.Protocol`` or ``asyncio.BufferedProtocol``.

    While reading is paused nothing is received from the TCP, so that the window closes and the peer stops. What the
    TCP's send buffer has no room for waits here; the protocol is asked to pause above the high-water mark.

    ``close`` hands over what waits and then releases the connection, as closing a socket does: data that the protocol
    has not been given makes that a reset. ``abort`` resets at once. Extra info: ``peername`` and ``sockname`` (address,
    port), ``connection`` (:class:`tcplab.tcp.events.ConnectionId`), ``state`` (:class:`tcplab.tcp.states.State`, as it
    is when asked for).
    """

    def __init__(
        self, connection: ConnectionId, space: int, calls: Calls, on_end: Callable[["LabTransport"], None]
    ) -> None:
        """Take over a connection that is ESTABLISHED.

        Args:
            connection: which one.
            space: octets that its TCP takes.
            calls: the host beneath.
            on_end: called with this transport after ``connection_lost``.
        """
        local, remote = (connection.local, connection.local_port), (connection.remote, connection.remote_port)
        super().__init__({"sockname": local, "peername": remote, "connection": connection})
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._calls = calls
        self._on_end = on_end
        self._protocol: asyncio.BaseProtocol | None = None
        self._turn_comes = False
        self._closing = False
        self._ended = False
        self._error: Exception | None = None
        # reading
        self._unread = 0
        self._taken = b""
        self._paused = False
        self._peer_closed = False
        self._read_all = False
        self._both_closed = False
        # writing
        self._space = space
        self._buffer = bytearray()
        self._eof = False
        self._eof_told = False
        self._high = HIGH_WATER_DEFAULT
        self._low = HIGH_WATER_DEFAULT // LOW_WATER_DIVISOR
        self._protocol_paused = False

    def __repr__(self) -> str:
        word = "ended" if self._ended else "closing" if self._closing else "open"
        return f"<{type(self).__name__} {self._connection} {word}>"

    def start(self, protocol: asyncio.BaseProtocol) -> None:
        """Call ``connection_made`` in the next turn of the loop, and whatever follows after that."""
        self._protocol = protocol
        self._loop.call_soon(protocol.connection_made, self)
        if self._ended:
            self._loop.call_soon(self._lose)
        self._turn_soon()

    # --- what the TCP tells ------------------------------------------------------------------------------------------

    def take(self, event: ConnectionEvent) -> None:
        """Take note of what happened to the connection."""
        match event:
            case Readable():
                self._unread = event.available
            case Received():
                self._taken = event.data
                return
            case Writable():
                self._space = event.space
            case PeerClosed():
                self._peer_closed = True
            case Closed():
                self._both_closed = True
            case Failed():
                self.fail(error_of(event.reason, str(self._connection)))
        self._turn_soon()

    def fail(self, error: Exception | None) -> None:
        """End without another call to the TCP; ``connection_lost`` is given the error."""
        if not self._ended:
            self._end(error)
            self._calls.forget(self._connection)

    # --- asyncio.BaseTransport ---------------------------------------------------------------------------------------

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known under a name (see the class), ``default`` if nothing is."""
        if name == "state":
            return self._calls.state_of(self._connection)
        return super().get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the connection to another protocol."""
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        assert self._protocol is not None, "a transport is nobody's before it has a protocol"
        return self._protocol

    def is_closing(self) -> bool:
        """Return whether the transport is closed, or on its way."""
        return self._closing

    def close(self) -> None:
        """Receive nothing more, hand over what waits, release the connection."""
        if not self._closing:
            self._closing = True
            if not self._buffer:
                self._release()

    def abort(self) -> None:
        """Reset the connection, and forget what waits."""
        self._abort(None)

    # --- asyncio.ReadTransport ---------------------------------------------------------------------------------------

    def is_reading(self) -> bool:
        """Return whether the protocol is given what comes."""
        return not self._closing and not self._paused

    def pause_reading(self) -> None:
        """Leave what comes to the TCP, whose window closes as it fills."""
        self._paused = True

    def resume_reading(self) -> None:
        """Go on reading."""
        self._paused = False
        self._turn_soon()

    # --- asyncio.WriteTransport --------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send as far as the TCP has room, and keep the rest; ignored once the transport is closing.

        Raises:
            TypeError: the data is not bytes.
            RuntimeError: ``write_eof`` was called before.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"data must be bytes, a bytearray or a memoryview; it is {type(data).__name__!r}")
        if self._eof:
            raise RuntimeError("write after write_eof: nothing more may be written")
        if self._closing:
            return
        self._buffer += data
        self._flush()
        self._pause_protocol()

    def write_eof(self) -> None:
        """Send FIN once what waits is sent; reading goes on (a half-close)."""
        if not self._closing and not self._eof:
            self._eof = True
            self._flush()

    def can_write_eof(self) -> bool:
        """Return that a TCP can be half-closed."""
        return True

    def get_write_buffer_size(self) -> int:
        """Return how many octets wait for room in the TCP's send buffer, without those that are in it."""
        return len(self._buffer)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Return the low-water mark and the high-water mark, in octets."""
        return self._low, self._high

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set above how many waiting octets the protocol is to pause, and at how many it may go on.

        Raises:
            ValueError: not ``high >= low >= 0``.
        """
        if high is None:
            high = HIGH_WATER_DEFAULT if low is None else LOW_WATER_DIVISOR * low
        if low is None:
            low = high // LOW_WATER_DIVISOR
        if not high >= low >= 0:
            raise ValueError(f"high ({high}) must be at least low ({low}), and that 0 at least")
        self._high, self._low = high, low
        self._pause_protocol()

    # --- one turn ----------------------------------------------------------------------------------------------------

    def _turn_soon(self) -> None:
        if not self._turn_comes and not self._ended and self._protocol is not None:
            self._turn_comes = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_comes = False
        self._flush()
        self._read()

    def _flush(self) -> None:
        octets = min(len(self._buffer), self._space)
        if octets:
            data = bytes(memoryview(self._buffer)[:octets])
            del self._buffer[:octets]
            self._space -= octets
            self._calls.perform(Send(self._connection, data))
        self._resume_protocol()
        if self._ended or self._buffer:
            return
        if self._closing:
            self._release()
        elif self._eof and not self._eof_told:
            self._eof_told = True
            self._calls.perform(Close(self._connection))

    def _read(self) -> None:
        if self._closing or self._paused or self._read_all:
            return
        if self._unread:
            buffered = isinstance(self._protocol, asyncio.BufferedProtocol)
            self._guard(self._fill_buffer if buffered else self._give_data)
            self._turn_soon()
        elif self._peer_closed:
            self._read_all = True
            self._guard(self._give_eof)

    def _give_data(self) -> None:
        protocol = self._protocol
        assert isinstance(protocol, asyncio.Protocol), f"{protocol!r} is no protocol for streams"
        if data := self._receive(READ_LIMIT):
            protocol.data_received(data)

    def _fill_buffer(self) -> None:
        protocol = self._protocol
        assert isinstance(protocol, asyncio.BufferedProtocol)
        buffer = memoryview(protocol.get_buffer(-1)).cast("B")
        if not buffer:
            raise RuntimeError("get_buffer() returned an empty buffer")
        if data := self._receive(len(buffer)):
            buffer[: len(data)] = data
            protocol.buffer_updated(len(data))

    def _receive(self, limit: int) -> bytes:
        """Receive up to ``limit`` octets, none where the connection has just failed."""
        self._calls.perform(Receive(self._connection, limit))
        data, self._taken = self._taken, b""
        self._unread -= len(data)
        return data

    def _give_eof(self) -> None:
        protocol = self._protocol
        assert isinstance(protocol, asyncio.Protocol | asyncio.BufferedProtocol)
        if not protocol.eof_received():
            self.close()

    # --- the protocol's pauses ---------------------------------------------------------------------------------------

    def _pause_protocol(self) -> None:
        if len(self._buffer) > self._high and not self._protocol_paused and self._protocol is not None:
            self._protocol_paused = True
            self._guard(self._protocol.pause_writing)

    def _resume_protocol(self) -> None:
        if self._protocol_paused and not self._ended and len(self._buffer) <= self._low and self._protocol is not None:
            self._protocol_paused = False
            self._guard(self._protocol.resume_writing)

    # --- endings -----------------------------------------------------------------------------------------------------

    def _release(self) -> None:
        if not self._is_gone():
            self._calls.perform(Release(self._connection))
        self.fail(None)

    def _abort(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._end(error)
        if not self._is_gone():
            self._calls.perform(Abort(self._connection))
        self._calls.forget(self._connection)

    def _end(self, error: Exception | None) -> None:
        self._ended = self._closing = True
        self._error = error
        self._buffer.clear()
        if self._protocol is not None:
            self._loop.call_soon(self._lose)

    def _is_gone(self) -> bool:
        """Return whether the TCP has forgotten the connection, or left it to TIME_WAIT; it keeps what is unread."""
        return self._both_closed and not self._unread

    def _guard(self, callback: Callable[[], object]) -> None:
        """Call the protocol; what it raises is told to the loop's exception handler and ends the connection."""
        try:
            callback()
        except Exception as error:
            context = {"message": f"{self}: the protocol failed", "exception": error}
            self._loop.call_exception_handler({**context, "transport": self, "protocol": self._protocol})
            self._abort(error)

    def _lose(self) -> None:
        try:
            self.get_protocol().connection_lost(self._error)
        finally:
            self._on_end(self)
