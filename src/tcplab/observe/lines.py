"""A line for each segment, in the words of those who read tcpdump, with what the network decided."""

from collections.abc import Callable, Iterator
from typing import Final

from tcplab.node import Address, Packet
from tcplab.observe.sightings import Sighting
from tcplab.units import Instant
from tcplab.wire.segment import ACK, SYN, Options, Segment, flags_text
from tcplab.wire.seq import SeqNumber, seq_diff

FLOWS_LIMIT: Final = 16_384  # directions whose first sequence number is remembered

_LETTERS: Final = str.maketrans("AC", ".W")  # tcpdump's for ACK and CWR, where Scapy's differ
_Flow = tuple[Address, int, Address, int]

Stamp = Callable[[Instant], str]
"""Puts an instant into words."""


class Lines:
    """Puts sightings into words; it remembers where each direction's sequence numbers begin."""

    def __init__(self, stamp: Stamp, *, absolute: bool = False, sides: bool = False) -> None:
        """Begin with nothing remembered.

        Args:
            stamp: puts an instant into words.
            absolute: give sequence numbers as they are, not relative to the first of their direction.
            sides: say at which side of the network a segment is seen.
        """
        self._stamp = stamp
        self._absolute = absolute
        self._sides = sides
        self._bases: dict[_Flow, SeqNumber] = {}

    def of(self, sighting: Sighting) -> str:
        """Return the line of a sighting."""
        packet, segment = sighting.packet, sighting.packet.segment
        side = f"{sighting.side:<6} " if self._sides else ""
        who = f"{packet.source}.{segment.sport} > {packet.target}.{segment.dport}"
        ecn = f"ecn {packet.ecn}, " if packet.ecn else ""
        options = ",".join(_options(segment.options, self._blocks(packet)))
        parts = [
            f"Flags [{flags_text(segment.flags).translate(_LETTERS) or 'none'}]",
            *self._numbers(packet),
            f"win {segment.window}",
            *([f"urg {segment.urgent}"] if segment.urgent else ()),
            *([f"options [{options}]"] if options else ()),
            f"length {len(segment.payload)}",
        ]
        said = f" | {sighting.comment}" if sighting.comment else ""
        return f"{self._stamp(sighting.time)} {side}{who}: {ecn}{', '.join(parts)}{said}"

    def _numbers(self, packet: Packet) -> Iterator[str]:
        segment = packet.segment
        ours, theirs = _flow(packet)
        if segment.flags & SYN or ours not in self._bases:
            self._remember(ours, segment.seq)
        first = self._relative(segment.seq, ours)
        yield f"seq {first}" + (f":{first + len(segment.payload)}" if segment.payload else "")
        if segment.flags & ACK:
            if theirs not in self._bases:
                self._remember(theirs, segment.ack)
            yield f"ack {self._relative(segment.ack, theirs)}"

    def _blocks(self, packet: Packet) -> list[str]:
        _, theirs = _flow(packet)
        return [
            f"{self._relative(left, theirs)}:{self._relative(right, theirs)}"
            for left, right in packet.segment.options.sack
        ]

    def _relative(self, number: SeqNumber, flow: _Flow) -> int:
        return number if self._absolute else seq_diff(number, self._bases.get(flow, number))

    def _remember(self, flow: _Flow, first: SeqNumber) -> None:
        if len(self._bases) >= FLOWS_LIMIT:
            del self._bases[next(iter(self._bases))]
        self._bases[flow] = first


def _flow(packet: Packet) -> tuple[_Flow, _Flow]:
    """Return a packet's direction, and the other one."""
    segment: Segment = packet.segment
    return (
        (packet.source, segment.sport, packet.target, segment.dport),
        (packet.target, segment.dport, packet.source, segment.sport),
    )


def _options(options: Options, blocks: list[str]) -> Iterator[str]:
    if options.mss is not None:
        yield f"mss {options.mss}"
    if options.wscale is not None:
        yield f"wscale {options.wscale}"
    if options.sack_ok:
        yield "sackOK"
    if options.timestamps is not None:
        yield "TS val {} ecr {}".format(*options.timestamps)
    if blocks:
        yield f"sack {' '.join(blocks)}"
    if options.user_timeout is not None:
        yield "uto {}{}".format(*options.user_timeout)
    for kind, body in options.other:
        yield f"unknown-{kind} 0x{body.hex()}"
