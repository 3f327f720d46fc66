"""Between a script's numbers and the wire's: ports, sequence numbers and timestamps of one connection.

Numbers in segments with SYN are absolute, those in all others relative to the initial sequence numbers, as in
tcpdump's output. What a script calls the host's initial sequence number is mapped to the one that the host chose; the
script's own stays as written, plus what ``--isn`` moves it by.
"""

from dataclasses import replace
from typing import NamedTuple

from tcplab.packetdrill import payload
from tcplab.packetdrill.model import PacketSpec
from tcplab.wire.packet import Packet
from tcplab.wire.segment import ACK, RST, SYN, Flags, Options, Segment
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add, seq_diff


class Seen(NamedTuple):
    """A segment that the host sent, in the script's numbers."""

    flags: Flags
    seq: int
    ack: int | None
    payload: bytes
    window: int
    urgent: int
    options: Options
    ecn: int


class Flow:
    """One connection as the script knows it.

    Attributes:
        local: the host's port, 0 while unknown.
        remote: the script's port.
    """

    def __init__(self, local: int, remote: int, host_isn: SeqNumber, moved: int) -> None:
        """Begin with what is known.

        Args:
            local: the host's port.
            remote: the script's port.
            host_isn: what the host's numbers are relative to before it has sent a SYN.
            moved: what is added to the script's own numbers.
        """
        self.local = local
        self.remote = remote
        self._moved = moved
        self._script_isn = SeqNumber(moved % MODULUS)
        self._knows_script_isn = False
        self._host_isn = host_isn
        self._host_offset = host_isn  # from the script's absolute numbers of the host to the wire's
        self._incarnation = -1
        self._timestamps: tuple[int, int] | None = None  # the host's first one: the script's, the wire's

    # --- from the script to the wire ---

    def to_wire(self, spec: PacketSpec) -> Segment:
        """Return the segment that the script sends."""
        syn = bool(spec.flags & SYN)
        if syn:
            seq = SeqNumber((spec.seq + self._moved) % MODULUS)
            if not self._knows_script_isn:
                self._script_isn, self._knows_script_isn = seq, True
        else:
            seq = seq_add(self._script_isn, spec.seq)
        base = self._host_offset if syn else self._host_isn
        ack = SeqNumber(0) if spec.ack is None else seq_add(base, spec.ack)
        options = spec.options
        assert options is not None, "the parser lets no '<...>' through that is inbound"
        if options.sack:
            blocks = tuple((seq_add(base, left), seq_add(base, right)) for left, right in options.sack)
            options = replace(options, sack=blocks)
        if options.timestamps is not None and spec.flags & ACK:
            options = replace(options, timestamps=(options.timestamps[0], self._echo(options.timestamps[1])))
        data = payload.from_script(seq_diff(seq, self._script_isn) + syn - 1, spec.length)
        window = 0 if spec.window is None else spec.window
        return Segment(self.remote, self.local, seq, ack, spec.flags, window, options, data, spec.urgent)

    def _echo(self, value: int) -> int:
        if self._timestamps is None:
            return value
        return (value - self._timestamps[0] + self._timestamps[1]) % MODULUS

    # --- from the wire to the script ---

    def to_script(self, packet: Packet, incarnation: int | None, spec: PacketSpec | None) -> Seen:
        """Return a segment that the host sent, as the script would write it.

        Args:
            packet: what came.
            incarnation: counts the host's connections; each chooses an initial sequence number.
            spec: what the script expects in its place: the first SYN tells how it calls the host's numbers.
        """
        segment = packet.segment
        if segment.flags & SYN:
            self._learn(segment, incarnation, 0 if spec is None else spec.seq)
            seq = (segment.seq - self._host_offset) % MODULUS
            ack = (segment.ack - self._moved) % MODULUS
        else:
            # 3.5.2: who has no connection to answer from begins with zero, and that is no number of this connection
            zero = segment.flags & (RST | ACK) == RST | ACK and segment.seq == 0
            seq = 0 if zero else (segment.seq - self._host_isn) % MODULUS
            ack = (segment.ack - self._script_isn) % MODULUS
        options = segment.options
        if options.sack:
            base = self._moved % MODULUS if segment.flags & SYN else self._script_isn
            blocks = tuple((self._relative(left, base), self._relative(right, base)) for left, right in options.sack)
            options = replace(options, sack=blocks)
        if options.timestamps is not None:
            options = replace(options, timestamps=self._told(options.timestamps, spec))
        has_ack = ack if segment.flags & ACK else None
        return Seen(segment.flags, seq, has_ack, segment.payload, segment.window, segment.urgent, options, packet.ecn)

    def position(self, seen: Seen) -> int:
        """Return the position in the host's stream at which the payload of a segment begins."""
        return seen.seq - (0 if seen.flags & SYN else 1)

    def _learn(self, segment: Segment, incarnation: int | None, called: int) -> None:
        if incarnation == self._incarnation:
            return  # sent again: a number that differs is to be noticed
        self._incarnation = -1 if incarnation is None else incarnation  # a SYN cookie: every one is new
        self._host_isn = segment.seq
        self._host_offset = SeqNumber((segment.seq - called) % MODULUS)

    def _told(self, timestamps: tuple[int, int], spec: PacketSpec | None) -> tuple[int, int]:
        value, echo = timestamps
        if self._timestamps is None:
            expected = None if spec is None or spec.options is None else spec.options.timestamps
            self._timestamps = (value if expected is None else expected[0], value)
        return (value - self._timestamps[1] + self._timestamps[0]) % MODULUS, echo

    @staticmethod
    def _relative(number: SeqNumber, base: int) -> SeqNumber:
        return SeqNumber((number - base) % MODULUS)
