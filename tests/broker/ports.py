"""Ports at a real broker, and whoever takes what they deliver and tell."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from tcplab.node import Address, Event, Packet
from tcplab.port import PortError
from tcplab.runtime.amqp import AmqpLimits, AmqpPort, HostEnd, NetworkEnd
from tcplab.runtime.amqp.ends import End
from tcplab.runtime.clock import Clock
from tcplab.units import Instant
from tests.netem.packets import CLIENT, SERVER, packet
from tests.support.labs import Lab

E = TypeVar("E", bound=Event)

HASTY = AmqpLimits(heartbeat=1, retry_first=0.05, retry_last=0.2)
CLOCK = Clock()


class Watcher:
    """Keeps what a port delivers and tells, and lets a test wait for it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.packets: list[Packet] = []
        self.senders: list[str | None] = []
        self._news = asyncio.Event()

    def tell(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    def observe(self, node: str, event: Event, now: Instant) -> None:  # noqa: ARG002
        self.tell(event)

    def deliver(self, packets: Sequence[Packet], sender: str | None) -> None:
        self.packets += packets
        self.senders += [sender] * len(packets)
        self._news.set()

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it is looked at whenever something was delivered or told."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def until_told(self, kind: type[E], count: int = 1) -> E:
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    async def until_packets(self, count: int) -> list[int]:
        await self.until(lambda: len(self.packets) >= count)
        return [each.id for each in self.packets]


def make(lab: Lab, role: str, end: End, limits: AmqpLimits = HASTY, port: int | None = None) -> AmqpPort:
    return AmqpPort(lab.broker(role, port=port), end, clock=CLOCK, name=f"{role} {lab.vhost}", limits=limits)


def network_end(lab: Lab) -> NetworkEnd:
    return NetworkEnd(lab.senders())


@asynccontextmanager
async def open_port(
    lab: Lab, role: str, end: End, limits: AmqpLimits = HASTY, port: int | None = None
) -> AsyncIterator[tuple[AmqpPort, Watcher]]:
    """Open a port for the length of a context."""
    made, watcher = make(lab, role, end, limits, port), Watcher()
    try:
        await made.open(watcher.deliver, watcher.tell)
        yield made, watcher
    finally:
        await made.close()


async def refusal(port: AmqpPort) -> str:
    """Return the line that a port, which must not open, leaves."""
    watcher = Watcher()
    try:
        await port.open(watcher.deliver, watcher.tell)
    except PortError as error:
        return str(error)
    finally:
        await port.close()
    raise AssertionError("the port was opened")


def client_end() -> HostEnd:
    return HostEnd("10.0.1.0/24", CLIENT)


def server_end() -> HostEnd:
    return HostEnd("10.0.2.0/24", SERVER)


def fresh(identity: int, source: Address = CLIENT, target: Address = SERVER, payload: bytes = b"") -> Packet:
    """Return a packet that is born now."""
    return packet(identity, CLOCK.now(), source, target, payload)
