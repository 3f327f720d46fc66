"""A TCP segment as a value (RFC 9293, section 3.1)."""

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, NewType, Self

from tcplab.units import MINUTE, SECOND, Duration
from tcplab.value import value
from tcplab.wire.seq import SeqNumber, seq_add

if TYPE_CHECKING:

    class Flags(int):
        """Control bits, as the thirteenth and fourteenth octet of the header hold them."""

        def __or__(self, other: int, /) -> Self: ...

else:
    Flags = NewType("Flags", int)

FIN: Final = Flags(0x01)
SYN: Final = Flags(0x02)
RST: Final = Flags(0x04)
PSH: Final = Flags(0x08)
ACK: Final = Flags(0x10)
URG: Final = Flags(0x20)
ECE: Final = Flags(0x40)
CWR: Final = Flags(0x80)

_USER_TIMEOUT_LARGEST: Final = 0x7FFF
_LETTERS: Final = "FSRPAUEC"  # Scapy's, in bit order

Kind = Literal["syn", "syn_ack", "ack", "data", "fin", "rst"]
KINDS: Final[tuple[Kind, ...]] = ("syn", "syn_ack", "ack", "data", "fin", "rst")


def flags_text(flags: Flags) -> str:
    """Return the flags as Scapy writes them, such as ``"SA"`` for SYN and ACK."""
    return "".join(letter for bit, letter in enumerate(_LETTERS) if flags >> bit & 1)


def flags_from_text(text: str) -> Flags:
    """Return the flags that Scapy's letters name.

    Raises:
        ValueError: a letter is unknown or stands twice.
    """
    flags = 0
    for letter in text:
        bit = 1 << _LETTERS.index(letter) if letter in _LETTERS else 0
        if not bit or flags & bit:
            raise ValueError(f"flags {text!r}: {letter!r} is unknown or stands twice; the letters are {_LETTERS}")
        flags |= bit
    return Flags(flags)


class UserTimeout(NamedTuple):
    """How long the sender lets its data stay unacknowledged (RFC 5482, section 3)."""

    value: int
    """0..32767; 0 is reserved: it must neither be sent nor acted on (section 3.4)."""
    unit: Literal["s", "min"] = "s"

    @classmethod
    def of(cls, duration: int) -> "UserTimeout":
        """Return the option for a timeout in nanoseconds, rounded up: in seconds as far as they go, else in minutes."""
        if (whole := -(-duration // SECOND)) <= _USER_TIMEOUT_LARGEST:
            return cls(max(whole, 1))
        return cls(min(-(-duration // MINUTE), _USER_TIMEOUT_LARGEST), "min")

    @property
    def duration(self) -> Duration:
        """The timeout in nanoseconds."""
        return self.value * (MINUTE if self.unit == "min" else SECOND)


@value
class Options:
    """Options of one segment; what is absent was not sent."""

    mss: int | None = None
    """Maximum segment size, octets (RFC 9293, 3.7.1)."""
    wscale: int | None = None
    """Window scale, a shift of 0..14 (RFC 7323, 2)."""
    sack_ok: bool = False
    """SACK permitted (RFC 2018, 2)."""
    timestamps: tuple[int, int] | None = None
    """TSval and TSecr (RFC 7323, 3)."""
    sack: tuple[tuple[SeqNumber, SeqNumber], ...] = ()
    """Blocks received beyond the cumulative acknowledgement, left and right edge (RFC 2018, 3)."""
    user_timeout: UserTimeout | None = None
    """What the sender wants the peer to know of its patience (RFC 5482)."""
    other: tuple[tuple[int, bytes], ...] = ()
    """Kind and contents of options that the lab does not know, which a TCP must skip (MUST-6)."""


NO_OPTIONS: Final = Options()


@value
class Segment:
    """One segment: the header of RFC 9293, section 3.1, and its payload."""

    sport: int
    dport: int
    seq: SeqNumber
    ack: SeqNumber
    flags: Flags
    window: int
    """The raw 16-bit field, unscaled."""
    options: Options = NO_OPTIONS
    payload: bytes = b""
    urgent: int = 0
    """Urgent pointer, an offset from ``seq``."""

    @property
    def length(self) -> int:
        """SEG.LEN: octets of sequence space that the segment takes, SYN and FIN counted."""
        flags = self.flags
        return len(self.payload) + (flags & 1) + (flags >> 1 & 1)

    @property
    def end(self) -> SeqNumber:
        """SEG.SEQ + SEG.LEN: the first sequence number after the segment."""
        return seq_add(self.seq, self.length)

    @property
    def kind(self) -> Kind:
        """What the segment is for: its most telling flag, else whether it carries data."""
        flags = self.flags
        if flags & RST:
            return "rst"
        if flags & SYN:
            return "syn_ack" if flags & ACK else "syn"
        if flags & FIN:
            return "fin"
        return "data" if self.payload else "ack"

    def __str__(self) -> str:
        """Return the segment as the ladder and the logs print it."""
        ack = f" ack={self.ack}" if self.flags & ACK else ""
        return f"{flags_text(self.flags) or '-'} seq={self.seq}{ack} len={len(self.payload)}"
