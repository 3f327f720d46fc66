"""When to send again and how much may be in the network: RFC 5681, 6582, 6675, 8985, 3168, and taking it back."""

import pytest

from tcplab.tcp.recovery import Phase, round_trip
from tcplab.tcp.scoreboard import Sent
from tcplab.tcp.spurious import Block, split_duplicate
from tcplab.units import MILLISECOND
from tests.support.sender import MSS, SRTT, Sender, ms


@pytest.mark.parametrize(
    ("blocks", "ack", "duplicate"),
    [
        ([], 5, None),
        ([(7, 9)], 5, None),
        ([(7, 9), (11, 13)], 5, None),
        ([(1, 3)], 5, (1, 3)),
        ([(1, 3), (7, 9)], 5, (1, 3)),
        ([(4, 7)], 5, (4, 7)),
        ([(7, 8), (7, 9)], 5, (7, 8)),
        ([(7, 9), (7, 8)], 5, None),
    ],
)
def test_a_duplicate_block_comes_first(blocks: list[Block], ack: int, duplicate: Block | None) -> None:
    """RFC 2883, section 4: below the acknowledgement, or within the second block."""
    found, others = split_duplicate(blocks, ack)

    assert found == duplicate
    assert list(others) == (blocks if duplicate is None else blocks[1:])


@pytest.mark.rfc("MUST-18", "RFC6298-3")
def test_what_was_sent_twice_measures_no_round_trip() -> None:
    """MUST-18, Karn."""
    once, twice = Sent(0, 1, ms(10), 1), Sent(1, 2, ms(20), 2)
    twice.times = 2

    assert round_trip([], ms(50)) is None
    assert round_trip([once], ms(50)) == 40 * MILLISECOND
    assert round_trip([once, twice], ms(50)) is None


def test_the_window_bounds_what_is_in_the_network() -> None:
    sender = Sender(10)
    assert sender.sends() == list(range(10))

    assert sender.gets(2, 100) == 100 * MILLISECOND
    assert sender.cwnd == 12
    assert sender.sends(100) == [10, 11, 12, 13]


def test_a_loss_is_sent_again_at_once_and_halves_the_window() -> None:
    """RFC 8985, 6.2; RFC 6675, section 5, step 4; RFC 5681, equation 4."""
    sender = Sender(10)
    sender.sends()
    for number in (1, 2):
        sender.gets(0, 100, number)
    assert sender.sends(100) == [10, 11], "limited transmit (RFC 3042)"
    assert sender.recovery.phase is Phase.OPEN
    assert sender.deadline == 125

    sender.gets(0, 100, 3)

    assert sender.recovery.phase is Phase.FAST
    assert (sender.cwnd, sender.deadline) == (5, None)
    assert sender.sends(100) == [0], "though nine segments are in the network, and the window admits five"


@pytest.mark.rfc("RFC6675-5")
def test_in_recovery_new_data_follows_as_the_pipe_drains() -> None:
    """RFC 6675, section 5, step C."""
    sender = Sender(10)
    sender.sends()
    sender.gets(0, 100, 1, 2, 3)
    assert sender.sends(100) == [0]

    sent = []
    for number in (4, 5, 6, 7, 8):
        sender.gets(0, 101, number)
        sent.append(sender.sends(101))
    assert sent == [[], [], [10], [11], [12]]
    assert sender.flight.pipe == 5 * MSS

    sender.gets(9, 200)
    assert sender.recovery.phase is Phase.FAST
    sender.gets(10, 200)
    assert (sender.recovery.phase, sender.cwnd) == (Phase.OPEN, 5)


def test_the_deadline_for_what_was_overtaken_finds_it_lost() -> None:
    """RFC 8985, 6.2, step 5."""
    sender = Sender(4)
    sender.sends()
    sender.gets(1, 100)
    sender.gets(1, 100, 2)
    assert (sender.deadline, sender.recovery.probing) == (125, False)
    assert sender.recovery.next_lost() is None

    sender.recovery.reordered(ms(125), SRTT)

    assert sender.deadline is None
    assert sender.sends(125) == [1]


def test_what_was_overtaken_and_comes_stops_the_deadline() -> None:
    sender = Sender(4)
    sender.sends()
    sender.gets(1, 100)
    sender.gets(1, 100, 2)

    sender.gets(3, 110)

    assert (sender.deadline, sender.recovery.phase) == (None, Phase.OPEN)


@pytest.mark.rfc("RFC6675-5")
def test_losses_of_one_window_reduce_it_once() -> None:
    sender = Sender(20)
    sender.sends()
    sender.gets(0, 100, 1, 2, 3)
    sender.gets(0, 100, 5, 7, 9)
    sender.sends(100)

    assert (sender.cwnd, sender.recovery.phase) == (10, Phase.FAST)


@pytest.mark.rfc("RFC5681-3.2", "RFC6582-3.2")
def test_a_peer_without_sack_tells_a_loss_by_three_duplicates() -> None:
    """RFC 6582, 3.2, step 2; RFC 3042 before."""
    sender = Sender(10, sack=False)
    sender.sends()
    sent = []
    for _ in range(8):
        sender.gets(0, 100)
        sent.append(sender.sends(100))

    assert sent == [[10], [11], [0], [], [], [], [], [12]]
    assert sender.cwnd == 5


@pytest.mark.rfc("RFC6582-3.2")
def test_a_partial_acknowledgement_without_sack_shows_the_next_hole() -> None:
    """RFC 6582, 3.2, step 3."""
    sender = Sender(10, sack=False)
    sender.sends()
    for _ in range(3):
        sender.gets(0, 100)
    assert sender.sends(100) == [0]

    sender.gets(4, 200)
    assert sender.recovery.phase is Phase.FAST
    assert sender.sends(200) == [4]
    sender.gets(10, 300)
    assert sender.recovery.phase is Phase.OPEN


@pytest.mark.rfc("MUST-19", "RFC5681-3.1")
def test_a_timeout_starts_over_and_sends_everything_again() -> None:
    """RFC 5681, 3.1: one segment, then slow start."""
    sender = Sender(10)
    sender.sends()

    sender.recovery.timed_out(ms(1_000))

    assert (sender.cwnd, sender.control.ssthresh, sender.recovery.phase) == (1, 5 * MSS, Phase.TIMEOUT)
    sent = [sender.sends(1_000)]
    for ack in (1, 3, 6):
        sender.gets(ack, 1_100)
        sent.append(sender.sends(1_100))
    assert sent == [[0], [1, 2], [3, 4, 5], [6, 7, 8, 9]]
    sender.gets(10, 1_200)
    assert sender.recovery.phase is Phase.OPEN


def test_a_second_timeout_of_a_segment_leaves_ssthresh() -> None:
    """RFC 5681, 3.1; of another one it does not."""
    sender = Sender(10)
    sender.sends()
    sender.recovery.timed_out(ms(1_000))
    sender.sends(1_000)
    sender.recovery.timed_out(ms(3_000))
    assert sender.control.ssthresh == 5 * MSS

    sender.sends(3_000)
    sender.gets(1, 3_100)
    sender.sends(3_100)
    sender.recovery.timed_out(ms(4_000))
    assert (sender.cwnd, sender.control.ssthresh) == (1, 2 * MSS)


def test_duplicates_after_a_timeout_show_no_loss() -> None:
    """RFC 6582, section 4: not before what was outstanding at the timeout is acknowledged."""
    sender = Sender(10, sack=False)
    sender.sends()
    sender.recovery.timed_out(ms(1_000))
    sender.sends(1_000)
    sender.gets(9, 1_100)
    for _ in range(4):
        sender.gets(9, 1_200)

    assert sender.recovery.phase is Phase.TIMEOUT
    sender.gets(10, 1_300)
    sender.sends(1_300)
    for _ in range(4):
        sender.gets(10, 1_400)
    assert sender.recovery.phase is Phase.OPEN, "a duplicate of what was recovered to says nothing either"
    sender.gets(11, 1_500)
    sender.sends(1_500)
    for _ in range(3):
        sender.gets(11, 1_600)
    assert sender.recovery.phase is Phase.FAST


@pytest.mark.rfc("RFC9438-4.9")
def test_a_timeout_whose_original_arrived_is_taken_back() -> None:
    """RFC 3522, section 3.2: its acknowledgement echoes a timestamp from before."""
    sender = Sender(10)
    sender.sends()
    sender.recovery.timed_out(ms(1_000))
    assert sender.sends(1_000) == [0]

    sender.gets(1, 1_050, echoed=0)

    assert (sender.cwnd, sender.recovery.phase) == (10, Phase.OPEN)
    assert sender.flight.pipe == 9 * MSS
    assert sender.sends(1_050) == [10]


def test_a_timeout_that_repaired_a_loss_is_not_taken_back() -> None:
    sender = Sender(10)
    sender.sends()
    sender.recovery.timed_out(ms(1_000))
    sender.sends(1_000)

    sender.gets(1, 1_100, echoed=1_000)

    assert (sender.cwnd, sender.recovery.phase) == (2, Phase.TIMEOUT)


def test_a_recovery_whose_every_retransmission_arrived_twice_is_taken_back() -> None:
    """RFC 3708, RFC 9438, 4.9.2: the D-SACK blocks come when it is long over."""
    sender = Sender(10)
    sender.sends()
    sender.gets(0, 100, 2, 3, 4)
    assert sender.sends(100) == [0]
    sender.gets(0, 101, 5, 6)
    assert sender.sends(101) == [1]
    sender.gets(10, 103)
    assert (sender.cwnd, sender.recovery.phase) == (5, Phase.OPEN)

    sender.gets(10, 200, 0)
    assert sender.cwnd == 5
    sender.gets(10, 202, 1)
    assert sender.cwnd == 10


def test_a_recovery_that_sent_something_thrice_is_not_taken_back() -> None:
    """One D-SACK block may be about the second and the third, and the first be lost."""
    sender = Sender(10)
    sender.sends()
    sender.recovery.timed_out(ms(1_000))
    sender.sends(1_000)
    sender.recovery.timed_out(ms(3_000))
    sender.sends(3_000)
    sender.gets(10, 3_100, echoed=3_000)
    window = sender.cwnd

    sender.gets(10, 3_200, 0)

    assert sender.cwnd == window


@pytest.mark.rfc("RFC3168-6.1.2")
def test_a_mark_reduces_the_window_once_until_the_answer_to_it_has_arrived() -> None:
    """RFC 3168, 6.1.2: ECE comes until the peer has seen CWR, which goes with new data."""
    sender = Sender(10)
    sender.sends()
    sender.gets(2, 100, marked=True)
    assert (sender.cwnd, sender.recovery.phase, sender.recovery.reduced) == (4, Phase.REDUCED, True)

    sender.recovery.reduced = False
    sender.gets(8, 101, marked=True)
    assert sender.sends(101) == [10, 11]
    sender.gets(10, 102, marked=True)
    assert (sender.cwnd, sender.recovery.phase) == (4, Phase.REDUCED)
    sender.gets(11, 200)
    assert (sender.cwnd, sender.recovery.phase) == (4, Phase.OPEN)

    sender.sends(200)
    sender.gets(12, 201, marked=True)
    assert (sender.control.ssthresh, sender.recovery.reduced) == (2 * MSS, True)


def test_a_loss_in_a_window_that_was_marked_reduces_it_no_further() -> None:
    """RFC 3168, 6.1.2."""
    sender = Sender(20)
    sender.sends()
    sender.gets(0, 100, 1, marked=True)
    assert sender.cwnd == 10

    sender.gets(0, 101, 2, 3)

    assert (sender.cwnd, sender.recovery.phase) == (10, Phase.FAST)
    assert sender.sends(101) == [0]


def test_a_window_that_is_not_used_does_not_grow() -> None:
    """RFC 9438, 5.8."""
    sender = Sender(10)
    for n in range(5):
        assert len(sender.sends(n, limit=2)) == 2
        sender.gets(2 * n + 2, n + 0.5)

    assert sender.cwnd == 10


def test_in_slow_start_half_a_window_used_lets_it_grow() -> None:
    sender = Sender(10)
    sender.sends(limit=6)
    sender.gets(1, 100)

    assert sender.cwnd == 11


def test_duplicates_with_nothing_outstanding_show_no_loss() -> None:
    """RFC 5681, section 2."""
    sender = Sender(10, sack=False)
    sender.sends(limit=2)
    sender.gets(2, 100)

    for _ in range(3):
        sender.gets(2, 200)

    assert (sender.recovery.phase, sender.cwnd) == (Phase.OPEN, 10)
