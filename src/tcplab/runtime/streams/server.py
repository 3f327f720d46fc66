"""A listener of an emulated host, as asyncio's servers are."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from tcplab.runtime.streams.transport import LabTransport

ProtocolFactory = Callable[[], asyncio.BaseProtocol]


class Listeners(Protocol):
    """What a server needs of the host beneath it."""

    def listen(self, server: "LabServer") -> None:
        """Give connections on the server's port to it from now on; raises ``OSError`` where the port is in use."""

    def unlisten(self, server: "LabServer") -> None:
        """Take no more connections on the server's port."""


class LabServer(asyncio.AbstractServer):
    """Takes connections on one port of one host, as an ``asyncio.Server`` does.

    As a context it closes at the end, and waits for the connections that are open; so does :meth:`wait_closed`.
    """

    def __init__(
        self, address: str, port: int, protocol_factory: ProtocolFactory, backlog: int, listeners: Listeners
    ) -> None:
        self.sockname: Final = (address, port)
        """The address and the port, as a socket's ``getsockname`` gives them."""
        self.backlog: Final = backlog
        """How many connections may be half-open at a time."""
        self._loop = asyncio.get_running_loop()
        self._protocol_factory = protocol_factory
        self._listeners = listeners
        self._transports: dict[LabTransport, None] = {}
        self._serving = False
        self._closed = False
        self._over = asyncio.Event()
        self._for_ever: asyncio.Future[None] | None = None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop on which the server runs."""
        return self._loop

    def is_serving(self) -> bool:
        """Return whether connections are taken."""
        return self._serving

    async def start_serving(self) -> None:
        """Begin to take connections; may be called more than once.

        Raises:
            OSError: somebody listens on the port (EADDRINUSE).
            RuntimeError: the server is closed.
        """
        if self._closed:
            raise RuntimeError(f"{self.sockname}: the server is closed")
        if not self._serving:
            self._listeners.listen(self)
            self._serving = True

    async def serve_forever(self) -> None:
        """Take connections until cancelled, then close.

        Raises:
            OSError: somebody listens on the port (EADDRINUSE).
            RuntimeError: the server is closed, or this was called before.
        """
        if self._for_ever is not None:
            raise RuntimeError(f"{self.sockname}: serve_forever is under way already")
        await self.start_serving()
        self._for_ever = self._loop.create_future()
        try:
            await self._for_ever
        finally:
            self._for_ever = None
            self.close()
            await self.wait_closed()

    def close(self) -> None:
        """Take no more connections; those that are open stay."""
        if self._serving:
            self._listeners.unlisten(self)
        self.stop()

    def close_clients(self) -> None:
        """Close every connection that the server has taken."""
        for transport in tuple(self._transports):
            transport.close()

    def abort_clients(self) -> None:
        """Reset every connection that the server has taken."""
        for transport in tuple(self._transports):
            transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the server is closed and its connections are too."""
        await self._over.wait()

    # --- for the host ------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Be closed, the host's listener having gone."""
        self._serving, self._closed = False, True
        if self._for_ever is not None:
            self._for_ever.cancel()
        self._notice_end()

    def accept(self, transport: LabTransport) -> None:
        """Give a connection that has just opened a protocol."""
        self._transports[transport] = None
        self._loop.call_soon(self._begin, transport)

    def forget(self, transport: LabTransport) -> None:
        """Count a connection no more."""
        self._transports.pop(transport, None)
        self._notice_end()

    def _begin(self, transport: LabTransport) -> None:
        try:
            protocol = self._protocol_factory()
        except Exception as error:
            message = f"{self.sockname}: the protocol factory failed"
            self._loop.call_exception_handler({"message": message, "exception": error, "transport": transport})
            transport.abort()
            self.forget(transport)
        else:
            transport.start(protocol)

    def _notice_end(self) -> None:
        if self._closed and not self._transports:
            self._over.set()
