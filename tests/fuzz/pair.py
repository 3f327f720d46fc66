"""Two hosts and the packets between them, which go where and when whoever plays wants."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from tcplab.node import Packet
from tcplab.tcp.app import Listen, Open
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.units import Instant, earliest
from tcplab.wire.octets import encode
from tests.fuzz.bench import BACKLOG, HERE, PATIENCE, PEER, SMALL, Bench
from tests.fuzz.steps import Ask

PORT: Final = 4_000
"""From which both open, to which both may listen."""
PER_OCTET: Final = 4
"""Segments that an octet costs at one instant at most: it is sent, acknowledged, sent again once, acknowledged."""
PER_PACKET: Final = 4
"""What a packet under way counts for besides octets: itself, its answer, the reset that answers that, and a FIN."""
PER_CONNECTION: Final = 12
"""What else there is at one instant in a connection's life: SYNs, FINs, resets, probes, their ACKs, window updates."""


class Hand(NamedTuple):
    """What may be done to the packets between two hosts."""

    action: str
    """``deliver``, ``lose``, ``copy`` or ``corrupt``."""
    side: int
    """To whom it is going."""
    which: int
    """Which of those under way, counted from the oldest."""
    place: int = 0
    """Which octet is corrupted."""
    value: int = 0
    """With what it is corrupted, by exclusive or."""


class Pair:
    """Two benches, each the other's peer."""

    def __init__(
        self,
        configs: tuple[TcpConfig, TcpConfig] = (SMALL, SMALL),
        isns: tuple[int, int] = (0, 0),
        make: type[Host] = Host,
    ) -> None:
        """Start both; every connection of the one begins with the one ISN, and so on."""
        here, there = configs
        self.benches = (
            Bench(here, iss=isns[0], address=HERE, make=make),
            Bench(there, iss=isns[1], address=PEER, make=make),
        )
        self.under_way: tuple[list[Packet], list[Packet]] = ([], [])
        """Packets to the one, and to the other."""
        self.delivered = 0

    @property
    def now(self) -> Instant:
        return self.benches[0].now

    def ask(self, side: int, step: Ask) -> None:
        self._sent(side, self.benches[side].ask(step))

    def open(self, side: int) -> None:
        """Open from the one port to the one port, so that both may open to each other at once."""
        self._sent(side, self.benches[side].call(Open(self.benches[1 - side].host.address, PORT, local_port=PORT)))

    def listen(self, side: int) -> None:
        self.benches[side].call(Listen(PORT, BACKLOG))

    def hand(self, hand: Hand) -> None:
        """Do something to a packet, if there is one."""
        packets = self.under_way[hand.side]
        if not packets:
            return
        which = hand.which % len(packets)
        if hand.action == "copy":
            packets.append(packets[which])
            return
        packet = packets.pop(which)
        if hand.action == "lose":
            return
        if hand.action == "corrupt":
            octets = bytearray(packet.octets or encode(packet.segment, packet.source, packet.target))
            octets[hand.place % len(octets)] ^= hand.value
            packet = replace(packet, octets=bytes(octets))
        self._arrives(hand.side, packet)

    def wait(self, nanoseconds: int) -> None:
        self._until(self.now + nanoseconds)

    def fall_silent(self) -> None:
        """Deliver everything at this instant, in order: the two stop talking, and soon."""
        most = self._most()
        count = 0
        while self.under_way[0] or self.under_way[1]:
            count += 1
            assert count <= most, f"{most} segments at one instant, and no end"
            side = 0 if self.under_way[0] else 1
            self._arrives(side, self.under_way[side].pop(0))

    def settle(self) -> None:
        """Nobody calls any more but to read: the two come to rest, for good; then everybody goes, and nothing stays."""
        for bench in self.benches:
            bench.app.reads = True
        for side, bench in enumerate(self.benches):
            for status in bench.statuses():
                self.ask(side, Ask("receive", bench.index(status.connection), 1 << 20))
        self._rest(self.now + PATIENCE)
        for side, bench in enumerate(self.benches):
            self._sent(side, bench.leave())
        self._rest(self.now + PATIENCE)
        for bench in self.benches:
            assert bench.statuses() == []
            assert bench.host.ports_in_use() == 0

    def _rest(self, limit: Instant) -> None:
        """Deliver at once whatever is sent, until nobody has anything to do."""
        self.fall_silent()
        while (deadline := earliest(*(bench.host.deadline() for bench in self.benches))) is not None:
            assert deadline <= limit, "the two never come to rest"
            self._until(deadline)
            self.fall_silent()

    def _until(self, end: Instant) -> None:
        """Let time pass; what is sent meanwhile is under way."""
        while True:
            deadline = earliest(*(bench.host.deadline() for bench in self.benches))
            instant = end if deadline is None else max(self.now, min(deadline, end))
            for side, bench in enumerate(self.benches):
                self._sent(side, bench.until(instant))
            if deadline is None or deadline >= end:
                return

    def _most(self) -> int:
        statuses = [status for bench in self.benches for status in bench.statuses()]
        octets = sum(status.unsent_or_unacknowledged for status in statuses)
        packets = len(self.under_way[0]) + len(self.under_way[1])
        octets += sum(len(packet.segment.payload) for queue in self.under_way for packet in queue)
        return PER_OCTET * octets + PER_PACKET * packets + PER_CONNECTION * max(1, len(statuses))

    def _arrives(self, side: int, packet: Packet) -> None:
        self.delivered += 1
        self._sent(side, self.benches[side].takes(packet))

    def _sent(self, side: int, packets: Sequence[Packet]) -> None:
        for packet in packets:
            assert packet.target == self.benches[1 - side].host.address
            self.under_way[1 - side].append(packet)
