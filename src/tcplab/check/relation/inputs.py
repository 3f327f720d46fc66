"""What is done to a host at each place of the search: calls, segments of every kind, and time.

Numbers in segments are counted from what the host expects, so that the same input means the same at every place.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final, Literal, NamedTuple

from tcplab.wire.segment import ACK, RST, SYN, Flags, flags_from_text

CallName = Literal["listen", "unlisten", "open", "send", "receive", "close", "release", "abort"]
CALLS: Final[tuple[CallName, ...]] = ("listen", "unlisten", "open", "send", "receive", "close", "release", "abort")


class Arrival(NamedTuple):
    """A segment of the peer's."""

    flags: Flags
    letters: str
    seq: int
    """Counted from RCV.NXT; where the peer's ISN is not known yet, from that."""
    ack: int
    """Counted from SND.NXT."""
    octets: bytes = b""
    window: int = 65_535

    def __str__(self) -> str:
        """Return the segment as the page prints it."""
        seq = f" at {self.seq:+d}" if self.seq else ""
        ack = f" of {self.ack:+d}" if self.ack and self.flags & ACK else ""
        text = " with text" if self.octets else ""
        shut = ", window 0" if not self.window else ""
        return f"{self.letters or 'no flags'}{seq}{ack}{text}{shut}"


class Wait(NamedTuple):
    """Time passes until the host wants to be woken."""

    def __str__(self) -> str:
        """Return the input as the page prints it."""
        return "its timer"


Input = CallName | Arrival | Wait

_FLAGS: Final = ("", "A", "S", "SA", "F", "FA", "FS", "FSA", "R", "RA", "SR", "FSRA")
_BEYOND: Final = 65_535


def _arrivals() -> Iterator[Arrival]:
    """Yield every kind of segment with every place in the window and every acknowledgement that means another thing."""
    for letters, seq in product(_FLAGS, (0, 1, -1, _BEYOND)):
        flags = flags_from_text(letters)
        for ack in (0, -1, 1) if flags & ACK else (0,):
            for octets in (b"", b"o") if not flags & (RST | SYN) and seq in (-1, 0) else (b"",):
                yield Arrival(flags, letters, seq, ack, octets)
    yield Arrival(ACK, "A", 0, 0, b"", 0)


INPUTS: Final[tuple[Input, ...]] = (*CALLS, Wait(), *_arrivals())
"""All of them."""
IN_ORDER: Final = tuple(step for step in INPUTS if not isinstance(step, Arrival) or not (step.seq or step.ack))
"""Those without segments that are early, late or acknowledge too much or too little."""
