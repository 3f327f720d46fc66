"""Malformed messages: counted by reason, put into quarantine, and otherwise without consequence."""

import asyncio
import json
import tracemalloc
from collections import Counter
from typing import Any

import pika
import pytest

from tcplab.netem.network import Network
from tcplab.port import LinkDown, MessageReceived
from tcplab.runtime.loop import Driver
from tcplab.wire.json import decode, encode
from tests.broker.asking import channel
from tests.broker.ports import CLOCK, Watcher, client_end, fresh, make, network_end, open_port, server_end
from tests.netem.packets import CLIENT, SERVER
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

PADDING = "x" * 2_000


def with_fields(**fields: object) -> bytes:
    """Return a message with one packet, otherwise good, of which some fields are changed."""
    message: dict[str, Any] = json.loads(encode([fresh(1)]))
    message["packets"][0].update(fields)
    return json.dumps(message).encode()


GARBAGE = {
    "not_json": b"\xff\x00" * 1_000,
    "unknown_version": json.dumps({"v": 2, "padding": PADDING}).encode(),
    "not_an_envelope": json.dumps({"v": 1, "padding": PADDING}).encode(),
    "unknown_field": with_fields(padding=PADDING),
    "bad_address": with_fields(src=PADDING),
}
ROUNDS = 500  # of every kind of garbage and one good message; below what a queue holds before it drops
POURS = 4


def pour(lab: Lab, first: int) -> None:
    """Publish garbage of every kind, and a good packet after each round, as fast as that goes."""
    properties = pika.BasicProperties(user_id=lab.broker("client").user)
    with channel(lab.broker("client")) as client:
        for identity in range(first, first + ROUNDS):
            for body in (*GARBAGE.values(), encode([fresh(identity)])):
                client.basic_publish("to-network", "", body, properties)


def rejected(watcher: Watcher) -> Counter[str]:
    counts: Counter[str] = Counter()
    for event in watcher.of(MessageReceived):
        counts.update(dict(event.rejected))
    return counts


@in_loop
async def test_ten_thousand_malformed_messages_cost_no_good_segment_and_no_memory(amqp_lab: Lab) -> None:
    at_network = Watcher()
    network = make(amqp_lab, "netem", network_end(amqp_lab))
    grown = []

    async with (
        Driver("netem", Network({}, seed=1), network, (at_network,), clock=CLOCK),
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
    ):
        for number in range(POURS):
            tracemalloc.start()
            await asyncio.to_thread(pour, amqp_lab, number * ROUNDS)
            arrived = await at_server.until_packets(ROUNDS)
            counts = rejected(at_network)
            assert at_network.of(LinkDown) == []
            for watcher in (at_network, at_server):
                watcher.events.clear()
                watcher.packets.clear()
                watcher.senders.clear()
            grown.append(tracemalloc.get_traced_memory()[0])
            tracemalloc.stop()
            assert arrived == list(range(number * ROUNDS, (number + 1) * ROUNDS))
            assert counts == dict.fromkeys(GARBAGE, ROUNDS)

    # Each pour brings 5 MB of garbage. The first fills caches; the others leave nothing behind.
    assert POURS * ROUNDS * len(GARBAGE) == 10_000
    assert max(grown[1:]) < 500_000, grown
    with channel(amqp_lab.broker("netem")) as asked:
        assert asked.queue_declare("quarantine", passive=True).method.message_count == 1_000


@in_loop
async def test_the_good_packets_of_a_message_are_taken_and_the_bad_are_counted(amqp_lab: Lab) -> None:
    message = json.loads(encode([fresh(identity) for identity in range(1, 6)]))
    message["packets"][1]["sport"] = 65_536
    message["packets"][3]["flags"] = "Z"

    async with (
        open_port(amqp_lab, "netem", network_end(amqp_lab)) as (_, at_network),
        open_port(amqp_lab, "client", client_end()),
    ):
        with channel(amqp_lab.broker("client")) as asked:
            asked.basic_publish("to-network", "", json.dumps(message).encode())
        received = await at_network.until_packets(3)

    [event] = at_network.of(MessageReceived)
    assert received == [1, 3, 5]
    assert (event.packets, event.outcome) == (3, "quarantined")
    assert event.rejected == (("bad_flags", 1), ("out_of_range", 1))


@in_loop
async def test_what_is_malformed_waits_in_quarantine_with_its_reason_and_sender(amqp_lab: Lab) -> None:
    user = amqp_lab.broker("client").user
    async with open_port(amqp_lab, "netem", network_end(amqp_lab)) as (_, at_network):
        with channel(amqp_lab.broker("client")) as asked:
            asked.basic_publish("to-network", "", b"what?", pika.BasicProperties(user_id=user))
        await at_network.until_told(MessageReceived)

    with channel(amqp_lab.broker("netem")) as asked:
        _, properties, body = asked.basic_get("quarantine", auto_ack=True)
    assert body == b"what?"
    assert properties is not None
    assert properties.headers == {"reason": "not_json: 1", "sender": user}
    assert properties.expiration is None, "it would be gone after an MSL, before anybody has looked"


@in_loop
async def test_a_host_survives_malformed_messages_too(amqp_lab: Lab) -> None:
    async with (
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        open_port(amqp_lab, "client", client_end()),
    ):
        with channel(amqp_lab.broker("netem")) as asked:
            for body in (*GARBAGE.values(), encode([fresh(1, CLIENT, SERVER)])):
                asked.basic_publish("", "host.10.0.2.1", body)
        received = await at_server.until_packets(1)

    assert received == [1]
    assert rejected(at_server) == dict.fromkeys(GARBAGE, 1)
    assert at_server.of(LinkDown) == []


@pytest.mark.parametrize(
    "headers", [None, {}, {"sent": "soon"}, {"sent": -5}, {"sent": 2**62}, {"sent": True}, {"sent": [1]}]
)
@in_loop
async def test_a_nonsensical_time_of_sending_is_no_time(headers: dict[str, Any] | None, amqp_lab: Lab) -> None:
    async with open_port(amqp_lab, "netem", network_end(amqp_lab)) as (_, at_network):
        with channel(amqp_lab.broker("client")) as asked:
            asked.basic_publish("to-network", "", encode([fresh(9)]), pika.BasicProperties(headers=headers))
        assert await at_network.until_packets(1) == [9]

    assert [event.transit for event in at_network.of(MessageReceived)] == [None]
    assert [each.id for each in decode(encode(at_network.packets)).packets] == [9]
