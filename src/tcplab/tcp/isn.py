"""Initial sequence numbers (RFC 6528; RFC 9293, section 3.4.1)."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from tcplab.tcp.events import ConnectionId
from tcplab.units import MICROSECOND, Instant
from tcplab.wire.seq import MODULUS, SeqNumber

Isn = Callable[[ConnectionId, Instant], SeqNumber]
"""Chooses the initial send sequence number of a connection that begins now."""

_TICK: Final = 4 * MICROSECOND  # the clock M of RFC 6528 advances every 4 microseconds


def keyed_isn(key: bytes) -> Isn:
    """Return the generator of RFC 6528 with that secret of up to 64 octets: ISN = M + F(4-tuple, secret)."""
    keyed = blake2b(digest_size=4, key=key)

    def isn(name: ConnectionId, now: Instant) -> SeqNumber:
        hashed = keyed.copy()
        hashed.update(f"{name.local}:{name.local_port}>{name.remote}:{name.remote_port}".encode())
        return SeqNumber((now // _TICK + int.from_bytes(hashed.digest(), "big")) % MODULUS)

    return isn
