"""Ladders from what a network alone tells, beside those of the hosts."""

from collections.abc import Iterable

import pytest

from tcplab.node import Event
from tcplab.observe.journal import Record
from tcplab.observe.ladder import Row, ladder
from tcplab.observe.ladder.passing import Passage, Passages
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play
from tcplab.sim import storm
from tests.observe.tape import Tape


def passages(records: list[Record[Event]]) -> list[Passage]:
    reader = Passages()
    found = [each for record in records for each in reader.feed(record)]
    return found + reader.flush()


@pytest.mark.parametrize("faults", [False, True])
def test_segments_are_drawn_as_the_hosts_would_have_them(faults: bool) -> None:
    journal = play(lifecycle(faults=faults)).journal
    found = passages(journal.records)
    records = [record for each in found for record in each.records]

    assert departures(ladder(records, "10.0.1.1", "10.0.2.1")) == departures(ladder(journal.records))


def departures(rows: Iterable[Row]) -> list[tuple[int, str, str, str]]:
    """Return when each segment departs, from where, what it is, and why it is lost, if it is."""
    return sorted(
        (row.start, row.sender, str(row.label), row.lost) for row in rows if row.kind in ("whole", "departs", "lost")
    )


def test_the_states_are_those_that_segments_show() -> None:
    found = passages(play(lifecycle()).journal.records)
    records = [record for each in found for record in each.records]

    rows = list(ladder(records, "10.0.1.1", "10.0.2.1"))

    assert [state.name for row in rows for state in row.left] == [
        "CLOSED", "SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "FIN_WAIT_2", "TIME_WAIT",
    ]  # fmt: skip
    assert [state.name for row in rows for state in row.right] == [
        "CLOSED", "SYN_RECEIVED", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSED",
    ]  # fmt: skip


def test_a_connection_begins_with_its_syn_and_is_over_once_both_ends_are() -> None:
    found = passages(play(lifecycle()).journal.records)

    assert [each.begins for each in found].index(True) == 0
    assert sum(each.begins for each in found) == 1
    first_over = [each.is_over for each in found].index(True)
    assert all(each.is_over for each in found[first_over:])
    assert found[0].pair.left == ("10.0.1.1", 49152)


@pytest.mark.parametrize("seed", range(6))
def test_every_run_can_be_drawn(seed: int) -> None:
    found = passages(storm.run(storm.draw(seed, outages=True)).journal.records)

    for pair in {each.pair for each in found}:
        records = [record for each in found if each.pair == pair for record in each.records]
        assert list(ladder(records, pair.left[0], pair.right[0], connection=pair))


def test_hosts_alone_make_no_passage() -> None:
    tape = Tape()
    tape.send(1, "client", tape.packet("client", "S"))

    assert passages(tape.records) == []
