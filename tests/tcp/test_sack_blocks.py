"""What a receiver reports of the octets beyond a hole, and of those that came twice (RFC 2018, RFC 2883)."""

from tracemalloc import get_traced_memory, start, stop

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.reassembly import Block, Reassembly, report
from tcplab.wire.octets import OPTIONS_LIMIT, SACK_LIMIT, options_length
from tcplab.wire.segment import Options
from tcplab.wire.seq import SeqNumber

STREAM = bytes(range(256)) * 2


def holding(*pieces: Block) -> Reassembly:
    """A queue to which these ranges came, in this order."""
    queue = Reassembly()
    for left, right in pieces:
        queue.insert(left, STREAM[left:right])
    return queue


# --- which blocks, and in which order ----------------------------------------------------------------------------


def test_without_a_hole_nothing_is_reported() -> None:
    assert report(None, None, 0) == []
    assert report(Reassembly(), None, 0) == []


@pytest.mark.rfc("RFC2018-4")
def test_the_block_with_the_segment_that_came_last_is_first() -> None:
    assert holding((10, 20), (50, 60), (30, 40)).blocks(4) == [(30, 40), (50, 60), (10, 20)]


def test_a_block_that_grows_becomes_the_first() -> None:
    assert holding((10, 20), (50, 60), (20, 25)).blocks(4) == [(10, 25), (50, 60)]
    assert holding((10, 20), (50, 60), (5, 10)).blocks(4) == [(5, 20), (50, 60)]


def test_a_segment_that_came_before_makes_its_block_the_first() -> None:
    assert holding((10, 20), (50, 60), (12, 14)).blocks(4) == [(10, 20), (50, 60)]


def test_a_segment_that_fills_a_hole_joins_the_blocks_about_it() -> None:
    assert holding((10, 20), (30, 40), (90, 95), (20, 30)).blocks(4) == [(10, 40), (90, 95)]
    assert holding((10, 20), (30, 40), (50, 60), (90, 95), (15, 55)).blocks(4) == [(10, 60), (90, 95)]


def test_a_block_that_was_taken_is_reported_no_more() -> None:
    queue = holding((10, 20), (50, 60), (5, 10))

    assert queue.take(5) == STREAM[5:20]
    assert queue.blocks(4) == [(50, 60)]


@pytest.mark.rfc("RFC2018-3")
@pytest.mark.parametrize(
    ("taken", "blocks"), [(0, 4), (6, 4), (7, 3), (10, 3), (14, 3), (15, 2), (30, 1), (31, 0), (40, 0)]
)
def test_as_many_blocks_as_fit_the_header(taken: int, blocks: int) -> None:
    queue = holding(*((left, left + 5) for left in range(10, 100, 10)))

    reported = report(queue, None, taken)

    assert reported == [(left, left + 5) for left in range(90, 90 - 10 * blocks, -10)]
    option = Options(sack=tuple((SeqNumber(left), SeqNumber(right)) for left, right in reported))
    assert taken + options_length(option) <= OPTIONS_LIMIT


# --- D-SACK: the cases of RFC 2883, section 4 --------------------------------------------------------------------


@pytest.mark.rfc("RFC2883-4")
def test_a_segment_that_came_twice_below_the_acknowledgement() -> None:
    """Sections 4.1.1 and 4.1.2: the caller knows what lies below RCV.NXT; blocks above it follow."""
    assert report(None, (300, 350), 10) == [(300, 350)]
    assert report(holding((450, 500)), (300, 350), 10) == [(300, 350), (450, 500)]


@pytest.mark.rfc("RFC2883-4")
def test_a_segment_that_came_twice_above_the_acknowledgement() -> None:
    """Section 4.1.3: the second block is the one that holds the octets."""
    queue = holding((40, 50), (100, 150))

    duplicate = queue.insert(45, STREAM[45:50])

    assert duplicate == (45, 50)
    assert report(queue, duplicate, 10) == [(45, 50), (40, 50), (100, 150)]


@pytest.mark.rfc("RFC2883-4")
def test_a_segment_of_which_a_part_came_before() -> None:
    """Sections 4.2.1 and 4.2.2: what is new of it grows the block that the second range names."""
    for position, end, seen, grown in ((15, 25, (15, 20), (10, 25)), (5, 12, (10, 12), (5, 20))):
        queue = holding((10, 20))

        duplicate = queue.insert(position, STREAM[position:end])

        assert duplicate == seen
        assert report(queue, duplicate, 10) == [seen, grown]


def test_of_two_ranges_that_came_before_the_first_is_reported() -> None:
    """Section 4.2.3: a D-SACK block reports one contiguous range."""
    queue = holding((10, 20), (30, 40))

    duplicate = queue.insert(15, STREAM[15:35])

    assert duplicate == (15, 20)
    assert report(queue, duplicate, 10) == [(15, 20), (10, 40)]


def test_what_only_touches_a_block_did_not_come_before() -> None:
    queue = holding((10, 20), (30, 40))

    assert queue.insert(20, STREAM[20:30]) is None


def test_the_duplicate_takes_the_place_of_a_block() -> None:
    queue = holding(*((left, left + 5) for left in range(10, 60, 10)))

    assert report(queue, (0, 5), 10) == [(0, 5), (50, 55), (40, 45)]
    assert report(queue, (0, 5), 30) == [(0, 5)]


# --- against a model ---------------------------------------------------------------------------------------------


def islands(octets: set[int]) -> list[Block]:
    """Return the ranges of octets without a hole between them."""
    lefts = sorted(octet for octet in octets if octet - 1 not in octets)
    rights = sorted(octet + 1 for octet in octets if octet + 1 not in octets)
    return list(zip(lefts, rights, strict=True))


@given(st.lists(st.tuples(st.integers(0, 80), st.integers(0, 12)), max_size=40), st.sets(st.integers(0, 39)))
def test_whatever_comes_is_reported_once_and_by_age(pieces: list[tuple[int, int]], reads: set[int]) -> None:
    """Against a model: when each octet last came."""
    queue = Reassembly()
    came: dict[int, int] = {}
    position = 0
    for n, (wanted, length) in enumerate(pieces):
        left = max(wanted, position)
        octets = set(range(left, left + length))
        twice = islands(octets & came.keys())

        assert queue.insert(left, STREAM[left : left + length]) == (twice[0] if twice else None)
        came |= dict.fromkeys(octets, n)
        by_age = sorted(islands(set(came)), key=lambda block: -max(came[octet] for octet in range(*block)))
        assert queue.blocks(100) == by_age
        assert queue.blocks(SACK_LIMIT) == by_age[:SACK_LIMIT]
        if n in reads:
            taken = queue.take(position)
            assert taken == STREAM[position : position + len(taken)]
            assert position + len(taken) not in came
            position += len(taken)
            came = {octet: age for octet, age in came.items() if octet >= position}


# --- bounds ------------------------------------------------------------------------------------------------------


def test_pieces_beyond_the_limit_are_not_kept_but_what_is_in_order_is() -> None:
    queue = Reassembly(pieces=3)
    for position in (2, 4, 6):
        queue.insert(position, STREAM[position : position + 1])
    assert queue.take(0) == b""

    queue.insert(8, STREAM[8:9])
    assert queue.blocks(4) == [(6, 7), (4, 5), (2, 3)]

    queue.insert(0, STREAM[0:4])
    assert queue.take(0) == STREAM[0:5]
    assert queue.take(5) == b""
    queue.insert(5, STREAM[5:6])
    assert queue.take(5) == STREAM[5:7]


@pytest.mark.parametrize("step", [1, 2, -2])
def test_memory_is_bounded_whatever_the_pieces(step: int) -> None:
    """Single octets one beside the other, with holes between them, and those from the far end on."""
    start()
    queue = Reassembly(pieces=500)
    for position in range(1, 60_000, step) if step > 0 else range(60_000, 1, step):
        queue.insert(position, b"\xff")
    used, _ = get_traced_memory()
    stop()

    assert len(queue) == 500
    assert used < 500 * 300 + 10_000


def test_an_empty_queue_is_small() -> None:
    start()
    queues = [Reassembly() for _ in range(100)]
    used, _ = get_traced_memory()
    stop()

    assert not any(queues)
    assert used < 100 * 400
