"""Whether what was sent again had been lost at all: D-SACK blocks (RFC 2883) and echoed timestamps (RFC 3522) tell."""

from collections.abc import Sequence
from typing import Final

from tcplab.tcp.scoreboard import Sent
from tcplab.units import Instant

Block = tuple[int, int]

_UNCOUNTABLE: Final = (0, 0)  # stands for what was sent three times: two of them may have arrived, one lost


def split_duplicate(blocks: Sequence[Block], ack: int) -> tuple[Block | None, Sequence[Block]]:
    """Return the D-SACK block, if there is one, and the other SACK blocks (RFC 2883, section 4).

    It comes first, and begins before what is acknowledged or lies within the block that follows it.
    """
    if not blocks:
        return None, blocks
    first = blocks[0]
    if first[0] < ack or (len(blocks) > 1 and blocks[1][0] <= first[0] and first[1] <= blocks[1][1]):
        return first, blocks[1:]
    return None, blocks


class Retransmissions:
    """What one recovery has sent again."""

    __slots__ = ("_first_at", "_needless")

    def __init__(self) -> None:
        self._first_at: Instant | None = None
        self._needless: set[Block] = set()  # of which it is not known that they arrived twice

    def sent(self, segment: Sent, now: Instant) -> None:
        """Take note that a segment was sent again, just now."""
        self._needless.add((segment.start, segment.end) if segment.times == 2 else _UNCOUNTABLE)
        if self._first_at is None:
            self._first_at = now

    def arrived_twice(self, block: Block) -> bool:
        """Take a D-SACK block; return whether now everything that was sent again has arrived twice (RFC 3708)."""
        if block not in self._needless:
            return False
        self._needless.remove(block)
        return not self._needless

    def preceded(self, echoed: Instant | None) -> bool:
        """Return whether what an acknowledgement answers was sent before anything was sent again (RFC 3522, 3.2).

        Args:
            echoed: the last instant at which a segment with the timestamp that it echoes can have been sent.
        """
        return echoed is not None and self._first_at is not None and echoed < self._first_at
