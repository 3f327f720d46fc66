"""What the network tells its observers of each packet."""

from dataclasses import dataclass
from typing import Literal, NewType

from tcplab.node import Event, Packet
from tcplab.units import Duration

LinkName = NewType("LinkName", str)
"""A direction between two roles, such as ``"client>server"``."""

DropReason = Literal["loss", "list", "limit", "expired", "no_route"]


@dataclass(slots=True)
class PacketForwarded(Event):
    """A packet left the network towards its target, ``delay`` after it came in."""

    packet: Packet
    link: LinkName
    delay: Duration


@dataclass(slots=True)
class PacketDropped(Event):
    """A packet was lost: by chance, by the drop list, by a full queue, by age, or for want of a route."""

    packet: Packet
    link: LinkName
    reason: DropReason


@dataclass(slots=True)
class PacketDuplicated(Event):
    """The network made a copy; ``packet`` is the copy, with its copy number."""

    packet: Packet
    link: LinkName


@dataclass(slots=True)
class PacketDelayed(Event):
    """The network put a packet into its queue, to leave ``delay`` from now."""

    packet: Packet
    link: LinkName
    delay: Duration


@dataclass(slots=True)
class PacketReordered(Event):
    """A packet is set to leave before one that came in earlier on its link."""

    packet: Packet
    link: LinkName
