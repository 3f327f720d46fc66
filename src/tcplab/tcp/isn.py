"""Initial sequence numbers (RFC 6528; RFC 9293, section 3.4.1)."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

from tcplab.node import Address
from tcplab.tcp.events import ConnectionId
from tcplab.units import MICROSECOND, Instant
from tcplab.wire.seq import MODULUS, SeqNumber

Isn = Callable[[ConnectionId, Instant], SeqNumber]
"""Chooses the initial send sequence number of a connection that begins now."""

_TICK: Final = 4 * MICROSECOND  # the clock M of RFC 6528 advances every 4 microseconds


def initial_sequence_number(
    key: bytes, *, local: Address, local_port: int, remote: Address, remote_port: int, now: Instant
) -> SeqNumber:
    """Return ISN = M + F(4-tuple, key).

    Args:
        key: secret of the host, up to 64 octets.
        local: the host's own address.
        local_port: its port.
        remote: the peer's address.
        remote_port: its port.
        now: the lab's clock.
    """
    name = f"{local}:{local_port}>{remote}:{remote_port}".encode()
    offset = int.from_bytes(blake2b(name, digest_size=4, key=key).digest(), "big")
    return SeqNumber((now // _TICK + offset) % MODULUS)


def keyed_isn(key: bytes) -> Isn:
    """Return the generator of RFC 6528 with that secret of up to 64 octets."""

    def isn(name: ConnectionId, now: Instant) -> SeqNumber:
        return initial_sequence_number(
            key,
            local=name.local,
            local_port=name.local_port,
            remote=name.remote,
            remote_port=name.remote_port,
            now=now,
        )

    return isn
