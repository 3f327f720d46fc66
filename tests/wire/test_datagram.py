import struct
from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given

from tcplab.netem.impairments.line import packet_size
from tcplab.node import Address, Packet
from tcplab.units import Instant
from tcplab.wire.datagram import IPV4_HEADER_OCTETS, datagram
from tcplab.wire.octets import decode, encode
from tcplab.wire.segment import SYN, Segment
from tcplab.wire.seq import SeqNumber
from tests.wire.strategies import segments

SOURCE, TARGET = Address("10.0.1.7"), Address("10.0.2.1")
PACKET = Packet(0x12345, Instant(0), SOURCE, TARGET, Segment(49152, 80, SeqNumber(1000), SeqNumber(0), SYN, 65535))


def sum_of_words(octets: bytes) -> int:
    """Return the one's complement sum as RFC 1071 adds it up, word by word."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def test_the_header_is_that_of_rfc_791() -> None:
    octets = datagram(replace(PACKET, ecn=2))

    assert octets[:10].hex(" ") == "45 02 00 28 23 45 40 00 40 06"
    assert octets[12:20] == IPv4Address(SOURCE).packed + IPv4Address(TARGET).packed
    assert len(octets) == 40


@given(segments)
def test_both_checksums_fit_and_the_segment_comes_back(segment: Segment) -> None:
    packet = replace(PACKET, segment=segment)

    octets = datagram(packet)

    assert sum_of_words(octets[:IPV4_HEADER_OCTETS]) == 0xFFFF
    assert decode(octets[IPV4_HEADER_OCTETS:], SOURCE, TARGET) == decode(
        encode(segment, SOURCE, TARGET), SOURCE, TARGET
    )
    assert len(octets) == packet_size(packet) == int.from_bytes(octets[2:4], "big")


def test_a_damaged_packet_keeps_its_damage() -> None:
    damaged = bytearray(encode(PACKET.segment, SOURCE, TARGET))
    damaged[5] ^= 4

    octets = datagram(replace(PACKET, octets=bytes(damaged)))

    assert octets[IPV4_HEADER_OCTETS:] == bytes(damaged)
    assert sum_of_words(octets[:IPV4_HEADER_OCTETS]) == 0xFFFF


@pytest.mark.parametrize(
    ("packet", "complaint"),
    [
        (replace(PACKET, segment=replace(PACKET.segment, sport=70_000)), "packet 74565 of 10.0.1.7 fits no datagram"),
        (replace(PACKET, segment=replace(PACKET.segment, payload=bytes(65_500))), "do not fit a segment"),
        (replace(PACKET, octets=bytes(65_520)), "fits no datagram"),
        (replace(PACKET, source=Address("here")), "here"),
    ],
)
def test_what_fits_no_datagram_is_refused(packet: Packet, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        datagram(packet)
