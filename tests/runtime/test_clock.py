"""The clock against machine clocks that the test turns by hand."""

import pytest

from tcplab.port import ClockDisturbed
from tcplab.runtime.clock import EPOCH, Clock, steady_nanoseconds
from tcplab.units import MILLISECOND, MINUTE, SECOND

NOON = EPOCH + 500 * 24 * 60 * MINUTE


class Machine:
    """A machine's three clocks."""

    def __init__(self, wall: int = NOON) -> None:
        self.wall = wall
        self.steady = 7_000 * SECOND
        self.awake = 4_000 * SECOND

    def pass_time(self, nanoseconds: int) -> None:
        self.wall += nanoseconds
        self.steady += nanoseconds
        self.awake += nanoseconds

    def sleep(self, nanoseconds: int) -> None:
        self.wall += nanoseconds
        self.steady += nanoseconds

    def clock(self, scale: float = 1.0) -> Clock:
        return Clock(scale, steady=lambda: self.steady, awake=lambda: self.awake, wall=lambda: self.wall)


def test_it_begins_with_unix_time_and_counts_nanoseconds() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now() == NOON

    machine.pass_time(1_234_567_891)

    assert clock.now() == NOON + 1_234_567_891


@pytest.mark.parametrize("step", [-3_600 * SECOND, 3_600 * SECOND])
def test_it_does_not_jump_when_the_wall_clock_does(step: int) -> None:
    machine = Machine()
    clock = machine.clock()

    machine.wall += step
    machine.pass_time(1)

    assert clock.now() == NOON + 1


def test_a_wall_clock_that_was_set_is_noticed_once() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.pass_time(9 * SECOND)
    assert clock.disturbances() == []

    machine.wall -= 1_800 * SECOND
    machine.pass_time(SECOND)

    assert clock.disturbances() == [ClockDisturbed("wall", -1_800 * SECOND)]
    assert clock.disturbances() == []


def test_a_wall_clock_that_is_merely_corrected_is_not_worth_a_word() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.wall += 999 * MILLISECOND

    assert clock.disturbances() == []


def test_a_sleep_is_noticed_once_and_counted_as_time() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.sleep(3_600 * SECOND)

    assert clock.disturbances() == [ClockDisturbed("slept", 3_600 * SECOND)]
    assert clock.disturbances() == []
    assert clock.now() == NOON + 3_600 * SECOND


def test_nodes_started_before_and_after_a_sleep_agree() -> None:
    machine = Machine()
    before = machine.clock()
    machine.sleep(8 * 3_600 * SECOND)
    after = machine.clock()

    machine.pass_time(5 * SECOND)

    assert before.now() == after.now()


def test_a_paused_virtual_machine_is_noticed_by_the_wall_clock_it_is_given_back() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.wall += 600 * SECOND

    [disturbance] = clock.disturbances()
    assert str(disturbance).startswith("the wall clock moved by +600.0 s")
    assert "restart the lab" in str(disturbance)


@pytest.mark.parametrize("scale", [0.1, 0.3, 1.0, 10.0, 20.0])
def test_nodes_started_at_different_times_share_a_scaled_clock(scale: float) -> None:
    machine = Machine()
    early = machine.clock(scale)
    machine.pass_time(1_000_003 * SECOND + 7)
    late = machine.clock(scale)

    machine.pass_time(11 * SECOND + 1)

    assert abs(early.now() - late.now()) <= 1  # each rounds down once


def test_scaled_time_passes_as_many_times_faster() -> None:
    machine = Machine()
    clock = machine.clock(10)
    start = clock.now()

    machine.pass_time(3 * SECOND)

    assert clock.now() - start == 30 * SECOND
    assert clock.real_seconds(30 * SECOND) == 3.0
    assert clock.unix_seconds(clock.now()) == pytest.approx((NOON + 3 * SECOND) / SECOND, abs=1e-6)


def test_scaled_time_stays_within_the_wire_formats_integers() -> None:
    in_2035 = Machine(wall=EPOCH + 10 * 366 * 24 * 60 * MINUTE)

    assert in_2035.clock(20).now() // 1_000 < 2**53


@pytest.mark.parametrize("scale", [0, -1, 0.009, 20.5, 1_000])
def test_a_scale_out_of_bounds_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=r"^time scale .*: must be 0\.01\.\.20\.0$"):
        Clock(scale)


def test_the_machines_own_clocks_go_forward() -> None:
    clock = Clock()
    readings = [clock.now() for _ in range(1_000)]

    assert readings == sorted(readings)
    assert clock.disturbances() == []
    assert steady_nanoseconds() <= steady_nanoseconds()
