"""Explicit congestion notification as a pure part (RFC 3168, section 6.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.ecn import CE, ECT_0, NOT_ECT, Ecn
from tcplab.wire.segment import ACK, CWR, ECE, Flags

ECT_1 = 1
MARKED = Flags(ACK | ECE)


@pytest.mark.rfc("RFC3168-6.1.3")
def test_a_receiver_echoes_a_mark_until_the_peer_has_reacted() -> None:
    ecn = Ecn()
    echoed = []
    for codepoint, flags in ((ECT_0, ACK), (CE, ACK), (ECT_0, ACK), (NOT_ECT, ACK), (ECT_0, ACK | CWR), (ECT_0, ACK)):
        ecn.data_arrives(codepoint, Flags(flags))
        echoed.append(ecn.ack_flags == ECE)

    assert echoed == [False, True, True, True, False, False]


def test_a_mark_on_the_segment_with_cwr_is_news_again() -> None:
    ecn = Ecn()
    ecn.data_arrives(CE, ACK)

    ecn.data_arrives(CE, Flags(ACK | CWR))

    assert ecn.ack_flags == ECE


def test_only_congestion_experienced_is_a_mark() -> None:
    ecn = Ecn()
    for codepoint in (NOT_ECT, ECT_1, ECT_0):
        ecn.data_arrives(codepoint, ACK)

    assert ecn.ack_flags == 0


@pytest.mark.rfc("RFC3168-6.1.2")
def test_new_data_is_capable_and_the_first_after_a_reduction_tells_of_it() -> None:
    ecn = Ecn()
    assert ecn.new_data() == (0, ECT_0)

    assert ecn.ack_arrives(MARKED, 100, 500)

    assert [ecn.new_data() for _ in range(3)] == [(CWR, ECT_0), (0, ECT_0), (0, ECT_0)]


@pytest.mark.rfc("RFC3168-6.1.2")
def test_a_sender_reacts_once_for_a_window_of_data() -> None:
    ecn = Ecn()

    reactions = [ecn.ack_arrives(MARKED, ack, ack + 400) for ack in (100, 200, 499, 500, 501, 700, 901, 902)]

    assert reactions == [True, False, False, False, True, False, False, True]


def test_without_an_echo_there_is_no_reaction() -> None:
    ecn = Ecn()

    assert not any(ecn.ack_arrives(ACK, ack, ack + 400) for ack in range(100, 2_000, 100))
    assert ecn.new_data() == (0, ECT_0)


def test_a_loss_counts_as_a_reaction_and_is_told() -> None:
    ecn = Ecn()

    ecn.reduced(500)

    assert ecn.new_data() == (CWR, ECT_0)
    assert not ecn.ack_arrives(MARKED, 500, 600)
    assert ecn.ack_arrives(MARKED, 501, 600)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50), st.integers(0, 100)), max_size=60))
def test_every_reaction_is_a_window_after_the_last(steps: list[tuple[bool, int, int]]) -> None:
    ecn = Ecn()
    ack = nxt = 1
    reacted_at: int | None = None
    for marked, acked, sent in steps:
        nxt += sent
        ack = min(ack + acked, nxt)
        free = reacted_at is None or ack > reacted_at
        assert ecn.ack_arrives(MARKED if marked else ACK, ack, nxt) == (marked and free)
        if marked and free:
            reacted_at = nxt
            assert ecn.new_data()[0] == CWR
        assert ecn.new_data()[0] == 0
