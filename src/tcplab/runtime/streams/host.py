"""An emulated host as its users see it."""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from ipaddress import IPv4Address
from typing import Final, TypeVar, Union

from tcplab.node import Address
from tcplab.runtime.streams.driven import OnFailure, driven
from tcplab.runtime.streams.errors import system_error
from tcplab.runtime.streams.server import LabServer, ProtocolFactory
from tcplab.runtime.streams.sockets import Make, Sockets
from tcplab.runtime.streams.transport import LabTransport
from tcplab.tcp.status import Status

P = TypeVar("P", bound=asyncio.BaseProtocol)

STREAM_LIMIT: Final = 65_536
"""Octets that a stream reader buffers before it pauses its transport, twice over; asyncio's own default."""

BACKLOG_DEFAULT: Final = 128

Remote = Union[str, "LabHost"]
"""Where to connect to: an IPv4 address of the lab, or a host."""

OnConnection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None] | None]
"""Is given the two streams of a connection, as by ``asyncio.start_server``."""


class LabHost:
    """A host with one address and a TCP of its own; a :class:`tcplab.Lab` makes it.

    Its methods are those of asyncio with the host in the place of the machine: what is connected and listened on here
    goes through the lab's network, and nowhere else.
    """

    def __init__(self, address: Address, make: Make, on_failure: OnFailure) -> None:
        self.address: Final = address
        self._sockets = Sockets(make)
        self._on_failure = on_failure
        self._power = AsyncExitStack()
        self._running = False

    def __repr__(self) -> str:
        return f"<LabHost {self.address}{'' if self._running else ' stopped'}>"

    @property
    def is_running(self) -> bool:
        """Whether the host is switched on."""
        return self._running

    # --- streams -----------------------------------------------------------------------------------------------------

    async def connect(
        self, remote: Remote, port: int, *, local_port: int = 0, limit: int = STREAM_LIMIT
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection, as ``asyncio.open_connection`` does.

        Args:
            remote: the host, or its address.
            port: to connect to.
            local_port: to connect from; 0 takes a free one.
            limit: octets that the reader buffers before it pauses.

        Returns:
            The stream to read from, and that to write to.

        Raises:
            ConnectionRefusedError: nobody listens there.
            TimeoutError: nobody answered within R2, three minutes by default (RFC 9293, MUST-23).
            OSError: no local port is free (EADDRNOTAVAIL), the local port is in use (EADDRINUSE), or this host has
                stopped (ECONNABORTED).
            ValueError: the address or a port is none.
        """
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=limit, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        transport, _ = await self.create_connection(lambda: protocol, remote, port, local_port=local_port)
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def serve(
        self, callback: OnConnection, port: int, *, backlog: int = BACKLOG_DEFAULT, limit: int = STREAM_LIMIT
    ) -> LabServer:
        """Listen, as ``asyncio.start_server`` does.

        Args:
            callback: a function, or a coroutine function, called with the two streams of each connection.
            port: to listen on.
            backlog: how many connections may be half-open at a time.
            limit: octets that each reader buffers before it pauses.

        Raises:
            OSError: somebody listens on the port (EADDRINUSE), or this host has stopped (ECONNABORTED).
            ValueError: the port is none.
        """
        loop = asyncio.get_running_loop()

        def make_protocol() -> asyncio.StreamReaderProtocol:
            reader = asyncio.StreamReader(limit=limit, loop=loop)
            return asyncio.StreamReaderProtocol(reader, callback, loop=loop)

        return await self.create_server(make_protocol, port, backlog=backlog)

    # --- protocols ---------------------------------------------------------------------------------------------------

    async def create_connection(
        self, protocol_factory: Callable[[], P], remote: Remote, port: int, *, local_port: int = 0
    ) -> tuple[LabTransport, P]:
        """Open a connection for a protocol, as ``loop.create_connection`` does.

        Args:
            protocol_factory: makes the protocol once the connection is there.
            remote: the host, or its address.
            port: to connect to.
            local_port: to connect from; 0 takes a free one.

        Raises:
            OSError: as for :meth:`connect`.
            ValueError: the address or a port is none.
        """
        address = remote.address if isinstance(remote, LabHost) else Address(str(IPv4Address(remote)))
        _check_port(port, 1)
        _check_port(local_port, 0)
        self._check_running()
        transport = await self._sockets.open(address, port, local_port)
        try:
            protocol = protocol_factory()
            transport.start(protocol)
            await asyncio.sleep(0)  # connection_made comes in the turn between
        except BaseException:
            transport.abort()
            raise
        return transport, protocol

    async def create_server(
        self,
        protocol_factory: ProtocolFactory,
        port: int,
        *,
        backlog: int = BACKLOG_DEFAULT,
        start_serving: bool = True,
    ) -> LabServer:
        """Listen, and make a protocol for each connection, as ``loop.create_server`` does.

        Args:
            protocol_factory: makes a protocol.
            port: to listen on.
            backlog: how many connections may be half-open at a time.
            start_serving: whether to begin at once, not when told to.

        Raises:
            OSError: as for :meth:`serve`.
            ValueError: the port is none.
        """
        _check_port(port, 1)
        self._check_running()
        server = LabServer(self.address, port, protocol_factory, backlog, self._sockets)
        if start_serving:
            await server.start_serving()
        return server

    # --- the host ----------------------------------------------------------------------------------------------------

    def statuses(self) -> Iterator[Status]:
        """Yield the STATUS (RFC 9293, 3.10.6) of every listener and connection, those in TIME_WAIT too."""
        return self._sockets.statuses()

    async def start(self) -> None:
        """Switch the host on; a lab does so, once."""
        await self._power.enter_async_context(driven(self._sockets.driver, self._on_failure))
        self._power.callback(self.fail, self._stopped())
        self._sockets.start()
        self._running = True

    async def stop(self) -> None:
        """Switch the host off for good, as if its power failed: no peer is told.

        Here everything ends with ``ConnectionAbortedError``. Another host may have the address then.
        """
        self._running = False
        await self._power.aclose()

    def fail(self, error: Exception) -> None:
        """Let every connection and server end with an error, without telling any peer."""
        self._sockets.stop(error)

    def _stopped(self) -> OSError:
        return system_error(errno.ECONNABORTED, f"{self.address} has stopped")

    def _check_running(self) -> None:
        if not self._running:
            raise self._stopped()


def _check_port(port: int, least: int) -> None:
    if not least <= port <= 65_535:
        raise ValueError(f"port {port}: must be {least}..65535")
