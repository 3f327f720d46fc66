"""Nodes that are not hosts, to put into a world in the place of one."""

from collections.abc import Sequence
from dataclasses import replace

from tcplab.node import Address, Output, Packet
from tcplab.units import Instant


class Sender:
    """Sends each packet of a list when it is born."""

    def __init__(self, address: Address, packets: Sequence[Packet] = ()) -> None:
        self.address = address
        self.received: list[tuple[Instant, Packet]] = []
        self.advanced: list[Instant] = []
        self._packets = sorted(packets, key=lambda packet: packet.born)

    def receive(self, packet: Packet, now: Instant) -> Output:
        self.received.append((now, packet))
        return Output()

    def advance(self, now: Instant) -> Output:
        self.advanced.append(now)
        due = [packet for packet in self._packets if packet.born <= now]
        self._packets = self._packets[len(due) :]
        return Output(due)

    def deadline(self) -> Instant | None:
        return self._packets[0].born if self._packets else None


class Echo(Sender):
    """Sends every packet back to where it came from, as many times as it is told to."""

    def __init__(self, address: Address, packets: Sequence[Packet] = (), times: int = 1) -> None:
        super().__init__(address, packets)
        self._times = times

    def receive(self, packet: Packet, now: Instant) -> Output:
        super().receive(packet, now)
        if self._times == 0:
            return Output()
        self._times -= 1
        return Output([replace(packet, source=self.address, target=packet.source)])


class Mirror(Sender):
    """Sends every packet back, for ever, and keeps none."""

    def receive(self, packet: Packet, now: Instant) -> Output:  # noqa: ARG002
        return Output([replace(packet, source=self.address, target=packet.source)])


class Stuck(Sender):
    """Does not do what is due."""

    def advance(self, now: Instant) -> Output:  # noqa: ARG002
        return Output()


class Talkative(Sender):
    """Notes in a list, which it may share with others, what is asked of it."""

    def __init__(self, address: Address, packets: Sequence[Packet], notes: list[str]) -> None:
        super().__init__(address, packets)
        self._notes = notes

    def receive(self, packet: Packet, now: Instant) -> Output:
        self._notes.append(f"{self.address} receives")
        return super().receive(packet, now)

    def advance(self, now: Instant) -> Output:
        self._notes.append(f"{self.address} advances")
        return super().advance(now)


class Alarm(Sender):
    """Is due at a time that every packet sets anew: the n-th to ``delays[n]`` from now, or to never."""

    def __init__(self, address: Address, first: Instant | None, delays: Sequence[int | None]) -> None:
        super().__init__(address)
        self._due = first
        self._delays = list(delays)

    def receive(self, packet: Packet, now: Instant) -> Output:
        super().receive(packet, now)
        delay = self._delays.pop(0)
        self._due = None if delay is None else now + delay
        return Output()

    def advance(self, now: Instant) -> Output:
        self.advanced.append(now)
        self._due = None
        return Output()

    def deadline(self) -> Instant | None:
        return self._due
