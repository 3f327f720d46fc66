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

    __slots__ = ("_cwr_due", "_echo", "_recover")

    def __init__(self) -> None:
        self._echo = False
        self._cwr_due = False
        self._recover: int | None = None  # SND.NXT at the last reduction, until more is acknowledged

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

    def ack_arrives(self, flags: Flags, ack: int, nxt: int) -> bool:
        """Take an acceptable ACK; return whether the congestion window must be reduced for it (6.1.2).

        That is once for a window of data: while ``ack`` does not go beyond what had been sent at the last reduction,
        the peer need not have heard of it.

        Args:
            flags: of the segment.
            ack: SEG.ACK, a position.
            nxt: SND.NXT.
        """
        if self._recover is not None and ack > self._recover:
            self._recover = None
        if not flags & ECE or self._recover is not None:
            return False
        self.reduced(nxt)
        return True

    def reduced(self, nxt: int) -> None:
        """The congestion window was reduced, for a loss as well: the peer shall be told (6.1.2)."""
        self._recover = nxt
        self._cwr_due = True

    def new_data(self) -> tuple[Flags, int]:
        """Return what a segment of new data carries: CWR, if it is the first since a reduction, and the codepoint.

        Data alone is ECN-capable, and only when it is sent for the first time (6.1.4, 6.1.5): what else is marked
        could be lost unseen.
        """
        if not self._cwr_due:
            return _NOTHING, ECT_0
        self._cwr_due = False
        return CWR, ECT_0
