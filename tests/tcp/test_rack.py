"""RACK-TLP (RFC 8985): what is marked lost and when, and what a tail loss probe shows."""

import pytest

from tcplab.tcp.flight import Flight
from tcplab.tcp.rack import LossProbe, Rack, probe_timeout
from tcplab.tcp.scoreboard import Fate
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Duration, Instant

MSS = 1_000


def ms(count: float) -> Instant:
    return Instant(round(count * MILLISECOND))


class Path:
    """A flight with its RACK; the n-th segment is sent n ms after the start, and everything takes ``rtt`` ms."""

    def __init__(self, segments: int, rtt: int = 100) -> None:
        self.flight = Flight()
        self.rack = Rack(self.flight)
        self.rtt = rtt
        self.recovering = False
        for n in range(segments):
            self.flight.sent((n + 1) * MSS, ms(n))

    def acks(self, number: int, now: float) -> None:
        """Everything before the segment with that number has arrived."""
        self.rack.delivered(self.flight.acknowledge(number * MSS), ms(now))

    def sacks(self, now: float, *numbers: int, echoed: float | None = None) -> None:
        blocks = [(number * MSS, (number + 1) * MSS) for number in numbers]
        self.rack.delivered(self.flight.select(blocks), ms(now), None if echoed is None else ms(echoed))

    def detect(self, now: float, srtt: int = 100) -> float | None:
        """Detect; return the deadline in ms."""
        deadline = self.rack.detect(ms(now), Duration(ms(srtt)), recovering=self.recovering)
        return None if deadline is None else deadline / MILLISECOND

    def resends(self, now: float) -> list[int]:
        """Send again what is lost; return the numbers of the segments."""
        numbers = []
        while (segment := self.flight.next_lost()) is not None:
            self.flight.resent(segment, ms(now))
            numbers.append(segment.start // MSS)
        return numbers


def test_nothing_is_lost_while_everything_arrives_in_order() -> None:
    path = Path(3)
    path.acks(1, 100)
    assert path.detect(1_000) is None
    assert path.resends(1_000) == []


@pytest.mark.rfc("RFC8985-6.2")
def test_what_was_overtaken_waits_for_a_quarter_of_the_shortest_round_trip() -> None:
    """6.2, steps 4 and 5: reo_wnd = min_RTT / 4, counted from when the latest segment to arrive was sent."""
    path = Path(4)
    path.acks(1, 100)
    path.sacks(102, 2)

    assert path.detect(102) == 1 + 100 + 25
    assert path.resends(125.999) == []
    assert path.detect(126) is None
    assert path.resends(126) == [1]


def test_the_window_is_at_most_the_smoothed_round_trip() -> None:
    """6.2, step 4."""
    path = Path(4)
    path.acks(1, 100)
    path.sacks(102, 2)

    assert path.detect(102, srtt=10) == 1 + 100 + 10


def test_the_deadline_is_that_of_the_last_that_was_overtaken() -> None:
    """6.2, step 5: one timer for all."""
    path = Path(6)
    path.acks(1, 100)
    path.sacks(104, 4)

    assert path.detect(104) == 3 + 100 + 25
    assert path.detect(127) == 3 + 100 + 25
    assert path.resends(127) == [1, 2]
    assert path.detect(128) is None
    assert path.resends(128) == [3]


@pytest.mark.rfc("RFC8985-6.2")
def test_three_segments_that_arrived_leave_no_doubt() -> None:
    """6.2, step 4: without reordering ever seen, DupThresh segments selectively acknowledged end the wait."""
    path = Path(6)
    path.acks(1, 100)
    path.sacks(102, 2)
    path.sacks(103, 3)
    assert path.detect(103) is not None
    path.sacks(104, 4)

    assert path.detect(104) is None
    assert path.resends(104) == [1]


def test_in_a_recovery_nothing_is_waited_for() -> None:
    """6.2, step 4."""
    path = Path(4)
    path.recovering = True
    path.acks(1, 100)
    path.sacks(102, 2)

    assert path.detect(102) is None
    assert path.resends(102) == [1]


def test_where_reordering_was_seen_it_is_waited_for_always() -> None:
    """6.2, step 3: a segment sent once arrives below the highest that has arrived."""
    path = Path(8)
    path.sacks(101, 1)
    path.acks(2, 102)
    path.recovering = True
    path.sacks(106, 4, 5, 6)

    assert path.detect(106) == 3 + 100 + 25
    assert path.resends(106) == []
    assert path.detect(128) is None
    assert path.resends(128) == [2, 3]


def test_what_was_sent_again_is_no_reordering() -> None:
    path = Path(4)
    path.recovering = True
    path.sacks(101, 1)
    assert path.detect(101) is None
    assert path.resends(101) == [0]
    path.acks(2, 201)

    path.sacks(203, 3)
    assert path.detect(203) is None
    assert path.resends(203) == [2]


@pytest.mark.rfc("RFC8985-6.2")
def test_a_retransmission_that_is_lost_is_found_too() -> None:
    """3.2: by what was sent after it."""
    path = Path(4)
    path.recovering = True
    path.sacks(101, 1)
    path.detect(101)
    assert path.resends(101) == [0]
    path.flight.sent(5 * MSS, ms(102))

    path.sacks(103, 3)
    assert path.detect(103) is None
    assert path.resends(103) == [2], "not the retransmission: what arrived was sent before it"
    path.sacks(202, 4)
    assert path.detect(202) is None
    assert path.resends(202) == [0]


def test_an_answer_faster_than_the_path_is_of_the_original() -> None:
    """6.2, step 2: it does not make others look overtaken."""
    path = Path(3)
    path.recovering = True
    path.acks(1, 100)
    path.sacks(102, 2)
    path.detect(102)
    assert path.resends(102) == [1]
    path.flight.sent(4 * MSS, ms(101))

    path.acks(3, 150)
    assert path.detect(150) is None
    assert path.resends(150) == []


@pytest.mark.parametrize(("echoed", "lost"), [(101.9, []), (102.0, [1])])
def test_a_timestamp_tells_the_original_from_what_was_sent_again(echoed: float, lost: list[int]) -> None:
    """6.2, step 2."""
    path = Path(3)
    path.recovering = True
    path.sacks(102, 2)
    path.detect(102)
    assert path.resends(102) == [0, 1]

    path.sacks(302, 1, echoed=echoed)
    assert path.detect(302) is None
    assert path.resends(302) == ([0] if lost else [])


def test_a_duplicate_that_arrived_widens_the_window_once_a_round() -> None:
    """6.2, step 4: by a quarter of the shortest round trip for every round with a D-SACK."""
    path = Path(6)
    path.acks(1, 100)
    path.rack.duplicated()
    path.rack.duplicated()
    path.sacks(102, 2)

    assert path.detect(102, srtt=1_000) == 1 + 100 + 50
    path.acks(6, 103)
    path.flight.sent(7 * MSS, ms(104))
    path.rack.duplicated()
    path.flight.sent(8 * MSS, ms(105))
    path.sacks(205, 7)
    assert path.detect(205, srtt=1_000) == pytest.approx(104 + 100 + 3 * 98 / 4)


def test_sixteen_recoveries_without_a_duplicate_narrow_it_again() -> None:
    """6.2, step 4."""
    path = Path(4)
    path.acks(1, 100)
    path.rack.duplicated()
    for _ in range(15):
        path.rack.recovered()
    path.sacks(102, 2)
    assert path.detect(102) == 1 + 100 + 50

    path.rack.recovered()
    assert path.detect(102) == 1 + 100 + 25


def test_the_shortest_round_trip_is_forgotten_after_minutes() -> None:
    """6.2, step 1: so that a path that became longer is noticed."""
    path = Path(1)
    path.acks(1, 100)
    path.flight.sent(2 * MSS, ms(200))
    path.acks(2, 500)
    assert path.rack.min_rtt == 100 * MILLISECOND

    path.flight.sent(3 * MSS, Instant(6 * MINUTE))
    path.rack.delivered(path.flight.acknowledge(3 * MSS), START + 6 * MINUTE + 300 * MILLISECOND)
    assert path.rack.min_rtt == 300 * MILLISECOND


@pytest.mark.rfc("RFC8985-6.3")
def test_a_timeout_shows_the_first_and_what_is_older_than_a_round_trip() -> None:
    """6.3."""
    path = Path(2)
    path.acks(1, 100)
    for n in (2, 3, 4):
        path.flight.sent((n + 1) * MSS, ms(950 + 25 * n))

    path.rack.timed_out(ms(1_100))

    assert path.resends(1_100) == [1, 2], "sent at 1,000 ms it is due at 1,100 ms, what came later is not"


def test_a_timeout_without_any_answer_shows_everything() -> None:
    path = Path(3)

    path.rack.timed_out(ms(1_000))

    assert path.resends(1_000) == [0, 1, 2]
    assert {segment.fate for segment in path.flight.overtaken(100, 0)} == {Fate.IN_NETWORK}


@pytest.mark.rfc("RFC8985-7.2")
@pytest.mark.parametrize(
    ("srtt", "segments", "timeout"),
    [(None, 3, SECOND), (100 * MILLISECOND, 2, 200 * MILLISECOND), (100 * MILLISECOND, 1, 400 * MILLISECOND)],
)
def test_the_probe_timeout(srtt: Duration | None, segments: int, timeout: Duration) -> None:
    """7.2: TLP_calc_PTO."""
    assert probe_timeout(srtt, segments) == timeout


def test_one_probe_is_outstanding_and_the_next_needs_a_measurement() -> None:
    """7.3."""
    probe = LossProbe()
    assert probe.allowed

    probe.sent(1_000, again=False)
    assert not probe.allowed
    probe.measured = True
    assert not probe.allowed
    assert not probe.acknowledged(1_000, None, bare_duplicate=False)
    assert probe.allowed

    probe.sent(2_000, again=False)
    assert not probe.acknowledged(2_000, None, bare_duplicate=False)
    assert not probe.allowed, "no round trip was measured since"


def test_a_probe_with_new_data_shows_no_loss() -> None:
    """7.4.2."""
    probe = LossProbe()
    probe.sent(2_000, again=False)

    assert not probe.acknowledged(1_000, None, bare_duplicate=True)
    assert not probe.acknowledged(3_000, None, bare_duplicate=False)


@pytest.mark.parametrize(
    ("duplicate", "bare"), [((1_000, 2_000), False), (None, True)], ids=["a D-SACK block", "a bare duplicate"]
)
def test_a_probe_that_arrived_twice_repaired_nothing(duplicate: tuple[int, int] | None, bare: bool) -> None:
    """7.4.2, cases 1 and 2."""
    probe = LossProbe()
    probe.sent(2_000, again=True)

    assert not probe.acknowledged(2_000, None, bare_duplicate=False), "either may have arrived"
    assert not probe.acknowledged(2_000, duplicate, bare_duplicate=bare)
    assert not probe.acknowledged(3_000, None, bare_duplicate=False)


def test_a_probe_that_arrived_once_repaired_a_loss() -> None:
    """7.4.2: what comes after it is acknowledged, and there was no sign of a duplicate."""
    probe = LossProbe()
    probe.sent(2_000, again=True)
    assert not probe.acknowledged(2_000, None, bare_duplicate=False)

    assert probe.acknowledged(2_001, (0, 1_000), bare_duplicate=False)
    assert not probe.acknowledged(3_000, None, bare_duplicate=False)


def test_a_recovery_makes_a_probe_meaningless() -> None:
    probe = LossProbe()
    probe.sent(2_000, again=True)

    probe.over()

    assert not probe.acknowledged(3_000, None, bare_duplicate=False)
