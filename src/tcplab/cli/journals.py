"""Journals from files: one, several, or all of a folder, merged by time."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain
from pathlib import Path

from tcplab.node import Event
from tcplab.observe.codec import Malformed
from tcplab.observe.journal import Record, load


class JournalError(Exception):
    """A journal cannot be read; one line that names the file, the place in it and the way out."""


def read(paths: Sequence[Path]) -> Iterator[Record[Event]]:
    """Yield the records of all files, in the order of their times; a folder stands for every ``*.jsonl`` in it.

    Raises:
        JournalError: a file or a line cannot be read.
    """
    begun = []
    for path in _files(paths):
        records = _records(path)
        for first in records:
            begun.append((first.time, chain((first,), records)))
            break
    # Where the end of one file and the beginning of the next are simultaneous, the older comes first.
    begun.sort(key=lambda each: each[0])
    return merge(*(records for _, records in begun), key=lambda record: record.time)


def parse(lines: Iterable[bytes], name: str) -> Iterator[Record[Event]]:
    """Yield the records of lines.

    Raises:
        JournalError: a line is none that a journal has.
    """
    for number, line in enumerate(lines, start=1):
        try:
            yield load(line)
        except Malformed as error:
            raise JournalError(f"{name}:{number}: {error}; a journal's lines are what TCPLAB_JOURNAL writes") from None


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(path.glob("*.jsonl"))
        if not found:
            raise JournalError(f"{path}: no journal is in this folder; TCPLAB_JOURNAL makes nodes write theirs")
        yield from found


def _records(path: Path) -> Iterator[Record[Event]]:
    try:
        with path.open("rb") as file:
            yield from parse(file, str(path))
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}; name a journal's file, or the folder that holds some") from None
