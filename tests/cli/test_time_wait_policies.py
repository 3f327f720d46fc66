"""``tcplab time-wait-policies`` as people run it."""

import pytest
from typer.testing import CliRunner, Result

from tcplab.cli.app import app
from tcplab.scenarios.time_waits import PROBES
from tests.cli.terminal import on_a_terminal, piped


def run(*options: str) -> Result:
    return CliRunner().invoke(app, ["time-wait-policies", *options])


def row(output: str, name: str) -> str:
    [line] = [line for line in output.splitlines() if line.startswith(f"│ {name} ")]
    return line


def test_piped_it_is_a_table_of_every_segment_and_every_policy() -> None:
    ended = piped("time-wait-policies")

    assert (ended.returncode, ended.stderr) == (0, "")
    for name in ("rfc9293", "linux", "freebsd", "none"):
        assert name in ended.stdout
    for probe in PROBES:
        assert row(ended.stdout, probe.name)
    assert "silent; 240 s" in row(ended.stdout, "rst")
    assert "silent, is killed;" in row(ended.stdout, "rst")
    assert "64 connections" in ended.stdout
    assert max(len(line) for line in ended.stdout.splitlines()) <= 120


@pytest.mark.parametrize(("option", "words"), [("--reuse", "gives way"), ("--no-reuse", "ACK; 240 s")])
def test_reuse_is_switched(option: str, words: str) -> None:
    assert words in row(run(option).output, "syn").split("│")[3]


def test_without_reuse_nothing_gives_way() -> None:
    assert "gives way" not in run("--no-reuse").output


def test_a_ladder_shows_one_of_them() -> None:
    result = run("--ladder", "linux", "rst")

    assert result.exit_code == 0
    assert "linux: a RST, its number exact" in result.output
    assert "TIME_WAIT" in result.output
    assert "RST seq=12 len=0" in result.output
    assert "silent, is killed; 20 s" in result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [(("solaris", "rst"), "there is no policy 'solaris'"), (("linux", "ping"), "there is no segment 'ping'")],
)
def test_what_there_is_not_is_named(options: tuple[str, str], words: str) -> None:
    result = run("--ladder", *options)

    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_on_a_terminal_it_is_coloured() -> None:
    ended = on_a_terminal("time-wait-policies", columns=140)

    assert ended.code == 0
    assert "\x1b[31m" in ended.output
