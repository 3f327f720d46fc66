"""The queue of small numbers, against a deque."""

import tracemalloc
from collections import deque
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.fifo import Fifo


@given(st.lists(st.integers(0, 0xFFFF) | st.none()))
def test_numbers_leave_in_the_order_in_which_they_came(steps: list[int | None]) -> None:
    fifo, other = Fifo("H"), deque[int]()
    for number in steps:
        if number is not None:
            fifo.append(number)
            other.append(number)
        elif other:
            assert fifo.first == other[0]
            assert fifo.popleft() == other.popleft()
        assert len(fifo) == len(other)


@pytest.mark.parametrize(("typecode", "size"), [("H", 2), ("I", 4)])
def test_it_does_not_grow_with_what_has_left_it(typecode: Literal["H", "I"], size: int) -> None:
    tracemalloc.start()
    try:
        fifo = Fifo(typecode)
        for number in range(100_000):
            fifo.append(number % 50_000)
            if number >= 10:
                assert fifo.popleft() == (number - 10) % 50_000
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert len(fifo) == 10
    assert taken < 3 * 4_096 * size


def test_it_can_be_cleared() -> None:
    fifo = Fifo("I")
    fifo.append(1)
    fifo.append(2)
    fifo.popleft()

    fifo.clear()
    fifo.append(3)

    assert (len(fifo), fifo.first) == (1, 3)
