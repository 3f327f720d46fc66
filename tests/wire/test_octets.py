"""RFC 9293 octets: the same ones as Scapy's, and nothing but MalformedSegment for what is no segment."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcplab.wire import octets
from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.octets import OCTETS_REASONS, PAYLOAD_LIMIT, SEGMENT_LIMIT, options_length
from tcplab.wire.packet import Address
from tcplab.wire.segment import ACK, CWR, ECE, NO_OPTIONS, PSH, SYN, URG, Options, Segment, UserTimeout
from tcplab.wire.seq import SeqNumber
from tests.wire.strategies import addresses, damaged, segments
from tests.wire.strategies import options as any_options

HERE, THERE = Address("192.0.2.1"), Address("198.51.100.7")
ZERO = SeqNumber(0)
DATA = Segment(1, 2, SeqNumber(3), SeqNumber(4), ACK, 5, Options(timestamps=(6, 7)), b"some octets!")


def resummed(raw: bytes, source: Address = HERE, target: Address = THERE) -> bytes:
    """Return the octets with a checksum that fits, added up word by word as RFC 1071 describes it."""
    blank = raw[:16] + bytes(2) + raw[18:]
    pseudo_header = bytes(map(int, f"{source}.{target}".split("."))) + bytes((0, 6)) + len(blank).to_bytes(2, "big")
    padded = pseudo_header + blank + bytes(len(blank) % 2)
    total = sum(padded[at] << 8 | padded[at + 1] for at in range(0, len(padded), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return blank[:16] + (total ^ 0xFFFF).to_bytes(2, "big") + blank[18:]


def with_options(raw: str) -> bytes:
    """Return the octets of a segment whose header holds these options (hex, whole words)."""
    body = bytes.fromhex(raw)
    header = octets.encode(replace(DATA, options=NO_OPTIONS, payload=b""), HERE, THERE)
    return resummed(header[:12] + bytes(((20 + len(body)) // 4 << 4,)) + header[13:] + body)


def outcome(raw: bytes) -> Segment | MalformedSegment:
    try:
        return octets.decode(raw, HERE, THERE)
    except MalformedSegment as malformed:
        return malformed


# Made with Scapy 2.8: bytes(IP(src=..., dst=...) / TCP(...) / data)[20:]
SCAPY = [
    (
        ("10.0.1.1", "10.0.2.1"),
        "c0000050000003e800000000a002ffff5acd0000020405b40303070402080a0000000c0000000000",
        Segment(49_152, 80, SeqNumber(1000), ZERO, SYN, 65_535, Options(1460, 7, True, (12, 0))),
    ),
    (
        (HERE, THERE),
        "c0000050ffffffff00000007503800012fae00026f6464",
        Segment(
            49_152,
            80,
            SeqNumber(2**32 - 1),
            SeqNumber(7),
            PSH | ACK | URG,
            1,
            payload=b"odd",
            urgent=2,
        ),
    ),
]

# The same, with NOPs where Linux puts them; the lab leaves them out.
LINUX = [
    (
        "9c4001bb0000000100000000a0c2faf024790000020405b40402080adeadbeef0000000001030307",
        Segment(40_000, 443, SeqNumber(1), ZERO, SYN | ECE | CWR, 64_240, Options(1460, 7, True, (0xDEADBEEF, 0))),
    ),
    (
        "00509c4000000005000003e9d01001f57e4800000101080a000000070000000801010512000007d100000bb9fffffffa0000000a",
        Segment(
            80,
            40_000,
            SeqNumber(5),
            SeqNumber(1001),
            ACK,
            501,
            Options(
                timestamps=(7, 8),
                sack=((SeqNumber(2001), SeqNumber(3001)), (SeqNumber(2**32 - 6), SeqNumber(10))),
            ),
        ),
    ),
]


@pytest.mark.rfc("MUST-2", "MUST-68")
@pytest.mark.parametrize(("pair", "raw", "segment"), SCAPY)
def test_the_octets_are_those_of_scapy(pair: tuple[Address, Address], raw: str, segment: Segment) -> None:
    assert octets.encode(segment, *pair).hex() == raw
    assert octets.decode(bytes.fromhex(raw), *pair) == segment


@pytest.mark.rfc("MUST-4")
@pytest.mark.parametrize(("raw", "segment"), LINUX)
def test_no_operations_between_options_are_skipped(raw: str, segment: Segment) -> None:
    assert octets.decode(bytes.fromhex(raw), HERE, THERE) == segment


@settings(deadline=None)
@given(segments, addresses, addresses)
def test_a_segment_comes_back_as_it_was(segment: Segment, source: Address, target: Address) -> None:
    raw = octets.encode(segment, source, target)

    assert octets.decode(raw, source, target) == segment
    assert raw == resummed(raw, source, target)


@pytest.mark.rfc("MUST-68")
@pytest.mark.parametrize(
    ("options", "length"),
    [
        (NO_OPTIONS, 0),
        (Options(mss=1460), 4),
        (Options(wscale=0), 3),
        (Options(sack_ok=True), 2),
        (Options(timestamps=(0, 0)), 10),
        (Options(sack=((ZERO, ZERO),) * 4), 34),
        (Options(user_timeout=UserTimeout(0)), 4),
        (Options(other=((9, b""), (9, b"abc"))), 7),
        (Options(1460, 7, True, (1, 2), other=((9, b""),)), 21),
    ],
)
def test_the_length_of_each_option_is_the_one_in_its_rfc(options: Options, length: int) -> None:
    assert options_length(options) == length


@settings(deadline=None)
@given(any_options)
def test_the_length_of_options_is_what_they_take_in_the_header(options: Options) -> None:
    raw = octets.encode(replace(DATA, options=options, payload=b""), HERE, THERE)

    assert len(raw) - 20 == (options_length(options) + 3) // 4 * 4


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_decode_or_are_malformed(raw: bytes) -> None:
    match outcome(raw):
        case MalformedSegment(reason=reason):
            assert reason in OCTETS_REASONS
        case segment:
            assert octets.decode(octets.encode(segment, HERE, THERE), HERE, THERE) == segment


@settings(deadline=None)
@given(segments.flatmap(lambda segment: damaged(octets.encode(segment, HERE, THERE))), st.integers(0, 15))
def test_damage_under_a_checksum_that_fits_decodes_or_is_malformed(raw: bytes, words: int) -> None:
    raw = resummed(raw[:12] + bytes((words << 4,)) + raw[13:].ljust(20, b"\x08"))

    match outcome(raw):
        case MalformedSegment(reason=reason):
            assert reason in ("bad_data_offset", "bad_option")
        case segment:
            assert octets.decode(octets.encode(segment, HERE, THERE), HERE, THERE) == segment


@pytest.mark.rfc("MUST-3")
def test_every_flipped_bit_is_found() -> None:
    sound = octets.encode(DATA, HERE, THERE)
    for bit in range(8 * len(sound)):
        flipped = bytearray(sound)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MalformedSegment, match="bad_checksum"):
            octets.decode(bytes(flipped), HERE, THERE)


@pytest.mark.rfc("MUST-3")
def test_a_segment_for_another_address_does_not_fit_its_checksum() -> None:
    with pytest.raises(MalformedSegment, match="bad_checksum"):
        octets.decode(octets.encode(DATA, HERE, THERE), HERE, Address("198.51.100.8"))


def test_damage_that_the_checksum_cannot_see_is_believed() -> None:
    sound = octets.encode(DATA, HERE, THERE)

    swapped = octets.decode(sound[:-4] + sound[-2:] + sound[-4:-2], HERE, THERE)

    assert swapped == replace(DATA, payload=b"some octs!et")


def test_a_sum_of_zero_is_sent_as_it_is() -> None:
    sound = octets.encode(DATA, HERE, THERE)
    # the segment whose other words add up to 0xFFFF: its checksum is 0, and is no sign of its absence as in UDP
    window = (DATA.window + int.from_bytes(sound[16:18], "big")) % 0xFFFF
    raw = octets.encode(replace(DATA, window=window), HERE, THERE)

    assert raw[16:18] == b"\0\0"
    assert octets.decode(raw, HERE, THERE).window == window


@pytest.mark.rfc("MUST-4", "MUST-64")
@pytest.mark.parametrize(
    ("raw", "options"),
    [
        ("fd04abcd", Options(other=((253, b"\xab\xcd"),))),
        ("2202 0101 fe04 0001", Options(other=((34, b""), (254, b"\x00\x01")))),
        ("1e04 0001 0204 05b4", Options(mss=1460, other=((30, b"\x00\x01"),))),
        ("0303 0e00", Options(wscale=14)),
        ("0303 0f00", Options(wscale=14)),
        ("0303 ff00", Options(wscale=14)),
        ("1c04 0064", Options(user_timeout=UserTimeout(100, "s"))),
        ("1c04 805a", Options(user_timeout=UserTimeout(90, "min"))),
        ("1c04 0000 1c04 ffff", Options(user_timeout=UserTimeout(32_767, "min"))),
        ("0204 0100 0204 0200", Options(mss=512)),
        ("0101 0101", NO_OPTIONS),
        ("0000 0000", NO_OPTIONS),
        ("0002 0405", NO_OPTIONS),
        ("0204 0000", Options(mss=0)),
    ],
)
def test_options_are_read_one_by_one(raw: str, options: Options) -> None:
    assert octets.decode(with_options(raw), HERE, THERE).options == options


@pytest.mark.rfc("MUST-7")
@pytest.mark.parametrize(
    ("raw", "detail"),
    [
        ("0200 0000", "option 2 of length 0, 4 octets are left"),
        ("fd01 0000", "option 253 of length 1, 4 octets are left"),
        ("0101 fd03", "option 253 of length 3, 2 octets are left"),
        ("0101 01fd", "option 253 of length 0, 1 octets are left"),
        ("0203 0500", "option 2 cannot have the length 3"),
        ("0502 0000", "option 5 cannot have the length 2"),
        ("0506 0000 0001 0000", "option 5 cannot have the length 6"),
        ("0403 0000", "option 4 cannot have the length 3"),
        ("1c03 0000", "option 28 cannot have the length 3"),
    ],
)
def test_an_option_of_a_wrong_length_is_malformed(raw: str, detail: str) -> None:
    with pytest.raises(MalformedSegment) as malformed:
        octets.decode(with_options(raw), HERE, THERE)

    assert (malformed.value.reason, malformed.value.detail) == ("bad_option", detail)


def test_reserved_bits_are_ignored() -> None:
    sound = octets.encode(DATA, HERE, THERE)
    marked = resummed(sound[:12] + bytes((sound[12] | 0x0F,)) + sound[13:])

    assert octets.decode(marked, HERE, THERE) == DATA


def test_the_longest_segment_fits_and_one_octet_more_does_not() -> None:
    full = Options(1460, 7, True, (1, 2), other=((253, bytes(19)),))
    longest = replace(DATA, options=full, payload=bytes(PAYLOAD_LIMIT))

    raw = octets.encode(longest, HERE, THERE)

    assert len(raw) == SEGMENT_LIMIT
    assert octets.decode(raw, HERE, THERE) == longest
    with pytest.raises(MalformedSegment, match="too_long"):
        octets.decode(raw + b"\0", HERE, THERE)
    with pytest.raises(ValueError, match="do not fit a segment"):
        octets.encode(replace(longest, payload=bytes(PAYLOAD_LIMIT + 1)), HERE, THERE)
    with pytest.raises(ValueError, match="do not fit a segment"):
        octets.encode(replace(DATA, options=replace(full, other=((253, bytes(20)),))), HERE, THERE)
