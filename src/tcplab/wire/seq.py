"""32-bit sequence numbers and their arithmetic (RFC 9293, section 3.4).

A sequence number is a plain ``int`` in 0..2**32-1; every comparison is of the signed 32-bit difference,
so that it holds across the wrap as long as the two are less than 2**31 apart.
"""

from typing import Final, NewType

SeqNumber = NewType("SeqNumber", int)

MODULUS: Final = 1 << 32
_MASK: Final = MODULUS - 1
_HALF: Final = 1 << 31


def seq_add(number: SeqNumber, count: int) -> SeqNumber:
    """Return the number ``count`` octets after ``number`` (before it, if negative)."""
    return SeqNumber((number + count) & _MASK)


def seq_diff(left: SeqNumber, right: SeqNumber) -> int:
    """Return how far ``left`` lies beyond ``right``, in -2**31..2**31-1 octets."""
    return ((left - right + _HALF) & _MASK) - _HALF


def seq_lt(left: SeqNumber, right: SeqNumber) -> bool:
    """Return whether ``left`` comes before ``right``."""
    return (left - right) & _MASK >= _HALF


def seq_le(left: SeqNumber, right: SeqNumber) -> bool:
    """Return whether ``left`` comes before ``right`` or equals it."""
    return (right - left) & _MASK < _HALF


def seq_max(left: SeqNumber, right: SeqNumber) -> SeqNumber:
    """Return the later of the two."""
    return right if seq_lt(left, right) else left
