"""Journals read from files."""

from pathlib import Path

import pytest

from tcplab.cli.journals import JournalError, read
from tcplab.node import Event
from tcplab.observe.journal import Record, dump
from tcplab.port import LinkUp
from tcplab.units import Instant


def written(path: Path, *times: int) -> Path:
    """Write a journal in which the record of an instant counts as many reconnects."""
    lines = [
        dump(Record[Event](n, Instant(time), path.name.partition(".")[0], LinkUp(time)))
        for n, time in enumerate(times, start=1)
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    return path


def times(*paths: Path) -> list[tuple[str, int]]:
    return [(record.node, record.time) for record in read(paths)]


def test_several_journals_are_merged_by_time_and_each_keeps_its_order(tmp_path: Path) -> None:
    netem, client = written(tmp_path / "netem.jsonl", 1, 3, 3, 7), written(tmp_path / "client.jsonl", 2, 3, 9)

    assert times(netem, client) == [
        ("netem", 1), ("client", 2), ("netem", 3), ("netem", 3), ("client", 3), ("netem", 7), ("client", 9),
    ]  # fmt: skip


def test_a_folder_stands_for_its_journals_and_rotated_ones_come_in_their_order(tmp_path: Path) -> None:
    written(tmp_path / "netem.jsonl", 5, 6)
    written(tmp_path / "netem.10.jsonl", 1, 2)
    written(tmp_path / "netem.2.jsonl", 2, 4)
    written(tmp_path / "netem.1.jsonl", 4, 5)
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "notes.txt").write_text("none of ours", encoding="ascii")

    found = list(read([tmp_path]))

    assert [record.time for record in found] == [1, 2, 2, 4, 4, 5, 5, 6]
    assert [record.n for record in found] == [1, 2, 1, 2, 1, 2, 1, 2]


def test_a_line_that_is_no_record_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "netem.jsonl", 1)
    with path.open("a", encoding="ascii") as file:
        file.write("what is this\n")

    with pytest.raises(JournalError) as refusal:
        list(read([path]))

    assert str(refusal.value).startswith(f"{path}:2: no JSON: ")
    assert "TCPLAB_JOURNAL" in str(refusal.value)


def test_what_cannot_be_read_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"nowhere\.jsonl: No such file or directory; name a journal's file"):
        list(read([tmp_path / "nowhere.jsonl"]))
    with pytest.raises(JournalError, match="no journal is in this folder; TCPLAB_JOURNAL makes nodes write theirs"):
        list(read([tmp_path]))
