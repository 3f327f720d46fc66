"""Whole transfers through a path that loses: everything arrives, and little is sent twice."""

from collections.abc import Collection
from heapq import heappop, heappush
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.congestion import Algorithm, congestion_control
from tcplab.tcp.flight import Flight
from tcplab.tcp.recovery import Recovery
from tcplab.tcp.rtt import RttEstimator
from tcplab.tcp.spurious import Block
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant

MSS = 1_000
DELAY = 50 * MILLISECOND
SPACING = MILLISECOND // 10  # the bottleneck sends a segment every 100 µs: 80 Mbit/s


class Receiver:
    """Acknowledges every segment at once, with up to three SACK blocks, the latest first (RFC 2018, section 4)."""

    def __init__(self) -> None:
        self.ack = 0
        self.islands: list[Block] = []

    def takes(self, start: int, end: int) -> tuple[int, list[Block]]:
        if end <= self.ack or any(left <= start and end <= right for left, right in self.islands):
            return self.ack, [(start, end), *self.islands[:2]]
        touching = [island for island in self.islands if island[0] <= end and start <= island[1]]
        island = (min([start, *(left for left, _ in touching)]), max([end, *(right for _, right in touching)]))
        self.islands = [island, *(other for other in self.islands if other not in touching)]
        if island[0] <= self.ack:
            self.ack = island[1]
            del self.islands[0]
        return self.ack, self.islands[:3]


class Transfer:
    """Sends a number of segments through a path that loses the n-th transmissions that it is told to."""

    def __init__(
        self,
        segments: int,
        lost: Collection[int],
        *,
        algorithm: Algorithm = "cubic",
        sack: bool = True,
        spacing: int = SPACING,
    ) -> None:
        self.size = segments * MSS
        self.lost = lost
        self.sack = sack
        self.spacing = spacing
        self.flight = Flight()
        self.control = congestion_control(algorithm, MSS, 10 * MSS)
        self.recovery = Recovery(self.flight, self.control, sack=sack)
        self.rtt = RttEstimator(TcpConfig())
        self.receiver = Receiver()
        self.now = Instant(0)
        self.timer: Instant | None = None
        self.free = START  # when the bottleneck is
        self.transmissions = self.resent = self.probes = self.timeouts = 0
        self.events: list[tuple[Instant, int, int, list[Block], bool]] = []
        self.numbers = count()
        self.last_ack = 0

    def transmit(self, start: int, end: int) -> None:
        self.transmissions += 1
        self.free = max(self.free, self.now) + self.spacing
        if self.transmissions not in self.lost:
            heappush(self.events, (self.free + DELAY, next(self.numbers), start, [(start, end)], True))

    def send(self) -> None:
        before = self.transmissions
        while True:
            segment = self.recovery.next_lost()
            if segment is not None:
                self.recovery.resent(segment, self.now)
                self.resent += 1
                self.transmit(segment.start, segment.end)
            elif self.flight.nxt < self.size and self.recovery.room >= MSS:
                self.flight.sent(self.flight.nxt + MSS, self.now)
                self.transmit(self.flight.nxt - MSS, self.flight.nxt)
            else:
                break
        if self.transmissions > before:
            if self.timer is None:
                self.timer = self.now + self.rtt.rto
            self.recovery.arm_probe(self.now, self.rtt.srtt, self.timer)

    def step(self) -> None:
        """Do what is due first: something arrives, or a timer goes off."""
        moments = [self.events[0][0] if self.events else None, self.recovery.deadline, self.timer]
        self.now = min(moment for moment in moments if moment is not None)
        if moments[0] == self.now:
            _, _, position, blocks, data = heappop(self.events)
            if data:
                ack, found = self.receiver.takes(*blocks[0])
                heappush(self.events, (self.now + DELAY, next(self.numbers), ack, found, False))
            else:
                self.acknowledged(position, blocks)
        elif self.recovery.deadline == self.now:
            self.deadline_passed()
        else:
            self.timeouts += 1
            self.rtt.back_off()
            self.recovery.timed_out(self.now)
            self.timer = self.now + self.rtt.rto
        self.send()
        assert 0 <= self.flight.pipe <= self.flight.outstanding
        assert self.control.cwnd >= MSS

    def acknowledged(self, ack: int, blocks: list[Block]) -> None:
        if ack < self.flight.una:
            return
        advanced = ack > self.flight.una
        duplicate = not advanced and self.flight.outstanding > 0
        rtt = self.recovery.acknowledged(
            ack, self.now, self.rtt.srtt, blocks=blocks if self.sack else (), duplicate=duplicate
        )
        if rtt is not None:
            self.rtt.sample(rtt)
        if advanced:
            self.timer = self.now + self.rtt.rto if self.flight.outstanding else None
            self.recovery.arm_probe(self.now, self.rtt.srtt, self.timer)

    def deadline_passed(self) -> None:
        if not self.recovery.probing:
            self.recovery.reordered(self.now, self.rtt.srtt)
            return
        self.recovery.probe()
        self.probes += 1
        self.timer = self.now + self.rtt.rto
        if self.flight.nxt < self.size:
            self.flight.sent(self.flight.nxt + MSS, self.now)
            self.transmit(self.flight.nxt - MSS, self.flight.nxt)
            self.recovery.probed(None, self.now)
        elif (last := self.flight.last) is not None:
            self.recovery.probed(last, self.now)
            self.transmit(last.start, last.end)

    def run(self) -> Duration:
        """Run until everything is acknowledged; return how long that took."""
        self.send()
        while self.flight.una < self.size:
            self.step()
            assert self.now < 100_000 * SECOND, "it hangs"
        return Duration(self.now)


def some(rate: float, of: int, seed: int = 1) -> frozenset[int]:
    random = Random(seed)
    return frozenset(n for n in range(1, of) if random.random() < rate)


@pytest.mark.rfc("RFC2018-5")
@pytest.mark.parametrize("spacing", [SPACING, 0], ids=["spaced", "at once"])
@pytest.mark.parametrize("algorithm", ["newreno", "cubic"])
def test_what_is_lost_is_sent_again_and_nothing_else(algorithm: Algorithm, spacing: int) -> None:
    """Where nothing is reordered, RACK-TLP knows each loss, of retransmissions too; a probe at most is in vain.

    So it does where a whole flight is sent, and all of its acknowledgements come, in one instant.
    """
    transfer = Transfer(5_000, some(0.02, 20_000), algorithm=algorithm, spacing=spacing)

    transfer.run()

    lost = sum(n <= transfer.transmissions for n in transfer.lost)
    assert lost > 80
    assert transfer.resent <= lost <= transfer.resent + transfer.probes
    assert transfer.timeouts <= 1, "only where what was sent again is lost, and everything that followed it"


@pytest.mark.rfc("RFC8985-7.3")
def test_a_lost_tail_is_repaired_by_a_probe_and_not_by_the_timer() -> None:
    """RFC 8985, 7: within a few round trips."""
    transfer = Transfer(10, {10})

    assert transfer.run() < 500 * MILLISECOND + 2 * SECOND
    assert (transfer.timeouts, transfer.probes, transfer.resent) == (0, 1, 0)


def test_half_a_window_lost_at_once_is_repaired_in_a_few_round_trips() -> None:
    transfer = Transfer(200, frozenset(range(41, 71, 2)))

    assert transfer.run() < 2 * SECOND
    assert (transfer.timeouts, transfer.resent) == (0, 15)


def test_without_sack_one_loss_a_window_needs_no_timer() -> None:
    """RFC 6582."""
    transfer = Transfer(2_000, frozenset(range(50, 4_000, 300)), sack=False)

    transfer.run()

    assert transfer.timeouts == 0
    assert transfer.resent == sum(n <= transfer.transmissions for n in transfer.lost)


@pytest.mark.rfc("RFC6582-3.2")
def test_without_sack_several_losses_a_window_are_repaired_one_a_round_trip() -> None:
    """RFC 6582, 3.2, step 3: without a timeout."""
    transfer = Transfer(200, {41, 43, 45, 47}, sack=False)

    transfer.run()

    assert (transfer.timeouts, transfer.resent) == (0, 4)


@given(
    st.sets(st.integers(1, 120), max_size=60),
    st.integers(1, 60),
    st.booleans(),
    st.sampled_from(["newreno", "cubic"]),
)
def test_everything_arrives_whatever_is_lost(lost: set[int], segments: int, sack: bool, algorithm: Algorithm) -> None:
    transfer = Transfer(segments, lost, sack=sack, algorithm=algorithm)

    transfer.run()

    assert transfer.receiver.ack == transfer.size
    assert (transfer.flight.pipe, transfer.flight.outstanding, transfer.recovery.next_lost()) == (0, 0, None)


@given(
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from(["ack", "ack", "mark", "wait", "timeout"]),
            st.integers(0, 12),
            st.lists(st.tuples(st.integers(-3_000, 30_000), st.integers(-3_000, 30_000)), max_size=4),
            st.booleans(),
            st.none() | st.integers(0, 500),
        ),
        max_size=60,
    ),
)
def test_whatever_a_peer_acknowledges_is_borne(
    sack: bool, steps: list[tuple[str, int, list[Block], bool, int | None]]
) -> None:
    transfer = Transfer(10_000, (), sack=sack)
    recovery, flight = transfer.recovery, transfer.flight
    now = Instant(0)
    transfer.send()
    for what, amount, blocks, duplicate, echoed in steps:
        now += amount * 7 * MILLISECOND
        transfer.now = now
        if recovery.deadline is not None and recovery.deadline <= now:
            transfer.deadline_passed()
        if what == "timeout" and flight.outstanding:
            recovery.timed_out(now)
        elif what != "wait":
            ack = min(flight.una + amount * 250, flight.nxt)
            recovery.acknowledged(
                ack,
                now,
                transfer.rtt.srtt,
                blocks=[(ack + left, ack + right) for left, right in blocks] if sack else (),
                duplicate=duplicate and ack == flight.una,
                echoed=None if echoed is None else Instant(echoed * MILLISECOND),
                marked=what == "mark",
            )
        transfer.send()
        assert 0 <= flight.pipe <= flight.outstanding
        assert len(flight) <= flight.outstanding // MSS + 1, "a peer cannot cut the flight to pieces"
        assert transfer.control.cwnd >= MSS
        assert recovery.next_lost() is None
