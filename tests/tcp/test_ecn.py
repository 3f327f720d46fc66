"""What a receiver echoes of the network's marks (RFC 3168, section 6.1.3)."""

import pytest

from tcplab.tcp.ecn import CE, ECT_0, NOT_ECT, Ecn
from tcplab.wire.segment import ACK, CWR, ECE, Flags

ECT_1 = 1


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

    ecn.data_arrives(CE, ACK | CWR)

    assert ecn.ack_flags == ECE


def test_only_congestion_experienced_is_a_mark() -> None:
    """Section 5, figure 1: which two bits mean what."""
    assert (NOT_ECT, ECT_1, ECT_0, CE) == (0b00, 0b01, 0b10, 0b11)
    ecn = Ecn()
    for codepoint in (NOT_ECT, ECT_1, ECT_0):
        ecn.data_arrives(codepoint, ACK)

    assert ecn.ack_flags == 0
