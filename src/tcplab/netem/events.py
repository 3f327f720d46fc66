"""What the network tells its observers of each packet: its verdicts.

Each verdict tells who gave it (``rule``: the clause of the profile, such as ``"loss"`` or ``"gemodel"``, or the name of
a fault; empty where nothing but the way through the network did) and the ``draw`` that decided, 0 <= draw < 1, ``None``
where chance had no part in it.
"""

from dataclasses import dataclass
from typing import Literal, NewType

from tcplab.node import Event, Packet
from tcplab.units import Duration

LinkName = NewType("LinkName", str)
"""A direction between two roles, such as ``"client>server"``."""

DropReason = Literal["loss", "list", "limit", "expired", "no_route", "fault"]


@dataclass(slots=True)
class PacketForwarded(Event):
    """A packet left the network towards its target, ``delay`` after it came in."""

    packet: Packet
    link: LinkName
    delay: Duration
    rule: str = ""
    draw: float | None = None


@dataclass(slots=True)
class PacketDropped(Event):
    """A packet was lost: by chance, by the drop list, by a full queue, by age, or for want of a route."""

    packet: Packet
    link: LinkName
    reason: DropReason
    rule: str = ""
    draw: float | None = None


@dataclass(slots=True)
class PacketDuplicated(Event):
    """The network made a copy; ``packet`` is the copy, with its copy number."""

    packet: Packet
    link: LinkName
    rule: str = ""
    draw: float | None = None


@dataclass(slots=True)
class PacketDelayed(Event):
    """The network put a packet into its queue, to leave ``delay`` from now."""

    packet: Packet
    link: LinkName
    delay: Duration
    rule: str = ""
    draw: float | None = None


@dataclass(slots=True)
class PacketReordered(Event):
    """A packet is set to leave before one that came in earlier on its link."""

    packet: Packet
    link: LinkName
    rule: str = ""
    draw: float | None = None


@dataclass(slots=True)
class PacketCorrupted(Event):
    """A bit of a packet was flipped; ``packet`` is what goes on, with the damaged octets.

    ``bit`` counts from 0, the most significant bit of the first octet of the TCP header, as RFC 9293 draws them.
    """

    packet: Packet
    link: LinkName
    bit: int
    rule: str = ""
    draw: float | None = None


@dataclass(slots=True)
class PacketMarked(Event):
    """A packet that would have been lost was marked instead (RFC 3168); ``packet`` is what goes on, marked CE."""

    packet: Packet
    link: LinkName
    rule: str = ""
    draw: float | None = None


@dataclass(slots=True)
class PacketHeld(Event):
    """A packet is kept back until something happens, or until a rule lets it go."""

    packet: Packet
    link: LinkName
    rule: str = ""
    draw: float | None = None
