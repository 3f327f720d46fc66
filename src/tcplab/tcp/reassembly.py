"""Octets that arrived ahead of a hole, and what is reported of them.

Kept as RFC 9293, section 3.10.7.4, step 7, recommends; reported as RFC 2018 and RFC 2883 demand.
"""

from bisect import bisect_right
from itertools import islice
from typing import Final

from tcplab.wire.octets import OPTIONS_LIMIT, SACK_LIMIT

Block = tuple[int, int]
"""Positions of the first octet of a range and of the first one after it."""

PIECES_DEFAULT: Final = 4_096

_SACK_HEADER: Final = 2  # octets: kind and length
_SACK_BLOCK: Final = 8


def pieces_limit(window: int) -> int:
    """Return how many pieces to keep of a window of that many octets: one for 256 octets, and some."""
    return 64 + window // 256


class Reassembly:
    """Holds octets beyond RCV.NXT, by their position in the stream, until the hole before them is filled.

    Positions are plain counts of octets, so that nothing wraps here. Where pieces overlap, the octets that came
    first stay. What it holds is bounded twice: by the caller's window, and by a number of pieces, since a piece of
    one octet costs a hundred of memory. A piece too many is not kept (nothing obliges a receiver to keep what is out of
    order), unless it begins at RCV.NXT. While anything is held, RCV.NXT must move by what :meth:`take` returns alone.

    Ranges of octets without a hole between them are islands: one is found by bisection among their left edges, and
    what lies in it is a chain of pieces, each found by the position at which the one before it ends.
    """

    __slots__ = ("_lefts", "_next", "_pieces", "_pieces_limit", "_rights")

    def __init__(self, pieces: int = PIECES_DEFAULT) -> None:
        """Make an empty queue.

        Args:
            pieces: from how many on no more are kept; one for each segment in the window, and some, is plenty.
        """
        self._pieces_limit = pieces
        self._pieces: dict[int, bytes] = {}  # by the position of their first octet
        self._lefts: list[int] = []  # left edges of the islands, ascending
        self._rights: dict[int, int] = {}  # right edges, by the left; the island that came or grew last is the last
        self._next = -1  # RCV.NXT, once it is known

    def __bool__(self) -> bool:
        """Return whether anything waits."""
        return bool(self._lefts)

    def __len__(self) -> int:
        """Return how many octets wait."""
        return sum(self._rights.values()) - sum(self._lefts)

    def insert(self, position: int, data: bytes) -> Block | None:
        """Keep ``data``, whose first octet has that position in the stream.

        Returns:
            The octets among them that were there already, for D-SACK; the first range, if there are several
            (RFC 2883, section 4: a block reports one contiguous range).
        """
        if not data or (len(self._pieces) >= self._pieces_limit and position != self._next):
            return None
        lefts, rights, pieces = self._lefts, self._rights, self._pieces
        end = position + len(data)
        first = bisect_right(lefts, position)
        if first and rights[lefts[first - 1]] >= position:
            first -= 1
        last = first  # islands first..last-1 overlap the data, or touch it
        left, at = position, position  # what lies before ``at`` is kept
        duplicate = None
        while last < len(lefts) and (island := lefts[last]) <= end:
            if at < island:
                pieces[at] = data[at - position : island - position]
            right = rights.pop(island)
            if duplicate is None and island < end and right > position:
                duplicate = max(island, position), min(right, end)
            left, at = min(left, island), max(at, right)
            last += 1
        if at < end:
            pieces[at] = data[at - position :]
            at = end
        lefts[first:last] = (left,)
        rights[left] = at
        return duplicate

    def take(self, position: int) -> bytes:
        """Remove and return what follows without a hole from RCV.NXT on, which is at that position."""
        self._next = position
        if not self._lefts or self._lefts[0] != position:
            return b""
        self._next = right = self._rights.pop(self._lefts.pop(0))
        taken = []
        while position < right:
            piece = self._pieces.pop(position)
            taken.append(piece)
            position += len(piece)
        return b"".join(taken)

    def blocks(self, limit: int) -> list[Block]:
        """Return up to ``limit`` islands: the one with the segment that came last first, and so on (RFC 2018, 4)."""
        return list(islice(reversed(self._rights.items()), limit))


def report(holes: Reassembly | None, duplicate: Block | None, taken: int) -> list[Block]:
    """Return the blocks of a SACK option, as positions.

    Args:
        holes: what waits for a hole to be filled, if anything does.
        duplicate: octets of the segment that is being acknowledged that had come before, above RCV.NXT (what
            :meth:`Reassembly.insert` returned) or below it; each is reported once (RFC 2883, 4). The island that it
            lies in comes next by itself: it is the one that the segment came to.
        taken: octets that the other options of the header take: 10 of timestamps leave room for three blocks.
    """
    limit = min((OPTIONS_LIMIT - taken - _SACK_HEADER) // _SACK_BLOCK, SACK_LIMIT)
    if limit <= 0:
        return []
    first = [] if duplicate is None else [duplicate]
    return first if holes is None else first + holes.blocks(limit - len(first))
