"""Loss recovery on a connection: RACK and loss probes with SACK, NewReno without (RFC 8985, 6582, 5681, 3042)."""

from dataclasses import replace

import pytest

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Retransmitted
from tcplab.units import SECOND
from tcplab.wire.segment import Options
from tcplab.wire.seq import seq_diff
from tests.support.options import EVERYTHING, SACK, client, clock, reported, selective, stamped
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, prompt

PLAIN = Options(mss=1_460)
TEN = prompt(mss=10, congestion="newreno")
TEXT = bytes(range(200))


def piece(n: int) -> Seg:
    """Return the n-th segment of TEXT, from 0 on."""
    return data(1 + 10 * n, 1, TEXT[10 * n : 10 * n + 10])


def edge(n: int) -> int:
    """Return the sequence number of the n-th segment."""
    return 1 + 10 * n


def sending(wires: Wires, peers: Options, pieces: int, config: TcpConfig = TEN) -> Wire:
    """Return a connection with a round trip of 0.1 s that has sent, or wants to send, so many segments at 0.2."""
    wire = client(wires, peers, config)
    assert wire.send(TEXT[: 10 * pieces], 0.2) == [piece(n) for n in range(min(pieces, 10))]
    return wire


def causes(wire: Wire) -> list[str]:
    return [event.cause for _, event in wire.seen(Retransmitted)]


def sacks(wire: Wire, first: int, *pieces: int) -> Seg:
    """Return an ACK of everything before the segment ``first``, which reports others selectively."""
    return selective(wire, ack(1, edge(first)), *((edge(n), edge(n + 1)) for n in pieces))


# --- RACK --------------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC8985-6.2")
def test_what_was_overtaken_is_lost_a_quarter_of_a_round_trip_later(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)
    wire.arrives(ack(1, edge(1)), 0.3)

    assert wire.arrives(sacks(wire, 1, 2), 0.31) == []
    assert wire.run(0.3349) == []
    assert wire.run(0.3351) == [(0.335, piece(1))], "sent at 0.2; a round trip of 0.11 and a quarter of 0.1"
    assert causes(wire) == ["fast"]


@pytest.mark.rfc("RFC8985-6.2")
def test_what_was_reordered_is_not_sent_again(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)
    wire.arrives(ack(1, edge(1)), 0.3)
    wire.arrives(sacks(wire, 1, 2), 0.31)
    cwnd = wire.status.cwnd

    assert wire.arrives(ack(1, edge(5)), 0.33) == []
    assert wire.run(10.0) == []
    assert causes(wire) == []
    assert cwnd is not None
    assert (wire.status.cwnd or 0) >= cwnd


@pytest.mark.rfc("RFC8985-6.2")
def test_three_that_arrived_leave_no_doubt(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)

    assert wire.arrives(sacks(wire, 0, 2, 3, 4), 0.3)[:1] == [piece(0)]
    assert causes(wire)[:1] == ["fast"]


@pytest.mark.rfc("RFC8985-6.2")
def test_after_reordering_was_seen_three_that_arrived_are_waited_for(wires: Wires) -> None:
    wire = sending(wires, SACK, 9)
    wire.arrives(sacks(wire, 0, 1), 0.3)
    wire.arrives(ack(1, edge(2)), 0.301)

    assert wire.arrives(sacks(wire, 2, 3, 4, 5), 0.31) == []
    [(at, again)] = wire.run(0.38)
    assert again == piece(2)
    assert 0.32 < at < 0.35


@pytest.mark.rfc("RFC8985-6.2")
def test_what_was_lost_twice_is_found_without_the_timer(wires: Wires) -> None:
    wire = sending(wires, SACK, 16)
    [again, *more] = wire.arrives(sacks(wire, 0, 1, 2, 3), 0.3)
    assert again == piece(0)
    more += wire.arrives(selective(wire, ack(1, 1), (edge(1), edge(10))), 0.31)
    assert more, "the window has room for what is new"
    new = more[-1]

    sent = wire.arrives(selective(wire, ack(1, 1), (edge(1), new.seq + 10)), 0.45)
    sent += [seg for _, seg in wire.run(0.6)]

    assert sent[0] == piece(0)
    assert set(causes(wire)) == {"fast"}


@pytest.mark.rfc("RFC6675-5")
def test_losses_of_one_window_reduce_it_once(wires: Wires) -> None:
    wire = sending(wires, SACK, 10)

    wire.arrives(sacks(wire, 0, 1, 2, 3), 0.3)
    assert (wire.status.cwnd, wire.status.ssthresh) == (50, 50)
    wire.arrives(selective(wire, ack(1, 1), (edge(1), edge(4)), (edge(5), edge(10))), 0.31)
    wire.run(0.5)
    assert (wire.status.cwnd, wire.status.ssthresh) == (50, 50)
    again = {seq_diff(event.segment.seq, wire.iss) for _, event in wire.seen(Retransmitted)}
    assert again == {edge(0), edge(4)}


# --- loss probes -------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC8985-7.2", "RFC8985-7.3")
def test_the_tail_is_probed_after_two_round_trips(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)

    assert wire.run(0.399) == []
    assert wire.run(1.0) == [(0.4, piece(4))]
    assert causes(wire) == ["probe"]


@pytest.mark.rfc("RFC8985-7.2")
def test_a_single_segment_waits_for_an_ack_that_may_be_delayed(wires: Wires) -> None:
    wire = sending(wires, SACK, 1)

    assert wire.run(1.0) == [(0.6, piece(0))]


@pytest.mark.rfc("RFC8985-7.3")
def test_a_probe_is_new_data_where_there_are_some(wires: Wires) -> None:
    wire = sending(wires, SACK, 12)

    assert wire.run(1.0) == [(0.4, piece(10))]
    assert causes(wire) == []


@pytest.mark.rfc("RFC8985-7.3")
def test_the_timer_starts_anew_with_the_probe(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)
    wire.run(0.4)

    assert wire.run(1.399) == []
    assert wire.run(1.401) == [(1.4, piece(0))]
    assert causes(wire) == ["probe", "rto"]


@pytest.mark.rfc("RFC8985-7.4")
def test_a_probe_that_repaired_a_loss_reduces_the_window(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)
    wire.run(0.4)
    before = wire.status.cwnd

    wire.arrives(sacks(wire, 4, 4), 0.5)
    assert wire.run(0.6) == []
    wire.send(b"x", 0.6)
    wire.arrives(ack(1, edge(5) + 1), 0.7)

    assert before is not None
    assert wire.status.cwnd is not None
    assert wire.status.cwnd < before


@pytest.mark.rfc("RFC8985-7.4")
def test_a_probe_that_came_twice_leaves_the_window(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)
    wire.run(0.4)
    wire.arrives(ack(1, edge(5)), 0.45)
    before = wire.status.cwnd

    wire.arrives(sacks(wire, 5, 4), 0.5)

    assert wire.status.cwnd == before


def test_a_peer_without_sack_is_not_probed(wires: Wires) -> None:
    wire = sending(wires, PLAIN, 5)

    assert wire.run(1.3) == [(1.2, piece(0))]
    assert causes(wire) == ["rto"]


def test_a_fin_that_is_lost_is_probed_for(wires: Wires) -> None:
    wire = client(wires, SACK, TEN)
    [end] = wire.close(0.2)

    assert wire.run(1.0) == [(0.6, end)]
    assert causes(wire) == ["probe"]


# --- without SACK ------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC5681-3.2")
def test_each_of_the_first_two_duplicates_lets_a_new_segment_go(wires: Wires) -> None:
    """Limited transmit (RFC 3042, section 2)."""
    wire = sending(wires, PLAIN, 20)

    assert wire.arrives(ack(1, 1), 0.3) == [piece(10)]
    assert wire.arrives(ack(1, 1), 0.3) == [piece(11)]
    assert wire.arrives(ack(1, 1), 0.3) == [piece(0)]
    assert causes(wire) == ["fast"]
    assert (wire.status.cwnd, wire.status.ssthresh) == (50, 50), "half of what flew, without these two"


@pytest.mark.rfc("RFC5681-3.2")
def test_duplicates_beyond_make_room_once_half_has_left(wires: Wires) -> None:
    wire = sending(wires, PLAIN, 20)
    for _ in range(3):
        wire.arrives(ack(1, 1), 0.3)

    sent = [wire.arrives(ack(1, 1), 0.3) for _ in range(9)]

    assert sum(len(segments) for segments in sent) in range(3, 6)
    assert sent[0] == []
    assert sent[-1] != []


@pytest.mark.rfc("RFC6582-3.2")
def test_a_partial_acknowledgement_shows_the_next_hole(wires: Wires) -> None:
    wire = sending(wires, PLAIN, 10)
    for _ in range(3):
        wire.arrives(ack(1, 1), 0.3)

    assert wire.arrives(ack(1, edge(4)), 0.4)[:1] == [piece(4)]
    assert wire.arrives(ack(1, edge(7)), 0.5)[:1] == [piece(7)]
    assert wire.arrives(ack(1, edge(10)), 0.6) == []
    assert causes(wire) == ["fast"] * 3
    assert (wire.status.cwnd, wire.status.ssthresh) == (50, 50)


@pytest.mark.rfc("RFC6582-3.2")
def test_duplicates_of_what_was_sent_before_a_timeout_show_no_loss(wires: Wires) -> None:
    wire = sending(wires, PLAIN, 10)
    assert wire.run(1.2) == [(1.2, piece(0))]

    for _ in range(5):
        wire.arrives(ack(1, 1), 1.3)

    assert set(causes(wire)) == {"rto"}


@pytest.mark.rfc("RFC5681-3.1")
def test_after_a_timeout_the_window_is_one_segment_and_doubles(wires: Wires) -> None:
    wire = sending(wires, PLAIN, 10)
    assert wire.run(1.2) == [(1.2, piece(0))]
    assert (wire.status.cwnd, wire.status.ssthresh) == (10, 50)

    assert wire.arrives(ack(1, edge(1)), 1.3) == [piece(1), piece(2)]
    assert wire.arrives(ack(1, edge(2)), 1.4) == [piece(3), piece(4)]
    assert causes(wire) == ["rto"] * 5


# --- what proves needless ----------------------------------------------------------------------------------------


def test_a_timeout_whose_original_is_acknowledged_is_taken_back(wires: Wires) -> None:
    """RFC 3522, 3.2: the echoed timestamp tells which of the two was acknowledged."""
    wire = client(wires, replace(EVERYTHING, sack_ok=False), prompt(mss=22, congestion="newreno"))
    wire.send(bytes(50), 0.2)
    original = clock(wire)
    before = wire.status.cwnd
    wire.run(1.3)
    assert wire.status.cwnd == 10

    wire.arrives(stamped(ack(1, 11), 1_100, original), 1.31)

    assert before is not None
    assert (wire.status.cwnd or 0) >= before


def test_a_timeout_that_was_needed_stays(wires: Wires) -> None:
    """RFC 3522, 3.2: the echoed timestamp tells which of the two was acknowledged."""
    wire = client(wires, replace(EVERYTHING, sack_ok=False), prompt(mss=22, congestion="newreno"))
    wire.send(bytes(50), 0.2)
    wire.run(1.3)

    wire.arrives(stamped(ack(1, 11), 1_100, clock(wire)), 1.4)

    assert wire.status.cwnd == 20


def test_a_recovery_all_of_which_came_twice_is_taken_back(wires: Wires) -> None:
    """RFC 3708, section 3."""
    wire = sending(wires, SACK, 10)
    wire.arrives(sacks(wire, 0, 1, 2, 3), 0.3)
    assert wire.status.cwnd == 50

    wire.arrives(ack(1, edge(10)), 0.35)
    wire.arrives(sacks(wire, 10, 0), 0.4)

    assert (wire.status.cwnd or 0) >= 100


def test_after_that_what_was_sent_before_counts_in_order_again(wires: Wires) -> None:
    """Its sendings are older than the needless one that has arrived; that shows nothing lost."""
    wire = sending(wires, SACK, 10)
    wire.arrives(sacks(wire, 0, 1, 2, 3), 0.3)
    wire.arrives(ack(1, edge(4)), 0.31)
    wire.arrives(sacks(wire, 4, 0), 0.32)
    wire.sent()

    for n in range(5, 11):
        assert wire.arrives(ack(1, edge(n)), 0.32 + n / 1_000) == []
    assert wire.run(5.0) == []
    assert len(wire.seen(Retransmitted)) == 1


def test_what_a_peer_reports_of_what_was_never_sent_is_borne(wires: Wires) -> None:
    wire = sending(wires, SACK, 5)

    for blocks in ([(1_000, 2_000)], [(-50, -10)], [(31, 21)], [(1, 1)], [(-10, 1_000)], [(11, 4_000)]):
        wire.arrives(replace(ack(1, 1), options=Options(sack=reported(wire, *blocks))), 0.3)

    wire.arrives(ack(1, edge(5)), 0.4)
    assert wire.status.unsent_or_unacknowledged == 0


def test_r2_ends_what_probes_cannot_save(wires: Wires) -> None:
    wire = sending(wires, SACK, 5, replace(TEN, r2=20 * SECOND))

    wire.run(20.2)

    assert wire.statuses == []
    assert causes(wire)[:2] == ["probe", "rto"]
