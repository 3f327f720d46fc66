"""The IPv4 datagram that carries a packet (RFC 791, section 3.1): what a capture shows."""

from ipaddress import IPv4Address
from struct import Struct, error
from typing import Final

from tcplab.wire.octets import PROTOCOL, encode
from tcplab.wire.packet import Packet

IPV4_HEADER_OCTETS: Final = 20  # without options
TIME_TO_LIVE: Final = 64  # RFC 1700's default; the lab's network is one hop that takes nothing off

_HEADER: Final = Struct("!BBHHHBBH4s4s")
_VERSION_AND_WORDS: Final = 4 << 4 | IPV4_HEADER_OCTETS // 4
_DO_NOT_FRAGMENT: Final = 0x4000
_CHECKSUM_AT: Final = 10


def datagram(packet: Packet) -> bytes:
    """Return the octets of a packet as IPv4 would carry it, the checksums of both headers good.

    A damaged packet keeps its damaged octets, and with them a TCP checksum that does not fit. The low 16 bits of the
    packet's id are the datagram's identification, so that a duplicate bears its original's.

    Raises:
        ValueError: an address is none of IPv4, or a number or the segment is larger than its place in a datagram.
    """
    try:
        octets = encode(packet.segment, packet.source, packet.target) if packet.octets is None else packet.octets
        header = _header(packet, len(octets))
    except (error, OverflowError) as trouble:
        raise ValueError(f"packet {packet.id} of {packet.source} fits no datagram: {trouble}") from None
    checksum = -int.from_bytes(header, "big") % 0xFFFF  # RFC 1071's sum, as in tcplab.wire.octets
    return header[:_CHECKSUM_AT] + checksum.to_bytes(2, "big") + header[_CHECKSUM_AT + 2 :] + octets


def _header(packet: Packet, length: int) -> bytes:
    """Return the header of a datagram that carries ``length`` octets, its checksum 0."""
    return _HEADER.pack(
        _VERSION_AND_WORDS,
        packet.ecn,
        IPV4_HEADER_OCTETS + length,
        packet.id & 0xFFFF,
        _DO_NOT_FRAGMENT,
        TIME_TO_LIVE,
        PROTOCOL,
        0,
        IPv4Address(packet.source).packed,
        IPv4Address(packet.target).packed,
    )
