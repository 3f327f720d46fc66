"""32-bit sequence numbers: everything holds across the wrap."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcplab.wire.seq import MODULUS, SeqNumber, seq_add, seq_diff, seq_le, seq_lt, seq_max
from tests.wire.strategies import sequence_numbers

HALF = 2**31
distances = st.integers(-HALF + 1, HALF - 1)


@pytest.mark.parametrize(
    ("number", "count", "result"),
    [
        (0, 0, 0),
        (1000, 460, 1460),
        (2**32 - 1, 1, 0),
        (2**32 - 1, 1460, 1459),
        (0, -1, 2**32 - 1),
        (5, 2**32, 5),
    ],
)
def test_adding_wraps_at_two_to_the_32nd(number: int, count: int, result: int) -> None:
    assert seq_add(SeqNumber(number), count) == result


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (0, 1, -1),
        (0, 2**32 - 1, 1),
        (2**32 - 1, 0, -1),
        (2**31 - 1, 0, 2**31 - 1),
        (2**31 + 1, 0, -(2**31) + 1),
        (2**31, 0, -(2**31)),
        (0, 2**31, -(2**31)),
    ],
)
def test_a_difference_is_signed(left: int, right: int, distance: int) -> None:
    assert seq_diff(SeqNumber(left), SeqNumber(right)) == distance


@settings(deadline=None)
@given(sequence_numbers, st.integers())
def test_a_sum_is_a_sequence_number(number: SeqNumber, count: int) -> None:
    assert 0 <= seq_add(number, count) < MODULUS


@settings(deadline=None)
@given(sequence_numbers, distances)
def test_the_difference_undoes_the_sum(number: SeqNumber, distance: int) -> None:
    moved = seq_add(number, distance)

    assert seq_diff(moved, number) == distance
    assert seq_diff(number, moved) == -distance
    assert seq_add(moved, -distance) == number


@settings(deadline=None)
@given(sequence_numbers, distances)
def test_order_is_the_order_of_positions_in_the_stream(number: SeqNumber, distance: int) -> None:
    moved = seq_add(number, distance)

    assert seq_lt(number, moved) == (distance > 0)
    assert seq_le(number, moved) == (distance >= 0)
    assert seq_max(number, moved) == seq_max(moved, number) == (moved if distance > 0 else number)


@settings(deadline=None)
@given(sequence_numbers, st.integers(0, HALF - 1), st.integers(0, HALF - 1))
def test_order_is_transitive_within_half_of_the_space(number: SeqNumber, one: int, two: int) -> None:
    near, far = sorted((one, two))

    assert seq_le(number, seq_add(number, near))
    assert seq_le(seq_add(number, near), seq_add(number, far))
    assert seq_le(number, seq_add(number, far))


@settings(deadline=None)
@given(sequence_numbers, distances, st.integers(0, MODULUS - 1))
def test_order_does_not_depend_on_where_the_numbers_are(number: SeqNumber, distance: int, shift: int) -> None:
    moved = seq_add(number, distance)

    assert seq_lt(number, moved) == seq_lt(seq_add(number, shift), seq_add(moved, shift))
