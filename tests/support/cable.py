"""A cable between a port and its broker, which a test can cut, hold back, and whisper into."""

import asyncio
from types import TracebackType
from typing import Self


class Cable:
    """Listens on a port of its own and carries octets to and from another; use it as a context."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._flows = asyncio.Event()
        self._flows.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._near: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.attempts = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def mend(self) -> None:
        """Let connections through; the port stays the same."""
        self._flows.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End all connections on both sides, and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in list(self._ends):
            end.transport.abort()
        self._flows.set()
        while self._ends:
            await asyncio.sleep(0)

    def hold(self) -> None:
        """Carry nothing any more, yet end nothing: as when a host vanishes."""
        self._flows.clear()

    def resume(self) -> None:
        """Carry what was held back, and all that follows."""
        self._flows.set()

    def whisper(self, octets: bytes) -> None:
        """Put octets onto the way to the near side, as if from the far one; between two of its frames."""
        for end in self._near:
            end.write(octets)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.attempts += 1
        self._ends.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._there)
        except OSError:
            self._drop(writer)
            return
        self._ends.add(far_writer)
        self._near.add(writer)
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._drop(far_writer)
        self._drop(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(65_536):
                await self._flows.wait()
                writer.write(octets)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()
        self._ends.discard(writer)
        self._near.discard(writer)
