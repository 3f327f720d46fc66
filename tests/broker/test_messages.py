"""What goes over the broker: batches, properties, order; and what does not, where there is no room."""

import asyncio
import resource

import pika
import pytest

from tcplab.node import Address
from tcplab.port import LinkBlocked, LinkDown, LinkUp, MessageReceived, MessageSent
from tcplab.runtime.amqp import AmqpLimits, HostEnd
from tcplab.units import MINUTE, SECOND
from tcplab.wire.json import CONTENT_TYPE, MESSAGE_PACKETS_LIMIT, decode
from tests.broker.asking import channel
from tests.broker.ports import CLOCK, client_end, fresh, network_end, open_port, server_end
from tests.netem.packets import CLIENT, SERVER
from tests.support.cable import Cable
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

OTHER = Address("10.0.2.2")


@in_loop
async def test_a_lonely_packet_leaves_alone_and_a_crowd_together(amqp_lab: Lab) -> None:
    async with (
        open_port(amqp_lab, "netem", network_end(amqp_lab)) as (_, at_network),
        open_port(amqp_lab, "client", client_end()) as (client, at_client),
    ):
        client.send([fresh(1)])
        await at_network.until_packets(1)
        client.send([fresh(identity) for identity in range(2, 2 + 150)])
        received = await at_network.until_packets(151)

    sizes = [1, MESSAGE_PACKETS_LIMIT, MESSAGE_PACKETS_LIMIT, 150 - 2 * MESSAGE_PACKETS_LIMIT]
    assert received == list(range(1, 152))
    assert [event.packets for event in at_client.of(MessageSent)] == sizes
    assert [event.packets for event in at_network.of(MessageReceived)] == sizes
    assert sum(event.octets for event in at_client.of(MessageSent)) == sum(
        event.octets for event in at_network.of(MessageReceived)
    )


@in_loop
async def test_a_message_is_for_one_pair_of_hosts_and_keeps_their_order(amqp_lab: Lab) -> None:
    async with (
        open_port(amqp_lab, "netem", network_end(amqp_lab)) as (network, at_network),
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        open_port(amqp_lab, "server", HostEnd("10.0.2.0/24", OTHER)) as (_, at_other),
    ):
        network.send([fresh(identity, CLIENT, SERVER if identity % 2 else OTHER) for identity in range(1, 11)])

        assert await at_server.until_packets(5) == [1, 3, 5, 7, 9]
        assert await at_other.until_packets(5) == [2, 4, 6, 8, 10]

    assert [event.packets for event in at_network.of(MessageSent)] == [5, 5]


@in_loop
async def test_the_receiver_learns_the_verified_sender_and_how_long_the_broker_took(amqp_lab: Lab) -> None:
    async with (
        open_port(amqp_lab, "netem", network_end(amqp_lab)) as (network, at_network),
        open_port(amqp_lab, "client", client_end()) as (client, at_client),
    ):
        client.send([fresh(1)])
        await at_network.until_packets(1)
        network.send([fresh(2, SERVER, CLIENT)])
        await at_client.until_packets(1)

    assert at_network.senders == ["client"]
    assert at_client.senders == [None]
    for transit in (at_network.of(MessageReceived)[0].transit, at_client.of(MessageReceived)[0].transit):
        assert transit is not None
        assert 0 < transit < 10 * SECOND


@in_loop
async def test_what_was_sent_before_a_port_closes_still_arrives(amqp_lab: Lab) -> None:
    async with open_port(amqp_lab, "netem", network_end(amqp_lab)) as (_, at_network):
        async with open_port(amqp_lab, "client", client_end()) as (client, _):
            client.send([fresh(identity, payload=bytes(1_000)) for identity in range(2_000)])

        assert await at_network.until_packets(2_000) == list(range(2_000))


def test_messages_are_transient_expire_with_the_msl_and_name_their_sender(amqp_lab: Lab) -> None:
    @in_loop
    async def send_one() -> None:
        async with open_port(amqp_lab, "client", client_end()) as (client, _):
            client.send([fresh(1)])

    with channel(amqp_lab.broker("netem")) as network:
        network.queue_declare("network.1", exclusive=True)
        network.queue_bind("network.1", "to-network", "1")
        send_one()
        method, properties, body = network.basic_get("network.1", auto_ack=True)

    assert method is not None
    assert properties is not None
    assert body is not None
    sent = (properties.headers or {}).get("sent")
    assert isinstance(sent, int)
    assert properties.delivery_mode == 1
    assert properties.expiration == str(2 * MINUTE // 1_000_000)
    assert properties.user_id == amqp_lab.broker("client").user
    assert properties.content_type == CONTENT_TYPE
    assert 0 <= CLOCK.now() // 1_000 - sent < 60_000_000
    assert [each.id for each in decode(body).packets] == [1]


@in_loop
async def test_a_broker_that_takes_nothing_fills_a_bounded_buffer_and_what_is_beyond_is_dropped(amqp_lab: Lab) -> None:
    limits = AmqpLimits(heartbeat=20, buffer=1 << 20)  # patient enough for the test
    burst = [fresh(identity, payload=bytes(1_400)) for identity in range(MESSAGE_PACKETS_LIMIT)]

    async with (
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        open_port(amqp_lab, "netem", network_end(amqp_lab)) as (_, at_network),
        open_port(amqp_lab, "client", client_end(), limits, cable.port) as (client, at_client),
    ):
        cable.hold()
        client.send(burst)
        octets = at_client.of(MessageSent)[0].octets
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(400):  # about 50 MB: more than all the sockets' buffers on the way and the port's own
            client.send(burst)
            await asyncio.sleep(0)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        outcomes = [event.outcome for event in at_client.of(MessageSent)]
        sent = outcomes.count("sent")

        cable.resume()
        received = await at_network.until_packets(sent * MESSAGE_PACKETS_LIMIT)
        client.send([fresh(1_000_000)])
        assert (await at_network.until_packets(len(received) + 1))[-1] == 1_000_000

    assert outcomes.count("dropped") == 401 - sent > 0
    assert len(received) == sent * MESSAGE_PACKETS_LIMIT
    assert sent * octets < 24 << 20  # what the kernel's and the cable's buffers take is theirs
    assert grown < 32 << 10  # kilobytes
    assert at_client.of(LinkDown) == []


@in_loop
async def test_a_broker_that_asks_for_a_pause_is_told_of(amqp_lab: Lab) -> None:
    blocked = pika.frame.Method(0, pika.spec.Connection.Blocked(reason="low on memory")).marshal()
    unblocked = pika.frame.Method(0, pika.spec.Connection.Unblocked()).marshal()

    async with (
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        open_port(amqp_lab, "client", client_end(), port=cable.port) as (_, watcher),
    ):
        cable.whisper(blocked)  # an alarm of the real broker would stop every other test, too
        await watcher.until_told(LinkBlocked)
        cable.whisper(unblocked)
        await watcher.until_told(LinkBlocked, 2)

    assert watcher.events == [LinkUp(0), LinkBlocked(True), LinkBlocked(False)]
