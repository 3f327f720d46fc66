"""Damage: one bit of the octets that a real network would carry."""

from dataclasses import replace

from tcplab.node import Packet
from tcplab.wire.octets import encode


def octets_of(packet: Packet) -> bytes:
    """Return the TCP header and payload as RFC 9293 has them; of a packet that is damaged already, what it is now."""
    return encode(packet.segment, packet.source, packet.target) if packet.octets is None else packet.octets


def damage(packet: Packet, draw: float) -> tuple[Packet, int] | None:
    """Return the packet with the bit flipped that a draw, 0 <= draw < 1, says, and which bit that is.

    ``None`` where whoever sent it says that it was damaged before, and that nothing is left of it.
    """
    octets = octets_of(packet)
    if not octets:
        return None
    bit = int(draw * 8 * len(octets))
    return flip(packet, octets, bit), bit


def flip(packet: Packet, octets: bytes, bit: int) -> Packet:
    """Return the packet with a bit of its octets flipped; bit 0 is the most significant one of the first octet."""
    damaged = bytearray(octets)
    damaged[bit // 8] ^= 0x80 >> bit % 8
    return replace(packet, octets=bytes(damaged))
