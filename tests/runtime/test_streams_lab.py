"""The lab that people make: its hosts and servers, how they start and stop, and what is refused."""

import asyncio

import pytest

import tcplab
from tcplab.netem.events import PacketDropped
from tcplab.netem.notices import LinkSet
from tcplab.node import Event, PacketSent
from tcplab.observe.journal import Journal
from tcplab.sim.rerun import rerun
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.states import State
from tcplab.units import SECOND, START, Instant, seconds
from tests.runtime.streams import CLIENT, SERVER, Notes, echo, now, pair, states
from tests.support.loops import in_loop, in_virtual_time

# --- servers ---------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_a_closed_server_keeps_its_connections_and_takes_no_more() -> None:
    async with tcplab.Lab() as lab:
        server = await tcplab.serve(echo, 7)
        assert server.is_serving()
        assert server.sockname == (SERVER, 7)
        assert server.get_loop() is asyncio.get_running_loop()
        reader, writer = await tcplab.connect(SERVER, 7)
        await asyncio.sleep(1)  # until the server has it too

        server.close()
        server.close()

        assert not server.is_serving()
        with pytest.raises(ConnectionRefusedError):
            await tcplab.connect(SERVER, 7)
        waiting = asyncio.create_task(server.wait_closed())
        writer.write(b"still here")
        assert await reader.read(100) == b"still here"
        assert not waiting.done()
        writer.close()
        await waiting
        assert now() == 1
        await asyncio.sleep(1)
        assert states(lab.host(SERVER)) == []


@in_virtual_time
async def test_what_is_half_open_goes_with_the_server() -> None:
    async with tcplab.Lab(delay=0.01) as lab:
        server = await tcplab.serve(echo, 7)
        reader, _writer = await tcplab.connect(SERVER, 7)
        server.close()

        with pytest.raises(ConnectionResetError):
            await reader.read()
        await server.wait_closed()
        assert states(lab.host(SERVER)) == []


@in_virtual_time
async def test_a_server_may_begin_later_and_begins_once() -> None:
    async with tcplab.Lab():
        server = await tcplab.create_server(Notes, 7, start_serving=False)
        assert not server.is_serving()
        with pytest.raises(ConnectionRefusedError):
            await tcplab.connect(SERVER, 7)

        await server.start_serving()
        await server.start_serving()
        _, notes = await tcplab.create_connection(Notes, SERVER, 7)
        notes.transport.abort()

        server.close()
        with pytest.raises(RuntimeError, match="closed"):
            await server.start_serving()


@in_virtual_time
async def test_serving_for_ever_ends_by_cancellation() -> None:
    async with tcplab.Lab():
        server = await tcplab.serve(echo, 7)
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(10)
        with pytest.raises(RuntimeError, match="under way"):
            await server.serve_forever()

        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving

        assert not server.is_serving()
        with pytest.raises(ConnectionRefusedError):
            await tcplab.connect(SERVER, 7)


@in_virtual_time
async def test_closing_a_server_ends_serving_for_ever() -> None:
    async with tcplab.Lab():
        server = await tcplab.serve(echo, 7)
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(10)

        server.close()

        await asyncio.wait([serving])
        assert serving.cancelled()  # as asyncio has it


@pytest.mark.parametrize(("end", "error"), [("close_clients", type(None)), ("abort_clients", ConnectionResetError)])
@in_virtual_time
async def test_a_server_can_end_all_of_its_connections(end: str, error: type) -> None:
    async with tcplab.Lab(), await tcplab.create_server(Notes, 7) as server:
        clients = [(await tcplab.create_connection(Notes, SERVER, 7))[1] for _ in range(3)]
        for client in clients:
            client.keeps_open = False
        await asyncio.sleep(1)

        getattr(server, end)()
        await asyncio.sleep(1)

        assert [type(client.error) for client in clients] == [error] * 3
        assert [client.calls[-1] for client in clients] == ["lost"] * 3


# --- hosts -----------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_connections_go_from_the_first_host_and_servers_run_on_the_last() -> None:
    async with tcplab.Lab(hosts=("10.0.1.5", "10.0.2.5", "10.0.2.6")) as lab, await tcplab.serve(echo, 7) as server:
        assert server.sockname == ("10.0.2.6", 7)
        _, writer = await tcplab.connect("10.0.2.6", 7)
        assert writer.get_extra_info("sockname")[0] == "10.0.1.5"
        writer.close()
        for local in ("10.0.2.5", lab.host("10.0.2.5")):  # in one role, too
            _, writer = await tcplab.connect(lab.host("10.0.2.6"), 7, local=local)
            assert writer.get_extra_info("sockname")[0] == "10.0.2.5"
            writer.close()
        _, writer = await lab.host("10.0.2.6").connect("10.0.2.6", 7)  # and to oneself
        writer.close()


@in_virtual_time
async def test_a_host_that_stops_leaves_its_users_an_error_and_its_peers_in_the_dark() -> None:
    async with tcplab.Lab() as lab:
        client, server = await pair(lab)
        listening = await tcplab.serve(echo, 7)
        connecting = asyncio.create_task(lab.host(SERVER).connect("10.0.1.99", 7))
        await asyncio.sleep(1)

        await lab.host(SERVER).stop()
        await lab.host(SERVER).stop()

        assert isinstance(server.error, ConnectionAbortedError)
        assert not listening.is_serving()
        with pytest.raises(ConnectionAbortedError, match=r"10\.0\.2\.1 has stopped"):
            await connecting
        for refused in (lab.host(SERVER).connect(CLIENT, 7), lab.host(SERVER).serve(echo, 7)):
            with pytest.raises(ConnectionAbortedError):
                await refused
        assert "stopped" in repr(lab.host(SERVER))
        await asyncio.sleep(1_000)
        assert client.calls == ["made"]
        assert client.transport.get_extra_info("state") is State.ESTABLISHED
        client.transport.abort()


@in_virtual_time
async def test_a_host_that_starts_again_knows_nothing_of_its_earlier_life() -> None:
    journal = Journal()

    async with tcplab.Lab(observers=[journal]) as lab:
        client, _ = await pair(lab)
        await lab.host(SERVER).stop()
        again = await lab.start_host(SERVER)
        assert lab.host(SERVER) is again

        client.transport.write(b"do you remember me?")
        await asyncio.sleep(1)
        assert isinstance(client.error, ConnectionResetError)

        async with await again.serve(echo, 80):
            reader, writer = await tcplab.connect(SERVER, 80)
            writer.write(b"hello again")
            assert await reader.read(100) == b"hello again"
            writer.close()
        ids = [record.event.packet.id for record in journal.of(PacketSent) if record.node == SERVER]
        assert len(ids) == len(set(ids)) > 4


@in_virtual_time
async def test_a_host_may_come_later_and_with_settings_of_its_own() -> None:
    async with tcplab.Lab() as lab:
        late = await lab.start_host("10.0.2.7", tcplab.TcpConfig(receive_buffer=1_234))
        assert [host.address for host in lab.hosts] == [CLIENT, SERVER, "10.0.2.7"]

        async with await late.serve(echo, 7):
            _, writer = await tcplab.connect(late, 7)
            windows = [status.snd_wnd for status in lab.host(CLIENT).statuses()]
            assert windows == [1_234]
            writer.close()


# --- the lab ---------------------------------------------------------------------------------------------------------


@in_virtual_time
async def test_leaving_the_lab_ends_what_is_open_with_an_error() -> None:
    async with tcplab.Lab() as lab:
        ends = [*await pair(lab)]
        await tcplab.create_server(Notes, 7)
        late = await lab.start_host("10.0.1.2")
        ends.append((await late.create_connection(Notes, SERVER, 7))[1])

    assert [end.calls for end in ends] == [["made", "lost"]] * 3
    assert [type(end.error) for end in ends] == [ConnectionAbortedError] * 3


@in_virtual_time
async def test_links_go_by_their_own_profiles_and_can_be_changed() -> None:
    journal = Journal()
    links = {"server>client": tcplab.Profile(delay=seconds(0.5))}

    async with tcplab.Lab(delay=0.1, links=links, observers=[journal]) as lab, await tcplab.serve(echo, 7):
        _, writer = await tcplab.connect(SERVER, 7)
        assert now() == 0.6

        lab.set_link("client>server", tcplab.Profile(loss=1.0))
        writer.write(b"into the void")
        await asyncio.sleep(1)
        assert {record.time for record in journal.records if isinstance(record.event, PacketDropped)} >= {
            Instant(6 * SECOND // 10)
        }
        with pytest.raises(ValueError, match="there is no link"):
            lab.set_link("here>there", tcplab.Profile())
        writer.close()


@in_virtual_time
async def test_a_link_that_was_changed_is_in_the_journal_so_that_the_network_can_be_run_again() -> None:
    journal = Journal()

    async with tcplab.Lab(delay=0.1, seed=7, observers=[journal]) as lab, await tcplab.serve(echo, 7):
        reader, writer = await tcplab.connect(SERVER, 7)
        lab.set_link("client>server", tcplab.Profile(loss=0.5))
        writer.write(bytes(20_000))
        await reader.readexactly(20_000)
        writer.close()
        await writer.wait_closed()

    result = rerun(journal.records)
    assert len(journal.of(LinkSet)) == 1
    assert journal.of(PacketDropped)
    assert result.differences == ()
    assert result.begun == {"netem"}
    assert result.compared > 100


@in_virtual_time
async def test_functions_need_a_lab_and_take_the_innermost() -> None:
    with pytest.raises(RuntimeError, match="there is no lab here"):
        await tcplab.connect(SERVER, 7)

    async with tcplab.Lab() as outer, await tcplab.serve(echo, 7):
        async with tcplab.Lab():
            with pytest.raises(ConnectionRefusedError):
                await tcplab.connect(SERVER, 7)
            with pytest.raises(ValueError, match=r"no host 10\.0\.9\.9; there are 10\.0\.1\.1, 10\.0\.2\.1"):
                await tcplab.connect(SERVER, 7, local="10.0.9.9")
        _, writer = await tcplab.connect(SERVER, 7)
        assert len(states(outer.host(CLIENT))) == 1
        writer.close()


class Shy:
    """Raises when it is told anything after a while."""

    def observe(self, node: str, event: Event, now: Instant) -> None:
        if now >= 15 * SECOND:
            raise ArithmeticError(f"{node}: {event}")


def test_an_observer_that_raises_ends_everything_and_is_heard() -> None:
    ended: list[Notes] = []

    async def talk() -> None:
        async with tcplab.Lab(delay=0.01, observers=[Shy()]) as lab:
            client, server = await pair(lab)
            ended.extend([client, server])
            await asyncio.sleep(14.995 - now())  # sent in time, it leaves the network when the observer has had enough
            client.transport.write(b"x")
            await asyncio.sleep(100)

    with pytest.raises(ArithmeticError, match="netem"):
        tcplab.run(talk())

    assert [end.calls for end in ended] == [["made", "lost"]] * 2
    assert all(isinstance(end.error, ArithmeticError) for end in ended)


@in_virtual_time
async def test_time_begins_at_zero_for_observers() -> None:
    journal = Journal()

    async with tcplab.Lab(observers=[journal]):
        await tcplab.serve(echo, 7)
        await asyncio.sleep(1)

    assert journal.records[0].time == START


@in_virtual_time
async def test_a_lab_is_entered_once_and_virtual_time_is_not_scaled() -> None:
    lab = tcplab.Lab()
    async with lab:
        pass
    with pytest.raises(RuntimeError, match="entered before"):
        async with lab:
            pass
    with pytest.raises(ValueError, match="time scale 2"):
        async with tcplab.Lab(time_scale=2):
            pass


@in_loop
async def test_real_time_may_be_scaled() -> None:
    async with tcplab.Lab(delay=1.0, time_scale=20), await tcplab.serve(echo, 7):
        began = now()
        _, writer = await tcplab.connect(SERVER, 7)
        assert 0.1 <= now() - began < 2
        writer.close()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"hosts": ["10.9.9.9"]}, "host 10.9.9.9: the address is in no role's prefix"),
        ({"hosts": ["nowhere"]}, "nowhere"),
        ({"loss": 2.0}, "loss must be"),
        ({"delay": -1.0}, "delay must be"),
        ({"links": {"here>there": tcplab.Profile()}}, "here>there"),
        ({"time_scale": 0}, "time scale 0"),
    ],
)
def test_a_lab_refuses_what_cannot_be(settings: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        tcplab.Lab(**settings)  # type: ignore[arg-type]


@in_virtual_time
async def test_an_address_has_one_host() -> None:
    async with tcplab.Lab() as lab:
        with pytest.raises(ValueError, match="there already"):
            await lab.start_host(CLIENT)


def test_what_a_connection_is_called_says_which_it_is() -> None:
    async def names() -> list[ConnectionId]:
        async with tcplab.Lab() as lab:
            client, server = await pair(lab)
            found = [end.transport.get_extra_info("connection") for end in (client, server)]
            assert repr(client.transport) == "<LabTransport 10.0.1.1:49152>10.0.2.1:80#0 open>"
            client.transport.close()
            assert repr(client.transport) == "<LabTransport 10.0.1.1:49152>10.0.2.1:80#0 ended>"
            server.transport.close()
            return found

    assert [name.remote for name in tcplab.run(names())] == [SERVER, CLIENT]
