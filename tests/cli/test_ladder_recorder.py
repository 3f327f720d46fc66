"""Ladders of connections as they end: which are drawn, when, and what is said of those that are not over."""

import io
from collections.abc import Iterable

import pytest
from rich.console import Console

from tcplab.cli.ladder_recorder import UNFINISHED_LIMIT, LadderRecorder
from tcplab.cli.watch import stamp
from tcplab.netem.events import LinkName, PacketForwarded
from tcplab.node import Event, Packet, PacketReceived
from tcplab.observe.journal import Record
from tcplab.observe.sieve import Sieve
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play
from tcplab.units import Duration
from tests.observe.tape import Tape

LINK = LinkName("link")
NO_TIME = Duration(0)
EVERYTHING = Sieve()


class Drawn:
    """A recorder, and what it has drawn."""

    def __init__(self, sieve: Sieve = EVERYTHING, limit: int | None = None, records_limit: int = 1_000) -> None:
        self._file = io.StringIO()
        console = Console(file=self._file, width=100, highlight=False, soft_wrap=True)
        self.recorder = LadderRecorder(console, stamp, sieve, limit, records_limit=records_limit)

    def take(self, records: Iterable[Record[Event]], *, end: bool = False) -> list[str]:
        """Let it take records, and perhaps end; return the titles of all that is drawn."""
        for record in records:
            self.recorder.feed(record)
        self.recorder.pause()
        if end:
            self.recorder.end()
        return [line for line in self.lines if line.startswith("10.")]

    @property
    def lines(self) -> list[str]:
        return self._file.getvalue().splitlines()


class Passing(Tape):
    """Records of a network that passes everything on at once."""

    def pass_on(self, ms: float, packet: Packet) -> None:
        self.add(ms, "netem", PacketReceived(packet))
        self.add(ms, "netem", PacketForwarded(packet, LINK, NO_TIME))

    def open(self, ms: float, port: int) -> None:
        self.pass_on(ms, self.packet("client", "S", port=port))
        self.pass_on(ms + 1, self.packet("server", "SA", 0, 1, port=port))
        self.pass_on(ms + 2, self.packet("client", "A", 1, 1, port=port))

    def close(self, ms: float, port: int) -> None:
        self.pass_on(ms, self.packet("client", "FA", 1, 1, port=port))
        self.pass_on(ms + 1, self.packet("server", "FA", 1, 2, port=port))
        self.pass_on(ms + 2, self.packet("client", "A", 2, 2, port=port))


def test_a_connection_is_drawn_as_soon_as_it_is_over() -> None:
    drawn, tape = Drawn(), Passing()
    tape.open(0, 5_001)
    tape.open(10, 5_002)
    tape.close(20, 5_002)

    titles = drawn.take(tape.records)

    assert titles == ["10.0.1.1:5002 > 10.0.2.1:80, from 0.010000"]
    assert drawn.recorder.count == 1
    assert "TIME_WAIT" in drawn.lines[-2]
    assert drawn.lines[-1].endswith("CLOSED")


def test_what_is_not_over_is_drawn_at_the_end_and_says_so() -> None:
    drawn, tape = Drawn(), Passing()
    tape.open(0, 5_001)

    assert drawn.take(tape.records) == []
    assert drawn.take([], end=True) == ["10.0.1.1:5001 > 10.0.2.1:80, from 0.000000, not over"]


def test_of_what_is_not_over_a_few_are_drawn_and_the_rest_counted() -> None:
    drawn, tape = Drawn(), Passing()
    for number in range(UNFINISHED_LIMIT + 2):
        tape.open(10 * number, 5_001 + number)

    assert len(drawn.take(tape.records, end=True)) == UNFINISHED_LIMIT
    assert drawn.lines[-1] == "2 more were not over"


def test_one_whose_beginning_was_not_seen_is_passed_over() -> None:
    drawn, tape = Drawn(), Passing()
    tape.open(0, 5_001)
    tape.close(10, 5_001)

    assert drawn.take(tape.records[2:], end=True) == []


def test_what_comes_after_the_end_is_drawn_no_second_time() -> None:
    drawn, tape = Drawn(), Passing()
    tape.open(0, 5_001)
    tape.close(10, 5_001)
    tape.pass_on(900, tape.packet("server", "FA", 1, 2, port=5_001))
    tape.pass_on(900, tape.packet("client", "A", 2, 2, port=5_001))

    assert len(drawn.take(tape.records, end=True)) == 1


def test_the_next_connection_of_the_same_ends_ends_the_one_before() -> None:
    drawn, tape = Drawn(), Passing()
    tape.open(0, 5_001)
    syn = tape.packet("client", "S", 5_000, port=5_001)
    tape.pass_on(100, syn)

    assert drawn.take(tape.records, end=True) == [
        "10.0.1.1:5001 > 10.0.2.1:80, from 0.000000, not seen to end",
        "10.0.1.1:5001 > 10.0.2.1:80, from 0.100000, not over",
    ]


def test_one_that_never_ends_is_drawn_before_it_fills_the_memory_and_followed_no_further() -> None:
    drawn, tape = Drawn(records_limit=100), Passing()
    tape.open(0, 5_001)
    tape.open(10, 5_002)
    for number in range(500):
        tape.pass_on(20 + number, tape.packet("client", "A", 1 + number, 1, 1, port=5_001))
    tape.close(600, 5_002)

    assert drawn.take(tape.records, end=True) == [
        "10.0.1.1:5001 > 10.0.2.1:80, from 0.000000, not over, and too long to be followed further",
        "10.0.1.1:5002 > 10.0.2.1:80, from 0.010000",
    ]


def test_records_that_are_missing_are_told_where_they_are_missing() -> None:
    drawn, tape = Drawn(), Passing()
    tape.open(0, 5_001)
    drawn.take(tape.records)
    drawn.recorder.gap("netem-2", 7)
    begun = len(tape.records)
    tape.close(10, 5_001)
    tape.open(20, 5_002)
    tape.close(30, 5_002)

    assert drawn.take(tape.records[begun:]) == [
        "10.0.1.1:5001 > 10.0.2.1:80, from 0.000000, 7 records of netem-2 are missing",
        "10.0.1.1:5002 > 10.0.2.1:80, from 0.020000",
    ]


@pytest.mark.parametrize(
    ("wish", "count"), [({"either": ":49152"}, 1), ({"verdict": "dropped"}, 1), ({"flags": "R"}, 0)]
)
def test_a_connection_is_wanted_if_one_of_its_segments_is(wish: dict[str, str], count: int) -> None:
    drawn = Drawn(Sieve.of(**wish))

    assert len(drawn.take(play(lifecycle()).journal.records, end=True)) == count


def test_it_stops_at_its_limit() -> None:
    drawn, tape = Drawn(limit=1), Passing()
    tape.open(0, 5_001)
    tape.open(1, 5_002)
    tape.close(10, 5_001)
    tape.close(11, 5_002)
    tape.open(20, 5_003)
    tape.close(30, 5_003)

    assert len(drawn.take(tape.records, end=True)) == 1
    assert drawn.recorder.full
