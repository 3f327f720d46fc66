"""What happened, in order: the record from which ladders, verdicts and statistics are computed."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from tcplab.node import Event
from tcplab.observe import codec
from tcplab.observe.codec import Malformed
from tcplab.units import Instant

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)


class Record(NamedTuple, Generic[E_co]):
    """One event: the ``n``-th of its journal, beginning with 1, so that a gap shows loss."""

    n: int
    time: Instant
    node: str
    event: E_co


class Journal:
    """Keeps every event in memory, as long as it lives; for runs that end."""

    def __init__(self) -> None:
        self.records: list[Record[Event]] = []

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Keep an event."""
        self.records.append(Record(len(self.records) + 1, now, node, event))

    def of(self, kind: type[E], node: str | None = None) -> list[Record[E]]:
        """Return the records of one type of event, of all nodes or of one, in order."""
        return [
            Record(record.n, record.time, record.node, record.event)
            for record in self.records
            if isinstance(record.event, kind) and node in (None, record.node)
        ]


def dump(record: Record[Event]) -> str:
    """Return the record as one line of JSON, without its end; ``time`` is in nanoseconds."""
    head = {"n": record.n, "time": record.time, "node": record.node}
    return json.dumps(head | codec.encode(record.event), separators=(",", ":"))


def load(line: str | bytes) -> Record[Event]:
    """Return the record of a line that :func:`dump` wrote.

    Raises:
        Malformed: the line is anything else; names what is wrong with it.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Malformed("a record is a JSON object")
    n, time, node = value.pop("n", None), value.pop("time", None), value.pop("node", None)
    if type(n) is not int or type(time) is not int or type(node) is not str:
        raise Malformed("a record needs whole numbers n and time, and the name of a node")
    return Record(n, Instant(time), node, codec.decode(value))


KEPT_DEFAULT: Final = 4
SIZE_DEFAULT: Final = 16 * 1024 * 1024  # octets of one file


class JournalFile:
    """Writes every event to ``<folder>/<name>.jsonl``, and never stops the node.

    A file that would grow beyond ``size`` octets becomes ``<name>.1.jsonl``, that one ``<name>.2.jsonl``, and so on;
    of all, ``kept`` remain. Each record is written at once and whole, so that a crash loses none. Where the disk is
    full or the folder cannot be written, ``say`` gets one line, once, and nothing more is written.

    Attributes:
        written: records that are in the files.
        lost: records that are not, because writing had failed.
    """

    def __init__(
        self, folder: Path, name: str, say: Callable[[str], None], *, size: int = SIZE_DEFAULT, kept: int = KEPT_DEFAULT
    ) -> None:
        self.path: Final = folder / f"{name}.jsonl"
        self.written = 0
        self.lost = 0
        self._say = say
        self._size = size
        self._kept = kept
        self._used = 0
        self._file: int | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._open()
        except OSError as error:
            self._give_up(error)

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Write an event."""
        if self._file is None:
            self.lost += 1
            return
        line = dump(Record(self.written + 1, now, node, event)).encode("ascii") + b"\n"
        try:
            if self._used and self._used + len(line) > self._size:
                self._rotate()
            self._append(line)
        except OSError as error:
            self.lost += 1
            self._give_up(error)
        else:
            self.written += 1

    def close(self) -> None:
        """Write no more; what comes after is counted as lost."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._used = os.fstat(self._file).st_size

    def _append(self, line: bytes) -> None:
        assert self._file is not None, "the caller has looked"
        taken = os.write(self._file, line)
        if taken < len(line):  # a disk that is nearly full takes a part: leave no torn line behind
            os.ftruncate(self._file, self._used)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._used += taken

    def _rotate(self) -> None:
        self.close()
        self._numbered(self._kept - 1).unlink(missing_ok=True)
        for number in range(self._kept - 2, -1, -1):
            if (path := self._numbered(number)).exists():
                path.rename(self._numbered(number + 1))
        self._open()

    def _numbered(self, number: int) -> Path:
        return self.path.with_suffix(f".{number}.jsonl") if number else self.path

    def _give_up(self, error: OSError) -> None:
        self.close()
        self._say(
            f"journal {self.path}: {error.strerror}; the node goes on without a journal. "
            "Make room or make the folder writable, then restart the node."
        )
