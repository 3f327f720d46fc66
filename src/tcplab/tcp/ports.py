"""Ephemeral ports (RFC 6335, section 6): a pool for each destination, since a port is only taken towards one."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Final

from tcplab.node import Address
from tcplab.tcp.fifo import Fifo

Destination = tuple[Address, int]

_BROADCAST: Final = IPv4Address("255.255.255.255")


@lru_cache(maxsize=1_024)
def is_unicast(address: Address) -> bool:
    """Return whether a text is an IPv4 address of one host: neither unspecified nor multicast nor broadcast."""
    try:
        parsed = IPv4Address(address)
    except ValueError:
        return False
    return not (parsed.is_unspecified or parsed.is_multicast or parsed == _BROADCAST)


class _Pool:
    __slots__ = ("free", "fresh", "used")

    def __init__(self) -> None:
        self.fresh = 0  # how many ports were never handed out is the limit less this
        self.free = Fifo("H")
        self.used: dict[int, None] = {}  # in the order in which they were taken; half as large as a set


class EphemeralPorts:
    """Hands out ports, the one that has rested longest first, in constant time.

    Attributes:
        limit: how many connections to one destination the ports last.
    """

    def __init__(self, first: int, last: int, offset: int = 0) -> None:
        """Make a pool of the ports ``first`` to ``last``, both included, that begins ``offset`` ports after the first.

        A host that starts anew should not begin where it began before: its peers may hold those connections in
        TIME_WAIT still (RFC 6056, section 3.3).
        """
        self.limit = last - first + 1
        self._first = first
        self._offset = offset
        self._pools: dict[Destination, _Pool] = {}

    @property
    def in_use(self) -> int:
        """Ports in use towards the destination where they are scarcest."""
        return max((len(pool.used) for pool in self._pools.values()), default=0)

    def take(self, destination: Destination, busy: Callable[[int], bool]) -> int | None:
        """Return a port that is free towards the destination, ``None`` if none is left.

        ``busy`` tells of a port that an application has taken by its number.
        """
        pool = self._pools.get(destination)
        if pool is None:
            pool = self._pools[destination] = _Pool()
        for _ in range(self.limit - pool.fresh + len(pool.free)):
            if pool.fresh < self.limit:
                port = self._first + (self._offset + pool.fresh) % self.limit
                pool.fresh += 1
            else:
                port = pool.free.popleft()
            if not busy(port):
                pool.used[port] = None
                return port
            pool.free.append(port)
        return None

    def taken(self, destination: Destination) -> Iterator[int]:
        """Yield the ports in use towards a destination, the one that was taken first foremost.

        The iterator must not be used any more once a port was taken or given back.
        """
        pool = self._pools.get(destination)
        return iter(pool.used) if pool is not None else iter(())

    def take_again(self, destination: Destination, port: int) -> None:
        """Take a port over for another connection; one that was not handed out stays somebody else's."""
        pool = self._pools.get(destination)
        if pool is not None and port in pool.used:
            del pool.used[port]
            pool.used[port] = None

    def give_back(self, destination: Destination, port: int) -> None:
        """Take a port back; one that was not handed out is not ours to keep."""
        pool = self._pools.get(destination)
        if pool is not None and port in pool.used:
            del pool.used[port]
            pool.free.append(port)
