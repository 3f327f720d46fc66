"""``tcplab replay``: what a seed drew, its ladders, its verdict."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tcplab.cli.replay import describe
from tcplab.observe.journal import dump
from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.text import Layout, plain
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play
from tcplab.sim import storm

TCPLAB = Path(sys.executable).with_name("tcplab")
ROOT = Path(__file__).resolve().parents[2]


def replay(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TCPLAB, "replay", *arguments], capture_output=True, text=True, check=False)


def test_a_run_is_told_drawn_and_judged() -> None:
    answer = replay("14")

    lines = answer.stdout.splitlines()
    assert answer.returncode == 0
    assert lines[0] == "seed 14: 1 opened"
    assert any("TIME_WAIT" in line and "│" in line for line in lines)
    assert any(line.startswith("seed 14: unknown; nothing to judge for ") for line in lines)
    assert "  legal path: valid, 3 judged" in lines


def test_the_same_seed_is_told_the_same_every_time() -> None:
    assert replay("5", "--outages").stdout == replay("5", "--outages").stdout


def test_make_replays_what_a_failure_tells() -> None:
    answer = subprocess.run(
        ["make", "--silent", "replay", "SEED=3", "OUTAGES=1"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert answer.stdout.splitlines()[0].startswith("seed 3: ")
    assert " is down from " in answer.stdout


def test_make_asks_for_the_seed() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SEED"}
    answer = subprocess.run(["make", "replay"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert answer.returncode != 0
    assert "say which run, as in: make replay SEED=12345" in answer.stderr


@pytest.mark.parametrize("seed", ["-1", "storm"])
def test_a_seed_that_is_none_is_one_clear_line(seed: str) -> None:
    answer = replay("--", seed)

    assert answer.returncode == 2
    assert answer.stderr == f"tcplab replay: '{seed}' is no seed, which is a whole number, and there is no such file\n"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "run.jsonl"
    path.write_text("".join(f"{dump(record)}\n" for record in play(lifecycle()).journal.records), encoding="ascii")
    return path


def test_a_journal_is_shown_as_the_ladder_of_its_run_and_its_network_is_run_again(journal: Path) -> None:
    answer = replay(str(journal))

    own = list(plain(ladder(play(lifecycle()).journal.records), Layout(100, left="10.0.1.1", right="10.0.2.1")))
    assert answer.returncode == 0
    assert answer.stdout.splitlines()[1] == "10.0.1.1:49152 > 10.0.2.1:80"
    assert [line.rstrip() for line in answer.stdout.splitlines()[2 : 2 + len(own)]] == own
    assert answer.stdout.endswith("verdicts and settings came again as they were recorded\n")


def test_a_journal_of_the_network_alone_shows_as_much_as_segments_tell(journal: Path) -> None:
    lines = [line for line in journal.read_text("ascii").splitlines(keepends=True) if '"node":"netem"' in line]
    journal.write_text("".join(lines), encoding="ascii")

    answer = replay(str(journal))

    assert answer.returncode == 0
    for words in ("FIN_WAIT_2", "TIME_WAIT", "LAST_ACK", "retransmission 1", "✗ lost (drop list)", "network's copy"):
        assert words in answer.stdout


def test_a_journal_that_was_tampered_with_parts_from_its_network(journal: Path) -> None:
    text = journal.read_text("ascii")
    journal.write_text(text.replace('"reason":"list"', '"reason":"loss"'), encoding="ascii")

    answer = replay(str(journal), "--connections", "0")

    assert answer.returncode == 1
    assert "netem parts from its record at 600000000 ns, n " in answer.stdout
    recorded, found = answer.stdout.splitlines()[-2:]
    assert recorded.startswith("  recorded: PacketDropped of packet 4 of 10.0.1.1, A seq=")
    assert recorded.endswith(": dropped: loss by droplist")
    assert found.endswith(": dropped: list by droplist")


def test_a_journal_without_its_beginning_is_not_run_again_and_says_so(journal: Path) -> None:
    journal.write_text("".join(journal.read_text("ascii").splitlines(keepends=True)[1:]), encoding="ascii")

    answer = replay(str(journal), "--connections", "0")

    assert answer.returncode == 0
    assert "netem: not run again, since its beginning is not in this journal" in answer.stdout


def test_of_many_connections_the_first_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "storm.jsonl"
    records = storm.run(storm.draw(3)).journal.records
    path.write_text("".join(f"{dump(record)}\n" for record in records), encoding="ascii")

    answer = replay(str(path), "--connections", "1")

    assert answer.stdout.count(":80\n") == 1
    assert "more connections: --connections " in answer.stdout


def test_everything_that_was_drawn_is_told() -> None:
    text = "\n".join(describe(storm.draw(5, outages=True)))

    assert text.count("RTO from") == 2
    assert "R2 100 s" in text
    assert "client>server: delay" in text
    assert "patience" in text
