"""The send and receive sequence variables of a connection (RFC 9293, section 3.3.1).

They are kept as positions, plain counts of the octets of sequence space since the ISN: the SYN is at 0, the first
octet of the stream at 1. Nothing wraps in here; what is sent and what arrives is turned into 32 bits at the edge.
"""

from tcplab.wire.seq import MODULUS, SeqNumber, seq_add, seq_diff

_HALF = MODULUS >> 1


class SendSpace:
    """SND.UNA, SND.NXT, SND.WND, SND.WL1, SND.WL2, ISS, and MAX.SND.WND of RFC 5961.

    ``una``, ``nxt`` and ``wl2`` are positions in what is sent, ``wl1`` is one in what is received.
    """

    __slots__ = ("iss", "max_wnd", "nxt", "scale", "una", "wl1", "wl2", "wnd")

    def __init__(self, iss: SeqNumber) -> None:
        self.iss = iss
        self.una = 0
        self.nxt = 0
        self.wnd = 0
        self.max_wnd = 0
        self.wl1 = 0
        self.wl2 = 0
        self.scale = 0  # Snd.Wind.Shift of RFC 7323

    def seq(self, position: int) -> SeqNumber:
        """Return a position as a sequence number."""
        return seq_add(self.iss, position)

    def position(self, ack: SeqNumber) -> int:
        """Return the position nearest to SND.UNA that an acknowledgement number can mean."""
        una = self.una
        ahead = ack - self.iss - una  # if neither number has wrapped, as nearly always
        return una + (ahead if 0 <= ahead < _HALF else seq_diff(ack, self.seq(una)))

    @property
    def usable(self) -> int:
        """Octets that the peer's window still admits; negative where the peer has shrunk it."""
        return self.wnd - self.nxt + self.una

    @property
    def within(self) -> int:
        """SND.NXT, but nothing beyond the peer's window, where SND.NXT lies while a closed window is being probed.

        From there the peer would believe no reset, and hear no ACK, for as long as it does not take the probe.
        """
        edge = self.una + self.wnd
        return self.nxt if self.nxt <= edge or not self.una else edge


class ReceiveSpace:
    """RCV.NXT, RCV.WND and IRS; the window is kept as its right edge, which never moves left (SHLD-14).

    ``nxt`` and ``edge`` are positions in what is received.
    """

    __slots__ = ("edge", "irs", "nxt", "scale")

    def __init__(self) -> None:
        self.irs = SeqNumber(0)
        self.nxt = 0
        self.edge = 0
        self.scale = 0  # Rcv.Wind.Shift of RFC 7323

    def seq(self, position: int) -> SeqNumber:
        """Return a position as a sequence number."""
        return seq_add(self.irs, position)

    @property
    def wnd(self) -> int:
        """RCV.WND: octets that the peer was told it may still send."""
        return self.edge - self.nxt

    def position(self, seq: SeqNumber) -> int:
        """Return the position nearest to RCV.NXT that a sequence number can mean."""
        nxt = self.nxt
        ahead = seq - self.irs - nxt  # if neither number has wrapped, as nearly always
        return nxt + (ahead if 0 <= ahead < _HALF else seq_diff(seq, self.seq(nxt)))

    def begin(self, irs: SeqNumber, window: int) -> None:
        """Take the peer's initial sequence number and open the window after it."""
        self.irs = irs
        self.nxt = 1
        self.edge = 1 + window
