"""asyncio's streams over the lab's TCP, as people use them; in virtual time, so that instants are exact."""

import asyncio
import errno
import gc

import pytest

import tcplab
from tcplab.tcp.states import State
from tests.runtime.streams import CLIENT, SERVER, echo, now, states
from tests.support.loops import in_loop, in_virtual_time


@in_virtual_time
async def test_an_echo_through_a_bad_network_is_what_was_said() -> None:
    said = bytes(range(256)) * 1_000

    async with tcplab.Lab(delay=0.03, jitter=0.02, loss=0.05, duplicate=0.02, seed=3), await tcplab.serve(echo, 7):
        reader, writer = await tcplab.connect(SERVER, 7)

        async def say() -> None:
            writer.write(said)
            await writer.drain()
            writer.write_eof()

        _, heard = await asyncio.gather(say(), reader.read())
        writer.close()
        await writer.wait_closed()

    assert heard == said


@in_virtual_time
async def test_a_connection_tells_who_and_where_it_is() -> None:
    async with tcplab.Lab(), await tcplab.serve(echo, 7):
        _, writer = await tcplab.connect(SERVER, 7, local_port=5_000)

        assert writer.get_extra_info("sockname") == (CLIENT, 5_000)
        assert writer.get_extra_info("peername") == (SERVER, 7)
        assert str(writer.get_extra_info("connection")) == "10.0.1.1:5000>10.0.2.1:7#0"
        assert writer.get_extra_info("state") is State.ESTABLISHED
        assert writer.get_extra_info("sslcontext", "none") == "none"

        writer.close()
        await writer.wait_closed()


@in_virtual_time
async def test_a_half_closed_connection_still_carries_the_answer() -> None:
    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.read()
        assert writer.get_extra_info("state") is State.CLOSE_WAIT
        await asyncio.sleep(5)
        writer.write(f"{len(question)} octets".encode())
        writer.close()

    async with tcplab.Lab(delay=0.01), await tcplab.serve(count, 7):
        reader, writer = await tcplab.connect(SERVER, 7)
        writer.write(b"x" * 3_000)
        assert writer.can_write_eof()
        writer.write_eof()
        await asyncio.sleep(1)
        assert writer.get_extra_info("state") is State.FIN_WAIT_2

        assert await reader.read() == b"3000 octets"

        assert writer.get_extra_info("state") is State.TIME_WAIT
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(240)
        assert writer.get_extra_info("state") is State.CLOSED


@in_virtual_time
async def test_a_connection_is_refused_where_nobody_listens() -> None:
    async with tcplab.Lab(delay=0.1):
        with pytest.raises(ConnectionRefusedError, match=r"10\.0\.1\.1>10\.0\.2\.1:7"):
            await tcplab.connect(SERVER, 7)

        assert now() == 0.2


@in_virtual_time
async def test_a_connection_to_an_address_without_a_host_times_out_after_three_minutes() -> None:
    async with tcplab.Lab():
        with pytest.raises(TimeoutError) as caught:
            await tcplab.connect("10.0.2.99", 7)

        assert caught.value.errno == errno.ETIMEDOUT
        assert now() == 180  # MUST-23


@in_virtual_time
async def test_a_peer_that_vanishes_times_out_after_r2() -> None:
    async with tcplab.Lab(delay=0.01) as lab, await tcplab.serve(echo, 7):
        reader, writer = await tcplab.connect(SERVER, 7)
        await asyncio.sleep(10 - now())
        await lab.host(SERVER).stop()
        writer.write(b"is anybody there?")

        with pytest.raises(TimeoutError):
            await reader.read()

        assert 110 <= now() < 111  # SHLD-11: R2 of 100 s, from the first retransmission
        with pytest.raises(TimeoutError):
            await writer.wait_closed()


@in_virtual_time
async def test_a_reset_is_told_to_whoever_reads_and_writes() -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(writer.transport, asyncio.WriteTransport)
        writer.transport.abort()

    async with tcplab.Lab(delay=0.01), await tcplab.serve(reset, 7):
        reader, writer = await tcplab.connect(SERVER, 7)

        with pytest.raises(ConnectionResetError):
            await reader.read()
        with pytest.raises(ConnectionResetError):
            await writer.drain()

        assert writer.is_closing()
        assert writer.get_extra_info("state") is State.CLOSED


@in_virtual_time
async def test_closing_with_unread_data_resets_the_peer() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(writer.transport, tcplab.LabTransport)
        writer.transport.pause_reading()
        await asyncio.sleep(1)
        writer.close()

    async with tcplab.Lab(delay=0.01), await tcplab.serve(hang_up, 7):
        reader, writer = await tcplab.connect(SERVER, 7)
        await asyncio.sleep(0.5)
        writer.write(b"never read")

        with pytest.raises(ConnectionResetError):
            await reader.read()


@in_virtual_time
async def test_a_thousand_connections_at_once_each_hear_their_own() -> None:
    async def ask(n: int) -> bytes:
        reader, writer = await tcplab.connect(SERVER, 7)
        writer.write(f"question {n}".encode())
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async with tcplab.Lab(delay=0.01), await tcplab.serve(echo, 7, backlog=1_000):
        answers = await asyncio.gather(*(ask(n) for n in range(1_000)))

    assert answers == [f"question {n}".encode() for n in range(1_000)]


# --- ports ------------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_ports_may_run_out() -> None:
    async with tcplab.Lab(config=tcplab.TcpConfig(first_port=50_000, last_port=50_001)), await tcplab.serve(echo, 7):
        writers = [(await tcplab.connect(SERVER, 7))[1] for _ in range(2)]

        with pytest.raises(OSError, match=r"10\.0\.1\.1>10\.0\.2\.1:7") as caught:
            await tcplab.connect(SERVER, 7)

        assert caught.value.errno == errno.EADDRNOTAVAIL
        for writer in writers:
            writer.close()


async def take_one_port_twice() -> None:
    async with tcplab.Lab(), await tcplab.serve(echo, 7):
        reader, writer = await tcplab.connect(SERVER, 7, local_port=5_000)
        writer.write_eof()
        await reader.read()
        writer.close()
        await writer.wait_closed()

        with pytest.raises(OSError, match="in use") as caught:
            await tcplab.connect(SERVER, 7, local_port=5_000)
        assert caught.value.errno == errno.EADDRINUSE

        await asyncio.sleep(240)
        _, writer = await tcplab.connect(SERVER, 7, local_port=5_000)
        writer.close()


@in_virtual_time
async def test_a_local_port_is_in_use_until_time_wait_is_over() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    await take_one_port_twice()

    gc.collect()
    assert told == []  # nobody was left to be told that the lab has ended


@in_virtual_time
async def test_two_servers_cannot_have_one_port() -> None:
    async with tcplab.Lab(), await tcplab.serve(echo, 7):
        with pytest.raises(OSError, match="in use") as caught:
            await tcplab.serve(echo, 7)

        assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize("port", [-1, 0, 65_536])
@in_virtual_time
async def test_a_port_has_bounds(port: int) -> None:
    async with tcplab.Lab():
        with pytest.raises(ValueError, match=f"port {port}: must be 1..65535"):
            await tcplab.connect(SERVER, port)
        with pytest.raises(ValueError, match=f"port {port}: must be 1..65535"):
            await tcplab.serve(echo, port)


@pytest.mark.parametrize("address", ["server", "::1", "10.0.2.256"])
@in_virtual_time
async def test_an_address_is_ipv4(address: str) -> None:
    async with tcplab.Lab():
        with pytest.raises(ValueError, match=address):
            await tcplab.connect(address, 7)


# --- cancellation -----------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_connect_that_is_given_up_leaves_nothing_behind() -> None:
    config = tcplab.TcpConfig(first_port=50_000, last_port=50_000)

    async with tcplab.Lab(config=config) as lab:
        for _ in range(2):  # the one port is free again
            with pytest.raises(TimeoutError) as caught:
                async with asyncio.timeout(5):
                    await tcplab.connect("10.0.2.99", 7)
            assert caught.value.errno is None
            assert states(lab.host(CLIENT)) == []

    assert now() == 10


@in_virtual_time
async def test_a_connect_that_is_given_up_as_it_fails_is_given_up() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, tcplab.VirtualLoop)
    async with tcplab.Lab() as lab:
        connecting = asyncio.create_task(tcplab.connect("10.0.2.99", 7))
        await asyncio.sleep(179)
        loop.leap(2)  # past R2, before the timer's turn
        connecting.cancel()

        await asyncio.wait([connecting])

        assert connecting.cancelled()
        assert states(lab.host(CLIENT)) == []


@pytest.mark.parametrize("first", [False, True], ids=["last in its turn", "first in its turn"])
@pytest.mark.parametrize("turns", range(40))
@in_virtual_time
async def test_a_connect_may_be_cancelled_in_any_turn_of_the_loop(turns: int, first: bool) -> None:
    async def cancel() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        connecting.cancel()

    async with tcplab.Lab() as lab, await tcplab.serve(echo, 7):
        early = asyncio.create_task(cancel()) if first else None
        connecting = asyncio.create_task(tcplab.connect(SERVER, 7))
        await (early or cancel())
        await asyncio.wait([connecting])
        await asyncio.sleep(1)

        ends = [states(lab.host(address)) for address in (CLIENT, SERVER)]
        if connecting.cancelled():
            assert ends == [[], []]
        else:
            assert ends == [[State.ESTABLISHED], [State.ESTABLISHED]]
            connecting.result()[1].close()


def test_cancelling_is_tried_before_and_after_the_connection_is_there() -> None:
    """The test above would show nothing if it were always too early, or always too late."""

    async def turns() -> int:
        async with tcplab.Lab(), await tcplab.serve(echo, 7):
            connecting = asyncio.create_task(tcplab.connect(SERVER, 7))
            count = 0
            while not connecting.done():
                await asyncio.sleep(0)
                count += 1
            return count

    assert 5 < tcplab.run(turns()) < 40


# --- real time --------------------------------------------------------------------------------------------------------


@in_loop
async def test_real_time_does_as_well() -> None:
    said = bytes(range(256)) * 400

    async with tcplab.Lab(delay=0.01, time_scale=10), await tcplab.serve(echo, 7):
        reader, writer = await tcplab.connect(SERVER, 7)
        writer.write(said)
        writer.write_eof()

        assert await reader.read() == said

        writer.close()
        await writer.wait_closed()
