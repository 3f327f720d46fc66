"""``tcplab packetdrill``: what it says, and with which exit code."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tcplab.cli.app import app
from tests.cli.terminal import on_a_terminal, piped

PASSES = "0 < S 0:0(0) win 1\n+0 > R. 0:0(0) ack 1\n"
FAILS = "// A stranger.\n0 < S 0:0(0) win 1\n+0 > R. 0:0(0) ack 2  // wrong\n"
INVALID = "0 < S 0:0(0) win 1\n+0 > Q. 0:0(0) ack 1\n"
UNSUPPORTED = "0 `sleep 1`\n"
OURS = Path(__file__).resolve().parents[1] / "packetdrill" / "scripts"


def drill(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["packetdrill", *arguments])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("a", PASSES), ("b", FAILS), ("c", INVALID), ("d", UNSUPPORTED)):
        (tmp_path / f"{name}.pkt").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "code", "last"),
    [
        ("a", 0, "1 script in N s: passed"),
        ("b", 1, "1 script in N s: failed"),
        ("c", 2, "1 script in N s: invalid"),
        ("d", 3, "1 script in N s: unsupported"),
        ("ad", 3, "2 scripts in N s: 1 unsupported"),
        ("acd", 2, "3 scripts in N s: 1 invalid"),
        ("abcd", 1, "4 scripts in N s: 1 failed"),
        ("aa", 0, "2 scripts in N s: all passed"),
    ],
)
def test_the_exit_code_tells_the_worst(folder: Path, names: str, code: int, last: str) -> None:
    answer = drill(*(str(folder / f"{name}.pkt") for name in names))

    assert answer.exit_code == code, answer.output
    assert re.sub(r"\d+\.\d\d s", "N s", answer.stdout.splitlines()[-1]) == last


def test_a_folder_is_all_of_its_scripts(folder: Path) -> None:
    answer = drill(str(folder))

    counts = [line.split() for line in answer.stdout.splitlines()[-5:-1]]
    assert counts == [["1", "passed"], ["1", "unsupported"], ["1", "invalid"], ["1", "failed"]]


def test_a_failure_is_shown_with_its_ladder_and_the_line_at_fault(folder: Path) -> None:
    path = folder / "b.pkt"
    lines = drill(str(path)).stdout.splitlines()

    assert "".join(lines[:3]).startswith(f"failed {path}:3:4: ack 1, expected 2")
    ladder = next(index for index, line in enumerate(lines) if "seconds" in line and "host" in line)
    assert re.search(r"0\.000.*◀─+ SYN seq=0 len=0 ─", lines[ladder + 2])
    assert re.search(r"0\.000.* RST,ACK seq=0 ack=1 len=0 ─+▶", lines[ladder + 4])
    assert [line for line in lines if "│ +0 > R. 0:0(0) ack 2  // wrong" in line]
    assert "       │    ^" in lines
    assert "  expected  > R. 0:0(0) ack 2 at 0.000 s" in lines
    assert "  came      > R. 0:0(0) ack 1 win 0 at 0.000 s" in lines


def test_a_syntax_error_points_at_the_word(folder: Path) -> None:
    lines = drill(str(folder / "c.pkt")).stdout.splitlines()

    assert "".join(lines).startswith(f"invalid {folder / 'c.pkt'}:2:6: expected the flags, of which 'Q' is none")
    assert "     2 │ +0 > Q. 0:0(0) ack 1" in lines
    assert "       │      ^" in lines


def test_a_ladder_can_be_had_of_what_passes(folder: Path) -> None:
    assert "RST,ACK" not in drill(str(folder / "a.pkt")).stdout
    assert "RST,ACK" in drill("--ladder", str(folder / "a.pkt")).stdout


@pytest.mark.parametrize("isn", ["-1", "-1,-1", "0xffffffff,0x7fffffff", "4294967290,100"])
def test_initial_sequence_numbers_can_be_moved(isn: str) -> None:
    answer = drill(f"--isn={isn}", str(OURS / "open"))

    assert answer.exit_code == 0, answer.stdout


@pytest.mark.parametrize("isn", ["", "x", "1,y", "4294967296", "1,2,3"])
def test_what_is_no_sequence_number_is_refused(isn: str) -> None:
    answer = drill(f"--isn={isn}", str(OURS / "open"))

    assert answer.exit_code == 2
    assert "--isn" in answer.stderr


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    missing = drill(str(tmp_path / "none.pkt"))
    empty = drill(str(tmp_path))

    assert (missing.exit_code, empty.exit_code) == (2, 2)
    assert "does not exist" in missing.stderr
    assert "there is no .pkt" in empty.stderr


def test_what_is_no_text_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "a.pkt").write_bytes(b"\xff\xfe")
    answer = drill(str(tmp_path / "a.pkt"))

    assert answer.exit_code == 2
    assert "octet 0 is no UTF-8" in answer.stdout


def test_the_command_is_installed(folder: Path) -> None:
    assert piped("packetdrill", str(folder / "a.pkt")).returncode == 0


def test_many_scripts_show_their_progress_on_a_terminal(folder: Path) -> None:
    ended = on_a_terminal("packetdrill", str(folder), columns=100)

    assert ended.code == 1
    assert "running scripts" in ended.output


def test_the_hosts_settings_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.pkt"
    path.write_text("0 socket(..., SOCK_STREAM, 0) = 3\n+0 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [9], [4]) = 0\n")

    assert drill(str(path)).exit_code == 1
    assert drill("--config=receive_buffer=9", str(path)).exit_code == 0
    assert drill("--config", "msl=1s", "--config", "receive_buffer=9", str(path)).exit_code == 0


@pytest.mark.parametrize("wrong", ["--config=mss=x", "--config=no=1", "--config=mss=0", "--time-wait-policy=solaris"])
def test_a_setting_that_cannot_be_is_refused(folder: Path, wrong: str) -> None:
    answer = drill(wrong, str(folder / "a.pkt"))

    assert answer.exit_code == 2
    assert "--config" in answer.stderr


def test_the_policy_of_time_wait_can_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.pkt"
    text = (OURS / "time_wait" / "lasts-2-msl.pkt").read_text(encoding="utf-8")
    path.write_text(text.replace("+239.99", "+59.99"), encoding="utf-8")

    assert drill("--time-wait-policy=rfc9293", str(path)).exit_code == 1
    assert drill("--time-wait-policy=freebsd", str(path)).exit_code == 0
