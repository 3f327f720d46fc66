"""``tcplab watch``: lines of a run in virtual time and of journals, and what is said where no lab answers."""

import os
import subprocess
from pathlib import Path

import pytest

from tcplab.cli.journals import parse
from tcplab.netem.events import PacketDropped
from tcplab.node import PacketReceived
from tcplab.observe.journal import Record, dump
from tcplab.units import SECOND, Instant
from tests.cli.terminal import COMMAND, on_a_terminal, piped
from tests.netem.packets import packet
from tests.services.process import free_port

LIFECYCLE = ("watch", "--scenario", "lifecycle")


def lines(*arguments: str) -> list[str]:
    answer = piped(*arguments, TZ="UTC")
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout.splitlines()


def test_each_segment_is_a_line_with_what_was_decided() -> None:
    told = lines(*LIFECYCLE)

    assert len(told) == 18
    assert told[0].startswith("0.000000 10.0.1.1.49152 > 10.0.2.1.80: Flags [S], seq 0, win 65535, options [mss 1012,")
    assert next(line for line in told if " | dropped: " in line).startswith("0.600000 10.0.1.1.49152 > ")
    assert any(" | delayed 300 ms" in line and "; overtakes what came earlier" in line for line in told)


def test_a_fault_is_called_by_its_name() -> None:
    (lost,) = lines("watch", "--scenario", "last-ack", "--verdict", "dropped")

    assert lost.endswith("| dropped: fault by last-ack")


def test_numbers_count_from_the_first_of_their_direction_even_where_that_is_not_shown() -> None:
    assert [line.split(", ")[1] for line in lines(*LIFECYCLE, "--flags", "F")] == ["seq 3001", "seq 1201"]


@pytest.mark.parametrize(
    ("wish", "count"),
    [
        (("--flags", "F"), 2),
        (("--from", "server"), 8),
        (("--to", "10.0.2.1:80"), 10),
        (("--host", ":49152"), 18),
        (("--from", "client", "--flags", "F"), 1),
        (("--verdict", "dropped"), 1),
        (("--verdict", "reordered"), 1),
        (("--count", "3"), 3),
        (("--side", "out"), 18),
        (("--side", "both"), 36),
    ],
)
def test_what_is_not_wanted_is_not_shown(wish: tuple[str, ...], count: int) -> None:
    assert len(lines(*LIFECYCLE, *wish)) == count


def test_records_can_be_had_as_they_are_and_read_again(tmp_path: Path) -> None:
    answer = subprocess.run([COMMAND, *LIFECYCLE, "--json"], capture_output=True, check=True)
    journal = tmp_path / "run.jsonl"
    journal.write_bytes(answer.stdout)

    records = list(parse(answer.stdout.splitlines(), "standard output"))

    assert {record.node for record in records} == {"netem"}
    assert sum(isinstance(record.event, PacketReceived) for record in records) == 18
    assert lines("watch", str(journal)) == lines(*LIFECYCLE)


def test_records_are_judged_each_by_itself() -> None:
    answer = subprocess.run([COMMAND, *LIFECYCLE, "--json", "--verdict", "dropped"], capture_output=True, check=True)

    (record,) = parse(answer.stdout.splitlines(), "standard output")
    assert isinstance(record.event, PacketDropped)


def test_connections_can_be_drawn() -> None:
    told = lines(*LIFECYCLE, "--ladder")

    assert told[1] == "10.0.1.1:49152 > 10.0.2.1:80, from 0.000000"
    assert sum(" lost (" in line for line in told) == 1
    assert "TIME_WAIT" in told[-3]
    assert told[-1].endswith("CLOSED")


def test_real_times_are_times_of_day(tmp_path: Path) -> None:
    journal = tmp_path / "netem-1.jsonl"
    noon = Instant(1_763_899_200 * SECOND + 123_456_789)
    journal.write_text(dump(Record(1, noon, "netem-1", PacketReceived(packet(1)))) + "\n", encoding="ascii")

    (line,) = lines("watch", str(journal))

    assert line.startswith("12:00:00.123456 10.0.1.1.49152 > 10.0.2.1.80: Flags [.], seq 0, ack 0,")


def test_a_lab_that_does_not_run_is_one_line_with_the_way_out() -> None:
    port = free_port()

    for command in (["watch"], ["capture", os.devnull]):
        answer = piped(*command, "--broker", f"amqp://operator:secret@127.0.0.1:{port}/tcplab")

        assert answer.returncode == 1
        assert answer.stderr == (
            f"tcplab {command[0]}: broker 127.0.0.1:{port}: Connection refused; "
            "start the lab (make up), or name its broker (--broker amqp://user:password@host:5672/vhost)\n"
        )


@pytest.mark.parametrize("name", ["run.pcapng", "run.jsonl"])
def test_where_no_lab_answers_a_capture_leaves_files_as_they_were(name: str, tmp_path: Path) -> None:
    new, old = tmp_path / name, tmp_path / f"old-{name}"
    old.write_bytes(b"an earlier one")

    for path in (new, old):
        broker = f"amqp://operator:secret@127.0.0.1:{free_port()}/tcplab"
        assert piped("capture", str(path), "--broker", broker).returncode == 1

    assert not new.exists()
    assert old.read_bytes() == b"an earlier one"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--scenario", "storm", "run.jsonl"), "one of them"),
        (("--scenario", "storm", "--broker", "amqp://127.0.0.1"), "one of them"),
        (("nowhere.jsonl",), "nowhere.jsonl: No such file or directory"),
        (("--from", "nobody"), "'nobody' names no host"),
        (("--verdict", "lost"), "'lost' is no verdict"),
        (("--flags", "SX"), "'X' is unknown"),
        (("--ladder", "--json"), "leave --json and --side out"),
        (("--ladder", "--side", "both"), "leave --json and --side out"),
        (("--broker", "127.0.0.1"), "the broker's URL must look like amqp://"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], complaint: str) -> None:
    answer = piped("watch", *arguments)

    assert answer.returncode == 2
    assert answer.stderr.startswith("tcplab watch: ")
    assert complaint in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("how", [(), ("--ladder",)], ids=" ".join)
def test_it_bears_that_a_pipe_ends(how: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [COMMAND, "watch", "--scenario", "storm", *how], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert said == b""
    assert process.returncode == 0


def test_a_terminal_shows_the_same_lines() -> None:
    ended = on_a_terminal(*LIFECYCLE, "--count", "2", columns=80)

    assert ended.code == 0
    assert len(ended.output.strip().splitlines()) == 2
