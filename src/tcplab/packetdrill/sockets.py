"""The socket API over an emulated host: the application that a script's system calls play.

A call is attempted; one that has to wait is attempted again after everything that happens, until it returns. What
calls return follows POSIX, and Linux where POSIX leaves it open.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tcplab.packetdrill import calls, payload
from tcplab.packetdrill.calls import Readiness, SocketOption
from tcplab.tcp.app import (
    Abort,
    AppEvent,
    Call,
    Close,
    Failed,
    InvalidCall,
    Listen,
    Open,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Receive,
    Received,
    Release,
    Send,
    Unlisten,
    Writable,
)
from tcplab.tcp.events import ConnectionId
from tcplab.units import MILLISECOND, Instant
from tcplab.wire.packet import Address

ERRNO: Final = {
    "REFUSED": "ECONNREFUSED",
    "RESET": "ECONNRESET",
    "NO_PORTS": "EADDRNOTAVAIL",
    "ABORTED": "ECONNABORTED",
}
"""The error that a failure of a connection is for its socket, by the failure's name; any other is ETIMEDOUT."""


class Result(NamedTuple):
    """What a call returned; ``fault`` says what else is wrong with it."""

    value: int
    errno: str | None = None
    fault: str = ""

    def __str__(self) -> str:
        """Return it as scripts write it."""
        return f"{self.value} {self.errno}" if self.errno else str(self.value)


_DONE: Final = Result(0)
_WAIT: Final = None


def _error(name: str) -> Result:
    return Result(-1, name)


class Wire(NamedTuple):
    """What the sockets need of the host and of the script.

    Attributes:
        perform: makes a call on the host.
        newest: names the connection that was opened last.
        peer: the address that ``connect`` connects to.
        bind_port: the port that ``bind(fd, ..., ...)`` binds to.
        connect_port: the port that ``connect(fd, ..., ...)`` connects to.
    """

    perform: Callable[[Call], None]
    newest: Callable[[], ConnectionId]
    peer: Address
    bind_port: int
    connect_port: int


@dataclass(slots=True)
class _Stream:
    """A connection as its socket sees it."""

    space: int = 0
    available: int = 0
    read: int = 0
    written: int = 0
    opened: bool = False
    peer_closed: bool = False
    failed: bool = False
    error: str = ""
    """What the next call is told."""


@dataclass(slots=True)
class _Socket:
    nonblocking: bool
    port: int = 0
    phase: str = "new"
    connection: ConnectionId | None = None
    stream: _Stream = field(default_factory=_Stream)
    queue: deque[ConnectionId] = field(default_factory=deque)
    shut: bool = False
    linger: tuple[int, int] = (0, 0)
    told: bool = False
    """Whether ``connect`` has said that it succeeded."""


class Sockets:
    """Descriptors and what they stand for; an application of :class:`tcplab.tcp.host.Host`."""

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._sockets: dict[int, _Socket] = {}
        self._streams: dict[ConnectionId, _Stream] = {}
        self._received = b""
        self._connecting: dict[int, _Stream] = {}
        self._written = 0  # of the call that is under way
        self._deadline: Instant | None = None

    def attach(self, wire: Wire) -> None:
        """Put the sockets onto a host, before the first call."""
        self._wire = wire

    # --- the application ---------------------------------------------------------------------------------------------

    def on_event(self, event: AppEvent, _now: Instant) -> Sequence[Call]:
        """Keep what happened for the calls that will ask for it."""
        if isinstance(event, Opened):
            self._opened(event)
        elif isinstance(event, OpenFailed):
            stream = self._connecting.pop(event.token)
            stream.failed, stream.error = True, ERRNO.get(event.reason.name, "ETIMEDOUT")
        elif isinstance(event, Received):
            self._received = event.data
        elif isinstance(event, Readable | Writable | PeerClosed | Failed):
            stream = self._streams.setdefault(event.connection, _Stream())
            match event:
                case Readable():
                    stream.available = event.available
                case Writable():
                    stream.space = event.space
                case PeerClosed():
                    stream.peer_closed = True
                case Failed():
                    stream.failed, stream.available = True, 0
                    stream.error = ERRNO.get(event.reason.name, "ETIMEDOUT")
        return ()

    def advance(self, _now: Instant) -> Sequence[Call]:
        """Do nothing: that the time of a ``poll`` is over is found by attempting it again."""
        self._deadline = None
        return ()

    def deadline(self) -> Instant | None:
        """Return when a ``poll`` that waits is to be attempted again."""
        return self._deadline

    def _opened(self, event: Opened) -> None:
        if event.token is None:
            stream = self._streams.setdefault(event.connection, _Stream())
            for candidate in self._sockets.values():
                if candidate.phase == "listening" and candidate.port == event.connection.local_port:
                    candidate.queue.append(event.connection)
        else:
            stream = self._connecting.pop(event.token)
        stream.opened, stream.space = True, event.space

    # --- calls -------------------------------------------------------------------------------------------------------

    @property
    def wire(self) -> Wire:
        """The host that the sockets are on."""
        assert self._wire is not None, "attach comes first"
        return self._wire

    def attempt(self, call: calls.Call, now: Instant, since: Instant, new: int | None) -> Result | None:
        """Make a call, or try again; return ``None`` while it has to wait.

        Args:
            call: what the script calls.
            now: the instant.
            since: when it was called.
            new: the number that the script gives to the descriptor that the call makes, if any.
        """
        if isinstance(call, calls.Socket):
            return self._put(_Socket(call.nonblocking), new)
        if isinstance(call, calls.Poll):
            return self._poll(call, now, since)
        socket = self._sockets.get(call.fd)
        if socket is None:
            return _error("EBADF")
        match call:
            case calls.Accept():
                return self._accept(socket, call, new)
            case calls.Connect():
                return self._connect(socket, call)
            case calls.Read():
                return self._read(socket, call)
            case calls.Write():
                return self._write(socket, call)
            case _:
                return self._at_once(socket, call)

    def _at_once(self, socket: _Socket, call: calls.AtOnce) -> Result:
        match call:
            case calls.Bind():
                return self._bind(socket, call)
            case calls.Listen():
                return self._listen(socket, call)
            case calls.Close():
                return self._close(socket, call.fd)
            case calls.Shutdown():
                return self._shutdown(socket)
            case calls.GetFlags():
                return Result(calls.O_RDWR | (calls.O_NONBLOCK if socket.nonblocking else 0))
            case calls.SetFlags():
                socket.nonblocking = call.nonblocking
                return _DONE
            case calls.SetOption():
                return self._set_option(socket, call)
            case calls.GetOption():
                return self._get_option(socket, call)

    def _put(self, socket: _Socket, new: int | None) -> Result:
        number = max(self._sockets, default=2) + 1 if new is None else new
        if number in self._sockets:
            return Result(number, fault=f"the script calls it {number}, which another descriptor is called already")
        self._sockets[number] = socket
        return Result(number)

    def _bind(self, socket: _Socket, call: calls.Bind) -> Result:
        if socket.port or socket.phase != "new":
            return _error("EINVAL")
        socket.port = self.wire.bind_port if call.port is None else call.port
        return _DONE

    def _listen(self, socket: _Socket, call: calls.Listen) -> Result:
        if socket.phase == "listening":
            return _DONE
        if socket.phase != "new":
            return _error("EINVAL")
        socket.port = socket.port or self.wire.bind_port
        try:
            self.wire.perform(Listen(socket.port, max(call.backlog, 1)))
        except InvalidCall:
            return _error("EADDRINUSE")
        socket.phase = "listening"
        return _DONE

    def _accept(self, socket: _Socket, call: calls.Accept, new: int | None) -> Result | None:
        if socket.phase != "listening":
            return _error("EINVAL")
        if not socket.queue:
            return _error("EAGAIN") if socket.nonblocking else _WAIT
        connection = socket.queue.popleft()
        accepted = _Socket(call.nonblocking, socket.port, "connected", connection, self._streams[connection])
        return self._put(accepted, new)

    def _connect(self, socket: _Socket, call: calls.Connect) -> Result | None:
        if socket.phase == "listening":
            return _error("EOPNOTSUPP")
        stream = socket.stream
        if socket.phase == "new":
            socket.phase = "connecting"
            token = len(self._connecting) + 1
            self._connecting[token] = stream
            port = self.wire.connect_port if call.port is None else call.port
            try:
                self.wire.perform(Open(self.wire.peer, port, token, socket.port))
            except InvalidCall:
                return _error("EADDRNOTAVAIL")
            if not stream.failed:
                socket.connection = self.wire.newest()
                self._streams[socket.connection] = stream
            if socket.nonblocking:
                return _error("EINPROGRESS")
        if stream.error:
            return self._take_error(stream)
        if not stream.opened:
            return _error("EALREADY") if socket.nonblocking else _WAIT
        socket.phase = "connected"
        if socket.told:
            return _error("EISCONN")
        socket.told = True
        return _DONE

    def _read(self, socket: _Socket, call: calls.Read) -> Result | None:
        stream = socket.stream
        if socket.connection is None:
            return _error("ENOTCONN")
        if call.limit and stream.available:
            return self._take(socket.connection, stream, min(call.limit, stream.available))
        if stream.error:
            return self._take_error(stream)
        if not call.limit or stream.peer_closed or stream.failed:
            return _DONE
        return _error("EAGAIN") if socket.nonblocking or call.dont_wait else _WAIT

    def _take(self, connection: ConnectionId, stream: _Stream, limit: int) -> Result:
        self.wire.perform(Receive(connection, limit))
        data = self._received
        fault = "" if data == payload.from_script(stream.read, len(data)) else "the octets are not those that were sent"
        stream.available -= len(data)
        stream.read += len(data)
        return Result(len(data), fault=fault)

    def _write(self, socket: _Socket, call: calls.Write) -> Result | None:
        stream = socket.stream
        if stream.error:
            return self._take_error(stream)
        if socket.connection is None or socket.shut or stream.failed:
            return _error("EPIPE")
        begun = self._written
        if stream.opened and stream.space:
            size = min(call.count - begun, stream.space)
            stream.space -= size
            data = payload.from_host(stream.written, size)
            stream.written += size
            self._written += size
            self.wire.perform(Send(socket.connection, data))
        dont_wait = socket.nonblocking or call.dont_wait
        if self._written < call.count and not dont_wait:
            return _WAIT
        written, self._written = self._written, 0
        return Result(written) if written or not call.count else _error("EAGAIN")

    def _close(self, socket: _Socket, fd: int) -> Result:
        del self._sockets[fd]
        if socket.phase == "listening":
            self.wire.perform(Unlisten(socket.port))
            for connection in socket.queue:
                self._leave(Abort(connection))
        elif socket.connection is not None:
            lingers_not = socket.linger[0] and not socket.linger[1]
            self._leave(Abort(socket.connection) if lingers_not else Release(socket.connection))
        return _DONE

    def _leave(self, call: Abort | Release) -> None:
        try:
            self.wire.perform(call)
        except InvalidCall:
            return  # the connection has gone already, or waits in TIME_WAIT: there is nothing to leave

    def _shutdown(self, socket: _Socket) -> Result:
        stream = socket.stream
        if socket.connection is None or stream.failed or not stream.opened:
            return _error("ENOTCONN")
        if not socket.shut:
            socket.shut = True
            self.wire.perform(Close(socket.connection))
        return _DONE

    def _take_error(self, stream: _Stream) -> Result:
        error, stream.error = stream.error, ""
        return _error(error)

    # --- options -----------------------------------------------------------------------------------------------------

    def _set_option(self, socket: _Socket, call: calls.SetOption) -> Result:
        value = call.value
        match call.option:
            case SocketOption.LINGER if isinstance(value, tuple):
                socket.linger = value
                return _DONE
            case SocketOption.REUSE_ADDRESS if isinstance(value, int):
                return _DONE  # a port can be listened on while it has TIME_WAITs anyway
            case SocketOption.ERROR:
                return _error("ENOPROTOOPT")
            case _:
                return _error("EINVAL")

    def _get_option(self, socket: _Socket, call: calls.GetOption) -> Result:
        value: calls.Option
        match call.option:
            case SocketOption.ERROR:
                error, socket.stream.error = socket.stream.error, ""
                value = error or 0
            case SocketOption.LINGER:
                value = socket.linger
            case SocketOption.REUSE_ADDRESS:
                value = 1
        if call.expected is None or call.expected == value:
            return _DONE
        return Result(0, fault=f"the option's value is {value}")

    # --- poll --------------------------------------------------------------------------------------------------------

    def _poll(self, call: calls.Poll, now: Instant, since: Instant) -> Result | None:
        found = [self._readiness(entry) for entry in call.entries]
        count = sum(map(bool, found))
        ends = Instant(since + call.timeout * MILLISECOND)
        if not count and (call.timeout < 0 or now < ends):
            self._deadline = ends if call.timeout > 0 else None
            return _WAIT
        for entry, events in zip(call.entries, found, strict=True):
            if events != entry.expected:
                return Result(count, fault=f"revents of {entry.fd} are {_names(events)}, not {_names(entry.expected)}")
        return Result(count)

    def _readiness(self, entry: calls.Polled) -> Readiness:
        socket = self._sockets[entry.fd]
        stream = socket.stream
        ready = Readiness(0)
        if socket.phase == "listening":
            return Readiness.POLLIN & entry.events if socket.queue else ready
        if stream.available or stream.peer_closed or stream.failed:
            ready |= Readiness.POLLIN & entry.events
        if (stream.opened and stream.space) or stream.failed:
            ready |= Readiness.POLLOUT & entry.events
        if stream.peer_closed or stream.failed:
            ready |= Readiness.POLLRDHUP & entry.events
        if stream.failed or (stream.peer_closed and socket.shut) or socket.phase == "new":
            ready |= Readiness.POLLHUP
        return ready | (Readiness.POLLERR if stream.error else Readiness(0))


def _names(events: Readiness) -> str:
    return "|".join(str(member.name) for member in Readiness if member & events) or "none"
