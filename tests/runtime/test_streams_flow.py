"""Back-pressure over the lab's TCP: a reader that pauses stops the writer, and what is under way is bounded."""

import asyncio

import pytest

import tcplab
from tcplab.runtime.streams.transport import READ_LIMIT
from tests.runtime.streams import CLIENT, SEND_BUFFER, SERVER, SMALL, WINDOW, Notes, pair
from tests.support.loops import in_virtual_time


def unread(lab: tcplab.Lab, address: str) -> int:
    return sum(status.unread for status in lab.host(address).statuses())


def in_send_buffer(lab: tcplab.Lab, address: str) -> int:
    return sum(status.unsent_or_unacknowledged for status in lab.host(address).statuses())


@in_virtual_time
async def test_a_paused_reader_stops_the_writer_and_what_is_under_way_is_bounded() -> None:
    async with tcplab.Lab(delay=0.01, config=SMALL) as lab:
        client, server = await pair(lab)
        server.transport.pause_reading()
        assert not server.transport.is_reading()
        written = 0
        while "pause" not in client.calls:
            client.transport.write(b"x" * 1_000)
            written += 1_000
            await asyncio.sleep(0.1)
        await asyncio.sleep(60)

        assert server.data == b""
        assert unread(lab, SERVER) == WINDOW
        assert in_send_buffer(lab, CLIENT) == SEND_BUFFER
        high = client.transport.get_write_buffer_limits()[1]
        assert client.transport.get_write_buffer_size() == written - WINDOW - SEND_BUFFER == high - high % 1_000 + 1_000

        server.transport.resume_reading()
        await asyncio.sleep(300)
        assert len(server.data) == written
        assert client.calls == ["made", "pause", "resume"]
        client.transport.abort()


@in_virtual_time
async def test_a_protocol_is_given_large_amounts_in_pieces() -> None:
    received: list[int] = []

    class Sizes(Notes):
        def data_received(self, data: bytes) -> None:
            received.append(len(data))

    config = tcplab.TcpConfig(receive_buffer=200_000)
    server = Sizes()
    async with tcplab.Lab(delay=0.01, config=config), await tcplab.create_server(lambda: server, 80):
        _, client = await tcplab.create_connection(Notes, SERVER, 80)
        await asyncio.sleep(1)
        server.transport.pause_reading()
        client.transport.write(b"x" * 150_000)
        await asyncio.sleep(60)
        server.transport.resume_reading()
        await asyncio.sleep(1)

        assert received == [READ_LIMIT, READ_LIMIT, 150_000 - 2 * READ_LIMIT]
        client.transport.close()
        server.transport.close()


@in_virtual_time
async def test_a_writer_that_outruns_the_network_is_paused_and_resumed_at_its_marks() -> None:
    sizes: list[int] = []

    class Sizes(Notes):
        def pause_writing(self) -> None:
            sizes.append(self.transport.get_write_buffer_size())

        def resume_writing(self) -> None:
            sizes.append(self.transport.get_write_buffer_size())

    lab = tcplab.Lab(delay=0.01, rate=1_000_000, config=SMALL)  # slow enough for room to come in small pieces
    async with lab, await tcplab.create_server(Notes, 80) as server:
        _, client = await tcplab.create_connection(Sizes, SERVER, 80)
        client.transport.set_write_buffer_limits(high=8_000)
        assert client.transport.get_write_buffer_limits() == (2_000, 8_000)
        client.transport.set_write_buffer_limits(low=1_000)
        assert client.transport.get_write_buffer_limits() == (1_000, 4_000)
        client.transport.write(b"x" * SEND_BUFFER)
        client.transport.write(b"x" * 4_000)
        assert sizes == []  # the mark itself is not above the mark
        client.transport.write(b"x")
        assert sizes == [4_001]
        client.transport.write(b"x" * 20_000)
        await asyncio.sleep(60)

        assert len(sizes) == 2
        assert sizes[1] <= 1_000
        client.transport.close()
        await asyncio.sleep(60)
        server.close_clients()


@in_virtual_time
async def test_a_stream_that_nobody_reads_stops_drain_within_exact_bounds() -> None:
    limit, chunk, written = 10_000, 1_000, 0

    async def idle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1_000)
        writer.close()

    async with tcplab.Lab(delay=0.01, config=SMALL) as lab, await tcplab.serve(idle, 80, limit=limit) as server:
        _, writer = await tcplab.connect(SERVER, 80)

        async def write_on() -> None:
            nonlocal written
            while True:
                writer.write(b"x" * chunk)
                written += chunk
                await writer.drain()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(write_on(), 100)

        assert unread(lab, SERVER) == WINDOW
        assert in_send_buffer(lab, CLIENT) == SEND_BUFFER
        low, high = writer.transport.get_write_buffer_limits()
        waiting = writer.transport.get_write_buffer_size()
        assert low < waiting <= high + chunk
        taken = written - waiting - SEND_BUFFER - WINDOW  # by the stream reader, which pauses above twice its limit
        assert 2 * limit < taken <= 2 * limit + WINDOW
        server.abort_clients()


@in_virtual_time
async def test_eof_waits_while_reading_is_paused() -> None:
    async with tcplab.Lab() as lab:
        client, server = await pair(lab)
        server.transport.pause_reading()
        client.transport.write(b"last words")
        client.transport.close()
        await asyncio.sleep(1)
        assert server.calls == ["made"]
        server.transport.resume_reading()
        await asyncio.sleep(1)
        assert server.calls == ["made", "data", "eof"]
        server.transport.close()
