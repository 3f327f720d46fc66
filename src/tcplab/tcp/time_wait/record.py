"""What is kept of a connection in TIME_WAIT, and how it is kept: one short string of octets an entry."""

from struct import Struct
from typing import Final, Self

from tcplab.node import Address
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.negotiation import window_field
from tcplab.tcp.timestamps import tsval
from tcplab.units import Instant
from tcplab.value import value
from tcplab.wire.segment import ACK, NO_OPTIONS, Options, Segment
from tcplab.wire.seq import SeqNumber, seq_add, seq_diff

ISN_DISTANCE: Final = 65_535 + 2
"""How far beyond SND.NXT the next incarnation begins at the least; Linux' figure, two more than an unscaled window."""

_LAYOUT: Final = Struct("<QIIIBqqqII")
_BEGINNING: Final = Struct("<Q13xq")  # the first and the sixth field
_EXPIRES: Final = Struct("<29xq")  # the seventh
_STAMPED: Final = 0x80
_SHIFT: Final = 0x0F
_NEVER: Final = -1


@value
class Stamps:
    """What is left of a connection's timestamps (RFC 7323)."""

    recent: int
    """TS.Recent: the peer's latest TSval."""
    offset: int
    """What our timestamp clock shows at the start of time."""


@value
class Record:
    """A connection in TIME_WAIT: what acknowledges the peer's FIN again, and tells old duplicates from a new SYN."""

    id: ConnectionId
    snd_nxt: SeqNumber
    """SND.NXT, all of it acknowledged."""
    rcv_nxt: SeqNumber
    """RCV.NXT, after the peer's FIN."""
    rcv_wnd: int
    """The window last told, octets."""
    entered: Instant
    expires: Instant
    """When it ends, if nothing restarts it."""
    rcv_shift: int = 0
    """By how much the window is shifted in segments (RFC 7323, 2)."""
    stamps: Stamps | None = None
    answered: Instant | None = None
    """When it last sent an ACK of those whose rate is limited."""

    def ack(self, now: Instant) -> Segment:
        """Return <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>."""
        name, stamps = self.id, self.stamps
        options = NO_OPTIONS if stamps is None else Options(timestamps=(tsval(stamps.offset, now), stamps.recent))
        window = window_field(self.rcv_wnd, self.rcv_shift)
        return Segment(name.local_port, name.remote_port, self.snd_nxt, self.rcv_nxt, ACK, window, options)

    def isn_after(self, proposed: SeqNumber) -> SeqNumber:
        """Return the ISN proposed for the next incarnation, or a later one: it must be beyond this one's (MAY-2)."""
        if seq_diff(proposed, self.snd_nxt) > 0:
            return proposed
        return seq_add(self.snd_nxt, ISN_DISTANCE)

    def packed(self) -> bytes:
        """Return all of it but the 4-tuple, which whoever keeps it knows."""
        stamps = self.stamps
        recent, offset = (0, 0) if stamps is None else (stamps.recent, stamps.offset)
        return _LAYOUT.pack(
            self.id.incarnation, self.snd_nxt, self.rcv_nxt, self.rcv_wnd,
            self.rcv_shift | (_STAMPED if stamps is not None else 0),
            self.entered, self.expires, _NEVER if self.answered is None else self.answered, recent, offset,
        )  # fmt: skip

    @classmethod
    def unpacked(cls, octets: bytes, local: Address, local_port: int, remote: Address, remote_port: int) -> Self:
        """Return the record again."""
        incarnation, snd_nxt, rcv_nxt, rcv_wnd, mixed, entered, expires, answered, recent, offset = _LAYOUT.unpack(
            octets
        )
        return cls(
            ConnectionId(local, local_port, remote, remote_port, incarnation),
            snd_nxt, rcv_nxt, rcv_wnd, entered, expires, mixed & _SHIFT,
            Stamps(recent, offset) if mixed & _STAMPED else None,
            None if answered == _NEVER else answered,
        )  # fmt: skip


def beginning(octets: bytes) -> tuple[int, Instant]:
    """Return a packed record's incarnation and when it began, without looking at the rest."""
    incarnation, entered = _BEGINNING.unpack_from(octets)
    return incarnation, entered


def expiry(octets: bytes) -> Instant:
    """Return when a packed record ends, without looking at the rest."""
    return _EXPIRES.unpack_from(octets)[0]  # type: ignore[no-any-return]
