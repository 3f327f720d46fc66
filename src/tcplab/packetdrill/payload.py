"""What is in the octets of a script's streams: each tells its place, so that a wrong one is noticed."""

from typing import Final

_CYCLE: Final = b"".join(number.to_bytes(2, "big") for number in range(8191))  # a prime: no window is a multiple
_INVERTED: Final = bytes(255 - octet for octet in range(256))
_FROM_SCRIPT: Final = _CYCLE + _CYCLE
_FROM_HOST: Final = _FROM_SCRIPT.translate(_INVERTED)


def from_script(position: int, count: int) -> bytes:
    """Return the octets that the script's side sends from that position of its stream on, which counts from 0."""
    return _part(_FROM_SCRIPT, position, count)


def from_host(position: int, count: int) -> bytes:
    """Return the octets that the host's application writes from that position of its stream on."""
    return _part(_FROM_HOST, position, count)


def _part(cycle: bytes, position: int, count: int) -> bytes:
    length = len(_CYCLE)
    start = position % length
    if start + count <= 2 * length:
        return cycle[start : start + count]
    return (cycle[:length] * (count // length + 2))[start : start + count]
