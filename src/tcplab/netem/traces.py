"""What was recorded on a real link, to be played back: its rate, or its delay. Files are read by whoever has files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

from tcplab.netem.grammar.units import read_milliseconds, write_milliseconds
from tcplab.units import MILLISECOND, SECOND, Duration

OPPORTUNITY_OCTETS: Final = 1_504  # of Mahimahi's: an Ethernet's 1,500 and the 4 of its TUN device
ENTRIES_LIMIT: Final = 1_000_000  # of one trace: 1,000 s of a link of 12 Mbit/s

TraceReader = Callable[[str], str]
"""Returns the contents of the trace file of a name; raises OSError or ValueError if there is none."""


def among(texts: Mapping[str, str]) -> TraceReader:
    """Return a reader of traces that were sent along, by their names."""

    def read(name: str) -> str:
        if name not in texts:
            there = ", ".join(texts) or "none"
            raise ValueError(f"{name!r} was not sent along, under traces; there are {there}")
        return texts[name]

    return read


class TraceError(ValueError):
    """A file is no trace; one line that names the file, the line and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RateTrace:
    """When a link could deliver: the packet-delivery trace of Mahimahi (R. Netravali et al., USENIX ATC 2015).

    Each line of the file is a time in whole milliseconds, none before the one above it; at each the link delivers up to
    1,504 octets of what has arrived, and what it has no packets for is lost to it. After the last time the file begins
    anew.

    Attributes:
        name: of the file.
        times: milliseconds.
    """

    name: str
    times: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse times that no trace has.

        Raises:
            TraceError: says what is wrong.
        """
        _check_name(self.name)
        if not self.times or self.times[-1] <= 0:
            raise TraceError(f"{self.name}: a rate trace has at least one time, and the last is 1 ms or more")
        for number, (one, other) in enumerate(pairwise((0, *self.times)), start=1):
            if other < one:
                raise TraceError(f"{self.name}: time {number}, {other}, is before {one}, the one above it")

    @classmethod
    def parse(cls, name: str, text: str) -> Self:
        """Return the trace in a file.

        Raises:
            TraceError: names the line at fault.
        """
        times: list[int] = []
        for number, line in _lines(name, text):
            if not (line.isascii() and line.isdecimal()) or len(line) > 15:
                raise TraceError(f"{name}, line {number}: {line[:40]!r} is no time in whole milliseconds")
            times.append(int(line))
        return cls(name, tuple(times))

    def text(self) -> str:
        """Return the file."""
        return "".join(f"{time}\n" for time in self.times)

    def rate(self) -> int:
        """Return the bits a second that the link can deliver on average."""
        return len(self.times) * OPPORTUNITY_OCTETS * 8 * SECOND // (self.times[-1] * MILLISECOND)


@dataclass(frozen=True, slots=True)
class DelayTrace:
    """How long packets were under way: each line of the file is a duration and a delay, both in milliseconds.

    ``20 35.5`` is a delay of 35.5 ms for 20 ms; after the last line the file begins anew.

    Attributes:
        name: of the file.
        steps: durations and delays, nanoseconds.
    """

    name: str
    steps: tuple[tuple[Duration, Duration], ...]

    def __post_init__(self) -> None:
        """Refuse steps that no trace has.

        Raises:
            TraceError: says what is wrong.
        """
        _check_name(self.name)
        for number, (duration, delay) in enumerate(self.steps, start=1):
            if duration <= 0 or delay < 0:
                raise TraceError(f"{self.name}: step {number} must last longer than 0 ms, and its delay be 0 or more")
        if not self.steps:
            raise TraceError(f"{self.name}: a delay trace has at least one step")

    @classmethod
    def parse(cls, name: str, text: str) -> Self:
        """Return the trace in a file.

        Raises:
            TraceError: names the line at fault.
        """
        steps: list[tuple[Duration, Duration]] = []
        for number, line in _lines(name, text):
            try:
                duration, delay = map(read_milliseconds, line.split())
            except ValueError:
                fault = "is no duration and delay in milliseconds, such as 20 35.5"
                raise TraceError(f"{name}, line {number}: {line[:40]!r} {fault}") from None
            steps.append((duration, delay))
        return cls(name, tuple(steps))

    def text(self) -> str:
        """Return the file."""
        return "".join(
            f"{write_milliseconds(duration)} {write_milliseconds(delay)}\n" for duration, delay in self.steps
        )

    def mean(self) -> float:
        """Return the delay on average over the whole file, nanoseconds."""
        total = sum(duration for duration, _ in self.steps)
        return sum(duration * delay for duration, delay in self.steps) / total


def _check_name(name: str) -> None:
    if name.split() != [name]:
        raise TraceError(f"{name!r} cannot name a trace: a name is one word, since profiles are made of words")


def _lines(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers; a ``#`` begins a comment."""
    lines = text.splitlines()
    if len(lines) > ENTRIES_LIMIT:
        raise TraceError(f"{name}: a trace has at most {ENTRIES_LIMIT:,} lines; this has {len(lines):,}")
    for number, line in enumerate(lines, start=1):
        said = line.partition("#")[0].strip()
        if said:
            yield number, said
