"""Octets that arrived ahead of a hole (RFC 9293, section 3.10.7.4, step 7)."""

from bisect import bisect_left


class Reassembly:
    """Holds octets beyond RCV.NXT, by their position in the stream, until the hole before them is filled.

    Positions are plain counts of octets from the start of the stream, so that nothing wraps here. Where pieces
    overlap, the octets that came first stay. What it holds is bounded by the caller's window.
    """

    __slots__ = ("_pieces", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._pieces: list[bytes] = []

    def __bool__(self) -> bool:
        """Return whether anything waits."""
        return bool(self._starts)

    def __len__(self) -> int:
        """Return how many octets wait."""
        return sum(map(len, self._pieces))

    def insert(self, position: int, data: bytes) -> None:
        """Keep ``data``, whose first octet has that position in the stream."""
        index = bisect_left(self._starts, position)
        if index and (covered := self._starts[index - 1] + len(self._pieces[index - 1]) - position) > 0:
            data, position = data[covered:], position + covered
        while data:
            if index == len(self._starts):
                self._put(index, position, data)
                return
            gap = self._starts[index] - position
            if gap > 0:
                self._put(index, position, data[:gap])
                index += 1
            skipped = gap + len(self._pieces[index])
            data, position, index = data[skipped:], position + skipped, index + 1

    def _put(self, index: int, position: int, data: bytes) -> None:
        self._starts.insert(index, position)
        self._pieces.insert(index, data)

    def take(self, position: int) -> bytes:
        """Remove and return what follows without a hole from that position on; what lies before it is forgotten."""
        taken = bytearray()
        used = 0
        for start, piece in zip(self._starts, self._pieces, strict=True):
            ahead = position + len(taken) - start
            if ahead < 0:
                break
            taken += piece[ahead:]
            used += 1
        del self._starts[:used], self._pieces[:used]
        return bytes(taken)
