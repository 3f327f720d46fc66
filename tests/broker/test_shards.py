"""Shards of the network at a real broker: who has which pair, in which order, and what moves when one comes or goes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest

from tcplab.apps.client import Client, ClientConfig
from tcplab.apps.events import TransferCompleted, TransferFailed
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.events import LinkName, PacketDelayed
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address, PacketReceived
from tcplab.port import LinkDown, LinkUp, MessageSent
from tcplab.runtime.amqp import AmqpPort, HostEnd, NetworkEnd
from tcplab.runtime.amqp.failures import Refused
from tcplab.runtime.amqp.link import Link
from tcplab.runtime.amqp.topology import SHARDS, network_queue
from tcplab.runtime.amqp.troubles import hopelessness
from tcplab.runtime.loop import Driver
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, SECOND
from tests.broker.asking import channel
from tests.broker.ports import CLOCK, HASTY, Watcher, fresh, make, network_end, open_port, refusal, server_end
from tests.netem.packets import BACK, SERVER, THERE
from tests.support.cable import Cable
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

CLIENTS = [Address(f"10.0.1.{number}") for number in range(1, 13)]
PACKETS = 200  # of each client, in bursts that mix with the others'
DELAY = Profile(delay=20 * MILLISECOND)


@dataclass
class Shard:
    """One shard of the network, with what it has told."""

    network: Network
    end: NetworkEnd
    watcher: Watcher = field(default_factory=Watcher)

    def pairs(self) -> set[frozenset[Address]]:
        """The pairs of which it has had a packet."""
        return {frozenset((told.packet.source, told.packet.target)) for told in self.watcher.of(PacketReceived)}


@asynccontextmanager
async def shard(lab: Lab, profile: Profile = DELAY, port: int | None = None) -> AsyncIterator[Shard]:
    """Run the next shard of a lab's network."""
    links: dict[LinkName, Profile] = {THERE: profile, BACK: profile}
    made = Shard(Network(links, seed=1), network_end(lab))
    at_broker = make(lab, "netem", made.end, port=port)
    async with Driver("netem", made.network, at_broker, (made.watcher,), clock=CLOCK):
        yield made


@asynccontextmanager
async def clients(lab: Lab) -> AsyncIterator[list[tuple[Address, AmqpPort, Watcher]]]:
    """Open the ports of all clients."""
    async with AsyncExitStack() as stack:
        opened = []
        for address in CLIENTS:
            end = HostEnd("10.0.1.0/24", address)
            opened.append((address, *await stack.enter_async_context(open_port(lab, "client", end))))
        yield opened


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, whoever is told of what makes it hold."""
    while not condition():
        await asyncio.sleep(0.01)


def dropped(watcher: Watcher) -> int:
    return sum(told.packets for told in watcher.of(MessageSent) if told.outcome == "dropped")


def by_sender(watcher: Watcher) -> dict[Address, list[int]]:
    found: dict[Address, list[int]] = {}
    for each in watcher.packets:
        found.setdefault(each.source, []).append(each.id)
    return found


@in_loop
async def test_both_directions_of_a_pair_have_one_shard_and_keep_their_order(amqp_lab: Lab) -> None:
    async with (
        shard(amqp_lab) as first, shard(amqp_lab) as second, shard(amqp_lab) as third,
        open_port(amqp_lab, "server", server_end()) as (server, at_server),
        clients(amqp_lab) as hosts,
    ):  # fmt: skip
        for identity in range(PACKETS):
            for address, port, _ in hosts:
                port.send([fresh(identity, address)])
            server.send([fresh(identity, SERVER, address) for address in CLIENTS])
            await asyncio.sleep(0)
        await at_server.until_packets(PACKETS * len(CLIENTS))
        for _, _, at_client in hosts:
            await at_client.until_packets(PACKETS)

    in_order = list(range(PACKETS))
    assert by_sender(at_server) == dict.fromkeys(CLIENTS, in_order)
    assert [[each.id for each in watcher.packets] for _, _, watcher in hosts] == [in_order] * len(CLIENTS)
    shards = [first, second, third]
    assert [each.end.shard for each in shards] == [1, 2, 3]
    assert sum(len(each.pairs()) for each in shards) == len(CLIENTS), "a pair was seen by two shards"
    assert all(each.pairs() for each in shards)


@in_loop
async def test_what_a_shard_held_dies_with_it_and_its_pairs_move_to_the_others(amqp_lab: Lab) -> None:
    slow = Profile(delay=SECOND)
    async with (
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        shard(amqp_lab) as first, shard(amqp_lab, slow, cable.port) as second, shard(amqp_lab) as third,
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        clients(amqp_lab) as hosts,
    ):  # fmt: skip
        for address, port, _ in hosts:
            port.send([fresh(1, address)])
        await until(lambda: sum(len(each.pairs()) for each in (first, second, third)) == len(CLIENTS))
        died = second.pairs()
        await cable.cut()  # to the broker this is what SIGKILL is
        await second.watcher.until_told(LinkDown)
        # What the broker gives the dead before it knows is lost as well; whoever sends again gets through.
        for identity in count(2):
            for address, port, _ in hosts:
                port.send([fresh(identity, address)])
            if all(ids[-1] > 1 for ids in by_sender(at_server).values()) and len(by_sender(at_server)) == len(CLIENTS):
                break
            await asyncio.sleep(0.05)
        await until(lambda: dropped(second.watcher) == len(died))

    assert died
    for address, ids in by_sender(at_server).items():
        assert (1 not in ids) is (frozenset((address, SERVER)) in died)
    assert died <= first.pairs() | third.pairs()


@in_loop
async def test_a_shard_that_comes_takes_pairs_whose_held_packets_stay_where_they_are(amqp_lab: Lab) -> None:
    # A packet of 40 octets takes 40 ms: those of the first shard wait for each other, as on one line.
    line = Profile(rate=8_000)
    taken = 40 * MILLISECOND
    async with (
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        clients(amqp_lab) as hosts,
        shard(amqp_lab, line) as old,
    ):
        for address, port, _ in hosts:
            port.send([fresh(1, address)])
        await old.watcher.until(lambda: len(old.pairs()) == len(CLIENTS))
        async with shard(amqp_lab, line) as new:
            for address, port, _ in hosts:
                port.send([fresh(2, address)])
            await at_server.until_packets(2 * len(CLIENTS))
            moved = new.pairs()
            waits = [told.delay for told in new.watcher.of(PacketDelayed)]

            assert new.end.shard == 2
            assert 0 < len(moved) < len(CLIENTS)
            assert by_sender(at_server).keys() == set(CLIENTS)
            assert all(sorted(ids) == [1, 2] for ids in by_sender(at_server).values())
            # Where the pair stayed, order did, too; the new line begins free, whatever waits on the old one.
            assert all(by_sender(at_server)[address] == [1, 2] for address in CLIENTS
                       if frozenset((address, SERVER)) not in moved)  # fmt: skip
            assert waits[0] == taken
            assert new.network.packet_counts()[THERE] == len(moved)
            assert old.network.packet_counts()[THERE] == 2 * len(CLIENTS) - len(moved)


@in_loop
async def test_connections_outlive_their_shard(amqp_lab: Lab) -> None:
    config = TcpConfig(msl=SECOND, rto_initial=300 * MILLISECOND)
    load = ClientConfig(SERVER, 80, rate=1_000.0, concurrency=1, octets=400_000, total=1)
    at_clients, at_server = Watcher(), Watcher()
    async with AsyncExitStack() as stack:
        cables = [await stack.enter_async_context(Cable(amqp_lab.found.host, amqp_lab.found.port)) for _ in range(3)]
        shards = [await stack.enter_async_context(shard(amqp_lab, port=cable.port)) for cable in cables]
        await stack.enter_async_context(
            host(amqp_lab, "server", SERVER, app=Server(ServerConfig(80)), config=config, watcher=at_server)
        )
        for number, address in enumerate(CLIENTS[:6]):
            await stack.enter_async_context(
                host(amqp_lab, "client", address, app=Client(load, seed=number), config=config, watcher=at_clients)
            )
        busiest = max(shards, key=lambda each: len(each.pairs()))
        await busiest.watcher.until(lambda: len(busiest.watcher.of(PacketReceived)) > 50)

        await cables[shards.index(busiest)].cut()
        await at_clients.until_told(TransferCompleted, 6)

        assert at_clients.of(TransferFailed) == at_server.of(TransferFailed) == []
        assert len(busiest.watcher.of(LinkUp)) == 1, "the shard came back by itself"


@asynccontextmanager
async def host(
    lab: Lab, role: str, address: Address, *, app: Client | Server, config: TcpConfig, watcher: Watcher
) -> AsyncIterator[None]:
    node = Host(address, app, config)
    port = make(lab, role, HostEnd(f"{address.rpartition('.')[0]}.0/24", address))
    async with Driver(role, node, port, (watcher,), clock=CLOCK, lifetime=None) as driver:
        driver.do(node.start)
        yield


@in_loop
async def test_a_shard_reclaims_its_own_place_after_an_outage(amqp_lab: Lab) -> None:
    async with (
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        shard(amqp_lab) as first,
        shard(amqp_lab, port=cable.port) as second,
    ):
        await cable.cut()
        await second.watcher.until_told(LinkDown)
        await cable.mend()
        await second.watcher.until_told(LinkUp, 2)

        assert (first.end.shard, second.end.shard) == (1, 2)


@in_loop
async def test_a_shard_whose_place_was_taken_ends_in_one_line(amqp_lab: Lab) -> None:
    end = network_end(amqp_lab)
    async with Cable(amqp_lab.found.host, amqp_lab.found.port) as cable, AsyncExitStack() as stack:
        port, watcher = await stack.enter_async_context(open_port(amqp_lab, "netem", end, port=cable.port))
        await cable.cut()
        await watcher.until_told(LinkDown)
        async with shard(amqp_lab) as heir:
            assert heir.end.shard == 1
            await cable.mend()
            error = await port.lost()

    assert str(error) == "shard 1 of the network runs elsewhere by now; start this one anew"


def hold_shards(lab: Lab, shards: Sequence[int]) -> AsyncExitStack:
    """Hold the queues of shards, as netems do."""
    stack = AsyncExitStack()
    asked = stack.enter_context(channel(lab.broker("netem")))
    for number in shards:
        asked.queue_declare(network_queue(number).name, exclusive=True)
    return stack


@in_loop
async def test_a_lab_has_no_more_than_sixteen_shards(amqp_lab: Lab) -> None:
    async with hold_shards(amqp_lab, SHARDS):
        line = await refusal(make(amqp_lab, "netem", network_end(amqp_lab)))

    assert line.startswith("all 16 shards of the lab's network run already; stop one, or use another virtual host")


@pytest.mark.parametrize("held", [1, 3])
@in_loop
async def test_who_must_be_alone_refuses_a_lab_that_has_a_network(amqp_lab: Lab, held: int) -> None:
    async with hold_shards(amqp_lab, [held]):
        line = await refusal(make(amqp_lab, "netem", NetworkEnd(verify=False, alone=True)))

    assert line.startswith("this lab has a network already; stop it, or use another virtual host")
    assert "\n" not in line


@in_loop
async def test_who_is_alone_leaves_no_room_for_a_shard(amqp_lab: Lab) -> None:
    async with open_port(amqp_lab, "netem", NetworkEnd(verify=False, alone=True)):
        line = await refusal(make(amqp_lab, "netem", network_end(amqp_lab)))

    assert line.startswith("all 16 shards of the lab's network run already")


@in_loop
async def test_an_exchange_that_an_earlier_release_left_is_replaced(amqp_lab: Lab) -> None:
    leave_a_fanout(amqp_lab)

    async with (
        shard(amqp_lab),
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        clients(amqp_lab) as all_,
    ):
        for address, port, _ in all_:
            port.send([fresh(1, address)])
        await at_server.until_packets(len(CLIENTS))

    assert amqp_lab.management.get("exchanges", amqp_lab.vhost, "to-network")["type"] == "x-consistent-hash"


@in_loop
async def test_an_exchange_that_is_in_use_by_an_earlier_release_is_not(amqp_lab: Lab) -> None:
    leave_a_fanout(amqp_lab)
    with channel(amqp_lab.broker("operator")) as asked:
        asked.queue_declare("network", exclusive=True)
        asked.queue_bind("network", "to-network")
        line = await refusal(make(amqp_lab, "netem", network_end(amqp_lab)))

    assert "exchange 'to-network'" in line
    assert "in use; delete what was declared otherwise, or use another virtual host" in line


def leave_a_fanout(lab: Lab) -> None:
    with channel(lab.broker("operator")) as asked:
        asked.exchange_delete("to-network")
        asked.exchange_declare("to-network", "fanout", durable=True)


@in_loop
async def test_a_broker_without_the_plugin_is_told_which(amqp_lab: Lab) -> None:
    broker = amqp_lab.broker("operator")
    link = await Link.connect(broker, heartbeat=HASTY.heartbeat, name="test", on_blocked=lambda _: None)
    with pytest.raises(Refused) as refused:
        await link.declare_exchange("mine", "x-unknown-hash")
    await link.close()

    said = hopelessness(refused.value, broker)
    assert str(said) == (
        f"broker {broker}: unknown exchange type 'x-unknown-hash'; enable its plugin there "
        "(rabbitmq-plugins enable rabbitmq_consistent_hash_exchange)"
    )
