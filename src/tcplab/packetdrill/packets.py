"""Reads segments, such as ``> P. 1:1001(1000) ack 1 win 65535 <nop,nop,TS val 100 ecr 200>``."""

from dataclasses import replace
from typing import Final

from tcplab.packetdrill.cursor import Cursor
from tcplab.packetdrill.model import PacketSpec, Ports
from tcplab.packetdrill.source import ScriptError, Unsupported
from tcplab.wire.segment import ACK, CWR, ECE, FIN, NO_OPTIONS, PSH, RST, SYN, URG, Flags, Options
from tcplab.wire.seq import MODULUS, SeqNumber

_U16: Final = 0xFFFF
_U32: Final = MODULUS - 1
LETTERS: Final = {"S": SYN, "F": FIN, "R": RST, "P": PSH, "U": URG, "E": ECE, "W": CWR, ".": ACK}
ECN: Final = {"noecn": 0, "ect1": 1, "ect0": 2, "ce": 3}  # RFC 3168, section 5
"""What stands in brackets, and the two bits of the IP header."""
_OTHER_PACKETS: Final = ("icmp", "udp", "ipv4", "ipv6", "gre", "GREv0", "mpls", "encap")
_OTHER_IP: Final = ("ect01", "tos", "ttl", "flowlabel")
MD5_KIND: Final = 19  # RFC 2385
FAST_OPEN_KIND: Final = 34  # RFC 7413


def packet(cursor: Cursor) -> PacketSpec:
    """Read a segment from its direction on.

    Raises:
        ScriptError: it cannot be read.
        Unsupported: it is no TCP segment, or has what the lab's packets do not have.
    """
    inbound = cursor.take().text == "<"
    ecn = _ecn(cursor)
    if cursor.is_word(*_OTHER_PACKETS):
        raise Unsupported(cursor.place, f"{cursor.token.text!r} (only TCP segments are)")
    ports = _ports(cursor)
    flags = _flags(cursor)
    seq, length = _sequence(cursor)
    ack = _optional(cursor, "ack", "an acknowledgment number", _U32) or 0
    window = _optional(cursor, "win", "a window")
    urgent = _optional(cursor, "urg", "an urgent pointer")
    options = _options(cursor, inbound=inbound)
    return PacketSpec(
        inbound, flags, seq, length, ack if flags & ACK else None, window, urgent or 0, options, ecn, ports
    )


def _ecn(cursor: Cursor) -> int | None:
    close = {"[": "]", "(": ")"}.get(cursor.token.text)
    if close is None:
        return None
    cursor.take()
    if cursor.is_word(*_OTHER_IP):
        raise Unsupported(cursor.place, f"{cursor.token.text!r}")
    if not cursor.is_word(*ECN):
        raise cursor.unexpected(f"one of {', '.join(ECN)}")
    value = ECN[cursor.take().text]
    cursor.expect(close)
    return value


def _ports(cursor: Cursor) -> Ports | None:
    if not cursor.is_kind("integer"):
        return None
    source = cursor.number("a source port", 1, _U16)
    cursor.expect(">", " and a destination port")
    return Ports(source, cursor.number("a destination port", 1, _U16))


def _flags(cursor: Cursor) -> Flags:
    if cursor.skip("-"):
        return Flags(0)
    start = cursor.token
    text = cursor.take().text if start.kind == "word" else ""
    if cursor.is_symbol("."):
        text += cursor.take().text
    if not text:
        raise cursor.unexpected("the flags: letters of SFRPUEW, '.' for ACK, '-' for none")
    flags = 0
    for letter in text:
        if letter not in LETTERS:
            raise ScriptError(start.place, f"expected the flags, of which {letter!r} is none: SFRPUEW, '.' for ACK")
        if flags & LETTERS[letter]:
            raise ScriptError(start.place, f"the flag {letter!r} stands twice")
        flags |= LETTERS[letter]
    return Flags(flags)


def _sequence(cursor: Cursor) -> tuple[int, int]:
    seq = cursor.number("a sequence number", 0, _U32)
    cursor.expect(":", " and the sequence number after the last octet")
    ends_at = cursor.place
    end = cursor.number("the sequence number after the last octet", 0, _U32 + _U16)
    cursor.expect("(", " and the number of octets")
    length = cursor.number("the number of octets", 0, _U16)
    cursor.expect(")")
    if (seq + length - end) % MODULUS:
        raise ScriptError(ends_at, f"expected {seq + length}: {length} octets from {seq} on do not end before {end}")
    return seq, length


def _optional(cursor: Cursor, name: str, what: str, most: int = _U16) -> int | None:
    if not cursor.is_word(name):
        return None
    cursor.take()
    return cursor.number(what, 0, most)


def _options(cursor: Cursor, *, inbound: bool) -> Options | None:
    if not cursor.is_symbol("<"):
        return NO_OPTIONS
    opened = cursor.take()
    if cursor.is_kind("ellipsis"):
        if inbound:
            raise ScriptError(opened.place, "'<...>' is for segments that the host sends")
        cursor.take()
        cursor.expect(">")
        return None
    options = NO_OPTIONS
    while True:
        options = _option(cursor, options)
        if not cursor.skip(","):
            break
    cursor.expect(">", " or ','")
    return options


def _option(cursor: Cursor, options: Options) -> Options:
    token = cursor.expect_kind("word", "a TCP option")
    name = token.text
    match name:
        case "nop" | "eol":
            return options
        case "mss" if options.mss is None:
            return replace(options, mss=cursor.number("an MSS", 0, _U16))
        case "wscale" if options.wscale is None:
            return replace(options, wscale=cursor.number("a shift", 0, 255))
        case "sackOK" if not options.sack_ok:
            return replace(options, sack_ok=True)
        case "TS" if options.timestamps is None:
            return replace(options, timestamps=_timestamps(cursor))
        case "sack" if not options.sack:
            return replace(options, sack=_blocks(cursor))
        case "md5" | "FO":
            kind = MD5_KIND if name == "md5" else FAST_OPEN_KIND
            return replace(options, other=(*options.other, (kind, _octets(cursor))))
        case "mss" | "wscale" | "sackOK" | "TS" | "sack":
            raise ScriptError(token.place, f"the option {name} stands twice")
        case "FOEXP" | "ECN" | "exp":
            raise Unsupported(token.place, f"the option {name}")
        case _:
            raise ScriptError(token.place, f"expected a TCP option, found {token}")


def _timestamps(cursor: Cursor) -> tuple[int, int]:
    numbers = []
    for name in ("val", "ecr"):
        if not cursor.is_word(name):
            raise cursor.unexpected(f"'{name}'")
        cursor.take()
        numbers.append(cursor.number("a timestamp", 0, _U32))
    return numbers[0], numbers[1]


def _blocks(cursor: Cursor) -> tuple[tuple[SeqNumber, SeqNumber], ...]:
    blocks: list[tuple[SeqNumber, SeqNumber]] = []
    while cursor.is_kind("integer") or not blocks:
        left = cursor.number("the left edge of a block", 0, _U32)
        cursor.expect(":", " and the right edge")
        blocks.append((SeqNumber(left), SeqNumber(cursor.number("the right edge of a block", 0, _U32))))
    return tuple(blocks)


def _octets(cursor: Cursor) -> bytes:
    if not cursor.is_kind("word", "integer"):
        return b""
    token = cursor.take()
    try:
        return bytes.fromhex(token.text)
    except ValueError:
        raise ScriptError(token.place, f"expected hexadecimal octets, found {token}") from None
