"""What a ladder consists of, whoever draws it."""

from typing import Final, Literal, NamedTuple

from tcplab.node import Address
from tcplab.tcp.states import State
from tcplab.units import Duration, Instant
from tcplab.wire.segment import Flags

Side = Literal["left", "right"]
OTHER: Final[dict[Side, Side]] = {"left": "right", "right": "left"}

RowKind = Literal["whole", "departs", "arrives", "lost", "vanishes", "state", "gap"]
"""``whole``: a segment from end to end. ``departs``, ``arrives``: its two ends, where something came in between.
``lost``: it departs and never arrives; ``vanishes``: the same, found out later. ``state``: a lifeline changes by
itself. ``gap``: nothing happens for a while."""

_NAMES: Final = ((1, "SYN"), (0, "FIN"), (2, "RST"), (3, "PSH"), (5, "URG"), (6, "ECE"), (7, "CWR"), (4, "ACK"))


class Pair(NamedTuple):
    """The 4-tuple of a ladder: the left side's address and port, then the right side's."""

    left: tuple[Address, int]
    right: tuple[Address, int]

    def of(self, side: Side) -> tuple[Address, int]:
        """Return the address and port of a side."""
        return self.left if side == "left" else self.right


class Label(NamedTuple):
    """What is said of a segment: numbers are relative to the ISNs unless absolute ones were asked for."""

    flags: Flags
    seq: int
    ack: int | None
    length: int

    def __str__(self) -> str:
        """Return the label as the diagrams print it, such as ``SYN,ACK seq=0 ack=1 len=0``."""
        names = ",".join(name for bit, name in _NAMES if self.flags >> bit & 1)
        ack = "" if self.ack is None else f" ack={self.ack}"
        return f"{names or 'no flags'} seq={self.seq}{ack} len={self.length}"


class Row(NamedTuple):
    """One row of a ladder; ``start`` is its time, ``end`` the time of the last thing in it."""

    kind: RowKind
    start: Instant
    end: Instant
    sender: Side = "left"
    flight: int = 0
    """Numbers the segments as they departed, from 1: joins the two rows of one; a copy has a number of its own."""
    label: Label | None = None
    left: tuple[State, ...] = ()
    """States that the left lifeline enters in this row, in order."""
    right: tuple[State, ...] = ()
    delay: Duration | None = None
    """From departure to arrival, where the segment arrives in this row."""
    lost: str = ""
    """Why the network lost it, where that is so."""
    sent_notes: tuple[str, ...] = ()
    """What there is to say of its departure, each a few words."""
    notes: tuple[str, ...] = ()
    """What there is to say of its arrival, each a few words."""
    copy: bool = False
    """The network made this one."""
    in_network: int = 0
    """Segments still under way, for a gap."""
