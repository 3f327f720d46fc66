"""Captures, block by block; what Wireshark makes of them is in test_tshark.py."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tcplab.netem.events import LinkName, PacketDropped
from tcplab.node import Address
from tcplab.observe.pcapng import Pcapng
from tcplab.observe.sightings import Side, Sighting
from tcplab.units import SECOND, Instant
from tcplab.wire.datagram import datagram
from tests.netem.packets import packet

PACKET = packet(42, payload=b"odd")
NOW = Instant(1_763_900_000 * SECOND + 123_456_789)


class Block(NamedTuple):
    kind: int
    body: bytes


def blocks(octets: bytes) -> Iterator[Block]:
    while octets:
        kind, length = struct.unpack_from("<II", octets)
        assert length % 4 == 0
        assert struct.unpack_from("<I", octets, length - 4) == (length,)
        yield Block(kind, octets[8 : length - 4])
        octets = octets[length:]


def options(octets: bytes) -> Iterator[tuple[int, bytes]]:
    while True:
        code, length = struct.unpack_from("<HH", octets)
        if code == 0:
            assert octets[4:] == b""
            return
        yield code, octets[4 : 4 + length]
        octets = octets[4 + length + -length % 4 :]


def seen(side: Side = "in", number: int = 42, source: str = "10.0.1.1") -> Sighting:
    dropped = PacketDropped(PACKET, LinkName("client>server"), "loss")
    return Sighting(1, NOW, "netem", side, packet(number, source=Address(source), payload=b"odd"), (dropped,))


def test_a_section_says_what_it_is_of() -> None:
    (section,) = blocks(Pcapng("lab é", "tcplab 1.0").header())

    assert section.kind == 0x0A0D0D0A
    assert struct.unpack("<IHHQ", section.body[:16]) == (0x1A2B3C4D, 1, 0, 2**64 - 1)
    assert list(options(section.body[16:])) == [(1, "lab é".encode()), (4, b"tcplab 1.0")]


def test_a_network_is_two_interfaces_in_nanoseconds() -> None:
    capture = Pcapng("lab")

    inside, outside = blocks(capture.interfaces("netem"))

    assert inside.kind == outside.kind == 1
    assert struct.unpack("<HHI", inside.body[:8]) == (101, 0, 0)
    assert dict(options(inside.body[8:]))[2] == b"netem in"
    assert dict(options(outside.body[8:]))[2] == b"netem out"
    assert dict(options(outside.body[8:]))[9] == b"\x09"
    assert capture.interfaces("netem") == b""


@pytest.mark.parametrize(("side", "number", "direction"), [("in", 0, 1), ("out", 1, 2)])
def test_a_packet_is_its_datagram_at_its_time_with_its_verdicts(side: Side, number: int, direction: int) -> None:
    *_, block = blocks(Pcapng("lab").packet(seen(side)))

    octets = datagram(PACKET)
    interface, high, low, captured, original = struct.unpack("<IIIII", block.body[:20])
    assert (block.kind, interface, high << 32 | low) == (6, number, NOW)
    assert captured == original == len(octets) == 43
    assert block.body[20:63] == octets
    assert list(options(block.body[64:])) == [
        (1, b"dropped: loss"),
        (2, struct.pack("<I", direction)),
        (5, struct.pack("<Q", 42)),
    ]


def test_a_note_is_a_comment_of_its_own() -> None:
    *_, block = blocks(Pcapng("lab").packet(seen(), "3 records are missing before this"))

    assert list(options(block.body[64:]))[:2] == [(1, b"3 records are missing before this"), (1, b"dropped: loss")]


def test_networks_are_described_before_their_first_packet_and_once() -> None:
    capture = Pcapng("lab")

    kinds = [
        [block.kind for block in blocks(capture.packet(each))]
        for each in (seen(), seen("out"), seen()._replace(node="netem-2"))
    ]

    assert kinds == [[1, 1, 6], [6], [1, 1, 6]]


def test_a_packet_has_one_identity_and_no_other_packet_has_it() -> None:
    capture = Pcapng("lab")

    def identity(sighting: Sighting) -> bytes:
        *_, block = blocks(capture.packet(sighting))
        return dict(options(block.body[64:]))[5]

    others = [seen(number=number, source=source) for number in (1, 2**53 - 1) for source in ("10.0.1.1", "10.0.2.1")]
    assert identity(seen("in")) == identity(seen("out"))
    assert len({identity(each) for each in others}) == 4
