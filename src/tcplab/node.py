"""The one seam of the lab: packets and time go in, packets and events come out.

A TCP host and the network between hosts are both nodes. A driver (virtual or real time) carries packets
between them and tells observers what it saw; a node never waits and never calls anybody.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from tcplab.units import Instant
from tcplab.value import value
from tcplab.wire.packet import Address, Packet

__all__ = [
    "DISCARD_REASONS",
    "NOTHING",
    "Address",
    "Event",
    "Node",
    "Observer",
    "Output",
    "Packet",
    "PacketDiscarded",
    "PacketReceived",
    "PacketSent",
    "Selective",
    "was_let_in",
]


class Event:
    """What happened inside a node, as a value; nobody changes one after it was made."""

    __slots__ = ()


@value
class Output:
    """What came of one input: packets to carry away, and events to observe, each in order."""

    packets: Sequence[Packet] = ()
    events: Sequence[Event] = ()


NOTHING: Final = Output()


class Node(Protocol):
    """A host or a network.

    Laws, for every node: ``now`` never goes back; ``advance`` before the deadline changes nothing;
    ``advance`` at the deadline makes progress; the same inputs give the same outputs.
    """

    def receive(self, packet: Packet, now: Instant) -> Output:
        """Take a packet that has arrived."""

    def advance(self, now: Instant) -> Output:
        """Do everything that is due at ``now``."""

    def deadline(self) -> Instant | None:
        """Return when ``advance`` must be called at the latest, ``None`` for never."""


class Observer(Protocol):
    """Somebody who looks on; nothing flows back."""

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Take note of an event of the node of that name."""


@runtime_checkable
class Selective(Observer, Protocol):
    """An observer that takes note of some types of event only; it need not be told of others."""

    @property
    def heeds(self) -> Container[type[Event]]:
        """The types of event that it takes note of; they never change."""


@dataclass(slots=True)
class PacketSent(Event):
    """A node handed a packet to its driver."""

    packet: Packet


@dataclass(slots=True)
class PacketReceived(Event):
    """A driver handed a packet to a node, and the node let it in."""

    packet: Packet


@dataclass(slots=True)
class PacketDiscarded(Event):
    """A packet reached a node's door and was not let in.

    Attributes:
        packet: what was discarded.
        reason: one of :data:`DISCARD_REASONS`.
    """

    packet: Packet
    reason: str


DISCARD_REASONS: Final = ("expired", "spoofed_source", "wrong_address", "bad_checksum", "malformed", "unknown_version")


def was_let_in(output: Output) -> bool:
    """Return whether a node took in the packet that gave this output: each is either received or discarded."""
    return not (output.events and type(output.events[0]) is PacketDiscarded)
