"""What the tests of the streams share: handlers, protocols that take notes, and ways to look at a host."""

import asyncio
from collections.abc import Awaitable, Callable

import tcplab
from tcplab.tcp.states import State

CLIENT, SERVER = "10.0.1.1", "10.0.2.1"
WINDOW, SEND_BUFFER = 20_000, 50_000
SMALL = tcplab.TcpConfig(receive_buffer=WINDOW, send_buffer=SEND_BUFFER)
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def now() -> float:
    return asyncio.get_running_loop().time()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(10_000):
        writer.write(data)
        await writer.drain()
    writer.close()


def states(host: tcplab.LabHost) -> list[State]:
    """Return the states of a host's connections, without those of its listeners."""
    return [status.state for status in host.statuses() if status.state is not State.LISTEN]


class Notes(asyncio.Protocol):
    """Notes each callback, and what it brought."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.data = bytearray()
        self.error: Exception | None = None
        self.keeps_open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, tcplab.LabTransport)
        self.transport = transport
        self.calls.append("made")

    def data_received(self, data: bytes) -> None:
        self.calls.append("data")
        self.data += data

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return self.keeps_open

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.calls.append("lost")
        self.error = exc


async def pair(lab: tcplab.Lab, port: int = 80) -> tuple[Notes, Notes]:
    """Return the two ends of a connection, the client's first; the server has gone."""
    servers: list[Notes] = []

    def make() -> Notes:
        servers.append(Notes())
        return servers[-1]

    server = await lab.host(SERVER).create_server(make, port)
    _, client = await lab.host(CLIENT).create_connection(Notes, SERVER, port)
    await asyncio.sleep(10)
    server.close()
    return client, servers[0]
