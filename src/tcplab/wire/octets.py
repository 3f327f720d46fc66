"""RFC 9293 octets <-> segments: what a real TCP puts into an IPv4 datagram (RFC 9293, section 3.1).

The lab's own hosts exchange JSON; the octets are for what must look like the real thing: captures, corruption
by the network, and the kernel's TCP.
"""

from functools import lru_cache
from ipaddress import IPv4Address
from struct import Struct
from typing import Final

from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.packet import Address
from tcplab.wire.segment import NO_OPTIONS, Flags, Options, Segment, UserTimeout
from tcplab.wire.seq import SeqNumber

PROTOCOL: Final = 6  # TCP's number in the IPv4 header (RFC 9293, section 3.1)
HEADER_OCTETS: Final = 20  # without options
OPTIONS_LIMIT: Final = 40  # octets: the 4-bit data offset counts 15 words of 4, the header takes 5
SEGMENT_LIMIT: Final = 65_515  # octets, header included: what an IPv4 datagram of 65,535 holds beside its header of 20
PAYLOAD_LIMIT: Final = SEGMENT_LIMIT - HEADER_OCTETS - OPTIONS_LIMIT  # fits whatever the options are
WSCALE_LIMIT: Final = 14  # RFC 7323, section 2.3
SACK_LIMIT: Final = 4  # blocks: 2 + 4 * 8 octets fit beside nothing else that is long (RFC 2018, section 3)

_END, _NOP, _MSS, _WSCALE, _SACK_OK, _SACK, _TIMESTAMPS, _USER_TIMEOUT = 0, 1, 2, 3, 4, 5, 8, 28
_BODY_LENGTHS: Final = {
    _MSS: (2,),
    _WSCALE: (1,),
    _SACK_OK: (0,),
    _SACK: tuple(range(8, 8 * SACK_LIMIT + 1, 8)),
    _TIMESTAMPS: (8,),
    _USER_TIMEOUT: (2,),
}
KNOWN_KINDS: Final = frozenset(_BODY_LENGTHS)  # those with a field of their own in Options

OCTETS_REASONS: Final = ("too_short", "too_long", "bad_checksum", "bad_data_offset", "bad_option")
"""Every reason of a :class:`MalformedSegment` that :func:`decode` raises."""

_HEADER: Final = Struct("!HHIIBBHHH")
_PSEUDO_HEADER: Final = Struct("!4s4sBBH")
_TWO_NUMBERS: Final = Struct("!II")
_MINUTES: Final = 0x8000  # the granularity bit of the user timeout (RFC 5482, section 3.1)
_CHECKSUM_AT: Final = 16


def encode(segment: Segment, source: Address, target: Address) -> bytes:
    """Return the octets of a segment, options and a good checksum included.

    Options are packed in the order of :class:`Options`, without NOPs, and filled up with zeros to whole words.

    Raises:
        ValueError: the options or the payload are longer than a header, or a datagram, can hold.
    """
    options = _encode_options(segment.options)
    if len(options) > OPTIONS_LIMIT or len(segment.payload) > PAYLOAD_LIMIT:
        raise ValueError(f"options of {len(options)} and payload of {len(segment.payload)} octets do not fit a segment")
    header = _HEADER.pack(
        segment.sport,
        segment.dport,
        segment.seq,
        segment.ack,
        (HEADER_OCTETS + len(options)) // 4 << 4,
        segment.flags,
        segment.window,
        0,
        segment.urgent,
    )
    octets = header + options + segment.payload
    checksum = -_sum(octets, source, target) % 0xFFFF
    return octets[:_CHECKSUM_AT] + checksum.to_bytes(2, "big") + octets[_CHECKSUM_AT + 2 :]


def decode(octets: bytes, source: Address, target: Address) -> Segment:
    """Return the segment that the octets hold.

    NOPs and padding are not kept, of an option that stands twice the last one counts, and a window scale above
    14 is taken as 14 (RFC 7323, section 2.3). The four reserved bits are ignored, as RFC 9293 demands.

    Raises:
        MalformedSegment: nothing else, whatever the octets are; the reason is one of :data:`OCTETS_REASONS`.
    """
    if len(octets) < HEADER_OCTETS:
        raise MalformedSegment("too_short", f"{len(octets)} octets, a header takes {HEADER_OCTETS}")
    if len(octets) > SEGMENT_LIMIT:
        raise MalformedSegment("too_long", f"{len(octets)} octets, an IPv4 datagram holds {SEGMENT_LIMIT}")
    if _sum(octets, source, target) % 0xFFFF:
        raise MalformedSegment("bad_checksum", f"the checksum 0x{octets[_CHECKSUM_AT:18].hex()} does not fit")
    sport, dport, seq, ack, offset, flags, window, _, urgent = _HEADER.unpack_from(octets)
    start = (offset >> 4) * 4
    if not HEADER_OCTETS <= start <= len(octets):
        raise MalformedSegment("bad_data_offset", f"data offset of {start} octets in a segment of {len(octets)}")
    options = _decode_options(octets[HEADER_OCTETS:start])
    return Segment(sport, dport, seq, ack, Flags(flags), window, options, octets[start:], urgent)


def options_length(options: Options) -> int:
    """Return the octets that the options take in a header, before they are filled up to whole words."""
    return (
        (4 if options.mss is not None else 0)
        + (3 if options.wscale is not None else 0)
        + (2 if options.sack_ok else 0)
        + (10 if options.timestamps is not None else 0)
        + (2 + 8 * len(options.sack) if options.sack else 0)
        + (4 if options.user_timeout is not None else 0)
        + sum(2 + len(body) for _, body in options.other)
    )


def _sum(octets: bytes, source: Address, target: Address) -> int:
    """Return a number congruent, modulo 0xFFFF, to the one's complement sum of pseudo-header and octets.

    Since 0x10000 is 1 modulo 0xFFFF, a big number and the sum of its 16-bit words leave the same remainder: the
    whole sum of RFC 1071 is one division. Remainder 0 stands for the sum 0xFFFF; the sum 0 cannot be, the
    pseudo-header holding the protocol.
    """
    pseudo_header = _PSEUDO_HEADER.pack(_packed(source), _packed(target), 0, PROTOCOL, len(octets))
    padding = b"\0" if len(octets) % 2 else b""
    return int.from_bytes(pseudo_header + octets + padding, "big")


@lru_cache(maxsize=1024)
def _packed(address: Address) -> bytes:
    return IPv4Address(address).packed


def _encode_options(options: Options) -> bytes:
    if options == NO_OPTIONS:
        return b""
    bodies: list[tuple[int, bytes]] = []
    if options.mss is not None:
        bodies.append((_MSS, options.mss.to_bytes(2, "big")))
    if options.wscale is not None:
        bodies.append((_WSCALE, bytes((options.wscale,))))
    if options.sack_ok:
        bodies.append((_SACK_OK, b""))
    if options.timestamps is not None:
        bodies.append((_TIMESTAMPS, _TWO_NUMBERS.pack(*options.timestamps)))
    if options.sack:
        bodies.append((_SACK, b"".join(_TWO_NUMBERS.pack(*block) for block in options.sack)))
    if options.user_timeout is not None:
        value, unit = options.user_timeout
        bodies.append((_USER_TIMEOUT, (value | (_MINUTES if unit == "min" else 0)).to_bytes(2, "big")))
    bodies.extend(options.other)
    octets = b"".join(bytes((kind, 2 + len(body))) + body for kind, body in bodies)
    return octets + bytes(-len(octets) % 4)


def _decode_options(octets: bytes) -> Options:
    if not octets:
        return NO_OPTIONS
    known: dict[int, bytes] = {}
    other: list[tuple[int, bytes]] = []
    at = 0
    while at < len(octets) and (kind := octets[at]) != _END:
        if kind == _NOP:
            at += 1
            continue
        length = octets[at + 1] if at + 1 < len(octets) else 0
        body = octets[at + 2 : at + length]
        if len(body) != length - 2:
            raise MalformedSegment(
                "bad_option", f"option {kind} of length {length}, {len(octets) - at} octets are left"
            )
        if kind not in KNOWN_KINDS:
            other.append((kind, body))
        elif len(body) in _BODY_LENGTHS[kind]:
            known[kind] = body
        else:
            raise MalformedSegment("bad_option", f"option {kind} cannot have the length {length}")
        at += length
    return _options(known, tuple(other))


def _options(known: dict[int, bytes], other: tuple[tuple[int, bytes], ...]) -> Options:
    mss, wscale, timestamps = known.get(_MSS), known.get(_WSCALE), known.get(_TIMESTAMPS)
    return Options(
        mss=int.from_bytes(mss, "big") if mss is not None else None,
        wscale=min(wscale[0], WSCALE_LIMIT) if wscale is not None else None,
        sack_ok=_SACK_OK in known,
        timestamps=_TWO_NUMBERS.unpack(timestamps) if timestamps is not None else None,
        sack=tuple(
            (SeqNumber(left), SeqNumber(right)) for left, right in _TWO_NUMBERS.iter_unpack(known.get(_SACK, b""))
        ),
        user_timeout=_user_timeout(known.get(_USER_TIMEOUT)),
        other=other,
    )


def _user_timeout(body: bytes | None) -> UserTimeout | None:
    if body is None:
        return None
    number = int.from_bytes(body, "big")
    return UserTimeout(number & ~_MINUTES, "min" if number & _MINUTES else "s")
