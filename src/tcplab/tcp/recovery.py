"""What an acknowledgement or a timeout means for the sender: what to send again, and how much may be in the network.

It ties together what is in flight, how losses are found (RACK-TLP where both ends have SACK, else the duplicate
acknowledgements of RFC 6582) and the congestion window. It sends nothing itself: whoever does asks for
:meth:`Recovery.next_lost` first, then for :attr:`Recovery.room`, and tells what was sent.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from tcplab.tcp.congestion.control import CongestionControl
from tcplab.tcp.flight import Flight
from tcplab.tcp.rack import DUPLICATE_THRESHOLD, LossProbe, Rack, probe_timeout
from tcplab.tcp.scoreboard import Fate, Sent
from tcplab.tcp.spurious import Block, Retransmissions, split_duplicate
from tcplab.units import Duration, Instant


class Phase(Enum):
    """What is being recovered from."""

    OPEN = "nothing"
    REDUCED = "a mark of congestion"
    FAST = "losses that acknowledgements showed"
    TIMEOUT = "a retransmission timeout"

    __hash__ = object.__hash__  # members are singletons: Enum's own hash of the name costs a Python call


_NONE: Final = Duration(0)
_OPEN: Final = Phase.OPEN
_RECOVERING: Final = frozenset({Phase.FAST, Phase.TIMEOUT})


def round_trip(segments: Sequence[Sent], now: Instant) -> Duration | None:
    """Return how long ago the first of these was sent, unless one of them was sent more than once (MUST-18, Karn)."""
    if not segments or any(segment.times > 1 for segment in segments):
        return None
    return now - segments[0].at


class Recovery:
    """Loss recovery and congestion control of one connection that is established.

    Attributes:
        flight: what was sent and is not acknowledged; new segments are told to it directly.
        control: the congestion window.
        phase: what is being recovered from.
        deadline: when :meth:`probe` (if ``probing``) or else :meth:`reordered` is due; ``None``: neither.
        probing: whether the deadline is that of a loss probe.
        reduced: whether the window was reduced for a mark and the peer is still to be told: whoever sends new data with
            CWR set (RFC 3168, 6.1.2) puts it back.
    """

    __slots__ = (
        "_duplicates",
        "_peak",
        "_peak_until",
        "_point",
        "_probe",
        "_progress",
        "_rack",
        "_recover",
        "_retransmissions",
        "_timed_out_at",
        "_urgent",
        "control",
        "deadline",
        "flight",
        "phase",
        "probing",
        "reduced",
    )

    def __init__(self, flight: Flight, control: CongestionControl, *, sack: bool) -> None:
        """Begin with nothing to recover from.

        Args:
            flight: whose SYN is acknowledged.
            control: the congestion window.
            sack: whether both ends have SACK.
        """
        self.flight = flight
        self.control = control
        self.phase = _OPEN
        self.deadline: Instant | None = None
        self.probing = False
        self.reduced = False
        self._rack = Rack(flight) if sack else None
        self._probe = LossProbe()
        self._progress = 0  # SND.UNA + SND.NXT when a probe was last scheduled
        self._point = flight.una - 1  # once this is acknowledged, the phase is over (RecoveryPoint of RFC 6675)
        self._recover = flight.una - 1  # without SACK, duplicates of no more than this say nothing (RFC 6582)
        self._duplicates = 0
        self._timed_out_at = -1  # SND.UNA at the last timeout
        self._urgent = False  # what is lost first is sent again whatever the window says
        self._retransmissions: Retransmissions | None = None  # of this recovery, or of the last one
        self._peak = 0  # the most that was in the network at once in this round
        self._peak_until = 0

    # --- what may be sent ------------------------------------------------------------------------------------

    @property
    def room(self) -> int:
        """Octets that the congestion window still admits, 0 or less where it admits none."""
        return self.control.cwnd - self.flight.pipe

    def next_lost(self) -> Sent | None:
        """Return what is to be sent again now: RFC 6675, 5, step C; the first of a recovery waits for no room."""
        segment = self.flight.next_lost()
        if segment is None or self._urgent or self.room >= min(segment.end - segment.start, self.control.mss):
            return segment
        return None

    def resent(self, segment: Sent, now: Instant) -> None:
        """Take note that a lost segment was sent again."""
        self.flight.resent(segment, now)
        self._urgent = False
        if self._retransmissions is None:
            self._retransmissions = Retransmissions()
        self._retransmissions.sent(segment, now)

    # --- tail loss probes (RFC 8985, section 7) --------------------------------------------------------------

    def arm_probe(self, now: Instant, srtt: Duration | None, timeout: Instant | None) -> None:
        """Schedule a loss probe, where one is due: after new data was sent, or some was acknowledged (7.2).

        Where neither has happened since it was scheduled, it stays as it is.

        Args:
            now: the time.
            srtt: the smoothed round trip, if there is one.
            timeout: when the retransmission timer goes off: the probe goes before, and that timer then starts anew.
        """
        if self._rack is None or (self.deadline is not None and not self.probing):
            return
        flight = self.flight
        progress = flight.una + flight.nxt
        if self.probing and progress == self._progress:
            return
        self._progress = progress
        busy = self.phase in _RECOVERING or (flight.board is not None and flight.sacked)
        if flight.una == flight.nxt or busy or not self._probe.allowed:
            self.deadline = None
            self.probing = False
            return
        at = now + probe_timeout(srtt, len(flight))
        self.deadline = at if timeout is None or at < timeout else timeout
        self.probing = True

    def probe(self) -> None:
        """Take the deadline of a loss probe: one is to be sent now, new data if the peer's window admits it (7.3).

        It needs no room in the congestion window. Whether it was sent or not, the retransmission timer starts anew.
        """
        self.deadline = None
        self.probing = False

    def probed(self, segment: Sent | None, now: Instant) -> None:
        """Take note of what was sent as a probe: ``segment``, the last of the flight, again; or else new data."""
        if segment is not None:
            self.flight.resent(segment, now)
        self._probe.sent(self.flight.nxt, again=segment is not None)

    # --- what arrived ----------------------------------------------------------------------------------------

    def acknowledged(
        self,
        ack: int,
        now: Instant,
        srtt: Duration | None,
        *,
        blocks: Sequence[Block] = (),
        duplicate: bool = False,
        echoed: Instant | None = None,
        marked: bool = False,
    ) -> Duration | None:
        """Take an acknowledgement.

        Args:
            ack: SEG.ACK as a position, from SND.UNA to SND.NXT.
            now: when it came.
            srtt: the smoothed round trip, if there is one.
            blocks: its SACK blocks as positions, in the order of the option.
            duplicate: whether it is a duplicate by RFC 5681, section 2, or would be were anything outstanding: that may
                be what a loss probe in vain is answered with (RFC 8985, 7.4.2).
            echoed: the last instant at which a segment with the timestamp that it echoes can have been sent.
            marked: whether it has ECE, on a connection with ECN.

        Returns:
            A round trip, where it measures one.
        """
        flight = self.flight
        advanced = ack - flight.una
        if (
            advanced > 0
            and self.phase is _OPEN
            and flight.board is None
            and self._probe.end is None
            and not (blocks or marked)
        ):
            return self._acknowledged_in_order(ack, advanced, now, srtt)
        size = flight.outstanding
        limited = advanced > 0 and self._is_limited(ack)
        news = flight.acknowledge(ack)
        rtt = round_trip(news, now)
        if self._rack is not None:
            twice, others = split_duplicate(blocks, ack)
            if others:
                selected = flight.select(others)
                rtt = round_trip(selected, now) if rtt is None else rtt
                news += selected
            self._rack.delivered(news, now, echoed)
            self._hear_probe(ack, rtt, twice, size, bare_duplicate=duplicate and not blocks)
            if twice is not None:
                self._arrived_twice(self._rack, twice)
        if advanced > 0:
            self._advanced(ack, advanced, now, srtt, echoed, limited=limited and not marked)
        elif duplicate and size and self._rack is None:
            self._duplicate()
        if marked and self.phase is _OPEN and ack > self._point:
            self._begin(Phase.REDUCED)
        if self._rack is not None:
            self._detect(self._rack, now, srtt)
        return rtt

    def _acknowledged_in_order(self, ack: int, octets: int, now: Instant, srtt: Duration | None) -> Duration | None:
        """Do the same, and faster, where nothing is out of order, as nearly always."""
        limited = self._is_limited(ack)
        news = self.flight.acknowledge(ack)
        self._duplicates = 0
        self.deadline = None
        self.probing = False
        self.control.acknowledged(octets, now, _NONE if srtt is None else srtt, limited)
        if not news:
            return None
        if self._rack is not None:
            self._rack.delivered_in_order(news[-1], now)
            self._probe.measured = True
        return now - news[0].at

    def reordered(self, now: Instant, srtt: Duration | None) -> None:
        """Take the deadline by which what was overtaken should have come (RFC 8985, 6.2, step 5)."""
        if self._rack is not None:
            self._detect(self._rack, now, srtt)

    def timed_out(self, now: Instant) -> None:
        """Take a retransmission timeout; not one that probes a closed window, which says nothing about the network."""
        flight = self.flight
        again = flight.una == self._timed_out_at
        self._timed_out_at = flight.una
        self.control.timed_out(flight.outstanding, again=again)
        self.reduced = True
        if self._rack is not None:
            self._rack.timed_out(now)
        else:
            flight.timed_out(now)
        retransmissions = self._retransmissions if again else None
        self._enter(Phase.TIMEOUT)
        self._retransmissions = retransmissions

    def reopened(self, now: Instant) -> None:
        """Take note that the peer's window was closed over the flight: what it did not take must be sent again.

        That says nothing about the network, so that the congestion window stands.
        """
        self.flight.timed_out(now)
        self._enter(Phase.FAST)

    def _is_limited(self, ack: int) -> bool:
        """Return whether the window was what held the sender back in this round, or half of it in slow start.

        As RFC 9438, 5.8, leaves to the implementation; in slow start the window may double in a round trip, so that
        half of it is enough to show that the rest will be needed.
        """
        pipe = self.flight.pipe
        if ack > self._peak_until:
            self._peak, self._peak_until = pipe, self.flight.nxt
        elif pipe > self._peak:
            self._peak = pipe
        control = self.control
        if control.cwnd < control.ssthresh:
            return control.cwnd < 2 * self._peak
        return control.cwnd < self._peak + control.mss

    def _advanced(
        self, ack: int, octets: int, now: Instant, srtt: Duration | None, echoed: Instant | None, *, limited: bool
    ) -> None:
        self._duplicates = 0
        if self.deadline is not None:
            self.deadline = None
            self.probing = False
        self.control.acknowledged(octets, now, Duration(0) if srtt is None else srtt, limited)
        if self.phase is _OPEN:
            self.flight.forget_duplicates()
            return
        if self._retransmissions is not None and self._retransmissions.preceded(echoed):
            self._undo()
        elif ack > self._point or (ack == self._point and self.phase is not Phase.REDUCED):
            self._recovered()  # a mark is answered once CWR has arrived, and that was sent after it
        elif self._rack is None and self.phase is Phase.FAST:
            self._lose_first()  # a partial acknowledgement shows the next hole (RFC 6582, 3.2, step 3)

    def _recovered(self) -> None:
        self.control.recovered()
        self.flight.forget_duplicates()
        if self._rack is not None and self.phase in _RECOVERING:
            self._rack.recovered()
        self.phase = _OPEN

    def _duplicate(self) -> None:
        """Count a duplicate acknowledgement of a peer without SACK (RFC 6582, 3.2, step 2)."""
        self._duplicates += 1
        self.flight.duplicate()
        if (
            self._duplicates == DUPLICATE_THRESHOLD
            and self.phase not in _RECOVERING
            and self.flight.una > self._recover
        ):
            self._begin(Phase.FAST)
            self._lose_first()

    def _lose_first(self) -> None:
        first = self.flight.first
        if first is not None and first.fate is Fate.IN_NETWORK:
            self.flight.mark_lost(first)
            self._urgent = True

    def _detect(self, rack: Rack, now: Instant, srtt: Duration | None) -> None:
        deadline = rack.detect(now, srtt, recovering=self.phase in _RECOVERING)
        if deadline is not None or not self.probing or self.flight.sacked:
            self.deadline = deadline
            self.probing = False
        if self.phase not in _RECOVERING and self.flight.next_lost() is not None:
            self._begin(Phase.FAST)

    def _hear_probe(
        self, ack: int, rtt: Duration | None, twice: Block | None, size: int, *, bare_duplicate: bool
    ) -> None:
        """Reduce the window for a loss that a probe has repaired (RFC 8985, 7.4.2), where nothing else did."""
        if rtt is not None:
            self._probe.measured = True
        if self._probe.acknowledged(ack, twice, bare_duplicate=bare_duplicate) and self.phase is _OPEN:
            self.control.lost(size)
            self.control.recovered()
            self.reduced = True

    def _arrived_twice(self, rack: Rack, block: Block) -> None:
        """Take a D-SACK block."""
        rack.duplicated()
        if self._retransmissions is not None and self._retransmissions.arrived_twice(block):
            self._undo()

    def _begin(self, phase: Phase) -> None:
        """Begin to recover from a congestion event; one in a window is enough (RFC 3168, 6.1.2)."""
        if phase is Phase.REDUCED:
            self.control.congestion_experienced(self.flight.outstanding)
            self.reduced = True
        elif self.phase is _OPEN:
            self.control.lost(self.flight.outstanding)
            self.reduced = True
        self._enter(phase)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._point = self.flight.nxt
        self._retransmissions = None
        self._duplicates = 0
        if phase in _RECOVERING:
            self._recover = self._point
            self._urgent = True
            self._probe.over()
            self.deadline = None
            self.probing = False

    def _undo(self) -> None:
        """Take back a recovery that proved needless."""
        self.control.undo()
        self.flight.found()
        self.phase = _OPEN
        self._retransmissions = None
        self._urgent = False
