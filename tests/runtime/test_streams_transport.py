"""Protocols and their transports over the lab's TCP: what is called when, and what ends them."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

import tcplab
from tcplab.runtime.streams.errors import error_of
from tcplab.tcp.connection import Connection
from tcplab.tcp.events import Failure
from tcplab.tcp.states import State
from tests.runtime.streams import CLIENT, SERVER, SMALL, Notes, now, pair, states
from tests.support.loops import in_virtual_time


def note_errors() -> list[dict[str, Any]]:
    """Return where the loop's exception handler will note what it is told."""
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    return told


# --- the life of a protocol ------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_protocol_is_told_of_its_life_in_order() -> None:
    async with tcplab.Lab(delay=0.01) as lab:
        client, server = await pair(lab)
        client.transport.write(b"ping")
        client.transport.write_eof()
        await asyncio.sleep(1)
        server.transport.write(b"pong")
        await asyncio.sleep(1)
        server.transport.close()
        await asyncio.sleep(1)

        assert server.calls == ["made", "data", "eof", "lost"]
        assert (server.data, server.error) == (b"ping", None)
        assert client.calls == ["made", "data", "eof"]  # a half-closed transport waits to be closed
        assert not client.transport.is_closing()

        client.transport.close()
        await asyncio.sleep(0)
        assert client.calls == ["made", "data", "eof", "lost"]
        assert client.error is None
        client.transport.close()


@in_virtual_time
async def test_a_protocol_that_does_not_keep_open_is_closed_at_eof() -> None:
    async with tcplab.Lab() as lab:
        client, server = await pair(lab)
        server.keeps_open = False

        client.transport.close()
        await asyncio.sleep(1)

        assert server.calls == ["made", "eof", "lost"]
        assert states(lab.host(SERVER)) == []


@in_virtual_time
async def test_connection_made_comes_before_create_connection_returns_and_data_after() -> None:
    def greet() -> Notes:
        notes = Notes()
        notes.connection_made = lambda transport: transport.write(b"welcome")  # type: ignore[method-assign,attr-defined]
        return notes

    async with tcplab.Lab() as lab, await lab.host(SERVER).create_server(greet, 80) as server:
        _, client = await lab.host(CLIENT).create_connection(Notes, lab.host(SERVER), 80)
        assert client.calls == ["made"]
        await asyncio.sleep(1)
        assert client.calls == ["made", "data"]
        assert client.transport.get_protocol() is client
        client.transport.close()
        server.close_clients()


@in_virtual_time
async def test_closing_hands_over_all_that_was_written() -> None:
    written = bytes(range(256)) * 4_000

    async with tcplab.Lab(delay=0.01, loss=0.03, seed=2) as lab:
        client, server = await pair(lab)
        client.transport.write(written)
        client.transport.close()
        assert client.transport.is_closing()
        client.transport.write_eof()
        client.transport.write(b"too late")
        assert client.calls == ["made", "pause"]
        await asyncio.sleep(300)

        assert server.data == written
        assert server.calls[-1] == "eof"
        assert client.calls[-1] == "lost"
        assert client.error is None


@in_virtual_time
async def test_a_closing_transport_gives_its_protocol_nothing_more() -> None:
    async with tcplab.Lab(delay=0.01, config=SMALL) as lab:
        client, server = await pair(lab)
        server.transport.pause_reading()
        client.transport.write(b"x" * 200_000)
        client.transport.close()
        server.transport.write(b"are you still there?")
        await asyncio.sleep(1)
        assert client.calls == ["made", "pause"]
        server.transport.resume_reading()
        await asyncio.sleep(60)

        assert client.calls == ["made", "pause", "resume", "lost"]
        assert isinstance(server.error, ConnectionResetError)  # for the question that was never read


@in_virtual_time
async def test_aborting_what_both_sides_have_closed_only_ends_it_here() -> None:
    async with tcplab.Lab() as lab:
        client, server = await pair(lab)
        client.transport.write_eof()
        server.transport.write_eof()
        await asyncio.sleep(1)

        client.transport.abort()
        server.transport.abort()
        await asyncio.sleep(1)

        assert client.calls == server.calls == ["made", "eof", "lost"]
        assert client.error is server.error is None
        assert State.TIME_WAIT in states(lab.host(CLIENT)) + states(lab.host(SERVER))


@in_virtual_time
async def test_aborting_resets_the_peer_and_forgets_what_was_written() -> None:
    async with tcplab.Lab(delay=0.01, config=SMALL) as lab:
        client, server = await pair(lab)
        client.transport.write(b"x" * 1_000_000)
        client.transport.resume_reading()  # its turn comes too late
        client.transport.abort()
        client.transport.abort()
        assert client.transport.get_write_buffer_size() == 0
        await asyncio.sleep(1)

        assert client.calls == ["made", "pause", "lost"]
        assert client.error is None
        assert server.calls[-1] == "lost"
        assert isinstance(server.error, ConnectionResetError)
        assert states(lab.host(CLIENT)) == states(lab.host(SERVER)) == []


@in_virtual_time
async def test_a_transport_refuses_what_makes_no_sense() -> None:
    async with tcplab.Lab() as lab:
        client, server = await pair(lab)

        with pytest.raises(TypeError, match="'str'"):
            client.transport.write("text")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=r"high \(1\) must be at least low \(2\)"):
            client.transport.set_write_buffer_limits(1, 2)
        client.transport.write_eof()
        client.transport.write_eof()
        with pytest.raises(RuntimeError, match="after write_eof"):
            client.transport.write(b"more")

        client.transport.abort()
        server.transport.abort()


@in_virtual_time
async def test_any_bytes_may_be_written() -> None:
    async with tcplab.Lab() as lab:
        client, server = await pair(lab)
        client.transport.write(b"")
        client.transport.write(bytearray(b"ab"))
        client.transport.write(memoryview(b"cd"))
        client.transport.writelines([b"ef", b"gh"])
        await asyncio.sleep(1)

        assert server.data == b"abcdefgh"
        client.transport.abort()


# --- other protocols, and bad ones -----------------------------------------------------------------------------------


class Sips(asyncio.BufferedProtocol):
    """Takes seven octets at a time, and pauses when it has heard enough."""

    def __init__(self) -> None:
        self.heard = b""
        self.buffer = bytearray(7)
        self.enough = 49
        self.error: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, tcplab.LabTransport)
        self.transport = transport

    def get_buffer(self, sizehint: int) -> bytearray:
        assert sizehint == -1
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.heard += self.buffer[:nbytes]
        if len(self.heard) >= self.enough:
            self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.error = exc


@in_virtual_time
async def test_a_buffered_protocol_is_given_its_own_buffers() -> None:
    sips = Sips()

    async with tcplab.Lab(), await tcplab.create_server(lambda: sips, 80):
        _, client = await tcplab.create_connection(Notes, SERVER, 80)
        client.transport.write(bytes(range(100)))
        await asyncio.sleep(1)
        assert sips.heard == bytes(range(49))
        sips.enough = 101
        sips.transport.resume_reading()
        await asyncio.sleep(1)
        assert sips.heard == bytes(range(100))

        other = Notes()
        sips.transport.set_protocol(other)
        client.transport.write(b"for the other")
        client.transport.close()
        await asyncio.sleep(1)
        assert other.data == b"for the other"
        sips.transport.close()


@in_virtual_time
async def test_a_buffered_protocol_without_a_buffer_has_failed() -> None:
    told = note_errors()
    sips = Sips()
    sips.buffer = bytearray()

    async with tcplab.Lab(), await tcplab.create_server(lambda: sips, 80):
        _, client = await tcplab.create_connection(Notes, SERVER, 80)
        client.transport.write(b"where to?")
        await asyncio.sleep(1)

    assert isinstance(sips.error, RuntimeError)
    assert [context["exception"] for context in told] == [sips.error]
    assert isinstance(client.error, ConnectionResetError)


@in_virtual_time
async def test_a_protocol_that_raises_is_told_of_and_its_connection_reset() -> None:
    class Broken(Notes):
        def data_received(self, data: bytes) -> None:
            raise ArithmeticError(len(data))

    told = note_errors()
    made: list[Broken] = []

    def make() -> Broken:
        made.append(Broken())
        return made[-1]

    async with tcplab.Lab(), await tcplab.create_server(make, 80):
        _, client = await tcplab.create_connection(Notes, SERVER, 80)
        client.transport.write(b"boom")
        await asyncio.sleep(1)

        assert isinstance(client.error, ConnectionResetError)
        assert isinstance(made[0].error, ArithmeticError)
        assert [context["exception"] for context in told] == [made[0].error]


@in_virtual_time
async def test_a_factory_that_raises_costs_the_server_one_connection() -> None:
    told = note_errors()
    flaws: list[Exception] = [ArithmeticError("no protocol today")]

    def make() -> Notes:
        if flaws:
            raise flaws.pop()
        return Notes()

    async with tcplab.Lab(), await tcplab.create_server(make, 80) as server:
        _, first = await tcplab.create_connection(Notes, SERVER, 80)
        await asyncio.sleep(1)
        assert isinstance(first.error, ConnectionResetError)
        assert isinstance(told[0]["exception"], ArithmeticError)

        _, second = await tcplab.create_connection(Notes, SERVER, 80)
        await asyncio.sleep(1)
        assert second.calls == ["made"]
        server.abort_clients()


@in_virtual_time
async def test_a_clients_factory_that_raises_leaves_no_connection() -> None:
    def make() -> Notes:
        raise ArithmeticError("no protocol today")

    async with tcplab.Lab() as lab, await tcplab.create_server(Notes, 80):
        with pytest.raises(ArithmeticError):
            await tcplab.create_connection(make, SERVER, 80)
        await asyncio.sleep(1)

        assert states(lab.host(CLIENT)) == states(lab.host(SERVER)) == []


@in_virtual_time
async def test_nothing_is_kept_of_a_connection_that_has_ended() -> None:
    async with tcplab.Lab() as lab:
        client, server = await pair(lab)
        kept = [weakref.ref(client.transport), weakref.ref(server.transport)]
        server.transport.pause_reading()
        client.transport.write(b"never read")
        client.transport.close()
        server.transport.write_eof()
        await asyncio.sleep(1)
        assert Connection in map(type, gc.get_objects())  # which keeps what may still be read
        server.transport.close()
        await asyncio.sleep(1)

        del client, server
        gc.collect()

        assert [transport() for transport in kept] == [None, None]
        assert not any(isinstance(each, Connection) and each.unread for each in gc.get_objects())


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_is_an_error_of_the_system(failure: Failure) -> None:
    error = error_of(failure, "here>there:80")

    assert error.errno
    assert "here>there:80" in str(error)


@in_virtual_time
async def test_a_peer_that_dies_in_the_middle_of_a_close_times_out() -> None:
    async with tcplab.Lab(delay=0.01, config=SMALL) as lab:
        client, server = await pair(lab)
        server.transport.pause_reading()
        client.transport.write(b"x" * 200_000)
        client.transport.close()
        began = now()
        await lab.host(SERVER).stop()
        await asyncio.sleep(1_000)

        assert client.calls == ["made", "pause", "lost"]
        assert isinstance(client.error, TimeoutError)
        assert now() - began == 1_000
        assert isinstance(server.error, ConnectionAbortedError)
        assert states(lab.host(CLIENT)) == []
        assert State.CLOSED is client.transport.get_extra_info("state")


@in_virtual_time
async def test_a_loop_that_is_late_may_find_the_connection_gone() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, tcplab.VirtualLoop)
    async with tcplab.Lab() as lab:
        client, _ = await pair(lab)
        await lab.host(SERVER).stop()
        client.transport.write(b"is anybody there?")
        await asyncio.sleep(99)
        loop.leap(2)  # past R2, before the timer's turn

        client.transport.write(b"nobody")
        await asyncio.sleep(0)

        assert client.calls == ["made", "lost"]
        assert isinstance(client.error, TimeoutError)
