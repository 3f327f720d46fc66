"""Nodes and ports for drivers to drive: what they do is written down beforehand, what befalls them is noted."""

import asyncio
from collections.abc import Callable, Sequence

from tcplab.node import Event, Output, Packet
from tcplab.port import Deliver, PortError, Tell
from tcplab.units import Instant


class Noted(Event):
    """Something a node tells."""


def nothing(*_: object) -> Output:
    return Output()


class Scripted:
    """A node that is due at given instants, and answers each packet and each waking with given packets."""

    def __init__(
        self,
        due: Sequence[int] = (),
        *,
        on_packet: Callable[[Packet, Instant], Output] = nothing,
        on_waking: Callable[[Instant], Output] = nothing,
    ) -> None:
        self.due = [Instant(instant) for instant in due]
        self.inputs: list[tuple[str, Instant]] = []
        self._on_packet = on_packet
        self._on_waking = on_waking

    def receive(self, packet: Packet, now: Instant) -> Output:
        self.inputs.append((f"packet {packet.id}", now))
        return self._on_packet(packet, now)

    def advance(self, now: Instant) -> Output:
        self.inputs.append(("waking", now))
        self.due = [instant for instant in self.due if instant > now]
        return self._on_waking(now)

    def deadline(self) -> Instant | None:
        return min(self.due, default=None)


class TestPort:
    """A port whose other end is the test."""

    __test__ = False

    def __init__(self, error: PortError | None = None) -> None:
        self.sent: list[list[Packet]] = []
        self.closed = 0
        self._error = error
        self._lost: asyncio.Future[PortError] = asyncio.get_running_loop().create_future()

    async def open(self, deliver: Deliver, tell: Tell) -> None:
        if self._error is not None:
            raise self._error
        self.deliver, self.tell = deliver, tell

    def send(self, packets: Sequence[Packet]) -> None:
        self.sent.append(list(packets))

    def lose(self, error: PortError) -> None:
        self._lost.set_result(error)

    def breaks(self, error: Exception) -> None:
        self._lost.set_exception(error)

    async def lost(self) -> PortError:
        return await self._lost

    async def close(self) -> None:
        self.closed += 1


class Notes:
    """An observer that keeps what it is told, with the instant."""

    def __init__(self) -> None:
        self.told: list[tuple[Instant, Event]] = []

    def observe(self, node: str, event: Event, now: Instant) -> None:
        assert node == "node"
        self.told.append((now, event))

    def kinds(self) -> list[str]:
        return [type(event).__name__ for _, event in self.told]


class Choosy(Notes):
    """An observer that takes note of some types of event only."""

    def __init__(self, *heeds: type[Event]) -> None:
        super().__init__()
        self.heeds = heeds


class Broken:
    """An observer that cannot take what it is told."""

    def observe(self, node: str, event: Event, now: Instant) -> None:  # noqa: ARG002
        raise OSError("disk full")
