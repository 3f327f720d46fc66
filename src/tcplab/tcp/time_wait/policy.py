"""What a TIME_WAIT does to a segment: the interface of the policies, and what they have in common."""

from dataclasses import replace
from typing import Literal, NamedTuple, Protocol

from tcplab.node import Address
from tcplab.tcp.config import TimeWaitPolicyName
from tcplab.tcp.events import Ignored
from tcplab.tcp.time_wait.record import Record
from tcplab.units import Duration, Instant
from tcplab.wire.segment import ACK, FIN, RST, SYN, Segment
from tcplab.wire.seq import SeqNumber, seq_diff

PolicyName = TimeWaitPolicyName


class Reply(NamedTuple):
    """What a policy makes of a segment."""

    acknowledge: bool = False
    restart: bool = False
    ignored: Ignored | None = None
    end: Literal["reused", "assassinated"] | None = None
    """Why TIME_WAIT ends here; ``reused`` leaves the segment, a SYN, to whoever listens."""
    record: Record | None = None
    """What is kept from now on, where that is something else."""


class Policy(Protocol):
    """One stack's way. A policy is a value: it keeps nothing of the connections."""

    @property
    def duration(self) -> Duration:
        """How long TIME_WAIT lasts."""

    @property
    def returns(self) -> bool:
        """Whether TIME_WAIT goes on where the SYN for which it was given up turns out to be an old duplicate."""

    def stays(self, local: Address, remote: Address) -> bool:
        """Return whether a connection between the two stays in TIME_WAIT at all."""

    def segment_arrives(self, record: Record, segment: Segment, now: Instant, *, listening: bool) -> Reply:
        """Decide on a segment; ``listening`` tells whether somebody would take a new connection from its sender."""

    def open_after(self, local: Address, remote: Address) -> Duration | None:
        """Return how long after its beginning an OPEN of our own may take its 4-tuple, ``None`` for never.

        Either way it needs timestamps: they keep the peer from taking the new connection's segments for old ones.
        """


def is_fin_again(record: Record, segment: Segment) -> bool:
    """Return whether a segment is the peer's FIN once more: FIN set and SEG.SEQ + SEG.LEN = RCV.NXT.

    The order of RFC 9293, section 3.10.7.4, read literally, never restarts the timer, since such a FIN lies left of
    the window and ends at the sequence check. It is the exception.
    """
    return segment.flags & (FIN | SYN | RST) == FIN and segment.end == record.rcv_nxt


def is_older(segment: Segment, record: Record) -> bool:
    """Return whether PAWS (RFC 7323, 5.3, R1) finds a segment older than what was received."""
    stamps, told = record.stamps, segment.options.timestamps
    return stamps is not None and told is not None and seq_diff(SeqNumber(told[0]), SeqNumber(stamps.recent)) < 0


def is_newer(segment: Segment, record: Record) -> bool:
    """Return whether a segment has a timestamp after the latest that was received."""
    stamps, told = record.stamps, segment.options.timestamps
    return stamps is not None and told is not None and seq_diff(SeqNumber(told[0]), SeqNumber(stamps.recent)) > 0


def stamped(record: Record, segment: Segment) -> Record | None:
    """Return the record with the segment's timestamp as TS.Recent, ``None`` where that is none or no other."""
    stamps, told = record.stamps, segment.options.timestamps
    if stamps is None or told is None or told[0] == stamps.recent:
        return None
    return replace(record, stamps=replace(stamps, recent=told[0]))


def why_ignored(record: Record, segment: Segment) -> Ignored:
    """Return what is wrong with a segment, in the order of RFC 9293, section 3.10.7.4."""
    offset = seq_diff(segment.seq, record.rcv_nxt)
    if segment.flags & RST:
        return Ignored.RESET_IN_TIME_WAIT
    if not (offset < max(record.rcv_wnd, 1) and offset + max(segment.length, 1) > 0):
        return Ignored.UNACCEPTABLE_SEQUENCE
    if segment.flags & SYN:
        return Ignored.SYN_IN_WINDOW
    if not segment.flags & ACK:
        return Ignored.NO_ACK
    if seq_diff(segment.ack, record.snd_nxt) > 0:
        return Ignored.UNACCEPTABLE_ACK
    return Ignored.AFTER_FIN if segment.length else Ignored.OLD_ACK
