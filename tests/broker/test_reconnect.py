"""Brokers that go away and come back: the address stays, what could not be sent is counted, packets flow again."""

import asyncio

import pika
import pytest

from tcplab.netem.network import Network
from tcplab.port import LinkDown, LinkUp, MessageSent, PortError
from tcplab.runtime.amqp import HostEnd
from tcplab.runtime.loop import Driver
from tests.broker.ports import CLOCK, Watcher, client_end, fresh, make, network_end, open_port, server_end
from tests.support.cable import Cable
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker


def cable_for(lab: Lab) -> Cable:
    return Cable(lab.found.host, lab.found.port)


def dropped(watcher: Watcher) -> int:
    return sum(event.packets for event in watcher.of(MessageSent) if event.outcome == "dropped")


@in_loop
async def test_after_an_outage_packets_flow_again_from_the_same_address(amqp_lab: Lab) -> None:
    at_network = Watcher()
    network = make(amqp_lab, "netem", network_end(amqp_lab))
    leased = HostEnd("10.0.1.0/24")

    async with (
        cable_for(amqp_lab) as cable,
        Driver("netem", Network({}, seed=1), network, (at_network,), clock=CLOCK),
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        open_port(amqp_lab, "client", leased, port=cable.port) as (client, at_client),
    ):
        address = leased.address
        client.send([fresh(1, address)])
        await at_server.until_packets(1)

        await cable.cut()
        down = await at_client.until_told(LinkDown)
        client.send([fresh(2, address), fresh(3, address)])
        assert dropped(at_client) == 2
        await cable.mend()
        await at_client.until_told(LinkUp, 2)
        client.send([fresh(4, address)])

        assert await at_server.until_packets(2) == [1, 4]
        assert leased.address == address

    assert down.reason.endswith("the connection was lost; trying again")
    assert at_client.of(LinkUp) == [LinkUp(0), LinkUp(1)]


@in_loop
async def test_packets_for_a_host_reach_it_after_its_outage(amqp_lab: Lab) -> None:
    async with (
        cable_for(amqp_lab) as cable,
        open_port(amqp_lab, "netem", network_end(amqp_lab)) as (network, _),
        open_port(amqp_lab, "client", client_end(), port=cable.port) as (_, at_client),
    ):
        await cable.cut()
        await at_client.until_told(LinkDown)
        await cable.mend()
        await at_client.until_told(LinkUp, 2)

        network.send([fresh(1, server_end().address, client_end().address)])

        assert await at_client.until_packets(1) == [1]


@in_loop
async def test_the_network_too_comes_back(amqp_lab: Lab) -> None:
    async with (
        cable_for(amqp_lab) as cable,
        open_port(amqp_lab, "client", client_end()) as (client, _),
        open_port(amqp_lab, "netem", network_end(amqp_lab), port=cable.port) as (_, at_network),
    ):
        for outage in range(1, 4):
            await cable.cut()
            await at_network.until_told(LinkDown, outage)
            await cable.mend()
            await at_network.until_told(LinkUp, outage + 1)

        client.send([fresh(7)])

        assert await at_network.until_packets(1) == [7]
    assert at_network.of(LinkUp)[-1] == LinkUp(3)


@in_loop
async def test_a_connection_that_people_close_is_made_again(amqp_lab: Lab) -> None:
    async with open_port(amqp_lab, "client", client_end()) as (_, at_client):
        while not (known := amqp_lab.management.get("vhosts", amqp_lab.vhost, "connections")):
            await asyncio.sleep(0.1)  # the management learns of a connection only after a while
        amqp_lab.management.delete("connections", known[0]["name"])

        down = await at_client.until_told(LinkDown)
        await at_client.until_told(LinkUp, 2)

    assert "CONNECTION_FORCED" in down.reason
    assert down.reason.endswith("trying again")


@in_loop
async def test_a_queue_that_the_broker_takes_away_is_claimed_again(amqp_lab: Lab) -> None:
    cancel = pika.frame.Method(1, pika.spec.Basic.Cancel(consumer_tag="network.1", nowait=True)).marshal()

    async with (
        cable_for(amqp_lab) as cable,
        open_port(amqp_lab, "netem", network_end(amqp_lab), port=cable.port) as (_, at_network),
        open_port(amqp_lab, "client", client_end()) as (client, _),
    ):
        cable.whisper(cancel)
        down = await at_network.until_told(LinkDown)
        await at_network.until_told(LinkUp, 2)
        client.send([fresh(1)])
        assert await at_network.until_packets(1) == [1]

    assert "the broker has taken the queue away" in down.reason


@in_loop
async def test_an_address_taken_by_another_during_an_outage_ends_the_port(amqp_lab: Lab) -> None:
    async with (
        cable_for(amqp_lab) as cable,
        open_port(amqp_lab, "client", client_end(), port=cable.port) as (first, at_first),
    ):
        await cable.cut()
        await at_first.until_told(LinkDown)
        async with open_port(amqp_lab, "client", client_end()):
            await cable.mend()
            error = await first.lost()

    assert isinstance(error, PortError)
    assert str(error).startswith("address 10.0.1.1 is in use by another host")


@in_loop
async def test_a_host_that_was_cut_off_without_a_word_waits_for_its_own_lock(amqp_lab: Lab) -> None:
    """The broker takes two to three heartbeats to notice; the host notices, too, and must not give up meanwhile."""
    async with (
        cable_for(amqp_lab) as silent,
        cable_for(amqp_lab) as working,
        open_port(amqp_lab, "client", client_end(), port=silent.port) as (_, at_first),
    ):
        silent.hold()
        heir, at_heir = make(amqp_lab, "client", client_end(), port=working.port), Watcher()
        await heir.open(at_heir.deliver, at_heir.tell)  # it takes the place of a host that died
        silenced = await at_first.until_told(LinkDown)
        await heir.close()

    assert at_heir.of(LinkDown)[0].reason.startswith("queue host.10.0.1.1 is held by another connection")
    assert at_heir.of(LinkUp) == [LinkUp(0)]
    assert silenced.reason.endswith("the broker has fallen silent; trying again")
