"""The socket API over an emulated host: the application that a script's system calls play.

A call is attempted; one that has to wait is attempted again after everything that happens, until it returns. What
calls return follows POSIX, and Linux where POSIX leaves it open.
"""

from collections.abc import Sequence

from tcplab.packetdrill import calls, payload
from tcplab.packetdrill.endpoint import DONE, Result, Socket, Stream, Wire, error
from tcplab.packetdrill.options import get_option, set_option
from tcplab.packetdrill.polling import polled
from tcplab.tcp.app import (
    Abort,
    Accept,
    Acceptable,
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

_WAIT = None


class Sockets:
    """Descriptors and what they stand for; an application of :class:`tcplab.tcp.host.Host`."""

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._sockets: dict[int, Socket] = {}
        self._streams: dict[ConnectionId, Stream] = {}
        self._connecting: dict[int, Stream] = {}
        self._tokens = 0
        self._accepted: ConnectionId | None = None
        self._received = b""
        self._deadline: Instant | None = None

    def attach(self, wire: Wire) -> None:
        """Put the sockets onto a host, before the first call."""
        self._wire = wire

    @property
    def wire(self) -> Wire:
        """The host that the sockets are on."""
        assert self._wire is not None, "attach comes first"
        return self._wire

    # --- the application ---------------------------------------------------------------------------------------------

    def on_event(self, event: AppEvent, _now: Instant) -> Sequence[Call]:
        """Keep what happened for the calls that will ask for it."""
        match event:
            case Opened():
                self._opened(event)
            case Acceptable():
                self._acceptable(event)
            case OpenFailed():
                self._connecting.pop(event.token).fail(event.reason)
            case Received():
                self._received = event.data
            case Readable() | Writable() | PeerClosed() | Failed():
                self._on_stream(event)
            case _:
                pass  # that the host runs, and that both sides have closed, no call asks for
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
            stream = self._streams.setdefault(event.connection, Stream())
            self._accepted = event.connection
        else:
            stream = self._connecting.pop(event.token)
        stream.opened, stream.space = True, event.space

    def _acceptable(self, event: Acceptable) -> None:
        for socket in self._sockets.values():
            if socket.phase == "listening" and socket.port == event.port:
                socket.waiting = event.waiting

    def _on_stream(self, event: Readable | Writable | PeerClosed | Failed) -> None:
        stream = self._streams.setdefault(event.connection, Stream())
        match event:
            case Readable():
                stream.available = event.available
            case Writable():
                stream.space = event.space
            case PeerClosed():
                stream.peer_closed = True
            case Failed():
                stream.fail(event.reason)

    # --- calls -------------------------------------------------------------------------------------------------------

    def attempt(self, call: calls.Call, now: Instant, since: Instant, new: int | None) -> Result | None:
        """Make a call, or try again; return ``None`` while it has to wait.

        Args:
            call: what the script calls.
            now: the instant.
            since: when it was called.
            new: the number that the script gives to the descriptor that the call makes, if any.
        """
        if isinstance(call, calls.Socket):
            return self._put(Socket(call.nonblocking, self.wire.config), new)
        if isinstance(call, calls.Poll):
            return self._poll(call, now, since)
        socket = self._sockets.get(call.fd)
        if socket is None:
            return error("EBADF")
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

    def _at_once(self, socket: Socket, call: calls.AtOnce) -> Result:
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
                return DONE
            case calls.SetOption():
                return set_option(socket, call, self.wire.perform)
            case calls.GetOption():
                return get_option(socket, call)

    def _put(self, socket: Socket, new: int | None) -> Result:
        number = max(self._sockets, default=2) + 1 if new is None else new
        if number in self._sockets:
            return Result(number, fault=f"the script calls it {number}, which another descriptor is called already")
        self._sockets[number] = socket
        return Result(number)

    # --- opening -----------------------------------------------------------------------------------------------------

    def _bind(self, socket: Socket, call: calls.Bind) -> Result:
        if socket.port or socket.phase != "new":
            return error("EINVAL")
        socket.port = self.wire.bind_port if call.port is None else call.port
        return DONE

    def _listen(self, socket: Socket, call: calls.Listen) -> Result:
        if socket.phase == "listening":
            return DONE
        if socket.phase != "new":
            return error("EINVAL")
        socket.port = socket.port or self.wire.bind_port
        try:
            self.wire.perform(Listen(socket.port, max(call.backlog, 1), manual=True, config=socket.config))
        except InvalidCall:
            return error("EADDRINUSE")
        socket.phase = "listening"
        return DONE

    def _accept(self, socket: Socket, call: calls.Accept, new: int | None) -> Result | None:
        if socket.phase != "listening":
            return error("EINVAL")
        self._accepted = None
        if socket.waiting:
            self.wire.perform(Accept(socket.port))
        connection = self._accepted
        if connection is None:
            socket.waiting = 0
            return error("EAGAIN") if socket.nonblocking else _WAIT
        socket.waiting -= 1
        stream = self._streams[connection]
        return self._put(Socket(call.nonblocking, socket.config, socket.port, "connected", connection, stream), new)

    def _connect(self, socket: Socket, call: calls.Connect) -> Result | None:
        if socket.phase == "listening":
            return error("EOPNOTSUPP")
        stream = socket.stream
        if socket.phase == "new" and (begun := self._begin_to_connect(socket, call)) is not None:
            return begun
        if stream.error:
            return error(stream.take_error())
        if not stream.opened:
            return error("EALREADY") if socket.nonblocking else _WAIT
        socket.phase = "connected"
        if socket.told:
            return error("EISCONN")
        socket.told = True
        return DONE

    def _begin_to_connect(self, socket: Socket, call: calls.Connect) -> Result | None:
        self._tokens += 1
        self._connecting[self._tokens] = socket.stream
        port = self.wire.connect_port if call.port is None else call.port
        try:
            self.wire.perform(Open(self.wire.peer, port, self._tokens, socket.port, socket.config))
        except InvalidCall:
            return error("EADDRNOTAVAIL")
        socket.phase = "connecting"
        if not socket.stream.failed:
            socket.connection = self.wire.newest()
            self._streams[socket.connection] = socket.stream
        return error("EINPROGRESS") if socket.nonblocking and not socket.stream.failed else None

    # --- octets ------------------------------------------------------------------------------------------------------

    def _read(self, socket: Socket, call: calls.Read) -> Result | None:
        stream = socket.stream
        if socket.connection is None:
            return error("ENOTCONN")
        if call.limit and stream.available:
            return self._take(socket.connection, stream, min(call.limit, stream.available))
        if stream.error:
            return error(stream.take_error())
        if not call.limit or stream.peer_closed or stream.failed:
            return DONE
        return error("EAGAIN") if socket.nonblocking or call.dont_wait else _WAIT

    def _take(self, connection: ConnectionId, stream: Stream, limit: int) -> Result:
        self.wire.perform(Receive(connection, limit))
        data = self._received
        fault = "" if data == payload.from_script(stream.read, len(data)) else "the octets are not those that were sent"
        stream.available -= len(data)
        stream.read += len(data)
        return Result(len(data), fault=fault)

    def _write(self, socket: Socket, call: calls.Write) -> Result | None:
        stream = socket.stream
        if stream.error:
            return error(stream.take_error())
        if socket.connection is None or socket.shut or stream.failed:
            return error("EPIPE")
        if stream.opened and stream.space:
            size = min(call.count - socket.progress, stream.space)
            data = payload.from_host(stream.written, size)
            stream.space -= size
            stream.written += size
            socket.progress += size
            self.wire.perform(Send(socket.connection, data))
        if socket.progress < call.count and not (socket.nonblocking or call.dont_wait):
            return _WAIT
        written, socket.progress = socket.progress, 0
        return Result(written) if written or not call.count else error("EAGAIN")

    # --- closing -----------------------------------------------------------------------------------------------------

    def _close(self, socket: Socket, fd: int) -> Result:
        del self._sockets[fd]
        if socket.phase == "listening":
            self.wire.perform(Unlisten(socket.port))
        elif socket.connection is not None:
            lingers_not = socket.linger[0] and not socket.linger[1]
            self._leave(Abort(socket.connection) if lingers_not else Release(socket.connection))
        return DONE

    def _leave(self, call: Abort | Release) -> None:
        try:
            self.wire.perform(call)
        except InvalidCall:
            return  # the connection has gone already, or waits in TIME_WAIT: there is nothing to leave

    def _shutdown(self, socket: Socket) -> Result:
        stream = socket.stream
        if socket.connection is None or stream.failed or not stream.opened:
            return error("ENOTCONN")
        if not socket.shut:
            socket.shut = True
            self.wire.perform(Close(socket.connection))
        return DONE

    # --- poll --------------------------------------------------------------------------------------------------------

    def _poll(self, call: calls.Poll, now: Instant, since: Instant) -> Result | None:
        ends = since + call.timeout * MILLISECOND
        if call.timeout < 0:
            return polled(call, self._sockets, over=False)
        result = polled(call, self._sockets, over=now >= ends)
        self._deadline = ends if result is None else None
        return result
