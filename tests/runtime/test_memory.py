"""Several drivers in one process, joined in memory; their hosts' time leaps, and 240 s of TIME_WAIT pass at once."""

import asyncio

import pytest

from tcplab.apps.client import Client, ClientConfig
from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Packet, PacketDiscarded
from tcplab.observe.journal import Journal
from tcplab.port import MessageReceived, MessageSent, PortError
from tcplab.runtime.clock import EPOCH
from tcplab.runtime.loop import Driver
from tcplab.runtime.memory import Hub, MemoryPort
from tcplab.tcp.events import Retransmitted, StateChanged
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND
from tests.netem.packets import CLIENT, SERVER, packet
from tests.runtime.nodes import Notes
from tests.support.loops import LeapingLoop, in_leaping_time


class Inbox:
    """Takes what a port delivers."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[int], str | None]] = []

    def __call__(self, packets: "list[Packet] | tuple[Packet, ...]", sender: str | None) -> None:
        self.taken.append(([each.id for each in packets], sender))


async def opened(port: MemoryPort, inbox: Inbox, notes: Notes) -> MemoryPort:
    await port.open(
        lambda packets, sender: inbox(list(packets), sender), lambda event: notes.observe("node", event, EPOCH)
    )
    return port


@in_leaping_time
async def test_a_hosts_packets_reach_the_network_with_its_role() -> None:
    hub, inbox, notes = Hub(), Inbox(), Notes()
    await opened(hub.network(), inbox, notes)
    client = await opened(hub.host(CLIENT, "client"), Inbox(), notes)

    client.send([packet(1), packet(2)])
    assert inbox.taken == []
    await asyncio.sleep(0)

    assert inbox.taken == [([1, 2], "client")]
    assert [event for _, event in notes.told] == [MessageSent(2, 0), MessageReceived(2, 0)]


@in_leaping_time
async def test_the_networks_packets_reach_the_host_they_are_for_in_order() -> None:
    hub, at_client, at_server = Hub(), Inbox(), Inbox()
    network = await opened(hub.network(), Inbox(), Notes())
    await opened(hub.host(CLIENT, "client"), at_client, Notes())
    await opened(hub.host(SERVER, "server"), at_server, Notes())

    network.send([packet(1), packet(2, source=SERVER, target=CLIENT), packet(3)])
    await asyncio.sleep(0)

    assert at_server.taken == [([1, 3], None)]
    assert at_client.taken == [([2], None)]


@in_leaping_time
async def test_what_nobody_takes_is_dropped_and_told() -> None:
    hub, notes = Hub(), Notes()
    client = await opened(hub.host(CLIENT, "client"), Inbox(), notes)
    hub.network()  # there, but not open

    client.send([packet(1)])

    assert [event for _, event in notes.told] == [MessageSent(1, 0, "dropped")]


@in_leaping_time
async def test_an_address_belongs_to_one_host_until_that_is_gone() -> None:
    hub = Hub()
    first = hub.host(CLIENT, "client")
    with pytest.raises(PortError, match=f"address {CLIENT} is in use"):
        hub.host(CLIENT, "client")

    await first.close()

    hub.host(CLIENT, "client")


@in_leaping_time
async def test_a_hub_has_one_network() -> None:
    hub = Hub()
    hub.network()

    with pytest.raises(PortError, match="a network is there already"):
        hub.network()


@in_leaping_time
async def test_transfers_over_a_network_that_loses_the_third_packet_live_and_die_as_they_should() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    clock, journal, hub = loop.clock(), Journal(), Hub()
    profile = Profile(delay=50 * MILLISECOND, drop_list=frozenset({3}))
    network = Network({LinkName("client>server"): profile, LinkName("server>client"): profile}, seed=1)
    client = Host(CLIENT, Client(ClientConfig(SERVER, 80, rate=1, total=3), seed=1))
    server = Host(SERVER, Server(ServerConfig(80)))

    async with (
        Driver("netem", network, hub.network(), (journal,), clock=clock),
        Driver("server", server, hub.host(SERVER, "server"), (journal,), clock=clock) as there,
        Driver("client", client, hub.host(CLIENT, "client"), (journal,), clock=clock) as here,
    ):
        there.do(server.start)
        here.do(client.start)
        await asyncio.sleep(300)

    assert len(journal.of(TransferCompleted, "client")) == len(journal.of(TransferCompleted, "server")) == 3
    assert not journal.of(TransferCorrupted)
    assert not journal.of(TransferFailed)
    assert not journal.of(PacketDiscarded)
    assert journal.of(Retransmitted)
    times = {(record.event.connection, record.event.new): record.time for record in journal.of(StateChanged, "client")}
    waits = [
        times[connection, State.CLOSED] - time for (connection, new), time in times.items() if new is State.TIME_WAIT
    ]
    assert waits == [240 * SECOND] * 3
