"""Time as the whole lab counts it: whole nanoseconds.

An :data:`Instant` is a point on the lab's clock, a :data:`Duration` the distance between two of them. The type checker
knows what their sums and differences are; at run time they are plain numbers, which cost no call.
Virtual time starts at 0; real time is Unix time, read from a clock that never jumps.
"""

from typing import TYPE_CHECKING, Final, NewType, Self, overload

if TYPE_CHECKING:

    class Duration(int):
        """Nanoseconds between two instants."""

        def __add__(self, other: int, /) -> Self: ...
        def __radd__(self, other: int, /) -> Self: ...
        def __sub__(self, other: int, /) -> Self: ...
        def __mul__(self, times: int, /) -> Self: ...
        def __rmul__(self, times: int, /) -> Self: ...
        def __floordiv__(self, parts: int, /) -> Self: ...
        def __mod__(self, other: int, /) -> Self: ...
        def __neg__(self) -> Self: ...

    class Instant(int):
        """Nanoseconds since the clock's beginning."""

        def __add__(self, other: int, /) -> Self: ...
        @overload
        def __sub__(self, since: Self, /) -> Duration: ...  # type: ignore[overload-overlap]
        @overload
        def __sub__(self, other: int, /) -> Self: ...
        def __sub__(self, other: int, /) -> int: ...

else:
    Instant = NewType("Instant", int)
    Duration = NewType("Duration", int)

NANOSECOND: Final = Duration(1)
MICROSECOND: Final = Duration(1_000)
MILLISECOND: Final = Duration(1_000_000)
SECOND: Final = Duration(1_000_000_000)
MINUTE: Final = Duration(60_000_000_000)

START: Final = Instant(0)


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
