"""Which reset answers a segment (RFC 9293, sections 3.5.2 and 3.10.7.1)."""

from tcplab.wire.segment import ACK, RST, Segment
from tcplab.wire.seq import SeqNumber


def reset_for(segment: Segment) -> Segment | None:
    """Return the reset for a segment that no connection expects; ``None`` for a reset, which is never answered."""
    if segment.flags & RST:
        return None
    if segment.flags & ACK:
        return Segment(segment.dport, segment.sport, segment.ack, SeqNumber(0), RST, 0)
    return Segment(segment.dport, segment.sport, SeqNumber(0), segment.end, RST | ACK, 0)
