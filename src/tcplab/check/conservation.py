"""No packet comes from nowhere and none goes missing, across all nodes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tcplab.check.history import History, Identity, identity
from tcplab.check.verdict import Finding, Result, invalid
from tcplab.netem.events import LinkName, PacketDropped, PacketDuplicated
from tcplab.node import Event, PacketDiscarded, PacketReceived, PacketSent
from tcplab.observe.journal import Record


class Tally(NamedTuple):
    """What became of the packets of a run, each figure counted by whoever did it."""

    sent: int
    """By hosts."""
    received: int
    """Taken in by hosts."""
    discarded: Mapping[str, int]
    """At the door of a host or of the network, by reason."""
    dropped: Mapping[str, int]
    """By the network, by reason."""
    duplicated: int
    """By the network."""
    in_flight: int
    """In the network's queues at the end."""

    @property
    def missing(self) -> int:
        """Packets that went in and did not come out anywhere; negative where more came out."""
        out = self.received + sum(self.discarded.values()) + sum(self.dropped.values()) + self.in_flight
        return self.sent + self.duplicated - out

    def __str__(self) -> str:
        """Return the equation."""
        discarded = ", ".join(f"{count} {reason}" for reason, count in self.discarded.items()) or "0"
        dropped = ", ".join(f"{count} {reason}" for reason, count in self.dropped.items()) or "0"
        return (
            f"{self.sent} sent + {self.duplicated} duplicated = {self.received} received + discarded ({discarded}) "
            f"+ dropped ({dropped}) + {self.in_flight} in flight"
        )


class Conservation:
    """Judges that what hosts sent is what hosts received, discarded included, and what the network did away with."""

    def __init__(self, network: str = "netem", *, queue_lengths: Mapping[LinkName, int]) -> None:
        """Make a judge.

        Args:
            network: the name of the network's node.
            queue_lengths: packets that wait on each link at the end, by the network's own count.
        """
        self._network = network
        self._in_flight = sum(queue_lengths.values())

    def __call__(self, history: History) -> Result:
        """Judge the totals, and each packet by its identity."""
        tally = self.tally(history)
        findings = [] if tally.missing == 0 else [invalid(f"{tally.missing} packets are missing: {tally}")]
        return Result("conservation", tally.sent, (*findings, *self._astray(history)))

    def tally(self, history: History) -> Tally:
        """Count what became of all packets."""
        return Tally(
            sent=sum(record.node != self._network for record in history.of(PacketSent)),
            received=sum(record.node != self._network for record in history.of(PacketReceived)),
            discarded=Counter(record.event.reason for record in history.of(PacketDiscarded)),
            dropped=Counter(record.event.reason for record in history.of(PacketDropped)),
            duplicated=len(history.of(PacketDuplicated)),
            in_flight=self._in_flight,
        )

    def _astray(self, history: History) -> Iterator[Finding]:
        """Find each packet that ended without having been sent, ended twice, or neither ended nor is under way."""
        under_way: set[Identity] = set()
        for record in history.records:
            event = record.event
            if isinstance(event, PacketDuplicated) or (isinstance(event, PacketSent) and record.node != self._network):
                under_way.add(identity(event.packet))
            elif self._ends(record):
                assert isinstance(event, PacketDropped | PacketDiscarded | PacketReceived), "what else ends a packet"
                if identity(event.packet) not in under_way:
                    yield invalid(f"packet {identity(event.packet)} ended twice or was never sent", record)
                under_way.discard(identity(event.packet))
        if len(under_way) != self._in_flight:
            some = ", ".join(map(str, sorted(under_way)[:5])) or "none"
            yield invalid(f"{len(under_way)} packets did not end, {self._in_flight} are in flight; among them {some}")

    def _ends(self, record: Record[Event]) -> bool:
        """Return whether the record is the end of a packet: taken in by a host, turned away, or lost."""
        match record.event:
            case PacketDropped() | PacketDiscarded():
                return True
            case PacketReceived():
                return record.node != self._network
            case _:
                return False
