"""What writes records down as they come: a capture for Wireshark, or a journal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from tcplab import __version__
from tcplab.node import Event
from tcplab.observe.journal import Record, dump
from tcplab.observe.pcapng import Pcapng
from tcplab.observe.sightings import NETWORK, Sighting, Sightings

STANDARD_OUTPUT: Final = "-"
JOURNAL_SUFFIX: Final = ".jsonl"


class Sides(StrEnum):
    """Which sides of the network to write."""

    BOTH = "both"
    IN = "in"
    OUT = "out"


class Recorder(Protocol):
    """Writes records; ``written`` says what, and ``full`` that it wants no more."""

    @property
    def full(self) -> bool:
        """Whether it has as many as it was to write."""

    @property
    def written(self) -> str:
        """What was written, in words."""

    def feed(self, record: Record[Event]) -> None:
        """Take the next record."""

    def pause(self) -> None:
        """Hand over what was taken: nothing more comes for now."""


class CaptureRecorder:
    """Writes what records show of the network's packets as pcapng."""

    def __init__(self, file: BinaryIO, lab: str, sides: Sides, limit: int | None) -> None:
        """Begin with what stands at the head of a capture; ``limit`` is in packets."""
        self._file = file
        self._sides = ("in", "out") if sides is Sides.BOTH else (sides.value,)
        self._limit = limit
        self._count = 0
        self._sightings = Sightings()
        self._capture = Pcapng(lab, f"tcplab {__version__}")
        file.write(self._capture.header() + self._capture.interfaces(NETWORK))

    @property
    def full(self) -> bool:
        """Whether it has as many as it was to write."""
        return self._limit is not None and self._count >= self._limit

    @property
    def written(self) -> str:
        """What was written, in words."""
        return f"{self._count:,} packets"

    def feed(self, record: Record[Event]) -> None:
        """Take the next record.

        Raises:
            ValueError: a packet fits no datagram.
        """
        for sighting in self._sightings.feed(record):
            self._write(sighting)

    def pause(self) -> None:
        """Hand over what was taken: nothing more comes for now."""
        for sighting in self._sightings.flush():
            self._write(sighting)
        self._file.flush()

    def _write(self, sighting: Sighting) -> None:
        if not self.full and sighting.side in self._sides:
            self._file.write(self._capture.packet(sighting))
            self._count += 1


class JournalRecorder:
    """Writes records as a journal has them."""

    def __init__(self, file: BinaryIO, limit: int | None) -> None:
        """Begin; ``limit`` is in records."""
        self._file = file
        self._limit = limit
        self._count = 0

    @property
    def full(self) -> bool:
        """Whether it has as many as it was to write."""
        return self._limit is not None and self._count >= self._limit

    @property
    def written(self) -> str:
        """What was written, in words."""
        return f"{self._count:,} records"

    def feed(self, record: Record[Event]) -> None:
        """Take the next record."""
        if not self.full:
            self._file.write(dump(record).encode("ascii") + b"\n")
            self._count += 1

    def pause(self) -> None:
        """Hand over what was taken: nothing more comes for now."""
        self._file.flush()


@contextmanager
def recording(output: str, lab: str, sides: Sides, limit: int | None) -> Iterator[Recorder]:
    """Give what writes to a file of this name, or to standard output.

    Raises:
        OSError: the file cannot be written.
        ValueError: standard output is a terminal, which no capture is for.
    """
    if output == STANDARD_OUTPUT:
        if sys.stdout.isatty():
            raise ValueError("a capture is not for a terminal; name a file, or pipe it: | wireshark -k -i -")
        yield CaptureRecorder(sys.stdout.buffer, lab, sides, limit)
        return
    with Path(output).open("wb") as file:
        if output.endswith(JOURNAL_SUFFIX):
            yield JournalRecorder(file, limit)
        else:
            yield CaptureRecorder(file, lab, sides, limit)
