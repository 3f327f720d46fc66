"""How often a host answers what looks like an attack on a connection (RFC 5961, section 7)."""

from hashlib import blake2b
from typing import Final

from tcplab.units import MILLISECOND, SECOND, Instant

INTERVAL: Final = 500 * MILLISECOND  # of one connection; Linux's default of tcp_invalid_ratelimit


class ChallengeAcks:
    """A host's budget of challenge ACKs, and the pause that each connection keeps between two.

    Both are for segments without data or FIN alone: a peer may send those again because our ACK was lost, and waits
    for it. The pause ends what two desynchronized ends would do to each other for ever. The budget bounds what
    spoofed segments can make a host send; how much of it a second has is not told, or whoever uses it up could
    count by the answers to his own segments which guesses about another's connection were right (CVE-2016-5696).
    """

    __slots__ = ("_key", "_left", "_per_second", "_second")

    def __init__(self, per_second: int, key: bytes) -> None:
        """Make a budget.

        Args:
            per_second: how many are sent in a second at most; some seconds have no more than half of that.
            key: secret of the host, up to 64 octets.
        """
        self._per_second = per_second
        self._key = key
        self._second = -1
        self._left = 0

    def grant(self, not_before: Instant, now: Instant) -> Instant | None:
        """Return until when a connection that sends a challenge ACK now must send no other; ``None``: not this one.

        Args:
            not_before: what the connection was told the last time; 0 at first.
            now: when the segment came.
        """
        if now < not_before:
            return None
        if (second := now // SECOND) != self._second:
            self._second = second
            self._left = self._budget(second)
        if not self._left:
            return None
        self._left -= 1
        return now + INTERVAL

    def _budget(self, second: int) -> int:
        hashed = blake2b(str(second).encode(), digest_size=8, key=self._key, person=b"challenge acks").digest()
        return self._per_second - int.from_bytes(hashed, "big") % (self._per_second // 2 + 1)
