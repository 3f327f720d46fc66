"""The send and receive sequence variables of a connection (RFC 9293, section 3.3.1)."""

from tcplab.wire.seq import MODULUS, SeqNumber, seq_add


class SendSpace:
    """SND.UNA, SND.NXT, SND.WND, SND.WL1, SND.WL2, ISS, and MAX.SND.WND of RFC 5961."""

    __slots__ = ("iss", "max_wnd", "nxt", "una", "wl1", "wl2", "wnd")

    def __init__(self, iss: SeqNumber) -> None:
        self.iss = iss
        self.una = iss
        self.nxt = iss
        self.wnd = 0
        self.max_wnd = 0
        self.wl1 = SeqNumber(0)
        self.wl2 = SeqNumber(0)

    @property
    def outstanding(self) -> int:
        """Octets of sequence space that were sent and not acknowledged."""
        return (self.nxt - self.una) % MODULUS

    @property
    def usable(self) -> int:
        """Octets that the peer's window still admits; negative where the peer has shrunk it."""
        return self.wnd - (self.nxt - self.una) % MODULUS

    @property
    def within(self) -> SeqNumber:
        """SND.NXT, but nothing beyond the peer's window, where SND.NXT lies while a closed window is being probed.

        From there the peer would believe no reset, and hear no ACK, for as long as it does not take the probe.
        """
        return self.nxt if self.usable >= 0 or self.una == self.iss else seq_add(self.una, self.wnd)


class ReceiveSpace:
    """RCV.NXT, RCV.WND and IRS; the window is kept as its right edge, which never moves left (SHLD-14).

    ``position`` is RCV.NXT as a plain count of the octets of the stream taken so far.
    """

    __slots__ = ("edge", "irs", "nxt", "position")

    def __init__(self) -> None:
        self.irs = SeqNumber(0)
        self.nxt = SeqNumber(0)
        self.edge = SeqNumber(0)
        self.position = 0

    @property
    def wnd(self) -> int:
        """RCV.WND: octets that the peer was told it may still send."""
        return (self.edge - self.nxt) % MODULUS

    def advance(self, octets: int) -> None:
        """Move RCV.NXT over octets of the stream that were taken in order."""
        self.nxt = seq_add(self.nxt, octets)
        self.position += octets

    def begin(self, irs: SeqNumber, window: int) -> None:
        """Take the peer's initial sequence number and open the window after it."""
        self.irs = irs
        self.nxt = seq_add(irs, 1)
        self.edge = seq_add(self.nxt, window)
