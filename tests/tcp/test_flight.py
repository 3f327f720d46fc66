"""What was sent and is not acknowledged: RFC 2018's sender, RFC 6675's pipe, and RFC 6582's window inflation."""

import pytest

from tcplab.tcp.flight import Flight
from tcplab.tcp.scoreboard import Fate, Sent
from tcplab.units import Instant
from tests.support.flights import MSS, ranges, view


def flight(segments: int, position: int = 0) -> Flight:
    """A flight of full segments, the n-th sent at instant n."""
    sent = Flight(position)
    for n in range(segments):
        sent.sent(position + (n + 1) * MSS, Instant(n))
    return sent


def the(segment: Sent | None) -> Sent:
    assert segment is not None
    return segment


def lose(sent: Flight, *starts: int) -> None:
    """Mark the segments lost that start there; the first of all comes first, if it is one."""
    for start in starts:
        segments = [the(sent.first), *sent.overtaken(10**9, 0)]
        sent.mark_lost(next(segment for segment in segments if segment.start == start))


def test_what_is_sent_is_in_the_pipe_until_it_is_acknowledged() -> None:
    sent = flight(3)
    assert (sent.una, sent.nxt, sent.pipe, sent.outstanding, len(sent)) == (0, 300, 300, 300, 3)

    delivered = sent.acknowledge(200)

    assert ranges(delivered) == [(0, 100), (100, 200)]
    assert [segment.at for segment in delivered] == [0, 1]
    assert (sent.una, sent.pipe, sent.outstanding, len(sent)) == (200, 100, 100, 1)


def test_the_syn_and_the_fin_take_a_position_each() -> None:
    sent = Flight()
    sent.sent(1, Instant(0))
    assert ranges(sent.acknowledge(1)) == [(0, 1)]

    sent.sent(1 + MSS + 1, Instant(5))
    assert sent.pipe == MSS + 1


def test_an_old_acknowledgement_delivers_nothing() -> None:
    sent = flight(3)
    sent.acknowledge(200)

    assert sent.acknowledge(200) == []
    assert sent.acknowledge(100) == []
    assert sent.una == 200


def test_an_acknowledgement_within_a_segment_leaves_its_end() -> None:
    sent = flight(2)

    assert sent.acknowledge(30) == []
    assert ranges([the(sent.first)]) == [(30, 100)]
    assert (sent.pipe, len(sent)) == (170, 2)

    assert ranges(sent.acknowledge(100)) == [(30, 100)]


def test_an_empty_flight_has_no_first_and_no_last() -> None:
    sent = flight(1)
    sent.acknowledge(100)

    assert (sent.first, sent.last, sent.pipe, len(sent), sent.next_lost()) == (None, None, 0, 0, None)
    sent.timed_out(Instant(9))
    assert sent.next_lost() is None


@pytest.mark.rfc("RFC2018-5", "RFC6675-4")
def test_sack_blocks_leave_the_pipe_and_are_told_once() -> None:
    """RFC 2018, section 5; RFC 6675, section 4 (SetPipe)."""
    sent = flight(5)

    delivered = sent.select([(300, 400), (100, 200)])
    assert ranges(delivered) == [(100, 200), (300, 400)]
    assert (sent.pipe, sent.sacked, sent.outstanding) == (300, 2, 500)

    assert sent.select([(300, 400), (100, 200)]) == []
    assert ranges(sent.select([(100, 500)])) == [(200, 300), (400, 500)]
    assert (sent.pipe, sent.sacked) == (100, 4)

    assert ranges(sent.acknowledge(500)) == [(0, 100)]
    assert (sent.pipe, sent.sacked) == (0, 0)


def test_a_block_counts_for_the_segments_that_it_covers_whole() -> None:
    sent = flight(5)

    assert ranges(sent.select([(150, 450)])) == [(200, 300), (300, 400)]
    assert len(sent) == 5, "a peer cannot cut our list to pieces"
    assert sent.select([(210, 290)]) == []


def test_blocks_beyond_the_flight_or_upside_down_are_passed_over() -> None:
    sent = flight(3, position=1_000)
    sent.acknowledge(1_100)

    assert sent.select([(1_200, 1_400), (1_300, 1_200), (1_200, 1_200), (900, 1_100), (0, 50)]) == []
    assert ranges(sent.select([(900, 1_200)])) == [(1_100, 1_200)]


@pytest.mark.rfc("RFC6675-4")
def test_what_is_lost_leaves_the_pipe_until_it_is_sent_again() -> None:
    """RFC 6675, section 4 (SetPipe)."""
    sent = flight(4)
    sent.select([(300, 400)])
    lose(sent, 0, 200)
    assert sent.pipe == 100

    first = the(sent.next_lost())
    assert (first.start, first.fate) == (0, Fate.LOST)
    sent.resent(first, Instant(50))
    assert (first.at, first.times, first.fate, sent.pipe) == (50, 2, Fate.IN_NETWORK, 200)

    second = the(sent.next_lost())
    assert second.start == 200
    sent.resent(second, Instant(50))
    assert sent.next_lost() is None
    assert sent.pipe == 300


def test_what_is_sent_again_can_be_lost_again() -> None:
    """RFC 8985, 3.2: that is what tells RACK from counting duplicates."""
    sent = flight(3)
    lose(sent, 0)
    sent.resent(the(sent.next_lost()), Instant(50))

    assert ranges(sent.overtaken(4, 0)) == [(100, 200), (200, 300)]
    assert ranges(sent.overtaken(5, 0)) == [(100, 200), (200, 300), (0, 100)]
    lose(sent, 0)
    assert ranges([the(sent.next_lost())]) == [(0, 100)]


def test_segments_of_one_instant_are_in_the_order_in_which_they_were_sent() -> None:
    """RFC 8985, 6.2: RACK_sent_after."""
    sent = flight(4)
    lose(sent, 0)
    sent.sent(500, Instant(7))
    sent.resent(the(sent.next_lost()), Instant(7))

    assert ranges(sent.overtaken(6, 100)) == [(100, 200), (200, 300), (300, 400), (400, 500)]
    assert ranges(sent.overtaken(7, 0)) == [(100, 200), (200, 300), (300, 400), (400, 500), (0, 100)]


def test_a_segment_that_arrives_though_believed_lost_is_not_sent_again() -> None:
    sent = flight(3)
    lose(sent, 0, 100)

    sent.select([(100, 200)])
    assert the(sent.next_lost()).start == 0
    sent.acknowledge(100)
    assert sent.next_lost() is None
    assert sent.pipe == 100


def test_a_probe_sends_again_what_is_not_lost() -> None:
    """RFC 8985, 7.3: the pipe counts the segment once."""
    sent = flight(2)

    sent.resent(the(sent.last), Instant(9))

    assert sent.pipe == 200
    assert ranges(sent.overtaken(3, 0)) == [(0, 100)]


def test_a_lost_segment_is_cut_to_a_smaller_mss() -> None:
    sent = flight(2)
    lose(sent, 0)

    part = sent.split(the(sent.next_lost()), 60)
    assert ranges([part]) == [(0, 60)]
    sent.resent(part, Instant(9))
    rest = the(sent.next_lost())
    assert ranges([rest]) == [(60, 100)]
    assert sent.split(rest, 60) is rest
    assert (sent.pipe, len(sent)) == (160, 3)


def test_parts_of_a_segment_share_its_fate() -> None:
    sent = flight(3)
    sent.select([(100, 200)])
    lose(sent, 0)

    first = the(sent.next_lost())
    sent.split(first, 60)
    assert [view(sent.first), view(sent.next_lost())] == [(0, 60, 0, 1, Fate.LOST)] * 2
    sent.acknowledge(60)
    assert view(sent.next_lost()) == (60, 100, 0, 1, Fate.LOST)
    sent.acknowledge(80)
    assert view(sent.next_lost()) == (80, 100, 0, 1, Fate.LOST)

    sent.acknowledge(100)
    arrived = the(sent.first)
    assert view(sent.split(arrived, 10)) == (100, 110, 1, 1, Fate.SACKED)
    assert (sent.sacked, sent.pipe) == (2, 100)
    assert ranges(sent.acknowledge(300)) == [(200, 300)]


def test_a_long_flight_is_kept_short_at_its_front() -> None:
    sent = flight(1_000)
    for n in range(1, 991):
        sent.acknowledge(n * MSS)
        assert the(sent.first).start == n * MSS
        assert len(sent) == 1_000 - n
    sent.select([(995 * MSS, 996 * MSS)])
    assert len(sent.overtaken(996, 996 * MSS)) == 5


def test_what_was_believed_lost_is_found() -> None:
    """RFC 3522: nothing of it need be sent again."""
    sent = flight(4)
    sent.timed_out(Instant(10))
    sent.resent(the(sent.next_lost()), Instant(11))

    sent.found()

    assert (sent.next_lost(), sent.pipe) == (None, 400)
    assert ranges(sent.overtaken(5, 0)) == [(100, 200), (200, 300), (300, 400)]


def test_duplicate_acknowledgements_are_forgotten_when_what_they_were_about_arrived() -> None:
    sent = flight(5)
    sent.duplicate()
    sent.duplicate()
    sent.acknowledge(100)
    assert sent.pipe == 200

    sent.forget_duplicates()

    assert (sent.pipe, sent.sacked) == (400, 0)
    sent.duplicate()
    assert sent.pipe == 300


def test_a_timeout_believes_the_first_lost_and_what_is_old_enough() -> None:
    """RFC 8985, 6.3; RFC 6675, 5.1: SACK blocks are kept."""
    sent = flight(5)
    sent.select([(100, 200)])

    sent.timed_out(Instant(3))

    lost = []
    while (segment := sent.next_lost()) is not None:
        lost.append((segment.start, segment.end))
        sent.resent(segment, Instant(100))
    assert lost == [(0, 100), (200, 300), (300, 400)]
    assert sent.sacked == 1


def test_a_timeout_believes_the_first_lost_though_it_was_just_sent() -> None:
    sent = flight(2)

    sent.timed_out(Instant(-1))

    assert ranges([the(sent.next_lost())]) == [(0, 100)]
    assert sent.pipe == 100


@pytest.mark.rfc("RFC2018-8")
def test_a_peer_that_reneges_is_sent_everything_again() -> None:
    """RFC 2018, section 8: what it waits for is what it has selectively acknowledged."""
    sent = flight(4)
    sent.select([(100, 200), (300, 400)])
    sent.acknowledge(100)
    assert the(sent.first).fate is Fate.SACKED

    sent.timed_out(Instant(10))

    assert (sent.sacked, sent.pipe) == (0, 0)
    lost = []
    while (segment := sent.next_lost()) is not None:
        lost.append(segment.start)
        sent.resent(segment, Instant(11))
    assert lost == [100, 200, 300]
    assert ranges(sent.select([(300, 400)])) == [(300, 400)]


@pytest.mark.rfc("RFC6582-3.2")
def test_duplicate_acknowledgements_shrink_the_pipe_without_sack() -> None:
    """RFC 6582, 3.2: as its window inflation does, segment by segment."""
    sent = flight(6)
    for left in (500, 400, 300):
        sent.duplicate()
        assert sent.pipe == left
    assert the(sent.first).fate is Fate.IN_NETWORK

    for _ in range(9):
        sent.duplicate()
    assert sent.pipe == 100, "the hole is still believed to be in the network"


@pytest.mark.rfc("RFC6582-3.2")
def test_a_partial_acknowledgement_deflates_what_duplicates_inflated() -> None:
    """RFC 6582, 3.2, step 3: by what is acknowledged, less the segment that was sent again."""
    sent = flight(10)
    for _ in range(6):
        sent.duplicate()
    sent.mark_lost(the(sent.first))
    sent.resent(the(sent.next_lost()), Instant(20))
    assert sent.pipe == 400

    assert ranges(sent.acknowledge(300)) == [(0, 100), (100, 200), (200, 300)]
    assert the(sent.first).fate is Fate.IN_NETWORK
    assert (sent.pipe, sent.sacked) == (300, 4)
    sent.mark_lost(the(sent.first))
    assert sent.pipe == 200


def test_a_timeout_forgets_duplicate_acknowledgements() -> None:
    sent = flight(4)
    sent.duplicate()
    sent.duplicate()

    sent.timed_out(Instant(10))

    assert (sent.pipe, sent.sacked) == (0, 0)
    assert the(sent.next_lost()).start == 0
