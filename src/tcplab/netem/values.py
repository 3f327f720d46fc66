"""What a profile is made of besides numbers."""

from dataclasses import dataclass
from typing import Final, Literal

from tcplab.units import Duration

CorrelationMode = Literal["exact", "linux"]
"""How draws correlate: as asked for, with every average kept, or as Linux has it, where few strike that should."""

Distribution = Literal["uniform", "normal", "pareto", "paretonormal"]
"""How delays spread about their mean; see :mod:`tcplab.netem.impairments.delay`."""

# The two bits of the IP header (RFC 3168, section 5).
ECN_CAPABLE: Final = (1, 2)
"""ECT(1) and ECT(0): the transport understands marks."""
CE: Final = 3
"""Congestion experienced: the mark."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Packets leave in bursts, as from a Wi-Fi or a satellite link that has a turn now and then.

    Attributes:
        least: the shortest time from one slot to the next, nanoseconds.
        most: the longest; times in between are equally likely.
        packets: how many packets a slot takes, ``None`` for no bound.
        octets: after how many octets of IP packets a slot is full, ``None`` for never; the packet that fills it leaves.
    """

    least: Duration
    most: Duration
    packets: int | None = None
    octets: int | None = None

    def __post_init__(self) -> None:
        """Refuse a slot that nobody could have.

        Raises:
            ValueError: names the setting, what it must be, and what it is.
        """
        if not 0 <= self.least <= self.most:
            raise ValueError(f"slot must last 0 or more, and its MAX no less than its MIN; it is {self!r}")
        if any(bound is not None and bound < 1 for bound in (self.packets, self.octets)):
            raise ValueError(f"slot must take a packet and an octet at the least; it is {self!r}")
