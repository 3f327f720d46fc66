"""Time as the whole lab counts it: whole nanoseconds.

An :data:`Instant` is a point on the lab's clock, a :data:`Duration` the distance between two of them.
Virtual time starts at 0; real time is Unix time, read from a clock that never jumps.
"""

from typing import Final, NewType

Instant = NewType("Instant", int)
Duration = NewType("Duration", int)

NANOSECOND: Final = Duration(1)
MICROSECOND: Final = Duration(1_000)
MILLISECOND: Final = Duration(1_000_000)
SECOND: Final = Duration(1_000_000_000)
MINUTE: Final = Duration(60_000_000_000)

START: Final = Instant(0)


def after(now: Instant, duration: int) -> Instant:
    """Return the instant ``duration`` nanoseconds after ``now``."""
    return Instant(now + duration)


def elapsed(since: Instant, now: Instant) -> Duration:
    """Return the nanoseconds from ``since`` to ``now``."""
    return Duration(now - since)


def seconds(value: float) -> Duration:
    """Return ``value`` seconds as whole nanoseconds, rounded to the nearest."""
    return Duration(round(value * SECOND))


def in_seconds(duration: int) -> float:
    """Return ``duration`` nanoseconds in seconds."""
    return duration / SECOND


def earliest(*instants: Instant | None) -> Instant | None:
    """Return the first of the instants that are set, ``None`` if none is."""
    first = None
    for instant in instants:
        if instant is not None and (first is None or instant < first):
            first = instant
    return first
