import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.node import Address, Event, Packet, PacketSent
from tcplab.observe.codec import EVENT_TYPES, Malformed
from tcplab.observe.journal import Journal, JournalFile, Record, dump, load
from tcplab.observe.observer import FanOut
from tcplab.port import LinkUp, MessageReceived
from tcplab.tcp.events import ConnectionId, ResetReceived, SegmentIgnored, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.units import Instant
from tcplab.wire.segment import SYN, Segment
from tcplab.wire.seq import SeqNumber

CONNECTION = ConnectionId(Address("10.0.1.1"), 49152, Address("10.0.2.1"), 80, 7)
OPENED = StateChanged(CONNECTION, State.CLOSED, State.SYN_SENT, Cause.ACTIVE_OPEN)
NOW = Instant(1_763_900_000_123_456_789)


@given(st.sampled_from(list(EVENT_TYPES.values())).flatmap(st.from_type), st.integers(), st.text())
def test_every_event_comes_back_as_it_went(event: Event, time: int, node: str) -> None:
    record = Record(1, Instant(time), node, event)

    line = dump(record)

    assert load(line) == record
    assert type(load(line).event) is type(event)
    assert "\n" not in line


def test_the_registry_holds_the_events_of_every_part() -> None:
    parts = {kind.__module__ for kind in EVENT_TYPES.values()}

    assert parts == {
        "tcplab.node",
        "tcplab.port",
        "tcplab.tcp.events",
        "tcplab.netem.events",
        "tcplab.netem.notices",
        "tcplab.apps.events",
    }


def test_a_line_can_be_read_without_tcplab() -> None:
    assert json.loads(dump(Record(3, NOW, "client", OPENED))) == {
        "n": 3,
        "time": NOW,
        "node": "client",
        "event": "StateChanged",
        "connection": {
            "local": "10.0.1.1",
            "local_port": 49152,
            "remote": "10.0.2.1",
            "remote_port": 80,
            "incarnation": 7,
        },
        "old": "closed",
        "new": "syn_sent",
        "cause": "active_open",
    }


def test_fields_that_have_their_default_are_left_out() -> None:
    segment = Segment(1, 2, SeqNumber(3), SeqNumber(4), SYN, 5)
    packet = Packet(1, Instant(0), Address("10.0.1.1"), Address("10.0.2.1"), segment)

    written = json.loads(dump(Record(1, NOW, "client", PacketSent(packet))))["packet"]

    assert written.keys() == {"id", "born", "source", "target", "segment"}
    assert written["segment"].keys() == {"sport", "dport", "seq", "ack", "flags", "window"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("", "no JSON"),
        ("[1]", "a record is a JSON object"),
        ('{"n":1,"time":2}', "a record needs"),
        ('{"n":true,"time":2,"node":"a"}', "a record needs"),
        ('{"n":1,"time":2,"node":"a"}', "event: None is no event"),
        ('{"n":1,"time":2,"node":"a","event":["LinkUp"]}', "is no event"),
        ('{"n":1,"time":2,"node":"a","event":"Event"}', "is no event"),
        ('{"n":1,"time":2,"node":"a","event":"LinkUp"}', "LinkUp: field 'reconnects' is missing"),
        ('{"n":1,"time":2,"node":"a","event":"LinkUp","reconnects":1,"x":2}', "LinkUp: unknown field 'x'"),
        ('{"n":1,"time":2,"node":"a","event":"LinkUp","reconnects":"1"}', "reconnects: str instead of int"),
        ('{"n":1,"time":2,"node":"a","event":"LinkUp","reconnects":true}', "reconnects: bool instead of int"),
        ('{"n":1,"time":2,"node":"a","event":"ResetReceived","connection":[]}', "connection: list instead of dict"),
        (
            '{"n":1,"time":2,"node":"a","event":"MessageSent","packets":1,"octets":1,"outcome":"lost"}',
            "outcome: 'lost' is none of sent, dropped",
        ),
        (
            '{"n":1,"time":2,"node":"a","event":"MessageReceived","packets":1,"octets":1,"rejected":[["a"]]}',
            "rejected: 1 values instead of 2",
        ),
        (
            '{"n":1,"time":2,"node":"a","event":"ResetSent","connection":null,"reason":[]}',
            "reason: [] is no ResetReason",
        ),
    ],
)
def test_what_is_no_record_is_refused_with_its_place(line: str, complaint: str) -> None:
    with pytest.raises(Malformed) as refusal:
        load(line)

    assert complaint in str(refusal.value)


def test_octets_that_are_no_base64_are_refused() -> None:
    packet = Packet(
        1, NOW, CONNECTION.local, CONNECTION.remote, Segment(1, 2, SeqNumber(3), SeqNumber(4), SYN, 5), octets=b"12"
    )

    with pytest.raises(Malformed, match="packet: octets: not base64"):
        load(dump(Record(1, NOW, "a", PacketSent(packet))).replace("MTI=", "MTI"))


@given(st.one_of(st.text(), st.binary()))
def test_any_line_at_all_is_a_record_or_malformed(line: str | bytes) -> None:
    with pytest.raises(Malformed):
        load(line)


def test_a_journal_answers_by_type_and_node() -> None:
    journal = Journal()
    for node, event in (("client", OPENED), ("server", OPENED), ("client", ResetReceived(CONNECTION))):
        journal.observe(node, event, NOW)

    assert [record.n for record in journal.records] == [1, 2, 3]
    assert journal.of(ResetReceived) == [Record(3, NOW, "client", ResetReceived(CONNECTION))]
    assert [record.node for record in journal.of(StateChanged)] == ["client", "server"]
    assert journal.of(StateChanged, "server") == [Record(2, NOW, "server", OPENED)]
    assert journal.of(SegmentIgnored) == []


def test_a_fan_out_tells_all_in_order() -> None:
    told: list[tuple[str, str]] = []

    class Listener:
        def __init__(self, name: str) -> None:
            self.name = name

        def observe(self, node: str, event: Event, now: Instant) -> None:
            assert (event, now) == (OPENED, NOW)
            told.append((self.name, node))

    FanOut([Listener("first"), Listener("second")]).observe("client", OPENED, NOW)

    assert told == [("first", "client"), ("second", "client")]


class TestFile:
    def test_what_is_written_can_be_read_at_once(self, tmp_path: Path) -> None:
        file = JournalFile(tmp_path / "new" / "folder", "client", pytest.fail)

        file.observe("client", OPENED, NOW)
        file.observe("client", LinkUp(0), NOW)

        lines = (tmp_path / "new" / "folder" / "client.jsonl").read_text().splitlines()
        assert [load(line) for line in lines] == [Record(1, NOW, "client", OPENED), Record(2, NOW, "client", LinkUp(0))]
        assert (file.written, file.lost) == (2, 0)
        file.close()

    def test_a_second_start_adds_to_the_file(self, tmp_path: Path) -> None:
        for _ in range(2):
            file = JournalFile(tmp_path, "client", pytest.fail)
            file.observe("client", OPENED, NOW)
            file.close()

        lines = (tmp_path / "client.jsonl").read_text().splitlines()
        assert [load(line).n for line in lines] == [1, 1]

    def test_the_files_together_stay_within_their_bound_and_hold_the_newest(self, tmp_path: Path) -> None:
        line = len(dump(Record(10, NOW, "client", OPENED))) + 1
        file = JournalFile(tmp_path, "client", pytest.fail, size=3 * line, kept=3)

        for _ in range(20):
            file.observe("client", OPENED, NOW)
        file.close()

        paths = [tmp_path / name for name in ("client.2.jsonl", "client.1.jsonl", "client.jsonl")]
        assert sorted(tmp_path.iterdir()) == sorted(paths)
        kept = [load(line).n for path in paths for line in path.read_text().splitlines()]
        assert kept == list(range(13, 21))
        assert all(path.stat().st_size <= 3 * line for path in paths)

    def test_with_one_file_kept_a_full_one_is_begun_anew(self, tmp_path: Path) -> None:
        file = JournalFile(tmp_path, "client", pytest.fail, size=1, kept=1)

        file.observe("client", OPENED, NOW)
        file.observe("client", LinkUp(1), NOW)
        file.close()

        assert [load(line).n for line in (tmp_path / "client.jsonl").read_text().splitlines()] == [2]

    def test_a_full_disk_is_said_once_and_counted(self, tmp_path: Path) -> None:
        (tmp_path / "client.jsonl").symlink_to("/dev/full")
        said: list[str] = []
        file = JournalFile(tmp_path, "client", said.append)

        for _ in range(3):
            file.observe("client", OPENED, NOW)

        assert said == [
            f"journal {tmp_path}/client.jsonl: No space left on device; the node goes on without a journal. "
            "Make room or make the folder writable, then restart the node."
        ]
        assert (file.written, file.lost) == (0, 3)

    def test_a_folder_that_cannot_be_is_said_once_and_counted(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        said: list[str] = []

        file = JournalFile(tmp_path / "file", "client", said.append)
        file.observe("client", OPENED, NOW)

        assert len(said) == 1
        assert "client.jsonl: File exists; the node goes on without a journal" in said[0]
        assert (file.written, file.lost) == (0, 1)

    def test_a_disk_that_takes_half_a_record_keeps_none_of_it(self, tmp_path: Path) -> None:
        size = len(dump(Record(1, NOW, "client", OPENED))) + 1
        script = f"""
import resource
from pathlib import Path
from tests.observe.test_journal import *
resource.setrlimit(resource.RLIMIT_FSIZE, ({2 * size + size // 2}, resource.RLIM_INFINITY))
file = JournalFile(Path({str(tmp_path)!r}), "client", print)
for _ in range(4):
    file.observe("client", OPENED, NOW)
print(file.written, file.lost)
"""
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True
        )

        assert "No space left on device; the node goes on without a journal" in done.stdout
        assert done.stdout.splitlines()[-1] == "2 2"
        lines = (tmp_path / "client.jsonl").read_text().splitlines()
        assert [load(line).n for line in lines] == [1, 2]


def test_rejected_packets_come_back_by_reason() -> None:
    event = MessageReceived(3, 900, None, "quarantined", (("malformed", 2), ("unknown_version", 1)))

    assert load(dump(Record(1, NOW, "server", event))).event == event
