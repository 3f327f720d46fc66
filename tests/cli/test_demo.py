"""``tcplab demo`` as people run it."""

import re

import pytest
from typer.testing import CliRunner

from tcplab.cli.app import app
from tests.cli.terminal import on_a_terminal, piped

SHOWN = (
    "Three-way handshake",
    "SYN seq=0 len=0",
    "SYN,ACK seq=0 ack=1 len=0",
    "lost (drop list)",
    "retransmission 1",
    "overtakes seq=701",
    "stays in",
    "FIN_WAIT_2",
    "network's copy",
    "240 s",
    "count by state",
    "Both streams arrived intact",
)


def test_on_a_terminal_it_ends_within_thirty_seconds_at_a_human_pace() -> None:
    ended = on_a_terminal("demo")

    assert ended.code == 0
    assert 10 < ended.took < 30
    for words in SHOWN:
        assert words in ended.output, words
    assert "\x1b[" in ended.output


def test_interrupted_it_stops_without_a_word_too_many() -> None:
    ended = on_a_terminal("demo", interrupt_on="SYN_RECEIVED")

    assert ended.code == 130
    assert ended.took < 10
    assert "Traceback" not in ended.output
    assert ended.output.rstrip().endswith("stopped")


def test_piped_it_is_plain_lines_at_once() -> None:
    ended = piped("demo", timeout=10)

    assert (ended.returncode, ended.stderr) == (0, "")
    for words in SHOWN:
        assert words in ended.stdout, words
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", ended.stdout), "control characters"
    assert max(len(line) for line in ended.stdout.splitlines()) <= 80


def test_piped_the_same_seed_shows_the_same() -> None:
    def ladder(*arguments: str) -> str:
        return piped("demo", *arguments).stdout.partition("took")[0]

    assert ladder("--absolute", "--seed", "7") == ladder("--absolute", "--seed", "7")
    assert ladder("--absolute", "--seed", "7") != ladder("--absolute", "--seed", "8")


def test_options_change_the_network_and_so_the_picture() -> None:
    perfect = piped("demo", "--no-faults").stdout
    lost_syn = piped("demo", "--no-faults", "--drop", "1").stdout

    for words in ("lost", "retransmission", "overtakes", "copy"):
        assert not re.search(rf"\b{words}\b", perfect), words
    assert re.search(r"SYN seq=0 len=0 ── ✗ lost \(drop list\)", lost_syn)
    assert "The network dropped 1 and copied 0 of the segments" in lost_syn
    assert "The network dropped 0 and copied 0 of the segments" in perfect


def test_the_summary_says_so_if_the_connection_failed() -> None:
    ended = piped("demo", *(word for n in range(1, 60) for word in ("--drop", str(n))))

    assert ended.returncode == 0
    assert "The connection failed (client: timeout)" in ended.stdout
    assert "intact" not in ended.stdout


def test_a_terminal_that_is_too_narrow_is_told() -> None:
    ended = on_a_terminal("demo", "--fast", columns=50)

    assert ended.code == 0
    assert "widen it to 72" in " ".join(ended.output.split())


def test_a_terminal_without_unicode_gets_ascii() -> None:
    ended = piped("demo", PYTHONIOENCODING="ascii")

    assert ended.returncode == 0
    assert ended.stdout.isascii()
    assert "|- SYN seq=0 len=0 -" in ended.stdout


@pytest.mark.parametrize("arguments", [("--seed", "x"), ("--drop", "0"), ("--drop", "x"), ("--nonsense",)])
def test_bad_options_are_named(arguments: tuple[str, ...]) -> None:
    ended = CliRunner().invoke(app, ["demo", *arguments])

    assert ended.exit_code == 2
    assert arguments[0] in ended.stderr
