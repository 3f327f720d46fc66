"""Exchanges, queues and permissions of a lab on a broker: the names, and what each queue is declared with.

Hosts publish to ``to-network``, which spreads pairs of hosts over the shards of the network: both directions of a pair
go to one and the same, in the order in which they were published. A shard consumes from its queue, ``network.1`` or
another up to ``network.16``, and publishes through the default exchange to the queue ``host.<address>``, which its host
holds exclusively. Whoever may bind a queue may bind it to anything, so hosts may bind nothing: the default exchange
needs no binding.
"""

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Final, NamedTuple

from tcplab.netem.roles import DEFAULT_ROLES
from tcplab.node import Address
from tcplab.units import MILLISECOND, MINUTE

VHOST_DEFAULT: Final = "tcplab"

TO_NETWORK: Final = "to-network"
CONFIGURATION: Final = "configuration"
"""The exchange that the network's configuration is published to, and the stream that keeps it."""
QUARANTINE: Final = "quarantine"
EVENTS: Final = "events"
LEASE: Final = "lease"
"""Routing key of ``events``: somebody watches, and goes on to do so for a while."""
JOURNAL: Final = "journal"
"""Routing key of ``events``: what a node that is watched tells."""
EXCHANGES: Final[Mapping[str, str]] = {
    QUARANTINE: "fanout",
    EVENTS: "topic",
    CONFIGURATION: "fanout",
    TO_NETWORK: "x-consistent-hash",
}
"""Exchanges and their types; ``to-network`` comes last, since hosts take it for the sign that all are there."""

SHARDS: Final = range(1, 17)
"""What the network may be divided into."""
WEIGHT: Final = "1"
"""A shard's share of the pairs, against the others': the key that binds its queue."""
NETEM: Final = "netem"
LAB: Final = "lab"
"""The lab service's user, and the queue that it holds: there is one such service in a lab."""
CONTROL: Final = "control"
"""Key of messages on ``events`` to all shards of the network."""
REPORT: Final = "report"
"""Key of what shards tell of themselves there."""

EMPTY_AFTER: Final = 0.5
"""Seconds without a record that let a stream pass for empty: what the broker counts in it comes five seconds late."""

WATCHED: Final = "watched."
"""What the queues begin with in which networks hear that they are watched."""

_DAY: Final = 24 * 60 * MINUTE // MILLISECOND


class Queue(NamedTuple):
    """What a queue is declared with. RabbitMQ 4.3 refuses what is neither exclusive nor durable."""

    name: str
    exclusive: bool
    durable: bool
    arguments: Mapping[str, str | int]


def _wire(name: str, *, messages: int = 10_000) -> Queue:
    """A queue that behaves as a wire does: gone with its holder, and full it loses the oldest first."""
    return Queue(
        name,
        exclusive=True,
        durable=False,
        arguments={
            "x-queue-type": "classic",  # a virtual host's default may be another
            "x-max-length": messages,
            "x-max-length-bytes": 64 << 20,
            "x-overflow": "drop-head",
        },
    )


def host_queue(address: Address) -> Queue:
    """Return the queue of a host; who holds it holds the address."""
    return _wire(f"host.{address}")


def network_queue(shard: int) -> Queue:
    """Return the queue of a shard of the network; who holds it is that shard."""
    return _wire(f"network.{shard}")


def pair_key(one: Address, other: Address) -> str:
    """Return the routing key of what two hosts send each other, the same for both directions."""
    return f"{one}-{other}" if one < other else f"{other}-{one}"


def quarantine_queue() -> Queue:
    """Return the queue in which malformed messages wait for people to look at them, the latest thousand for a day."""
    return Queue(
        QUARANTINE,
        exclusive=False,
        durable=True,
        arguments={
            "x-queue-type": "classic",
            "x-max-length": 1_000,
            "x-max-length-bytes": 16 << 20,
            "x-overflow": "drop-head",
            "x-message-ttl": _DAY,
            "x-expires": 7 * _DAY,  # without a network that declares it anew
        },
    )


def watched_queue(token: str) -> Queue:
    """Return the queue in which one network hears that it is watched."""
    return _wire(f"{WATCHED}{token}", messages=100)


def watcher_queue(token: str) -> Queue:
    """Return the queue of one watcher; one who is slow misses the oldest."""
    return _wire(f"watcher.{token}", messages=2_000)


def control_queue(shard: int) -> Queue:
    """Return the queue in which a shard of the network gets what is said to all of them."""
    return _wire(f"control.{shard}")


def lab_queue() -> Queue:
    """Return the queue of the lab service; who holds it is the only one to write the network's configuration."""
    return _wire(LAB)


def configuration_stream() -> Queue:
    """Return the stream that keeps the network's configuration: the latest snapshots, some thousands of them.

    A stream takes no expiry, and is never exclusive.
    """
    return Queue(
        CONFIGURATION,
        exclusive=False,
        durable=True,
        arguments={
            "x-queue-type": "stream",
            "x-max-length-bytes": 16 << 20,
            "x-stream-max-segment-size-bytes": 2 << 20,
        },
    )


class Permissions(NamedTuple):
    """What a user may do in a virtual host, as the regular expressions that RabbitMQ wants."""

    configure: str
    write: str
    read: str


def host_permissions(prefix: str) -> Permissions:
    """Return the permissions of hosts with addresses in ``prefix``: claim and read their queues, and send to netem.

    Raises:
        ValueError: the prefix is none, or does not end at a dot.
    """
    network = IPv4Network(prefix)
    fixed, rest = divmod(network.prefixlen, 8)
    if rest or fixed == 4:
        raise ValueError(f"{prefix}: permissions are patterns of text, so the prefix must be a /8, /16 or /24")
    octets = str(network.network_address).split(".")[:fixed]
    own = "^" + _literal(".".join(("host", *octets, ""))) + "[0-9.]+$"
    return Permissions(own, _any_of(TO_NETWORK, QUARANTINE, EVENTS), own)


def network_permissions() -> Permissions:
    """Return the permissions of the network: its topology, and, alone of all, every host's queue.

    It declares the stream of its configuration and reads it, but does not write it.
    """
    shards, watched = rf"(network|{CONTROL})\.[0-9]+", _literal(WATCHED) + "[0-9a-f]+"
    topology = _any_of(TO_NETWORK, shards, QUARANTINE, EVENTS, CONFIGURATION, watched)
    write = _any_of(_literal("amq.default"), shards, QUARANTINE, EVENTS, watched)
    return Permissions(topology, write, topology)


def lab_permissions() -> Permissions:
    """Return the permissions of the lab service: the network's configuration, and what shards tell."""
    return Permissions(
        _any_of(LAB, CONFIGURATION), _any_of(LAB, CONFIGURATION, EVENTS), _any_of(LAB, CONFIGURATION, EVENTS)
    )


def permissions() -> Mapping[str, Permissions]:
    """Return the permissions of each of the lab's services, by the name of its user, which is its role."""
    hosts = {role: host_permissions(prefix) for role, prefix in DEFAULT_ROLES.items()}
    return hosts | {NETEM: network_permissions(), LAB: lab_permissions()}


def _any_of(*patterns: str) -> str:
    return f"^({'|'.join(patterns)})$"


def _literal(text: str) -> str:
    """Return the pattern of a text in which nothing but dots means something to a pattern."""
    return text.replace(".", r"\.")
