"""Explicit congestion notification of a connection that has agreed on it (RFC 3168, sections 6.1.2 to 6.1.5)."""

from typing import Final

from tcplab.wire.segment import CWR, ECE, Flags

# The two bits of the IP header (RFC 3168, section 5).
NOT_ECT: Final = 0
"""On whatever is not new data: SYNs, bare ACKs, retransmissions, probes of a closed window."""
ECT_0: Final = 2
"""Both ends take part; the network may mark the packet instead of dropping it."""
CE: Final = 3
"""The network has marked the packet."""

_NOTHING: Final = Flags(0)


class Ecn:
    """What either end remembers: the receiver what to echo, the sender how far it has reacted.

    Positions are counts of octets of what we send, so that nothing wraps.
    """

    __slots__ = ("_echo",)

    def __init__(self) -> None:
        self._echo = False

    def data_arrives(self, codepoint: int, flags: Flags) -> None:
        """Take a segment whose data lies in the window, be it a duplicate; outside of it marks count for nothing.

        Args:
            codepoint: the two bits of the IP header.
            flags: of the segment. CWR says that the peer has reacted; a mark on the same packet is news again.
        """
        if flags & CWR:
            self._echo = False
        if codepoint == CE:
            self._echo = True

    @property
    def ack_flags(self) -> Flags:
        """What every segment with an ACK carries beside it: ECE, from a marked packet to the peer's CWR (6.1.3)."""
        return ECE if self._echo else _NOTHING
