"""The two kinds of ends a link can have: a host, which claims an address, and the network, which claims a shard."""

import asyncio
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Final, Protocol

from tcplab.node import Address
from tcplab.port import PortError
from tcplab.runtime.amqp.failures import NOT_FOUND, PRECONDITION_FAILED, RESOURCE_LOCKED, Refused, Unreachable
from tcplab.runtime.amqp.link import Link
from tcplab.runtime.amqp.topology import (
    EXCHANGES,
    QUARANTINE,
    SHARDS,
    TO_NETWORK,
    WEIGHT,
    Queue,
    host_queue,
    network_queue,
    pair_key,
    quarantine_queue,
)

RETRY_CLAIM: Final = 1.0  # seconds

Say = Callable[[str], None]
"""Takes a line for people about what is being waited for."""


class End(Protocol):
    """What a port does at a broker besides carrying."""

    async def claim(self, link: Link, patience: float, say: Say) -> str:
        """Claim what this end needs, and return the queue to take messages from.

        Args:
            link: the broker.
            patience: seconds for which a queue may be locked before that is believed: its holder may be dead.
            say: told what is being waited for.

        Raises:
            LinkError: the link failed, or it is too early.
            PortError: it belongs to another.
        """

    def route(self, target: Address, /) -> tuple[str, str]:
        """Return the exchange and the routing key for packets to ``target``."""

    def sender(self, user: str | None, /) -> str | None:
        """Return the verified name of a sender, given the user that the broker vouches for; ``None`` to not care."""


class HostEnd:
    """A host: holds the queue of its address, and sends whatever it has to the network."""

    def __init__(self, prefix: str, address: Address | None = None) -> None:
        """Claim ``address``, or lease a free one of ``prefix``, the lowest.

        Raises:
            ValueError: the prefix is none, or the address is not in it.
        """
        self._prefix = IPv4Network(prefix)
        if address is not None and IPv4Address(address) not in self._prefix:
            raise ValueError(f"address {address} is not in {prefix}, where this service's addresses are")
        self._address = address

    @property
    def address(self) -> Address:
        """The address: the fixed one, or, once the port has connected, the leased one; it never changes."""
        assert self._address is not None, "an address is leased by connecting the port"
        return self._address

    async def claim(self, link: Link, patience: float, say: Say) -> str:
        """Claim the address, which is to hold its queue."""
        try:
            await link.require_exchange(TO_NETWORK)
        except Refused as error:
            if error.code != NOT_FOUND:
                raise
            raise Unreachable(f"the lab has no network yet, exchange {TO_NETWORK!r} is missing") from None
        if self._address is None:
            self._address = await self._lease(link)
        else:
            taken = f"address {self._address} is in use by another host; choose another (TCPLAB_ADDRESS)"
            await hold(link, host_queue(self._address), taken, patience, say)
        return host_queue(self._address).name

    def route(self, target: Address, /) -> tuple[str, str]:
        """Send everything to the network, to that shard of it that has this pair of hosts."""
        return TO_NETWORK, pair_key(self.address, target)

    def sender(self, _user: str | None, /) -> str | None:
        """Ask nobody's name: none but the network can reach a host's queue."""
        return None

    async def _lease(self, link: Link) -> Address:
        for candidate in self._prefix.hosts():
            address = Address(str(candidate))
            if await _free(link, host_queue(address)):
                return address
        raise PortError(f"no address of {self._prefix} is free; stop a host, or use a wider prefix")


class NetworkEnd:
    """The network, or a shard of it: takes what hosts send, and alone puts messages into their queues."""

    def __init__(self, senders: Mapping[str, str] | None = None, *, verify: bool = True, alone: bool = False) -> None:
        """Know the senders.

        Args:
            senders: the role of each user of the broker that is not called by its role.
            verify: whether to say who sends; not where all hosts are one user, as in a lab within one process.
            alone: whether to be the whole network, and refuse a lab that has one, instead of its next shard.
        """
        self._senders = dict(senders or {})
        self._verify = verify
        self._alone = alone
        self._shard = SHARDS[0] if alone else None

    @property
    def shard(self) -> int:
        """Which shard of the network this is, once the port has connected; it never changes."""
        assert self._shard is not None, "a shard is claimed by connecting the port"
        return self._shard

    async def claim(self, link: Link, patience: float, say: Say) -> str:
        """Declare the lab, and claim the queue of a shard: the lowest that is free, and later the same again."""
        for name, kind in EXCHANGES.items():
            await _declare_exchange(link, name, kind)
        await link.declare_queue(quarantine_queue())
        await link.bind(QUARANTINE, QUARANTINE)
        choice = "use another virtual host (TCPLAB_VHOST, or the path of the URL)"
        if self._alone:
            for shard in SHARDS:
                taken = f"this lab has a network already; stop it, or {choice}"
                await hold(link, network_queue(shard), taken, patience, say)
        elif self._shard is None:
            self._shard = await self._next_shard(link, choice)
        else:
            taken = f"shard {self._shard} of the network runs elsewhere by now; start this one anew"
            await hold(link, network_queue(self._shard), taken, patience, say)
        queue = network_queue(self.shard).name
        await link.bind(queue, TO_NETWORK, WEIGHT)
        return queue

    def route(self, target: Address, /) -> tuple[str, str]:
        """Send to the host's queue, through the default exchange."""
        return "", host_queue(target).name

    def sender(self, user: str | None, /) -> str | None:
        """Say whose message it was: nobody's, where the broker vouches for none."""
        if not self._verify:
            return None
        return self._senders.get(user, user) if user else ""

    async def _next_shard(self, link: Link, choice: str) -> int:
        for shard in SHARDS:
            if await _free(link, network_queue(shard)):
                return shard
        raise PortError(f"all {len(SHARDS)} shards of the lab's network run already; stop one, or {choice}")


async def _declare_exchange(link: Link, name: str, kind: str) -> None:
    """Declare an exchange, in the place of one that an earlier release has left behind with another type."""
    try:
        await link.declare_exchange(name, kind)
    except Refused as error:
        if error.code != PRECONDITION_FAILED:
            raise
        await link.open_channel()
        await link.delete_unused_exchange(name)
        await link.declare_exchange(name, kind)


async def _free(link: Link, queue: Queue) -> bool:
    """Take a queue, and return whether it was free."""
    try:
        await link.declare_queue(queue)
    except Refused as error:
        if error.code != RESOURCE_LOCKED:
            raise
        await link.open_channel()
        return False
    return True


async def hold(link: Link, queue: Queue, taken: str, patience: float, say: Say) -> None:
    """Take a queue; believe only after a while that a holder lives.

    Raises:
        LinkError: the link failed.
        PortError: ``taken``.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while not await _free(link, queue):
        left = until - loop.time()
        if left <= 0:
            raise PortError(taken)
        say(f"queue {queue.name} is held by another connection; waiting {patience:.0f} s in case that one is dead")
        await link.unless_lost(asyncio.sleep(min(RETRY_CLAIM, left)))
