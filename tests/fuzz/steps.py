"""What may be done to a host: calls, segments, octets and time. Numbers are counted from what the host has told."""

from typing import Final, Literal, NamedTuple, get_args

from tcplab.wire.segment import NO_OPTIONS, Options

SeqBase = Literal["rcv_nxt", "edge", "zero"]
AckBase = Literal["snd_una", "snd_nxt", "zero"]
Name = Literal["open", "listen", "unlisten", "send", "receive", "close", "release", "abort", "accept", "configure"]

SEQ_BASES: Final[tuple[SeqBase, ...]] = ("rcv_nxt", "edge", "zero")
ACK_BASES: Final[tuple[AckBase, ...]] = ("snd_nxt", "snd_una", "zero")
NAMES: Final[tuple[Name, ...]] = get_args(Name)
PLACES: Final = 4
"""How many pairs of ports segments go between."""


class Arrival(NamedTuple):
    """A segment from the peer."""

    place: int = 0
    """Between which ports."""
    flags: int = 0
    seq_base: SeqBase = "rcv_nxt"
    seq: int = 0
    ack_base: AckBase = "snd_nxt"
    ack: int = 0
    octets: bytes = b""
    window: int = 65_535
    options: Options = NO_OPTIONS
    ecn: int = 0
    urgent: int = 0


class Damage(NamedTuple):
    """A segment from the peer as octets, with some of them changed; ``mends`` makes the checksum right again."""

    arrival: Arrival
    changes: tuple[tuple[int, int], ...]
    cut: int
    mends: bool


class Noise(NamedTuple):
    """Octets that nobody has made a segment of."""

    octets: bytes


class Ask(NamedTuple):
    """A call of the application's.

    ``which`` is the connection, of those that ever were, counted from the latest; ``size`` is how many octets, and in
    LISTEN and CONFIGURE its bits say what is asked for.
    """

    name: Name
    which: int = 0
    size: int = 0


class Wait(NamedTuple):
    """Time passes: so many nanoseconds, or until the host's deadline."""

    nanoseconds: int | None


Step = Arrival | Damage | Noise | Ask | Wait
