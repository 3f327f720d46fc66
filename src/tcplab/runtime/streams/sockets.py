"""What runs on an emulated host in the place of a workload: it hands connections to asyncio's protocols."""

import asyncio
import errno
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import NamedTuple

from tcplab.node import NOTHING, Address, Output
from tcplab.runtime.loop import Driver
from tcplab.runtime.streams.errors import error_of, system_error
from tcplab.runtime.streams.server import LabServer
from tcplab.runtime.streams.transport import LabTransport
from tcplab.tcp.app import (
    Abort,
    App,
    AppEvent,
    Call,
    Closed,
    Failed,
    InvalidCall,
    Listen,
    OnConnection,
    Open,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Received,
    Unlisten,
    Writable,
)
from tcplab.tcp.events import ConnectionId, StateChanged
from tcplab.tcp.host import Host
from tcplab.tcp.states import Cause, State
from tcplab.tcp.status import Status
from tcplab.units import Instant

Make = Callable[[App], tuple[Host, Driver]]
"""Makes a host for an application, and the driver of that host, yet to be entered."""


class _Opening(NamedTuple):
    """Somebody who waits for a connection."""

    waiter: asyncio.Future[LabTransport]
    what: str


class Sockets:
    """The application (:class:`tcplab.tcp.app.App`) of an emulated host that asyncio's users live on."""

    def __init__(self, make: Make) -> None:
        self._transports: dict[ConnectionId, LabTransport] = {}
        self._servers: dict[int, LabServer] = {}
        self._opening: dict[int, _Opening] = {}
        self._tokens = count()
        self._host, self.driver = make(self)

    # --- the application ---------------------------------------------------------------------------------------------

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:  # noqa: ARG002
        """Take what happened; return what to do (see :class:`tcplab.tcp.app.App`)."""
        match event:
            case Opened(connection=connection, token=None):
                server = self._servers.get(connection.local_port)
                if server is None:
                    return (Abort(connection),)
                server.accept(self._transport(event, server.forget))
            case Opened(connection=connection, token=int(token)):
                waiter, _ = self._opening.pop(token)
                if waiter.done():  # whoever waited was cancelled in this very turn
                    return (Abort(connection),)
                waiter.set_result(self._transport(event, _ignore))
            case OpenFailed(token=token, reason=reason):
                waiter, what = self._opening.pop(token)
                if not waiter.done():
                    waiter.set_exception(error_of(reason, what))
            case Readable() | Received() | Writable() | PeerClosed() | Closed() | Failed():
                if (transport := self._transports.get(event.connection)) is not None:
                    transport.take(event)
        return ()

    def advance(self, now: Instant) -> Sequence[Call]:  # noqa: ARG002
        """Do nothing: asyncio's timers are its own."""
        return ()

    def deadline(self) -> Instant | None:
        """Return that nothing is ever due."""
        return None

    def _transport(self, opened: Opened, on_end: Callable[[LabTransport], None]) -> LabTransport:
        transport = LabTransport(opened.connection, opened.space, self, on_end)
        self._transports[opened.connection] = transport
        return transport

    # --- for the host's face -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Switch the host on."""
        self.driver.do(self._host.start)

    def stop(self, error: Exception) -> None:
        """Let everything end with an error, without telling any peer."""
        for server in tuple(self._servers.values()):
            server.stop()
        for waiter, _ in self._opening.values():
            if not waiter.done():
                waiter.set_exception(error)
        for transport in tuple(self._transports.values()):
            transport.fail(error)

    def statuses(self) -> Iterator[Status]:
        """Yield the STATUS of every listener and connection."""
        return self._host.statuses()

    async def open(self, remote: Address, remote_port: int, local_port: int) -> LabTransport:
        """Open a connection; cancelled, it is aborted.

        Raises:
            OSError: why none came of it.
        """
        token = next(self._tokens)
        waiter: asyncio.Future[LabTransport] = asyncio.get_running_loop().create_future()
        self._opening[token] = _Opening(waiter, f"{self._host.address}>{remote}:{remote_port}")
        names: list[ConnectionId] = []

        def begin(now: Instant) -> Output:
            output = self._host.call(Open(remote, remote_port, token, local_port), now)
            opening = (event for event in output.events if isinstance(event, StateChanged))
            names.extend(event.connection for event in opening if event.cause is Cause.ACTIVE_OPEN)
            return output

        def give_up(now: Instant) -> Output:
            return self._host.call(Abort(names[0]), now) if token in self._opening else NOTHING

        try:
            self.driver.do(begin)
            return await waiter
        except InvalidCall as error:
            del self._opening[token]
            raise system_error(errno.EADDRINUSE, str(error)) from None
        except asyncio.CancelledError:
            if token in self._opening:
                self.driver.do(give_up)
            elif not waiter.cancelled() and waiter.exception() is None:
                waiter.result().abort()
            raise

    # --- for servers -------------------------------------------------------------------------------------------------

    def listen(self, server: LabServer) -> None:
        """Give connections on the server's port to it from now on.

        Raises:
            OSError: somebody listens on the port (EADDRINUSE).
        """
        _, port = server.sockname
        if port in self._servers:
            raise system_error(errno.EADDRINUSE, f"{server.sockname}")
        self._servers[port] = server
        self.driver.do(partial(self._host.call, Listen(port, server.backlog)))

    def unlisten(self, server: LabServer) -> None:
        """Take no more connections on the server's port."""
        _, port = server.sockname
        del self._servers[port]
        self.driver.do(partial(self._host.call, Unlisten(port)))

    # --- for transports ----------------------------------------------------------------------------------------------

    def perform(self, call: OnConnection) -> None:
        """Make a call on a connection; nothing comes of it where the connection has just failed."""

        def act(now: Instant) -> Output:
            # What was due before may have ended it.
            return self._host.call(call, now) if call.connection in self._transports else NOTHING

        self.driver.do(act)

    def state_of(self, connection: ConnectionId) -> State:
        """Return the state of a connection, CLOSED where the host has forgotten it."""
        states = (status.state for status in self._host.statuses() if status.connection == connection)
        return next(states, State.CLOSED)

    def forget(self, connection: ConnectionId) -> None:
        """Tell a transport nothing more."""
        self._transports.pop(connection, None)


def _ignore(_: LabTransport) -> None:
    """Do nothing: a client counts no connections."""
