"""What takes records down as they come: a capture for Wireshark, a journal, or lines for people."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, ClassVar, Final, Protocol, Self

from tcplab import __version__
from tcplab.node import Event, PacketDiscarded, PacketReceived
from tcplab.observe.journal import Record, dump
from tcplab.observe.lines import Lines
from tcplab.observe.pcapng import Pcapng
from tcplab.observe.sieve import Sieve
from tcplab.observe.sightings import Ruling, Sighting, Sightings, Verdict, is_network, is_of_network

STANDARD_OUTPUT: Final = "-"
JOURNAL_SUFFIX: Final = ".jsonl"


class Sides(StrEnum):
    """Which sides of the network to show."""

    BOTH = "both"
    IN = "in"
    OUT = "out"


class Recorder:
    """Takes records down, up to a limit."""

    unit: ClassVar = "packets"
    """What it counts."""

    def __init__(self, limit: int | None) -> None:
        """Begin; without a limit it is never full."""
        self._limit = limit
        self.count = 0
        """How much was taken down."""

    @property
    def full(self) -> bool:
        """Whether it has as many as it was to take down."""
        return self._limit is not None and self.count >= self._limit

    def feed(self, record: Record[Event]) -> None:
        """Take the next record."""
        raise NotImplementedError

    def gap(self, node: str, lost: int) -> None:
        """Take note that records of a node are missing here."""

    def pause(self) -> None:
        """Hand over what was taken: nothing more comes for now."""

    def end(self) -> None:
        """Hand over what is left: nothing more comes."""


class OfSightings(Recorder):
    """Takes down what records show of the network's packets."""

    def __init__(self, limit: int | None, sides: tuple[str, ...], sieve: Sieve) -> None:
        """Begin; ``limit`` counts what was seen at one of the sides and passed the sieve."""
        super().__init__(limit)
        self._sides = sides
        self._sieve = sieve
        self._sightings = Sightings()

    def feed(self, record: Record[Event]) -> None:
        """Take the next record.

        Raises:
            ValueError: a packet fits no datagram.
        """
        self._see(self._sightings.feed(record))

    def pause(self) -> None:
        """Hand over what was taken: nothing more comes for now."""
        self._see(self._sightings.flush())

    def write(self, sighting: Sighting) -> None:
        """Take down one that is wanted."""
        raise NotImplementedError

    def pass_over(self, sighting: Sighting) -> None:
        """Take note of one that is not wanted."""

    def _see(self, sightings: list[Sighting]) -> None:
        for each in sightings:
            if not self.full and each.side in self._sides and self._sieve.passes(each.packet, each.verdicts):
                self.write(each)
                self.count += 1
            else:
                self.pass_over(each)


class Sink(Protocol):
    """What recorders write to."""

    def write(self, octets: bytes, /) -> object:
        """Write octets."""

    def flush(self) -> object:
        """Hand over what was written."""


class CaptureRecorder(OfSightings):
    """Writes pcapng."""

    def __init__(self, file: Sink, lab: str, sides: Sides, sieve: Sieve, limit: int | None) -> None:
        """Nothing is written yet; ``limit`` is in packets."""
        super().__init__(limit, ("in", "out") if sides is Sides.BOTH else (sides.value,), sieve)
        self._file = file
        self._capture = Pcapng(lab, f"tcplab {__version__}")
        self._head = self._capture.header()
        self._note = ""

    def gap(self, node: str, lost: int) -> None:
        """Let the next packet say what is missing before it."""
        self._note = f"{lost} records of {node} are missing before this"

    def write(self, sighting: Sighting) -> None:
        """Write a packet, and before the first what stands at the head of a capture."""
        self._file.write(self._head + self._capture.packet(sighting, self._note))
        self._head, self._note = b"", ""

    def pause(self) -> None:
        """Hand over what was taken: nothing more comes for now."""
        super().pause()
        self._file.write(self._head)
        self._head = b""
        self._file.flush()

    def end(self) -> None:
        """Hand over what is left: nothing more comes."""
        self.pause()


class LineRecorder(OfSightings):
    """Prints a line for each segment."""

    def __init__(
        self, lines: Lines, show: Callable[[str], None], sides: Sides, sieve: Sieve, limit: int | None
    ) -> None:
        """Begin; ``show`` takes a line."""
        shown = {Sides.IN: ("in", "within"), Sides.OUT: ("out",), Sides.BOTH: ("in", "within", "out")}
        super().__init__(limit, shown[sides], sieve)
        self._lines = lines
        self._show = show

    def gap(self, node: str, lost: int) -> None:
        """Say what is missing."""
        self._show(f"-- {lost} records of {node} are missing here --")

    def pass_over(self, sighting: Sighting) -> None:
        """Remember where a direction's sequence numbers begin, though that is not shown."""
        self._lines.of(sighting)

    def write(self, sighting: Sighting) -> None:
        """Print the line of a segment."""
        self._show(self._lines.of(sighting))


class JournalRecorder(Recorder):
    """Writes records as a journal has them; a gap shows in their numbers."""

    unit = "records"

    def __init__(self, file: Sink, sieve: Sieve | None, limit: int | None) -> None:
        """Begin.

        Args:
            file: what to write to.
            sieve: lets through the network's records of packets, each by itself, and, where it lets all of these
                through, of its settings; ``None`` lets everybody's records through.
            limit: in records.
        """
        super().__init__(limit)
        self._file = file
        self._sieve = sieve

    def feed(self, record: Record[Event]) -> None:
        """Take the next record."""
        if not self.full and (self._sieve is None or self._passes(self._sieve, record)):
            self._file.write(dump(record).encode("ascii") + b"\n")
            self.count += 1

    def pause(self) -> None:
        """Hand over what was taken: nothing more comes for now."""
        self._file.flush()

    def end(self) -> None:
        """Hand over what is left: nothing more comes."""
        self._file.flush()

    def _passes(self, sieve: Sieve, record: Record[Event]) -> bool:
        event = record.event
        if not is_network(record.node):
            return False
        if not isinstance(event, Ruling | PacketReceived | PacketDiscarded):
            return sieve == Sieve() and is_of_network(event)
        return sieve.passes(event.packet, (event,) if isinstance(event, Verdict) else ())


class _Late:
    """A file that is opened by the first who writes to it, or flushes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, octets: bytes, /) -> None:
        self._opened().write(octets)

    def flush(self) -> None:
        self._opened().flush()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            self._file = self._path.open("wb")
        return self._file


@contextmanager
def recording(output: str, lab: str, sides: Sides, sieve: Sieve, limit: int | None) -> Iterator[Recorder]:
    """Give what writes to a file of this name, or to standard output.

    The file comes to be, or is written over, once the recorder hands something over.

    Raises:
        OSError: the file cannot be written.
        ValueError: standard output is a terminal, which no capture is for.
    """
    if output == STANDARD_OUTPUT:
        if sys.stdout.isatty():
            raise ValueError("a capture is not for a terminal; name a file, or pipe it: | wireshark -k -i -")
        yield CaptureRecorder(sys.stdout.buffer, lab, sides, sieve, limit)
        return
    with _Late(Path(output)) as file:
        if output.endswith(JOURNAL_SUFFIX):
            yield JournalRecorder(file, None if sieve == Sieve() else sieve, limit)
        else:
            yield CaptureRecorder(file, lab, sides, sieve, limit)
