"""A port in memory: joins the drivers of one process, on one loop."""

import asyncio
from collections.abc import Sequence

from tcplab.node import Address, Packet
from tcplab.port import Deliver, MessageReceived, MessageSent, PortError, Tell


class Hub:
    """The wires between hosts and the network of one process.

    A host's packets go to the network, with the host's role as their sender; the network's go to the host whose
    address they bear. What a turn of the loop sent arrives in the next.
    """

    def __init__(self) -> None:
        self._hosts: dict[Address, MemoryPort] = {}
        self._network: MemoryPort | None = None

    def host(self, address: Address, role: str) -> "MemoryPort":
        """Return the port of a host, yet to be opened.

        Raises:
            PortError: the address is in use.
        """
        if address in self._hosts:
            raise PortError(f"address {address} is in use; give each host its own")
        port = self._hosts[address] = MemoryPort(self, role)
        return port

    def network(self) -> "MemoryPort":
        """Return the port of the network, yet to be opened.

        Raises:
            PortError: there is one already.
        """
        if self._network is not None:
            raise PortError("a network is there already; a hub has one")
        port = self._network = MemoryPort(self, None)
        return port

    def next_hop(self, port: "MemoryPort", target: Address) -> "MemoryPort | None":
        """Return where a packet for ``target`` goes to from ``port``, ``None`` if nobody is there."""
        return self._hosts.get(target) if port is self._network else self._network

    def leave(self, port: "MemoryPort") -> None:
        """Forget a port that was closed, so that its address is free again."""
        if port is self._network:
            self._network = None
        self._hosts = {address: other for address, other in self._hosts.items() if other is not port}


class MemoryPort:
    """One end of a :class:`Hub`'s wires. Nothing is encoded, so its messages count no octets."""

    def __init__(self, hub: Hub, role: str | None) -> None:
        self._hub = hub
        self._role = role
        self._deliver: Deliver | None = None
        self._tell: Tell | None = None

    async def open(self, deliver: Deliver, tell: Tell) -> None:
        """Begin to carry."""
        self._deliver, self._tell = deliver, tell

    def send(self, packets: Sequence[Packet]) -> None:
        """Hand packets over, one message for each run of packets with the same next hop."""
        loop = asyncio.get_running_loop()
        batches: dict[MemoryPort | None, list[Packet]] = {}
        for packet in packets:
            batches.setdefault(self._hub.next_hop(self, packet.target), []).append(packet)
        for port, batch in batches.items():
            there = port is not None and port.is_open
            if port is not None and there:
                loop.call_soon(port.arrive, batch, self._role)
            if self._tell is not None:
                self._tell(MessageSent(len(batch), 0, "sent" if there else "dropped"))

    @property
    def is_open(self) -> bool:
        """Whether somebody takes what arrives."""
        return self._deliver is not None

    def arrive(self, packets: Sequence[Packet], sender: str | None) -> None:
        """Take packets from the wire; they are lost if the port was closed meanwhile."""
        if self._deliver is not None and self._tell is not None:
            self._tell(MessageReceived(len(packets), 0))
            self._deliver(packets, sender)

    async def lost(self) -> PortError:
        """Wait for ever: memory is never lost."""
        never: asyncio.Future[PortError] = asyncio.get_running_loop().create_future()
        return await never

    async def close(self) -> None:
        """Stop, and free the address."""
        self._deliver = None
        self._hub.leave(self)
