"""The lab's clock in real time: the machine's monotonic clock, anchored once to Unix time.

Nodes on one machine share an epoch exactly, nodes on several as well as their machines' clocks agree. Setting the
wall clock does not move the lab's. The clock goes on while the machine sleeps, wherever the system offers such a
one: a node that is started after the sleep must agree with those that slept, or each would take the other's packets
for expired.
"""

import sys
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from tcplab.port import ClockDisturbed
from tcplab.units import SECOND, Duration, Instant

EPOCH: Final = Instant(1_735_689_600 * SECOND)
"""2025-01-01T00:00:00Z: where scaled and unscaled time meet, one for all nodes."""

SCALE_MIN: Final = Fraction(1, 100)
SCALE_MAX: Final = Fraction(20)  # keeps microseconds below 2**53, which the wire format promises, until 2035
NOTICEABLE: Final = SECOND

ReadNanoseconds = Callable[[], int]


def steady_nanoseconds() -> int:
    """Return a monotonic reading that goes on while the machine sleeps, where the system has one."""
    return _read_steady()


def _find_steady() -> ReadNanoseconds:
    """Choose the system's clock: Linux counts sleep in CLOCK_BOOTTIME, macOS in CLOCK_MONOTONIC."""
    name = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}.get(sys.platform, "")
    number: int | None = getattr(time, name, None)
    if number is None:
        return time.monotonic_ns
    return lambda: time.clock_gettime_ns(number)


_read_steady: Final = _find_steady()


class Clock:
    """Tells the lab's time; reads never go back.

    Args:
        scale: lab seconds that pass in a real one, the same for the whole lab.
        steady: monotonic nanoseconds that count the machine's sleep.
        awake: monotonic nanoseconds that do not.
        wall: Unix time in nanoseconds.

    Raises:
        ValueError: the scale is out of bounds.
    """

    def __init__(
        self,
        scale: float = 1.0,
        *,
        steady: ReadNanoseconds = steady_nanoseconds,
        awake: ReadNanoseconds = time.monotonic_ns,
        wall: ReadNanoseconds = time.time_ns,
    ) -> None:
        exact = Fraction(str(scale))
        if not SCALE_MIN <= exact <= SCALE_MAX:
            raise ValueError(f"time scale {scale}: must be {float(SCALE_MIN)}..{float(SCALE_MAX)}")
        self.scale: Final = float(exact)
        self._times, self._over = exact.numerator, exact.denominator
        self._steady, self._awake, self._wall = steady, awake, wall
        self._anchor_steady = steady()
        self._anchor_wall = wall()
        self._origin = EPOCH + (self._anchor_wall - EPOCH) * self._times // self._over
        self._seen_sleep = self._sleep()
        self._seen_drift = 0

    def now(self) -> Instant:
        """Return the lab's time."""
        return self._origin + (self._steady() - self._anchor_steady) * self._times // self._over

    def real_seconds(self, duration: int) -> float:
        """Return how many real seconds a lab duration takes."""
        return duration * self._over / self._times / SECOND

    def unix_seconds(self, instant: Instant) -> float:
        """Return the Unix time of a lab instant, as timestamps in metrics want it."""
        return (self._anchor_wall + (instant - self._origin) * self._over // self._times) / SECOND

    def disturbances(self) -> list[ClockDisturbed]:
        """Return what happened to the machine's clocks since the last call: a sleep, a wall clock that was set."""
        found = []
        sleep, drift = self._sleep(), self._drift()
        if sleep - self._seen_sleep >= NOTICEABLE:
            found.append(ClockDisturbed("slept", Duration(sleep - self._seen_sleep)))
            self._seen_sleep = sleep
        if abs(drift - self._seen_drift) >= NOTICEABLE:
            found.append(ClockDisturbed("wall", Duration(drift - self._seen_drift)))
            self._seen_drift = drift
        return found

    def _sleep(self) -> int:
        return self._steady() - self._awake()

    def _drift(self) -> int:
        return (self._wall() - self._anchor_wall) - (self._steady() - self._anchor_steady)
