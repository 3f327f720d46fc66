"""A packet: a segment with what an IP layer would add, and what the lab needs to follow it."""

from typing import NewType

from tcplab.units import Instant
from tcplab.value import value
from tcplab.wire.segment import Segment

Address = NewType("Address", str)
"""An IPv4 address in dotted form, such as ``"10.0.1.7"``."""


@value
class Packet:
    """A segment with what an IP layer would add, and what the lab needs to follow it."""

    id: int
    """Unique for its source, below 2**53."""
    born: Instant
    """When it was first sent."""
    source: Address
    target: Address
    segment: Segment
    ecn: int = 0
    """The two ECN bits of the IP header (RFC 3168)."""
    octets: bytes | None = None
    """The damaged RFC 9293 octets, where the network corrupted the packet."""
    copy: int = 0
    """0 for the packet itself, 1, 2, … for duplicates that the network made of it."""
