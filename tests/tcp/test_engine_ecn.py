"""Explicit congestion notification on a connection: what agrees, what is marked, what is echoed (RFC 3168, 6.1)."""

from dataclasses import replace

import pytest

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.ecn import CE, ECT_0, NOT_ECT
from tcplab.wire.segment import CWR, ECE
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt, syn, syn_ack

ECN = prompt(mss=10, ecn=True, congestion="newreno")


def opened(wires: Wires, config: TcpConfig = ECN, *, window: int = 65_535) -> Wire:
    wire = wires(config)
    wire.open(0.0)
    wire.arrives(replace(syn_ack(window=window), flags="SAE"), 0.1)
    return wire


def codepoints(wire: Wire) -> list[int]:
    return [packet.ecn for packet in wire.packets]


# --- what agrees -------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC3168-6.1.1")
@pytest.mark.parametrize(
    ("flags", "ecn", "answer"),
    [("SEC", True, "SAE"), ("SEC", False, "SA"), ("S", True, "SA"), ("SE", True, "SA"), ("SC", True, "SA")],
)
def test_a_syn_ack_agrees_to_what_both_want(wires: Wires, flags: str, ecn: bool, answer: str) -> None:
    wire = wires(replace(ECN, ecn=ecn))
    wire.listen()

    assert wire.arrives(Seg(flags, 0)) == [Seg(answer, 0, 1)]
    wire.arrives(ack(1, 1))
    wire.send(b"x")
    assert codepoints(wire)[-1] == (ECT_0 if answer == "SAE" else NOT_ECT)


@pytest.mark.rfc("RFC3168-6.1.1")
def test_a_syn_that_is_sent_again_does_not_ask(wires: Wires) -> None:
    wire = wires(ECN)
    wire.open(0.0)

    assert wire.run(1.0) == [(1.0, Seg("S", 0))]
    wire.arrives(replace(syn_ack(), flags="SAE"), 1.1)
    wire.send(b"x")
    assert codepoints(wire) == [NOT_ECT] * 4


def test_a_syn_ack_that_is_sent_again_agrees_still(wires: Wires) -> None:
    wire = wires(ECN)
    wire.listen()
    wire.arrives(Seg("SEC", 0), 0.0)

    assert wire.run(1.0) == [(1.0, Seg("SAE", 0, 1))]


# --- what is marked as capable -----------------------------------------------------------------------------------


def test_what_is_sent_again_is_not_marked(wires: Wires) -> None:
    """RFC 3168, 6.1.5."""
    wire = opened(wires)
    wire.send(b"hello", 0.2)

    assert wire.run(1.2) == [(1.2, data(1, 1, b"hello"))]
    assert codepoints(wire)[-2:] == [ECT_0, NOT_ECT]


def test_bare_acks_fins_and_resets_are_not_marked(wires: Wires) -> None:
    """RFC 3168, 6.1.4."""
    wire = opened(wires)
    wire.arrives(data(1, 1, b"x"))
    wire.close()
    wire.arrives(fin(2, 1))
    wire.abort()

    assert codepoints(wire) == [NOT_ECT] * len(wire.packets)


def test_a_probe_of_a_closed_window_is_not_marked(wires: Wires) -> None:
    """RFC 3168, 6.1.6."""
    wire = opened(wires, window=0)
    wire.send(b"abc", 1.0)

    assert [seg for _, seg in wire.run(3.0)] == [data(1, 1, b"a")]
    assert codepoints(wire)[-1] == NOT_ECT


def test_data_with_the_fin_are_marked(wires: Wires) -> None:
    wire = opened(wires, prompt(ecn=True, nagle=True))
    wire.send(b"a")
    wire.send(b"b")

    assert wire.close() == [fin(2, 1, b"b")]
    assert codepoints(wire)[-1] == ECT_0


# --- the receiver ------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC3168-6.1.3")
def test_every_segment_echoes_until_the_peer_has_reacted(wires: Wires) -> None:
    wire = opened(wires)

    assert wire.arrives(data(1, 1, b"a"), ecn=CE) == [Seg("AE", 1, 2)]
    assert wire.arrives(data(2, 1, b"b"), ecn=ECT_0) == [Seg("AE", 1, 3)]
    assert wire.send(b"x") == [Seg("AE", 1, 3, b"x")]
    assert wire.arrives(Seg("AC", 3, 1, b"c"), ecn=ECT_0) == [ack(2, 4)]
    assert wire.arrives(data(4, 1, b"d"), ecn=ECT_0) == [ack(2, 5)]


@pytest.mark.rfc("RFC3168-6.1.3")
def test_a_mark_beside_cwr_is_news(wires: Wires) -> None:
    wire = opened(wires)
    wire.arrives(data(1, 1, b"a"), ecn=CE)

    assert wire.arrives(Seg("AC", 2, 1, b"b"), ecn=CE) == [Seg("AE", 1, 3)]


def test_a_mark_on_a_bare_ack_or_outside_of_the_window_counts_for_nothing(wires: Wires) -> None:
    wire = opened(wires)

    assert wire.arrives(ack(1, 1), ecn=CE) == []
    assert wire.arrives(data(70_000, 1, b"x"), ecn=CE) == [ack(1, 1)]
    assert wire.arrives(data(1, 1, b"a"), ecn=ECT_0) == [ack(1, 2)]


def test_a_mark_ahead_of_a_hole_is_echoed(wires: Wires) -> None:
    wire = opened(wires)

    assert wire.arrives(data(11, 1, b"x"), ecn=CE) == [Seg("AE", 1, 1)]


def test_where_it_is_not_agreed_on_a_mark_is_not_echoed(wires: Wires) -> None:
    wire = wires.client(ECN)

    assert wire.arrives(data(1, 1, b"a"), ecn=CE) == [ack(1, 2)]


# --- the sender --------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC3168-6.1.2")
def test_an_echo_counts_once_for_a_window_of_data(wires: Wires) -> None:
    wire = opened(wires)
    wire.send(bytes(400), 1.0)
    assert wire.status.cwnd == 100

    windows = []
    for acked in range(11, 102, 10):
        wire.arrives(Seg("AE", 1, acked), 1.1)
        windows.append(wire.status.cwnd)
    assert windows == [45] * 10
    sent = wire.snd_nxt

    wire.arrives(Seg("AE", 1, sent), 1.2)
    wire.arrives(Seg("AE", 1, wire.snd_nxt), 1.3)
    assert (wire.status.cwnd or 0) < 45, "the echo goes on past what was sent after CWR: another mark"


@pytest.mark.rfc("RFC3168-6.1.2")
def test_cwr_stands_on_the_first_new_data_alone(wires: Wires) -> None:
    wire = opened(wires)
    wire.send(bytes(400), 1.0)

    sent = [
        seg for acked in range(11, 132, 10) for seg in wire.arrives(Seg("AE" if acked < 50 else "A", 1, acked), 1.1)
    ]

    assert [seg.flags for seg in sent] == ["AC"] + ["A"] * (len(sent) - 1)
    assert len(sent) > 1


@pytest.mark.rfc("RFC3168-6.1.2")
def test_an_echo_while_a_loss_is_repaired_reduces_no_further(wires: Wires) -> None:
    wire = opened(wires)
    wire.send(bytes(400), 1.0)
    for _ in range(3):
        wire.arrives(ack(1, 1), 1.1)
    assert wire.status.cwnd == 50

    wire.arrives(Seg("AE", 1, 11), 1.2)

    assert wire.status.cwnd == 50


def test_an_echo_that_was_not_agreed_on_counts_for_nothing(wires: Wires) -> None:
    wire = wires.client(prompt(mss=10))
    wire.send(bytes(50), 1.0)

    wire.arrives(Seg("AE", 1, 11), 1.1)

    assert (wire.status.cwnd or 0) >= 100
    assert not wire.last.flags & (ECE | CWR)


def test_a_plain_syn_in_the_place_of_the_first_ends_nothing(wires: Wires) -> None:
    """A retransmitted SYN without ECN is a duplicate: what was agreed on stands."""
    wire = wires(ECN)
    wire.listen()
    wire.arrives(Seg("SEC", 0), 0.0)

    wire.arrives(syn(), 0.5)
    wire.arrives(ack(1, 1), 0.6)
    wire.send(b"x")

    assert codepoints(wire)[-1] == ECT_0
