"""The network of a running lab watched, captured and run again, in real containers."""

import time
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest

from tcplab.cli.journals import parse
from tcplab.netem.events import PacketDelayed, PacketDropped
from tcplab.node import PacketReceived
from tcplab.runtime.amqp.bulletin import LEASE_LASTS
from tcplab.runtime.amqp.topology import EVENTS, JOURNAL
from tests.cli.terminal import piped
from tests.stack.lab import Lab, eventually
from tests.support.tshark import frames

pytestmark = pytest.mark.stack

NODES = ("rabbitmq", "netem", "server", "client")
JOURNALS = "/var/lib/tcplab/journal"
LOSS = 20  # percent


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    """A lab that writes journals, with some hundred segments a second."""
    with Lab(TCPLAB_JOURNAL=JOURNALS, TCPLAB_LOSS=f"{LOSS}", TCPLAB_RATE="20", TCPLAB_MSL="1") as lab:
        lab.up(*NODES)
        eventually(lambda: segments(lab) > 0, 30, "segments pass")
        yield lab


def tcplab(lab: Lab, *words: str) -> str:
    """Run the command as it finds the broker by itself; return what it prints."""
    answer = piped(*words, RABBITMQ_PORT=str(lab.ports["RABBITMQ_PORT"]))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def segments(lab: Lab) -> float:
    """Return how many segments netem has let go."""
    return sum(value for series, value in lab.scrape("netem").items() if 'action="forwarded"' in series)


def test_segments_are_told_with_verdicts_rules_and_times(running: Lab) -> None:
    began = time.time_ns()

    records = list(parse(tcplab(running, "watch", "--json", "--count", "200").encode().splitlines(), "watch"))

    assert {record.node for record in records} == {"netem-1"}
    assert [record.n for record in records] == list(range(records[0].n, records[0].n + 200))
    assert all(began <= record.time <= time.time_ns() for record in records)
    assert any(isinstance(record.event, PacketReceived) for record in records)
    assert {record.event.rule for record in records if isinstance(record.event, PacketDelayed)} == {"delay"}
    lost = [record.event for record in records if isinstance(record.event, PacketDropped)]
    assert {event.rule for event in lost} == {"loss"}
    assert all(event.draw is not None and event.draw < LOSS / 100 for event in lost)


def test_what_passes_is_captured_for_tshark(running: Lab, tmp_path: Path, tshark: str) -> None:
    path = tmp_path / "live.pcapng"

    tcplab(running, "capture", str(path), "--count", "200")

    read = frames(tshark, path, "frame.interface_name", "tcp.checksum.status", "_ws.malformed", "_ws.short")
    assert len(read) == 200
    assert {frame.one("frame.interface_name") for frame in read} == {"netem-1 in", "netem-1 out"}
    assert {frame.one("tcp.checksum.status") for frame in read} == {"1"}
    assert not any(frame["_ws.malformed"] or frame["_ws.short"] for frame in read)


def test_nothing_is_told_once_nobody_watches(running: Lab) -> None:
    lab = running
    url = f"amqp://operator:operator@127.0.0.1:{lab.ports['RABBITMQ_PORT']}/tcplab"
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        queue = str(channel.queue_declare("", exclusive=True).method.queue)
        channel.queue_bind(queue, EVENTS, JOURNAL)

        def told() -> int:
            return channel.queue_purge(queue).method.message_count or 0

        tcplab(lab, "watch", "--count", "1")
        assert told() > 0
        ends = time.monotonic() + LEASE_LASTS  # at the latest
        eventually(lambda: time.monotonic() > ends and told() == 0, 2 * LEASE_LASTS, "the lease has run out")
        passed = segments(lab)
        eventually(lambda: segments(lab) > passed + 100, 30, "segments pass")
        assert told() == 0


def test_its_journals_are_run_again(running: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "journal"

    running.compose("cp", f"netem:{JOURNALS}", str(folder))

    said = tcplab(running, "replay", str(folder))
    assert "verdicts and settings came again as they were recorded" in said
    assert said.count("SYN seq=0") >= 5
