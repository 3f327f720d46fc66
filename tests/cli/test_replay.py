"""``tcplab replay``: what a seed drew, its ladders, its verdict."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tcplab.cli.replay import describe
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
    assert "Traceback" not in answer.stderr
    assert "Invalid value for 'seed'" in answer.stderr


def test_everything_that_was_drawn_is_told() -> None:
    text = "\n".join(describe(storm.draw(5, outages=True)))

    assert text.count("RTO from") == 2
    assert "R2 100 s" in text
    assert "client>server: delay" in text
    assert "patience" in text
