"""``tcplab diff``: runs that are the same, and the place where others part."""

from pathlib import Path

import pytest

from tcplab.cli.demo import chosen
from tcplab.node import Event
from tcplab.observe.journal import Record, dump
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play
from tcplab.units import MILLISECOND, SECOND
from tests.cli.terminal import piped


def written(path: Path, records: list[Record[Event]]) -> str:
    path.write_text("".join(f"{dump(record)}\n" for record in records), encoding="ascii")
    return str(path)


@pytest.fixture
def run(tmp_path: Path) -> str:
    return written(tmp_path / "run.jsonl", play(lifecycle()).journal.records)


def test_a_run_is_the_same_as_itself_and_as_one_with_other_numbers(run: str, tmp_path: Path) -> None:
    other = written(tmp_path / "other.jsonl", play(lifecycle(seed=2)).journal.records)

    for second in (run, other):
        answer = piped("diff", run, second)

        assert (answer.returncode, answer.stdout, answer.stderr) == (0, "the runs are the same\n", "")


def test_the_first_other_verdict_is_shown_with_what_came_before_and_both_ladders(run: str, tmp_path: Path) -> None:
    other = written(tmp_path / "other.jsonl", play(chosen(lifecycle(), [6], None)).journal.records)

    answer = piped("diff", run, other)

    lines = answer.stdout.splitlines()
    assert answer.returncode == 1
    assert lines[0] == "the runs part at segment 4 of 10.0.1.1.49152 > 10.0.2.1.80:"
    assert [line[:4] for line in lines[1:6]] == ["    ", "    ", "    ", "  - ", "  + "]
    assert lines[4].endswith("| dropped: list by droplist")
    assert " | delayed 300 ms" in lines[5]
    assert lines[7].count("10.0.1.1:49152 > 10.0.2.1:80") == 2
    assert any(" | " in line and "lost (drop list)" in line for line in lines[8:])


def test_ladders_can_be_left_out(run: str, tmp_path: Path) -> None:
    other = written(tmp_path / "other.jsonl", play(chosen(lifecycle(), [6], None)).journal.records)

    assert len(piped("diff", run, other, "--no-ladders").stdout.splitlines()) == 6


def test_times_may_differ_by_as_much_as_is_borne(run: str, tmp_path: Path) -> None:
    slow = play(lifecycle()).journal.records
    late = [each._replace(time=each.time + (2 * MILLISECOND if each.time > SECOND else 0)) for each in slow]
    other = written(tmp_path / "late.jsonl", late)

    exact, bounded = piped("diff", run, other), piped("diff", run, other, "--tolerance", "5ms")

    assert exact.returncode == 1
    assert "  - 1.350000 " in exact.stdout
    assert "  + 1.352000 " in exact.stdout
    assert bounded.stdout == "the runs are the same\n"


def test_a_run_that_ends_earlier_is_told(run: str, tmp_path: Path) -> None:
    records = play(lifecycle()).journal.records
    other = written(tmp_path / "short.jsonl", [record for record in records if record.time < 30 * SECOND])

    assert "  + nothing more" in piped("diff", run, other).stdout.splitlines()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere.jsonl",), "nowhere.jsonl: No such file or directory"),
        (("--tolerance", "5"), "5"),
    ],
)
def test_what_cannot_be_compared_is_one_line(run: str, arguments: tuple[str, ...], complaint: str) -> None:
    answer = piped("diff", run, *(arguments if len(arguments) == 1 else (run, *arguments)))

    assert answer.returncode == 2
    assert answer.stderr.startswith("tcplab diff: ")
    assert complaint in answer.stderr
    assert answer.stderr.count("\n") == 1
