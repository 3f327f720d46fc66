from dataclasses import replace

import pytest

from tcplab.netem.impairments.corruption import flip, octets_of
from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.octets import decode, encode
from tests.netem.packets import CLIENT, SERVER, packet

ONE = packet(payload=b"hello")
OCTETS = encode(ONE.segment, CLIENT, SERVER)


@pytest.mark.parametrize(("bit", "octet", "value"), [(0, 0, 0x80), (7, 0, 0x01), (8, 1, 0x80), (199, 24, 0x01)])
def test_a_bit_is_counted_from_the_most_significant_of_the_first_octet(bit: int, octet: int, value: int) -> None:
    damaged = flip(ONE, OCTETS, bit).octets

    assert damaged is not None
    assert [(n, a ^ b) for n, (a, b) in enumerate(zip(OCTETS, damaged, strict=True)) if a != b] == [(octet, value)]


def test_whichever_bit_it_is_the_checksum_tells() -> None:
    for bit in range(8 * len(OCTETS)):
        damaged = flip(ONE, OCTETS, bit).octets
        assert damaged is not None
        with pytest.raises(MalformedSegment) as raised:
            decode(damaged, CLIENT, SERVER)
        assert raised.value.reason == "bad_checksum"


def test_two_flips_that_cancel_deceive_the_checksum() -> None:
    # 'h' is 0x68, and 'l', a word further on, 0x6c: one gains what the other loses.
    once = flip(ONE, OCTETS, 8 * 20 + 5)
    twice = flip(once, octets_of(once), 8 * 22 + 5)

    assert decode(octets_of(twice), CLIENT, SERVER) == replace(ONE.segment, payload=b"lehlo")


def test_what_is_damaged_already_is_damaged_again() -> None:
    once = flip(ONE, octets_of(ONE), 3)

    assert octets_of(once) == once.octets
    assert octets_of(flip(once, octets_of(once), 3)) == OCTETS
