"""``tcplab capture``: from a run in virtual time, or from journals, to a file or through a pipe."""

import subprocess
from pathlib import Path

import pytest

from tcplab.cli.journals import read
from tcplab.observe.journal import dump
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play
from tests.cli.terminal import COMMAND, on_a_terminal, piped
from tests.observe.test_pcapng import blocks

SECTION, PACKET = 0x0A0D0D0A, 6  # block types
SEGMENTS = 18  # of the lifecycle scenario, on each side of the network


def packets(path: Path) -> int:
    return sum(block.kind == PACKET for block in blocks(path.read_bytes()))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(f"{dump(record)}\n" for record in play(lifecycle()).journal.records), encoding="ascii")
    return path


def test_a_run_in_virtual_time_becomes_a_capture_the_same_every_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first.pcapng", tmp_path / "second.pcapng"

    answer = piped("capture", str(first), "--scenario", "lifecycle")
    piped("capture", str(second), "--scenario", "lifecycle")

    assert answer.returncode == 0
    assert answer.stderr == f"36 packets written to {first}\n"
    assert packets(first) == 2 * SEGMENTS
    assert first.read_bytes() == second.read_bytes()


def test_journals_become_the_capture_that_their_run_becomes(tmp_path: Path, journal: Path) -> None:
    direct, read_back = tmp_path / "direct.pcapng", tmp_path / "read.pcapng"

    piped("capture", str(direct), "--scenario", "lifecycle")
    answer = piped("capture", str(read_back), str(journal))

    assert answer.returncode == 0
    heads, tails = zip(*(path.read_bytes().split(b"netem in", 1) for path in (direct, read_back)), strict=True)
    assert b"lifecycle, seed 1" in heads[0]
    assert b"run.jsonl" in heads[1]
    assert tails[0] == tails[1]


def test_a_run_becomes_a_journal_that_can_be_read_again(tmp_path: Path, journal: Path) -> None:
    path = tmp_path / "written.jsonl"

    answer = piped("capture", str(path), "--scenario", "lifecycle")

    assert path.read_bytes() == journal.read_bytes()
    assert answer.stderr == f"{len(list(read([path])))} records written to {path}\n"


@pytest.mark.parametrize(("side", "expected"), [("in", SEGMENTS), ("out", SEGMENTS), ("both", 2 * SEGMENTS)])
def test_one_side_or_both_can_be_had(side: str, expected: int, tmp_path: Path) -> None:
    path = tmp_path / "one.pcapng"

    piped("capture", str(path), "--scenario", "lifecycle", "--side", side)

    assert packets(path) == expected


def test_what_is_not_wanted_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "fins.pcapng"

    piped("capture", str(path), "--scenario", "lifecycle", "--flags", "F")

    assert packets(path) == 4


@pytest.mark.parametrize("name", ["none.pcapng", "none.jsonl"])
def test_a_capture_of_nothing_can_be_read_all_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / name

    answer = piped("capture", str(path), "--scenario", "lifecycle", "--from", "10.0.1.9")

    assert answer.stderr.startswith("0 ")
    assert [block.kind for block in blocks(path.read_bytes())] == ([SECTION] if name.endswith("pcapng") else [])


@pytest.mark.parametrize(("name", "what"), [("few.pcapng", "5 packets"), ("few.jsonl", "5 records")])
def test_it_stops_after_as_many_as_are_wanted(name: str, what: str, tmp_path: Path) -> None:
    path = tmp_path / name

    answer = piped("capture", str(path), "--scenario", "lifecycle", "--count", "5")

    assert answer.stderr == f"{what} written to {path}\n"


def test_it_writes_into_pipes_and_bears_that_they_end() -> None:
    with subprocess.Popen(
        [COMMAND, "capture", "-", "--scenario", "storm"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        begin = process.stdout.read(12)
        process.stdout.close()
        said = process.stderr.read()

    assert begin[:4] == b"\x0a\x0d\x0d\x0a"
    assert b"Traceback" not in said
    assert process.returncode == 0


def test_it_spares_a_terminal() -> None:
    ended = on_a_terminal("capture", "-", "--scenario", "lifecycle")

    assert ended.code == 2
    assert "a capture is not for a terminal; name a file, or pipe it" in ended.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["out.pcapng", "a.jsonl", "--scenario", "storm"], "name journals to read, a run to play"),
        (["out.pcapng", "nowhere.jsonl"], "nowhere.jsonl: No such file or directory"),
        (["nowhere/out.pcapng", "--scenario", "lifecycle"], "nowhere/out.pcapng: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    answer = piped("capture", *arguments)

    assert answer.returncode == 2
    assert answer.stderr.startswith("tcplab capture: ")
    assert complaint in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / "out.pcapng").exists()
