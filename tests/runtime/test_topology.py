"""What the lab declares at a broker, and what its users may do there; no broker needed."""

import re

import pytest

from tcplab.node import Address
from tcplab.runtime.amqp.topology import (
    EXCHANGES,
    SHARDS,
    Permissions,
    Queue,
    configuration_stream,
    control_queue,
    host_permissions,
    host_queue,
    lab_permissions,
    lab_queue,
    network_permissions,
    network_queue,
    pair_key,
    permissions,
    quarantine_queue,
    watched_queue,
    watcher_queue,
)

QUEUES = [
    host_queue(Address("10.0.1.7")),
    network_queue(16),
    control_queue(3),
    lab_queue(),
    quarantine_queue(),
    watched_queue("1a"),
    watcher_queue("1a"),
]


def named(queue: Queue) -> str:
    return queue.name


@pytest.mark.parametrize("queue", QUEUES, ids=named)
def test_every_queue_is_exclusive_or_durable_with_an_expiry(queue: Queue) -> None:
    # RabbitMQ 4.3 refuses transient queues that are not exclusive
    assert queue.exclusive or (queue.durable and int(queue.arguments["x-expires"]) > 0)


@pytest.mark.parametrize("queue", QUEUES, ids=named)
def test_every_queue_is_bounded_and_loses_the_oldest_first(queue: Queue) -> None:
    assert 0 < int(queue.arguments["x-max-length"]) <= 10_000
    assert 0 < int(queue.arguments["x-max-length-bytes"]) <= 64 << 20
    assert queue.arguments["x-overflow"] == "drop-head"


@pytest.mark.parametrize("queue", QUEUES, ids=named)
def test_every_queue_says_of_what_kind_it_is(queue: Queue) -> None:
    # a virtual host may default to quorum queues, which are never exclusive
    assert queue.arguments["x-queue-type"] == "classic"


def test_the_names_are_those_of_the_design() -> None:
    assert host_queue(Address("10.0.1.7")).name == "host.10.0.1.7"
    assert [network_queue(shard).name for shard in SHARDS] == [f"network.{number}" for number in range(1, 17)]
    assert EXCHANGES == {
        "to-network": "x-consistent-hash",
        "quarantine": "fanout",
        "events": "topic",
        "configuration": "fanout",
    }
    assert list(EXCHANGES)[-1] == "to-network", "hosts take it for the sign that all are there"


def test_both_directions_of_a_pair_have_one_key_and_no_other_pair_has_it() -> None:
    addresses = [Address(f"10.0.{net}.{host}") for net in (1, 2) for host in (1, 11, 2, 21)]
    keys = {frozenset((one, other)): pair_key(one, other) for one in addresses for other in addresses}

    assert all(pair_key(*sorted(pair, reverse=True)) == key for pair, key in keys.items() if len(pair) == 2)
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize(("name", "may"), [("network.1", True), ("network.16", True), ("network", False)])
def test_the_network_holds_its_shards(name: str, may: bool) -> None:
    for pattern in network_permissions():
        assert bool(re.search(pattern, name)) is may


@pytest.mark.parametrize("name", ["amq.default", "to-network", "network.1", "host.10.0.1.1", "control.1", "quarantine"])
def test_the_lab_service_may_do_nothing_to_the_data_path(name: str) -> None:
    assert not any(re.search(pattern, name) for pattern in lab_permissions())


def test_only_the_lab_service_may_write_the_configuration() -> None:
    assert [user for user, may in permissions().items() if re.search(may.write, "configuration")] == ["lab"]
    assert [user for user, may in permissions().items() if re.search(may.read, "configuration")] == ["netem", "lab"]


def test_the_configurations_stream_is_bounded_and_keeps_what_was_written() -> None:
    stream = configuration_stream()

    assert stream.durable
    assert not stream.exclusive
    assert stream.arguments["x-queue-type"] == "stream"
    assert 0 < int(stream.arguments["x-stream-max-segment-size-bytes"]) < int(stream.arguments["x-max-length-bytes"])
    assert "x-expires" not in stream.arguments, "a stream refuses it"


CLIENT_MAY = host_permissions("10.0.1.0/24")


@pytest.mark.parametrize("name", ["host.10.0.1.1", "host.10.0.1.254"])
def test_a_host_may_configure_and_read_the_queues_of_its_prefix(name: str) -> None:
    assert re.search(CLIENT_MAY.configure, name)
    assert re.search(CLIENT_MAY.read, name)
    assert not re.search(CLIENT_MAY.write, name)


@pytest.mark.parametrize(
    "name",
    [
        "host.10.0.2.1",
        "host.10.0.11.1",
        "host.10.0x1.1",
        "xhost.10.0.1.1",
        "host.10.0.1.",
        "host.10.0.1.1x",
        "network.1",
        "quarantine",
        "to-network",
        "events",
        "watched.1a",
        "watcher.1a",
        "amq.default",
        "",
    ],
)
def test_a_host_may_configure_and_read_nothing_else(name: str) -> None:
    assert not re.search(CLIENT_MAY.configure, name)
    assert not re.search(CLIENT_MAY.read, name)


@pytest.mark.parametrize("name", ["to-network", "quarantine", "events"])
def test_a_host_may_write_to_these_three(name: str) -> None:
    assert re.search(CLIENT_MAY.write, name)


@pytest.mark.parametrize(
    "name", ["amq.default", "amq.direct", "amq.topic", "network.1", "to-networks", "host.10.0.2.1", ""]
)
def test_a_host_may_write_to_nothing_else(name: str) -> None:
    assert not re.search(CLIENT_MAY.write, name)


def test_only_the_network_may_write_to_the_default_exchange() -> None:
    able = [user for user, may in permissions().items() if re.search(may.write, "amq.default")]

    assert able == ["netem"]
    assert not re.search(network_permissions().read, "host.10.0.1.1")
    assert not re.search(network_permissions().configure, "host.10.0.1.1")


def test_the_network_may_hear_of_watchers_and_takes_no_watchers_queue() -> None:
    for pattern in network_permissions():
        assert re.search(pattern, watched_queue("0f").name)
        assert not re.search(pattern, watcher_queue("0f").name)
        assert not re.search(pattern, "watched")


def test_a_wider_prefix_ends_at_a_dot_too() -> None:
    assert host_permissions("10.7.0.0/16") == Permissions(
        r"^host\.10\.7\.[0-9.]+$", "^(to-network|quarantine|events)$", r"^host\.10\.7\.[0-9.]+$"
    )


@pytest.mark.parametrize("prefix", ["10.0.1.0/25", "10.0.1.1/32", "10.0.1.0/23"])
def test_a_prefix_that_no_pattern_of_text_can_name_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match=re.escape(prefix)):
        host_permissions(prefix)
