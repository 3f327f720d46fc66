"""A queue of small numbers, in as many octets as they have."""

from array import array
from typing import Final, Literal

_WASTE: Final = 4_096  # numbers that may have left the queue before the rest moves to the array's beginning


class Fifo:
    """First in, first out, in constant time on average.

    A deque would take some 40 octets for each, and have the garbage collector look at every one of them.
    """

    __slots__ = ("_begin", "_numbers")

    def __init__(self, typecode: Literal["H", "I"]) -> None:
        """Make an empty queue of unsigned numbers of 16 (``H``) or 32 bits (``I``)."""
        self._numbers = array(typecode)
        self._begin = 0

    def __len__(self) -> int:
        return len(self._numbers) - self._begin

    @property
    def first(self) -> int:
        """The number that leaves next; there must be one."""
        return self._numbers[self._begin]

    def append(self, number: int) -> None:
        """Put a number at the end."""
        self._numbers.append(number)

    def popleft(self) -> int:
        """Take the first number out; there must be one."""
        number = self._numbers[self._begin]
        self._begin += 1
        if self._begin >= _WASTE and self._begin * 2 > len(self._numbers):
            del self._numbers[: self._begin]
            self._begin = 0
        return number

    def clear(self) -> None:
        """Forget all."""
        del self._numbers[:]
        self._begin = 0
