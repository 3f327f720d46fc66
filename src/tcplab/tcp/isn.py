"""Initial sequence numbers (RFC 6528; RFC 9293, section 3.4.1), and what else is drawn for a 4-tuple with a secret."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import Final

from tcplab.tcp.events import ConnectionId
from tcplab.units import MICROSECOND, Instant
from tcplab.wire.seq import MODULUS, SeqNumber

Isn = Callable[[ConnectionId, Instant], SeqNumber]
"""Chooses the initial send sequence number of a connection that begins now."""

Numbers = Callable[[ConnectionId], tuple[int, int]]
"""Draws two numbers of 32 bits for a 4-tuple, always the same ones, of which neither tells anything of the other."""

_TICK: Final = 4 * MICROSECOND  # the clock M of RFC 6528 advances every 4 microseconds
_BOTH: Final = Struct(">II")


def keyed_numbers(key: bytes) -> Numbers:
    """Return the generator with that secret of up to 64 octets: F of RFC 6528, and as much again for the timestamps."""
    keyed = blake2b(digest_size=_BOTH.size, key=key)

    @lru_cache(maxsize=1)  # whoever begins a connection asks for the one and then for the other
    def numbers(name: ConnectionId) -> tuple[int, int]:
        hashed = keyed.copy()
        hashed.update(name.ends.encode())
        first, second = _BOTH.unpack(hashed.digest())
        return first, second

    return numbers


def keyed_isn(numbers: Numbers) -> Isn:
    """Return the generator of RFC 6528: ISN = M + F(4-tuple, secret)."""

    def isn(name: ConnectionId, now: Instant) -> SeqNumber:
        return SeqNumber((now // _TICK + numbers(name)[0]) % MODULUS)

    return isn
