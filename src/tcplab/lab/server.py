"""Serves the API within a loop that somebody else runs."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from tcplab.observe.exposition import ExpositionError

CLOSING_PATIENCE: Final = 2  # real seconds that requests may take to end


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to whoever runs the loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: FastAPI, address: str, port: int) -> AsyncIterator[int]:
    """Serve an application as long as the context lasts; give the port, which is a free one where 0 was asked for.

    Raises:
        ExpositionError: the port is in use, or the address is not this machine's.
    """
    with _listening(address, port) as listener:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=CLOSING_PATIENCE
        )
        server = _Server(config)
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await asyncio.wait((task,))


def _listening(address: str, port: int) -> socket.socket:
    try:
        return socket.create_server((address, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            line = f"api: port {port} on {address} is in use; stop what uses it, or choose another (TCPLAB_API_PORT)"
        else:
            line = f"api: cannot listen on {address} port {port}: {error.strerror}"
        raise ExpositionError(line) from error
