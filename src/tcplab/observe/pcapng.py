"""Captures in the format that Wireshark and tshark read: pcapng (IETF draft-ietf-opsawg-pcapng).

A network is two interfaces, the side where segments come in and the side where they go out; what it decided of a
segment is a comment on it. Times are the lab's, in nanoseconds: Unix time where the lab ran at its true pace, what
:data:`tcplab.runtime.clock.EPOCH` says where it ran at another, and since 1970 began where it ran in virtual time.
"""

from collections.abc import Iterable, Mapping
from struct import Struct
from typing import Final

from tcplab.node import Address
from tcplab.observe.sightings import Side, Sighting
from tcplab.wire.datagram import datagram
from tcplab.wire.packet import Packet

LINKTYPE_RAW: Final = 101  # of the registry of link types: the packet begins with its IP header

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6  # block types
_BYTE_ORDER: Final = 0x1A2B3C4D
_LENGTH_UNKNOWN: Final = 0xFFFF_FFFF_FFFF_FFFF
_END, _COMMENT = 0, 1  # options of any block
_APPLICATION: Final = 4  # option of a section
_NAME, _DESCRIPTION, _RESOLUTION = 2, 3, 9  # options of an interface
_FLAGS, _PACKET_ID = 2, 5  # options of a packet
_NANOSECONDS: Final = b"\x09"  # the time's unit is 10^-9 s
_DIRECTIONS: Final[Mapping[Side, int]] = {"in": 1, "out": 2}  # the two low bits of a packet's flags

_WORD: Final = Struct("<I")
_TWO_HALVES: Final = Struct("<HH")
_LONG: Final = Struct("<Q")
_SECTION_BODY: Final = Struct("<IHHQ")
_INTERFACE_BODY: Final = Struct("<HHI")
_PACKET_BODY: Final = Struct("<IIIII")

_ID_BITS: Final = 53  # of a packet's id; the source's place among the sources takes the rest
_DESCRIPTIONS: Final[Mapping[Side, str]] = {
    "in": "where hosts' segments come into the network",
    "out": "where the network lets them go to their hosts",
}


class Pcapng:
    """Writes sightings as blocks of one section, in the order in which they come."""

    def __init__(self, lab: str, application: str = "tcplab") -> None:
        """Begin a section.

        Args:
            lab: what the capture is of; the section's comment.
            application: what writes it.
        """
        self._lab = lab
        self._application = application
        self._interfaces: dict[tuple[str, Side], int] = {}
        self._sources: dict[Address, int] = {}

    def header(self) -> bytes:
        """Return the block that stands first."""
        options = [(_COMMENT, self._lab.encode()), (_APPLICATION, self._application.encode())]
        return _block(_SECTION, _SECTION_BODY.pack(_BYTE_ORDER, 1, 0, _LENGTH_UNKNOWN), options)

    def interfaces(self, node: str) -> bytes:
        """Return the blocks that describe a network's two sides, those that have not been described yet."""
        return b"".join(self._described(node, side) for side in _DIRECTIONS)

    def packet(self, sighting: Sighting, note: str = "") -> bytes:
        """Return the block of a packet that comes in or goes out, and before it what must be described first.

        Args:
            sighting: the packet, and where it was seen.
            note: a comment of its own, beside that of the verdicts.

        Raises:
            ValueError: the packet cannot be written as an IPv4 datagram.
        """
        packet, octets = sighting.packet, datagram(sighting.packet)
        before = self.interfaces(sighting.node)
        number = self._interfaces[sighting.node, sighting.side]
        high, low = divmod(sighting.time, 1 << 32)
        body = _PACKET_BODY.pack(number, high, low, len(octets), len(octets)) + _padded(octets)
        options = [(_COMMENT, comment.encode()) for comment in (note, sighting.comment) if comment]
        options.append((_FLAGS, _WORD.pack(_DIRECTIONS[sighting.side])))
        options.append((_PACKET_ID, _LONG.pack(self._identity(packet))))
        return before + _block(_PACKET, body, options)

    def _described(self, node: str, side: Side) -> bytes:
        if (node, side) in self._interfaces:
            return b""
        self._interfaces[node, side] = len(self._interfaces)
        options = [
            (_NAME, f"{node} {side}".encode()),
            (_DESCRIPTION, _DESCRIPTIONS[side].encode()),
            (_RESOLUTION, _NANOSECONDS),
        ]
        return _block(_INTERFACE, _INTERFACE_BODY.pack(LINKTYPE_RAW, 0, 0), options)

    def _identity(self, packet: Packet) -> int:
        """Return the number that a packet and its copies have on every interface, and no other packet has."""
        source = self._sources.setdefault(packet.source, len(self._sources))
        return (source << _ID_BITS | packet.id) & _LENGTH_UNKNOWN


def _block(kind: int, body: bytes, options: Iterable[tuple[int, bytes]]) -> bytes:
    written = b"".join(_TWO_HALVES.pack(code, len(value)) + _padded(value) for code, value in options)
    content = body + written + _TWO_HALVES.pack(_END, 0)
    length = _WORD.pack(len(content) + 12)
    return _WORD.pack(kind) + length + content + length


def _padded(octets: bytes) -> bytes:
    return octets + bytes(-len(octets) % 4)
