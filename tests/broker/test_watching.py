"""``tcplab watch`` and ``tcplab capture`` on labs that run, at a real broker."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tcplab.cli.journals import parse
from tcplab.node import PacketReceived
from tests.cli.terminal import COMMAND, piped
from tests.services.process import Service
from tests.services.test_processes import at
from tests.support.labs import Lab
from tests.support.tshark import frames

pytestmark = pytest.mark.broker


def url(lab: Lab) -> str:
    broker = lab.broker("operator")
    return f"amqp://{broker.user}:{broker.password}@{broker.host}:{broker.port}/{lab.vhost}"


@contextmanager
def local_lab(lab: Lab) -> Iterator[None]:
    """Run client, server and network in one process, over the broker."""
    command = [
        str(COMMAND), "local", "--plain", "--broker", url(lab), "--rate", "10", "--msl", "0.5", "--delay", "5",
        "--loss", "5", "--metrics-port", "0",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = ""
        while "netem: the broker answers" not in said:
            said = process.stdout.readline()
            assert said, "the lab has ended"
        try:
            yield
        finally:
            process.kill()


def test_a_running_lab_is_shown_line_by_line(amqp_lab: Lab) -> None:
    with local_lab(amqp_lab):
        answer = piped("watch", "--broker", url(amqp_lab), "--count", "40")
        records = piped("watch", "--broker", url(amqp_lab), "--json", "--count", "30").stdout

    lines = answer.stdout.splitlines()
    assert (answer.returncode, answer.stderr, len(lines)) == (0, "", 40)
    assert any("10.0.1.1." in line and "Flags [S], seq 0, win " in line for line in lines)
    assert any("Flags [F.]" in line for line in lines)
    assert all(" | delayed 5 ms" in line or " | dropped: loss" in line for line in lines)
    numbers = [record.n for record in parse(records.encode().splitlines(), "standard output")]
    assert numbers == list(range(numbers[0], numbers[0] + 30))


def test_the_connections_of_a_running_lab_are_drawn_as_they_end(amqp_lab: Lab) -> None:
    with local_lab(amqp_lab):
        answer = piped("watch", "--broker", url(amqp_lab), "--ladder", "--count", "2")

    assert (answer.returncode, answer.stderr) == (0, "")
    titles = [line for line in answer.stdout.splitlines() if line.startswith("10.0.1.1:")]
    assert len(titles) == 2
    assert all(", from " in title and title.count(",") == 1 for title in titles)
    assert answer.stdout.count("SYN seq=0") >= 2
    assert answer.stdout.count("FIN,ACK seq=") >= 4


def test_a_running_lab_is_captured_through_a_pipe_for_tshark(amqp_lab: Lab, tmp_path: Path, tshark: str) -> None:
    path = tmp_path / "live.pcapng"

    with local_lab(amqp_lab), path.open("wb") as file:
        command = [str(COMMAND), "capture", "-", "--broker", url(amqp_lab), "--count", "200"]
        answer = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, timeout=60, check=True)

    read = frames(tshark, path, "frame.interface_name", "tcp.checksum.status", "ip.checksum.status", "_ws.malformed")
    assert answer.stderr == b"200 packets written to standard output\n"
    assert len(read) == 200
    assert {frame.one("frame.interface_name") for frame in read} == {"netem in", "netem out"}
    assert {(frame.one("ip.checksum.status"), frame.one("tcp.checksum.status")) for frame in read} == {("1", "1")}
    assert not any(frame["_ws.malformed"] for frame in read)


def test_the_network_service_tells_whoever_watches(amqp_lab: Lab) -> None:
    # A test's users are not called by their roles, so that the network turns their hosts away: a verdict, too.
    with (
        Service("netem", **at(amqp_lab, "netem")) as netem,
        Service("client", **at(amqp_lab, "client")) as client,
    ):
        netem.says("the broker answers")
        client.says("the broker answers")
        records = piped("watch", "--broker", url(amqp_lab), "--json", "--count", "3").stdout
        lines = piped(
            "watch", "--broker", url(amqp_lab), "--flags", "S", "--verdict", "discarded", "--count", "2"
        ).stdout

    assert {record.node for record in parse(records.encode().splitlines(), "standard output")} == {"netem-1"}
    assert not any(isinstance(record.event, PacketReceived) for record in parse(records.encode().splitlines(), "-"))
    assert [line.partition(" | ")[2] for line in lines.splitlines()] == ["discarded: spoofed source"] * 2


def test_a_lab_without_a_network_is_one_line_with_the_way_out(amqp_lab: Lab) -> None:
    answer = piped("watch", "--broker", url(amqp_lab))

    assert answer.returncode == 1
    assert answer.stderr.startswith(f"tcplab watch: no network answers on virtual host '{amqp_lab.vhost}' of broker ")
    assert "start the lab (make up)" in answer.stderr


def test_who_may_not_watch_is_told_so(amqp_lab: Lab) -> None:
    answer = piped("watch", "--broker", url(amqp_lab).replace("operator", "client"))

    assert answer.returncode == 1
    assert "refused for user 'client" in answer.stderr
    assert answer.stderr.count("\n") == 1
