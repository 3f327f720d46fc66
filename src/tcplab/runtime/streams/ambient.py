"""asyncio's functions for streams and servers, on the hosts of the lab that one is in.

Where nothing is said, connections go from the lab's first host, and servers run on its last.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from tcplab.runtime.streams.host import BACKLOG_DEFAULT, STREAM_LIMIT, LabHost, OnConnection, Remote
from tcplab.runtime.streams.lab import current_lab
from tcplab.runtime.streams.server import LabServer, ProtocolFactory
from tcplab.runtime.streams.transport import LabTransport

P = TypeVar("P", bound=asyncio.BaseProtocol)

Local = str | LabHost | None
"""A host of the lab, by its address or itself; ``None`` for the one that stands to reason."""


async def connect(
    remote: Remote, port: int, *, local: Local = None, local_port: int = 0, limit: int = STREAM_LIMIT
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection from ``local``, the lab's first host by default: see :meth:`LabHost.connect`.

    Raises:
        RuntimeError: no lab was entered.
    """
    return await _host(local, 0).connect(remote, port, local_port=local_port, limit=limit)


async def serve(
    callback: OnConnection,
    port: int,
    *,
    local: Local = None,
    backlog: int = BACKLOG_DEFAULT,
    limit: int = STREAM_LIMIT,
) -> LabServer:
    """Listen on ``local``, the lab's last host by default: see :meth:`LabHost.serve`.

    Raises:
        RuntimeError: no lab was entered.
    """
    return await _host(local, -1).serve(callback, port, backlog=backlog, limit=limit)


async def create_connection(
    protocol_factory: Callable[[], P], remote: Remote, port: int, *, local: Local = None, local_port: int = 0
) -> tuple[LabTransport, P]:
    """Open a connection for a protocol from ``local``, the lab's first host by default.

    See :meth:`LabHost.create_connection`.

    Raises:
        RuntimeError: no lab was entered.
    """
    return await _host(local, 0).create_connection(protocol_factory, remote, port, local_port=local_port)


async def create_server(
    protocol_factory: ProtocolFactory,
    port: int,
    *,
    local: Local = None,
    backlog: int = BACKLOG_DEFAULT,
    start_serving: bool = True,
) -> LabServer:
    """Listen on ``local``, the lab's last host by default, and make a protocol for each connection.

    See :meth:`LabHost.create_server`.

    Raises:
        RuntimeError: no lab was entered.
    """
    return await _host(local, -1).create_server(protocol_factory, port, backlog=backlog, start_serving=start_serving)


def _host(local: Local, place: int) -> LabHost:
    if isinstance(local, LabHost):
        return local
    lab = current_lab()
    return lab.hosts[place] if local is None else lab.host(local)
