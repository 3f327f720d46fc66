"""Virtual time: the driver that never waits.

Time jumps from one deadline to the next; whatever happens at one instant is carried through to its end before the
next begins. Nothing depends on the machine, so that the same hosts, network and calls give the same run.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from math import inf
from typing import Final, Protocol, runtime_checkable

from tcplab.netem.configuration import Configuration
from tcplab.netem.network import Network
from tcplab.node import (
    NOTHING,
    Address,
    Event,
    Node,
    Observer,
    Output,
    Packet,
    PacketDiscarded,
    PacketReceived,
    PacketSent,
    was_let_in,
)
from tcplab.tcp.app import Call
from tcplab.units import START, Instant, earliest

PACKETS_AT_ONE_INSTANT: Final = 1_000_000
"""What one input may set off before time goes on; more can only be two nodes that answer each other for ever."""


class Endpoint(Node, Protocol):
    """A node with an address: a host, or anything that is to stand in the place of one."""

    @property
    def address(self) -> Address:
        """Where the network is to deliver its packets."""


@runtime_checkable
class Starts(Protocol):
    """A node that wants to be told when the world begins, as :class:`tcplab.tcp.host.Host` does."""

    def start(self, now: Instant) -> Output:
        """Begin."""


@runtime_checkable
class TakesCalls(Protocol):
    """A node whose user can be played from outside, as :class:`tcplab.tcp.host.Host` allows."""

    def call(self, call: Call, now: Instant) -> Output:
        """Do what the user asks for."""


@runtime_checkable
class KeepsQuiet(Protocol):
    """A node that need not make all the events that nobody is told, as hosts and networks need not."""

    def keep_quiet(self) -> None:
        """Make none from now on that can be spared."""


class _Seat:
    """A node and its place in the world."""

    __slots__ = ("index", "name", "node", "pending", "role")

    def __init__(self, index: int, name: str, node: Node, role: str) -> None:
        self.index = index
        self.name = name
        self.node = node
        self.role = role
        self.pending: list[Instant] = []  # when the heap will wake it: falling, so that the next one is the last


class World:
    """Hosts and the network between them, in virtual time.

    Where several nodes are due at one instant, the network comes first, then the hosts in the order in which they were
    given. Observers are told, of each input: :class:`PacketReceived`, if it was a packet; :class:`PacketSent` for each
    that came out; then the node's own events. Without observers none of the two is even made, and nodes are asked to
    keep quiet.
    """

    def __init__(
        self,
        network: Network,
        hosts: Mapping[str, Endpoint],
        observers: Sequence[Observer] = (),
        *,
        network_name: str = "netem",
        configuration: Configuration | None = None,
    ) -> None:
        """Put the hosts onto the network and start them, at instant 0.

        Args:
            network: carries the packets; it believes the hosts to be of the role that holds their address.
            hosts: by the names that observers are given.
            observers: are told of everything, in this order.
            network_name: the network's name for observers.
            configuration: what the network goes by before anything passes it; ``None`` for what it goes by already.

        Raises:
            ValueError: names the host whose address belongs to no role or to another host, or whose name is taken; or
                what of the configuration the network does not have.
        """
        if network_name in hosts:
            raise ValueError(f"host {network_name!r}: the network is called that")
        self._now = START
        self._observers = tuple(observers)
        self._network = network
        self._network_seat = _Seat(0, network_name, network, "")
        self._hosts: dict[str, _Seat] = {}
        self._owners: dict[Address, _Seat] = {}
        for index, (name, host) in enumerate(hosts.items(), start=1):
            role = network.role_of(host.address)
            if role is None:
                raise ValueError(f"host {name!r}: {host.address} is in no role's prefix")
            if host.address in self._owners:
                raise ValueError(f"host {name!r}: {host.address} is {self._owners[host.address].name!r}'s address")
            self._hosts[name] = self._owners[host.address] = _Seat(index, name, host, role)
        self._seats = (self._network_seat, *self._hosts.values())
        self._heap: list[tuple[Instant, int]] = []
        for seat in self._seats:
            self._schedule(seat, seat.node.deadline())
        if not observers:
            for seat in self._seats:
                if isinstance(seat.node, KeepsQuiet):
                    seat.node.keep_quiet()
        starting = [(seat, seat.node) for seat in self._seats if isinstance(seat.node, Starts)]
        started = [(seat, node.start(self._now)) for seat, node in starting]
        if configuration is not None:
            started.insert(1, (self._network_seat, network.configure(configuration, self._now)))
        for seat, output in started:  # not before all have begun: nobody is to find a peer that is not there yet
            self._carry(seat, output)

    @property
    def now(self) -> Instant:
        """The instant at which the world is."""
        return self._now

    def deadline(self) -> Instant | None:
        """Return when the next thing is due, ``None`` if nothing ever is."""
        return earliest(*(seat.node.deadline() for seat in self._seats))

    def step(self) -> bool:
        """Let one node do what is due next, and carry what comes of it; return whether there was anything."""
        return self._step(inf)

    def run(self, until: Instant) -> None:
        """Let everything happen that is due by ``until``, and be there."""
        assert until >= self._now, f"time cannot go back from {self._now} to {until}"
        while self._step(until):
            pass
        self._now = until

    def run_until_idle(self, limit: Instant) -> bool:
        """Run until nothing is due any more, and stay at the last instant at which anything was.

        Returns:
            Whether that was so by ``limit``; if not, the world is at ``limit``.
        """
        assert limit >= self._now, f"time cannot go back from {self._now} to {limit}"
        while self._step(limit):
            pass
        if self.deadline() is None:
            return True
        self._now = limit
        return False

    def call(self, host: str, call: Call) -> None:
        """Do at this instant what the user of a host asks for.

        Raises:
            ValueError: there is no host of that name, or it takes no calls.
            InvalidCall: the connection's state forbids it.
        """
        seat = self._hosts.get(host)
        if seat is None:
            raise ValueError(f"there is no host {host!r}; there are {', '.join(self._hosts)}")
        if not isinstance(seat.node, TakesCalls):
            raise ValueError(f"host {host!r} takes no calls: it is a {type(seat.node).__name__}")
        self._carry(seat, seat.node.call(call, self._now))

    def _step(self, until: float) -> bool:
        heap = self._heap
        while heap and heap[0][0] <= until:
            time, index = heappop(heap)
            seat = self._seats[index]
            seat.pending.pop()
            node = seat.node
            deadline = node.deadline()
            if deadline is None or deadline > time:  # it was put off since
                self._schedule(seat, deadline)
                continue
            if time > self._now:
                self._now = time
            now = self._now
            output = node.advance(now)
            if output.packets:
                self._carry(seat, output)
                return True
            if self._observers:
                self._report(seat, output)
            deadline = node.deadline()
            if not output.events:
                assert deadline is None or deadline > now, f"{seat.name} was advanced at {now} and is still due"
            self._schedule(seat, deadline)
            return True
        return False

    def _schedule(self, seat: _Seat, deadline: Instant | None) -> None:
        """See to it that the heap wakes a node in time. An entry that has become too early does no harm."""
        pending = seat.pending
        if deadline is not None and (not pending or deadline < pending[-1]):
            pending.append(deadline)
            heappush(self._heap, (deadline, seat.index))

    def _carry(self, seat: _Seat, output: Output) -> None:
        """Carry what came out of a node, and all that comes of that at the same instant."""
        arriving: list[Packet] = []
        now, owners, observed = self._now, self._owners, self._observers
        self._collect(seat, output, arriving)
        touched = {self._network_seat: None, seat: None}
        for packet in arriving:  # it grows as we go
            owner = owners.get(packet.target)
            if owner is None:
                self._tell(self._network_seat, PacketDiscarded(packet, "wrong_address"))
                continue
            touched[owner] = None
            output = owner.node.receive(packet, now)
            if observed and was_let_in(output):
                self._tell(owner, PacketReceived(packet))
            if output is not NOTHING:
                self._collect(owner, output, arriving)
        for each in touched:
            deadline, pending = each.node.deadline(), each.pending
            if deadline is not None and (not pending or deadline < pending[-1]):
                self._schedule(each, deadline)

    def _collect(self, seat: _Seat, output: Output, arriving: list[Packet]) -> None:
        """Take what came out of a node: what leaves the network arrives, what leaves a host enters the network."""
        if self._observers:
            self._report(seat, output)
        if seat is self._network_seat:
            arriving.extend(output.packets)
            return
        enter, now, role, observed = self._network.receive, self._now, seat.role, self._observers
        for packet in output.packets:
            passed = enter(packet, now, role)
            if observed:
                if was_let_in(passed):
                    self._tell(self._network_seat, PacketReceived(packet))
                self._report(self._network_seat, passed)
            if passed.packets:
                arriving.extend(passed.packets)
                if len(arriving) > PACKETS_AT_ONE_INSTANT:
                    raise RuntimeError(f"{len(arriving)} packets arrive at instant {now}, and time stands still")

    def _report(self, seat: _Seat, output: Output) -> None:
        for packet in output.packets:
            self._tell(seat, PacketSent(packet))
        for event in output.events:
            self._tell(seat, event)

    def _tell(self, seat: _Seat, event: Event) -> None:
        for observer in self._observers:
            observer.observe(seat.name, event, self._now)
