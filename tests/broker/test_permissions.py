"""Every way past the network is refused: by the broker, or, where the source address is a lie, by the network.

The broker is asked by means of pika itself, as somebody would who means it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from tcplab.netem.network import Network
from tcplab.node import Address, PacketDiscarded
from tcplab.runtime.amqp import Broker
from tcplab.runtime.loop import Driver
from tcplab.wire.json import encode
from tests.broker.asking import channel
from tests.broker.ports import CLOCK, Watcher, client_end, fresh, make, network_end, open_port, server_end
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

VICTIM = "host.10.0.2.1"
OWN = "host.10.0.1.9"
Way = Callable[[BlockingChannel], object]


@contextmanager
def declared(lab: Lab) -> Iterator[BlockingChannel]:
    """The network's queue and the server's, as in a lab that runs; gives the server's channel."""
    with channel(lab.broker("netem")) as network, channel(lab.broker("server")) as server:
        network.queue_declare("network.1", exclusive=True)
        network.queue_bind("network.1", "to-network", "1")
        network.queue_declare("quarantine", durable=True, arguments={"x-expires": 60_000})
        server.queue_declare(VICTIM, exclusive=True)
        yield server


def attempt(broker: Broker, way: Way) -> None:
    """Try a way, to its end: a refusal of a message comes only after it."""
    with channel(broker) as asked:
        way(asked)
        asked.basic_qos(prefetch_count=1)  # an answer to this means that the broker has dealt with what came before


def deadlettered(exchange: str) -> Way:
    arguments = {"x-message-ttl": 0, "x-dead-letter-exchange": exchange, "x-dead-letter-routing-key": VICTIM}
    return lambda asked: asked.queue_declare(OWN, exclusive=True, arguments=arguments)


def bound(exchange: str) -> Way:
    def way(asked: BlockingChannel) -> None:
        asked.queue_declare(OWN, exclusive=True)
        asked.queue_bind(OWN, exchange, "1")

    return way


def through_own_exchange(asked: BlockingChannel) -> None:
    asked.exchange_declare(OWN, "fanout", auto_delete=True)
    asked.exchange_bind("to-network", OWN)
    asked.basic_publish(OWN, "", b"x")


WAYS: dict[str, Way] = {
    "publish to a host's queue through the default exchange": lambda asked: asked.basic_publish("", VICTIM, b"x"),
    "publish through amq.direct": lambda asked: asked.basic_publish("amq.direct", VICTIM, b"x"),
    "publish through amq.topic": lambda asked: asked.basic_publish("amq.topic", VICTIM, b"x"),
    "publish through an exchange of its own": through_own_exchange,
    "answer a direct reply": lambda asked: asked.basic_publish("", "amq.rabbitmq.reply-to.x", b"x"),
    "forge the user of a message": lambda asked: asked.basic_publish(
        "to-network", "", b"x", pika.BasicProperties(user_id="server")
    ),
    "let a queue of its own pass messages on to the default exchange": deadlettered(""),
    "let a queue of its own pass messages on to amq.direct": deadlettered("amq.direct"),
    "let an exchange of its own pass messages on": lambda asked: asked.exchange_declare(
        OWN, "fanout", arguments={"alternate-exchange": "amq.direct"}
    ),
    "read another's queue": lambda asked: asked.basic_get(VICTIM),
    "take messages from another's queue": lambda asked: asked.basic_consume(VICTIM, lambda *_: None),
    "read the network's queue": lambda asked: asked.basic_get("network.1"),
    "read the quarantine": lambda asked: asked.basic_get("quarantine"),
    "bind another's queue": lambda asked: asked.queue_bind(VICTIM, "to-network", "1"),
    "bind its own queue to what goes to the network": bound("to-network"),
    "bind its own queue to what is told of the network": bound("events"),
    "claim a watcher's queue": lambda asked: asked.queue_declare("watcher.1", exclusive=True),
    "claim the queue in which a network hears of watchers": lambda asked: asked.queue_declare(
        "watched.1", exclusive=True
    ),
    "bind its own queue to amq.direct": bound("amq.direct"),
    "claim an address outside its prefix": lambda asked: asked.queue_declare("host.10.0.2.9", exclusive=True),
    "claim an address that only begins alike": lambda asked: asked.queue_declare("host.10.0.11.9", exclusive=True),
    "claim a shard of the network": lambda asked: asked.queue_declare("network.2", exclusive=True),
    "empty another's queue": lambda asked: asked.queue_purge(VICTIM),
    "delete another's queue": lambda asked: asked.queue_delete(VICTIM),
    "delete the way to the network": lambda asked: asked.exchange_delete("to-network"),
    "declare an exchange": lambda asked: asked.exchange_declare("mine", "fanout"),
}


@pytest.mark.parametrize("name", WAYS)
def test_the_broker_refuses_a_client_to(name: str, amqp_lab: Lab) -> None:
    with declared(amqp_lab) as server:
        with pytest.raises(ChannelClosedByBroker) as refused:
            attempt(amqp_lab.broker("client"), WAYS[name])
        left = server.queue_declare(VICTIM, exclusive=True).method.message_count

    assert refused.value.reply_code == (406 if name.startswith("forge") else 403), refused.value.reply_text
    assert left == 0


FOR_THE_LAB_SERVICE_ALONE: dict[str, Way] = {
    "write the network's configuration": lambda asked: asked.basic_publish("configuration", "", b"x"),
    "write it past the exchange": lambda asked: asked.basic_publish("", "configuration", b"x"),
    "hold the lab service's queue": lambda asked: asked.queue_declare("lab", exclusive=True),
}


@pytest.mark.parametrize(
    ("role", "name"),
    # The network may write to the default exchange, which is how it reaches hosts: it could write its own log.
    [("client", name) for name in FOR_THE_LAB_SERVICE_ALONE]
    + [("netem", name) for name in FOR_THE_LAB_SERVICE_ALONE if "past" not in name],
)
def test_the_broker_refuses_all_others_to(role: str, name: str, amqp_lab: Lab) -> None:
    with declared(amqp_lab) as server:
        with pytest.raises(ChannelClosedByBroker) as refused:
            attempt(amqp_lab.broker(role), FOR_THE_LAB_SERVICE_ALONE[name])
        assert server.is_open

    assert refused.value.reply_code == 403


@pytest.mark.parametrize("name", [name for name in WAYS if "publish" in name or "another's queue" in name])
def test_the_broker_refuses_the_lab_service_to(name: str, amqp_lab: Lab) -> None:
    with declared(amqp_lab) as server:
        with pytest.raises(ChannelClosedByBroker) as refused:
            attempt(amqp_lab.broker("lab"), WAYS[name])
        left = server.queue_declare(VICTIM, exclusive=True).method.message_count

    assert (refused.value.reply_code, left) == (403, 0)


@pytest.mark.parametrize("way", [lambda asked: asked.basic_get(VICTIM), lambda asked: asked.queue_delete(VICTIM)])
def test_within_one_prefix_the_holders_exclusive_right_protects_a_queue(way: Way, amqp_lab: Lab) -> None:
    with declared(amqp_lab), pytest.raises(ChannelClosedByBroker) as refused:
        attempt(amqp_lab.broker("server"), way)

    assert refused.value.reply_code == 405


def test_the_same_ways_are_open_to_whom_they_belong(amqp_lab: Lab) -> None:
    with declared(amqp_lab) as server:
        attempt(amqp_lab.broker("netem"), WAYS["publish to a host's queue through the default exchange"])
        attempt(amqp_lab.broker("netem"), WAYS["read the quarantine"])
        attempt(amqp_lab.broker("client"), lambda asked: asked.queue_declare(OWN, exclusive=True))
        attempt(amqp_lab.broker("client"), lambda asked: asked.basic_publish("to-network", "", b"x"))
        _, _, body = server.basic_get(VICTIM, auto_ack=True)

    assert body == b"x"


@in_loop
async def test_the_network_refuses_what_does_not_come_from_its_senders_prefix(amqp_lab: Lab) -> None:
    at_network = Watcher()
    network = make(amqp_lab, "netem", network_end(amqp_lab))
    lies = [
        fresh(1, source=Address("10.0.2.9")),
        fresh(2, source=Address("192.0.2.1")),
        fresh(3, source=Address("10.0.2.1"), target=Address("10.0.1.1")),
    ]

    async with (
        Driver("netem", Network({}, seed=1), network, (at_network,), clock=CLOCK),
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        open_port(amqp_lab, "client", client_end()) as (client, at_client),
    ):
        client.send([*lies, fresh(4)])
        assert await at_server.until_packets(1) == [4]

    refused = [(event.packet.id, event.reason) for event in at_network.of(PacketDiscarded)]
    assert sorted(refused) == [(1, "spoofed_source"), (2, "spoofed_source"), (3, "spoofed_source")]
    assert at_client.packets == []


@in_loop
async def test_the_network_refuses_a_message_that_nobody_vouches_for(amqp_lab: Lab) -> None:
    at_network = Watcher()
    network = make(amqp_lab, "netem", network_end(amqp_lab))

    async with (
        Driver("netem", Network({}, seed=1), network, (at_network,), clock=CLOCK),
        open_port(amqp_lab, "server", server_end()) as (_, at_server),
        open_port(amqp_lab, "client", client_end()) as (client, _),
    ):
        attempt(amqp_lab.broker("client"), lambda asked: asked.basic_publish("to-network", "", encode([fresh(1)])))
        client.send([fresh(2)])
        assert await at_server.until_packets(1) == [2]

    assert [event.reason for event in at_network.of(PacketDiscarded)] == ["spoofed_source"]


@in_loop
async def test_what_a_hosts_queue_passes_on_to_the_network_is_refused_there(amqp_lab: Lab) -> None:
    at_network = Watcher()
    network = make(amqp_lab, "netem", network_end(amqp_lab))
    arguments = {"x-message-ttl": 0, "x-dead-letter-exchange": "to-network"}

    async with (
        Driver("netem", Network({}, seed=1), network, (at_network,), clock=CLOCK),
        open_port(amqp_lab, "server", server_end()) as (server, _),
    ):
        with channel(amqp_lab.broker("client")) as asked:
            asked.queue_declare(OWN, exclusive=True, arguments=arguments)
            server.send([fresh(1, Address("10.0.2.1"), Address("10.0.1.9"))])
            refused = await at_network.until_told(PacketDiscarded)

    # it comes back as the network's own message, and the network is no host
    assert (refused.packet.id, refused.reason) == (1, "spoofed_source")
