"""Every TIME_WAIT of a host, in few octets each, and which of them ends next.

A record is a string of octets behind two dictionaries, by the peer's address and by the two ports. Nothing of it is an
object that the garbage collector looks at, so that a million of them does not make its collections long. All last
equally long, so a queue in the order in which they came is a queue in the order in which they end; those that were
restarted have a queue of their own, in the order of their last restart.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator

from tcplab.node import Address
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.fifo import Fifo
from tcplab.tcp.time_wait.record import Record, beginning, expiry
from tcplab.units import Instant

Place = tuple[Address, int]
"""The peer's address, and both ports in one number."""


def _ports(remote_port: int, local_port: int) -> int:
    return remote_port << 16 | local_port


class Records:
    """The TIME_WAITs of one address, by 4-tuple and in order of their end."""

    __slots__ = (
        "_again",
        "_count",
        "_next",
        "_next_queued",
        "_overtaken",
        "_queued_ports",
        "_queued_remotes",
        "_tables",
        "local",
    )

    def __init__(self, local: Address) -> None:
        self.local = local
        self._tables: dict[Address, dict[int, bytes]] = {}
        self._count = 0
        self._queued_remotes: deque[Address] = deque()
        self._queued_ports = Fifo("I")
        self._again: OrderedDict[Place, None] = OrderedDict()
        self._overtaken: dict[Place, int] = {}  # how many of the queue's entries for a place are of no meaning any more
        self._next: Instant | None = None  # when the first one ends, if that is known
        self._next_queued = True  # whether that is the queue's first, and not the first of those restarted

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        """Yield every record, by peer."""
        for remote, table in self._tables.items():
            for ports, octets in table.items():
                yield self._record(remote, ports, octets)

    def find(self, remote: Address, remote_port: int, local_port: int) -> Record | None:
        """Return the record of a 4-tuple, ``None`` if there is none."""
        table = self._tables.get(remote)
        if table is None:
            return None
        ports = _ports(remote_port, local_port)
        octets = table.get(ports)
        return None if octets is None else self._record(remote, ports, octets)

    def has(self, remote: Address, remote_port: int, local_port: int) -> bool:
        """Return whether there is a record of a 4-tuple."""
        table = self._tables.get(remote)
        return table is not None and _ports(remote_port, local_port) in table

    def enter(self, record: Record) -> None:
        """Take a record that ends no sooner than every other."""
        name = record.id
        ports = _ports(name.remote_port, name.local_port)
        table = self._tables.get(name.remote)
        if table is None:
            table = self._tables[name.remote] = {}
        assert ports not in table, f"{name} is in TIME_WAIT twice"
        table[ports] = record.packed()
        self._queued_remotes.append(name.remote)
        self._queued_ports.append(ports)
        self._count += 1

    def change(self, record: Record) -> None:
        """Put a record in the place of that of the same 4-tuple; when it ends stays."""
        name = record.id
        self._tables[name.remote][_ports(name.remote_port, name.local_port)] = record.packed()

    def restart(self, record: Record) -> None:
        """Put a record in the place of that of the same 4-tuple; it ends no sooner than every other."""
        self.change(record)
        place = (record.id.remote, _ports(record.id.remote_port, record.id.local_port))
        if place in self._again:
            self._again.move_to_end(place)
        else:
            self._overtake(place)
            self._again[place] = None
        self._next = None

    def remove(self, record: Record) -> None:
        """Forget a record before it ends."""
        place = (record.id.remote, _ports(record.id.remote_port, record.id.local_port))
        if place in self._again:
            del self._again[place]
        else:
            self._overtake(place)
        self._forget(*place)
        self._next = None

    def deadline(self) -> Instant | None:
        """Return when the first one ends, ``None`` where there is none."""
        if self._next is None and self._count:
            queued, again = self._first_queued(), self._first_again() if self._again else None
            self._next_queued = again is None or (queued is not None and queued <= again)
            self._next = queued if self._next_queued else again
        return self._next

    def expired(self, now: Instant, most: int) -> list[tuple[ConnectionId, Instant]]:
        """Forget connections whose TIME_WAIT ends by ``now``, ``most`` of them; return each with when it began."""
        gone: list[tuple[ConnectionId, Instant]] = []
        while len(gone) < most and (deadline := self.deadline()) is not None and deadline <= now:
            remote, ports = self._pop() if self._next_queued else self._again.popitem(last=False)[0]
            incarnation, entered = beginning(self._forget(remote, ports))
            gone.append((ConnectionId(self.local, ports & 0xFFFF, remote, ports >> 16, incarnation), entered))
            self._next = None
        return gone

    def _record(self, remote: Address, ports: int, octets: bytes) -> Record:
        return Record.unpacked(octets, self.local, ports & 0xFFFF, remote, ports >> 16)

    def _overtake(self, place: Place) -> None:
        self._overtaken[place] = self._overtaken.get(place, 0) + 1

    def _forget(self, remote: Address, ports: int) -> bytes:
        table = self._tables[remote]
        octets = table.pop(ports)
        if not table:
            del self._tables[remote]
        self._count -= 1
        if not self._count:
            self._queued_remotes.clear()
            self._queued_ports.clear()
            self._overtaken.clear()
        return octets

    def _pop(self) -> Place:
        """Take the first entry out of the queue."""
        return self._queued_remotes.popleft(), self._queued_ports.popleft()

    def _first_queued(self) -> Instant | None:
        """Return when the first of the queue ends, after what is of no meaning any more has left it."""
        remotes = self._queued_remotes
        while self._overtaken and remotes:
            place = (remotes[0], self._queued_ports.first)
            left = self._overtaken.get(place)
            if left is None:
                break
            if left == 1:
                del self._overtaken[place]
            else:
                self._overtaken[place] = left - 1
            self._pop()
        return expiry(self._tables[remotes[0]][self._queued_ports.first]) if remotes else None

    def _first_again(self) -> Instant | None:
        for remote, ports in self._again:
            return expiry(self._tables[remote][ports])
        return None
