"""Explicit congestion notification between a host and its peer (RFC 9293, 3.8.2; RFC 3168)."""

from dataclasses import replace

import pytest

from tcplab.node import Packet
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.ecn import CE, ECT_0, NOT_ECT
from tcplab.units import Instant, seconds
from tcplab.wire.segment import ACK, Segment
from tcplab.wire.seq import seq_add
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, HOST, PEER, SERVICE, Seg, Wire, ack, data, syn_ack

ECN = TcpConfig(mss=10, ecn=True)


def opened(wires: Wires, config: TcpConfig = ECN) -> Wire:
    wire = wires(config)
    wire.open(0.0)
    wire.arrives(replace(syn_ack(), flags="SAE"), 0.1)
    return wire


def marked(wire: Wire, at: float, octets: bytes) -> None:
    """Let data arrive at RCV.NXT in a packet that the network has marked."""
    wire.at(at)
    status = wire.status
    segment = Segment(SERVICE, CLIENT_PORT, status.rcv_nxt, status.snd_nxt, ACK, 65_535, payload=octets)
    wire.host.receive(Packet(1, Instant(seconds(at)), PEER, HOST, segment, ecn=CE), Instant(seconds(at)))


@pytest.mark.rfc("SHLD-8", "RFC3168-6.1.1")
def test_a_syn_asks_for_ecn_where_the_host_wants_it(wires: Wires) -> None:
    assert wires(ECN).open() == [Seg("SEC", 0)]
    assert wires().open() == [Seg("S", 0)]


@pytest.mark.rfc("SHLD-8", "RFC3168-6.1.1")
@pytest.mark.parametrize(("flags", "codepoint"), [("SAE", ECT_0), ("SA", NOT_ECT), ("SAEC", NOT_ECT)])
def test_data_is_marked_as_capable_where_both_agree(wires: Wires, flags: str, codepoint: int) -> None:
    wire = wires(ECN)
    wire.open()
    wire.arrives(replace(syn_ack(), flags=flags))

    wire.send(b"hello")

    assert wire.packets[-1].ecn == codepoint


@pytest.mark.rfc("SHLD-8", "RFC3168-6.1.3")
def test_a_mark_is_echoed_until_the_peer_says_that_it_has_reacted(wires: Wires) -> None:
    wire = opened(wires)
    marked(wire, 1.0, b"first")

    assert [seg for _, seg in wire.run(2.0)] == [Seg("AE", 1, 6)]
    wire.arrives(data(6, 1, b"second"), 2.0)
    assert [seg for _, seg in wire.run(3.0)] == [Seg("AE", 1, 12)]
    wire.arrives(Seg("AC", 12, 1, b"third"), 3.0)
    assert [seg for _, seg in wire.run(4.0)] == [ack(1, 17)]
    assert seq_add(wire.irs, 17) == wire.status.rcv_nxt


@pytest.mark.rfc("SHLD-8", "RFC3168-6.1.2")
def test_an_echo_reduces_the_window_once_and_is_answered(wires: Wires) -> None:
    wire = opened(wires)
    wire.send(bytes(200), 1.0)
    assert wire.status.cwnd == 100

    wire.arrives(Seg("AE", 1, 11), 1.1)
    assert wire.status.cwnd == 63, "seven tenths of what flies (RFC 9438, 4.6)"
    wire.arrives(Seg("AE", 1, 21), 1.1)
    assert wire.status.cwnd == 63
    sent = [seg for acked in range(31, 102, 10) for seg in wire.arrives(ack(1, acked), 1.2)]

    assert sent[0].flags == "AC"
    assert {seg.flags for seg in sent[1:]} == {"A"}
