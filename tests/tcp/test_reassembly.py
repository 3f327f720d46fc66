"""Octets that arrive out of order, twice, or overlapping (RFC 9293, 3.10.7.4, step 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.app import Readable
from tcplab.tcp.reassembly import Reassembly
from tests.support.states import Wires
from tests.support.tcp import ack, data, fin

STREAM = bytes(range(256)) * 2


@pytest.mark.rfc("MUST-59", "SHLD-31", "MAY-13")
def test_a_hole_keeps_back_what_follows(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(data(4, 1, b"def")) == [ack(1, 1)]
    assert wire.heard() == []
    assert wire.arrives(data(1, 1, b"abc")) == [ack(1, 7)]

    assert wire.heard() == [Readable(wire.connection, 6)]
    assert wire.receive() == b"abcdef"


@pytest.mark.rfc("MUST-59", "SHLD-31")
def test_several_holes_are_filled_in_any_order(wires: Wires) -> None:
    wire = wires.client()

    for start, acked in ((7, 1), (3, 1), (1, 5), (5, 9), (9, 11)):
        assert wire.arrives(data(start, 1, STREAM[start : start + 2])) == [ack(1, acked)]
    assert wire.receive() == STREAM[1:11]


def test_overlaps_at_either_end_are_taken_once(wires: Wires) -> None:
    wire = wires.client()

    wire.arrives(data(4, 1, b"def"))
    wire.arrives(data(6, 1, b"fgh"))
    wire.arrives(data(3, 1, b"cde"))
    wire.arrives(data(1, 1, b"abcdefghij"))
    assert wire.receive() == b"abcdefghij"


def test_what_was_taken_already_is_cut_off(wires: Wires) -> None:
    wire = wires.client()
    wire.arrives(data(1, 1, b"abc"))

    assert wire.arrives(data(1, 1, b"abcde")) == [ack(1, 6)]
    assert wire.arrives(data(2, 1, b"bc")) == [ack(1, 6)]
    assert wire.receive() == b"abcde"


def test_octets_that_came_first_stay(wires: Wires) -> None:
    wire = wires.client()
    wire.arrives(data(3, 1, b"CD"))

    wire.arrives(data(1, 1, b"abcdef"))
    assert wire.receive() == b"abCDef"


@pytest.mark.rfc("SHLD-14")
def test_what_waits_for_a_hole_does_not_close_the_window(wires: Wires) -> None:
    """SHLD-14: an edge that was told stays, or what fills the hole could not come in."""
    wire = wires.client()

    wire.arrives(data(1_001, 1, bytes(1_000)))
    assert wire.last.window == 65_535
    wire.arrives(data(1, 1, bytes(1_000)))
    assert wire.last.window == 65_535 - 2_000


def test_what_waits_is_bounded_by_the_window(wires: Wires) -> None:
    wire = wires.client()

    wire.arrives(data(65_000, 1, bytes(1_000)))
    wire.arrives(data(1, 1, bytes(64_999)))
    assert len(wire.receive()) == 65_535


@pytest.mark.rfc("MUST-59")
def test_a_fin_with_a_hole_before_its_data(wires: Wires) -> None:
    wire = wires.client()

    wire.arrives(fin(5, 1, b"ef"))
    wire.arrives(data(3, 1, b"cd"))
    wire.arrives(fin(7, 1))
    assert wire.arrives(data(1, 1, b"ab")) == [ack(1, 8)]
    assert wire.receive() == b"abcdef"


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=30),
    st.lists(st.integers(0, 3), max_size=30),
)
def test_whatever_comes_is_handed_over_once_and_in_order(pieces: list[tuple[int, int]], reads: list[int]) -> None:
    """Against a model: the set of octets that have come."""
    queue = Reassembly()
    come: set[int] = set()
    position = 0
    for n, (wanted, length) in enumerate(pieces):
        start = max(wanted, position)
        queue.insert(start, STREAM[start : start + length])
        come |= set(range(start, start + length))
        if n < len(reads) and reads[n] == 0:
            taken = queue.take(position)
            expected = position
            while expected in come:
                expected += 1
            assert taken == STREAM[position:expected]
            position = expected
        assert len(queue) == len([octet for octet in come if octet >= position])
        assert bool(queue) == (len(queue) > 0)
