"""What RFC 9293 asks of the header and its options (3.1, 3.2, 3.7.1), where no other test is about it."""

from dataclasses import replace

import pytest

from tcplab.node import Packet, PacketDiscarded
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.states import State
from tcplab.units import START
from tcplab.wire import octets
from tcplab.wire.octets import PAYLOAD_LIMIT, SEGMENT_LIMIT
from tcplab.wire.segment import ACK, NO_OPTIONS, SYN, Options, Segment
from tcplab.wire.seq import SeqNumber, seq_add
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, HOST, PEER, SERVICE, Seg, Wire, ack, data, fin, rst, syn, syn_ack

UNKNOWN = Options(other=((253, b"\xab\xcd"), (34, b"")))
HEADER = 20  # octets, without options
ZERO = SeqNumber(0)


def written(wire: Wire, payload: bytes, options: Options = NO_OPTIONS) -> bytes:
    """Return a client's first octets from its peer as RFC 9293 writes them."""
    seq, number = seq_add(wire.irs, 1), seq_add(wire.iss, 1)
    return octets.encode(Segment(SERVICE, CLIENT_PORT, seq, number, ACK, 65_535, options, payload), PEER, HOST)


def discarded(wire: Wire, raw: bytes) -> list[str]:
    """Let those octets arrive; return why they were discarded, if they were."""
    nothing = Segment(0, 0, wire.irs, wire.irs, SYN, 0)
    output = wire.host.receive(Packet(1, START, PEER, HOST, nothing, octets=raw), START)
    return [event.reason for event in output.events if isinstance(event, PacketDiscarded)]


@pytest.mark.rfc("MUST-1")
@pytest.mark.parametrize("window", [0x7FFF, 0x8000, 0xFFFF])
def test_a_window_is_an_unsigned_number(wires: Wires, window: int) -> None:
    wire = wires.client(window=window)

    assert wire.status.snd_wnd == window
    assert wire.send(b"x") == [data(1, 1, b"x")]


@pytest.mark.rfc("MUST-3")
def test_what_was_damaged_on_its_way_is_not_taken(wires: Wires) -> None:
    wire = wires.client()
    sound = written(wire, b"sound")

    assert discarded(wire, sound[:-1] + b"D") == ["bad_checksum"]
    assert wire.rcv_nxt == 1
    assert discarded(wire, sound) == []
    assert wire.receive() == b"sound"


@pytest.mark.rfc("MUST-7")
@pytest.mark.parametrize("length", [0, 1, 3, 200])
def test_an_option_of_an_illegal_length_costs_the_segment_and_not_the_connection(wires: Wires, length: int) -> None:
    wire = wires.client()
    raw = bytearray(written(wire, b"ill", Options(mss=536)))
    raw[HEADER + 1] = length
    checksum = int.from_bytes(raw[16:18], "big") + 4 - length
    raw[16:18] = (checksum % 0xFFFF).to_bytes(2, "big")

    assert discarded(wire, bytes(raw)) == ["malformed"]
    assert wire.state is State.ESTABLISHED
    assert discarded(wire, written(wire, b"well")) == []
    assert wire.receive() == b"well"


@pytest.mark.rfc("MUST-5", "MUST-6")
def test_an_option_that_nobody_knows_may_stand_on_any_segment(wires: Wires) -> None:
    def odd(seg: Seg) -> Seg:
        return replace(seg, options=replace(seg.options, other=UNKNOWN.other))

    client, server = wires(), wires()
    client.open()
    assert client.arrives(odd(syn_ack())) == [ack(1, 1)]
    server.listen()
    assert server.arrives(odd(syn())) == [syn_ack()]
    server.arrives(odd(ack(1, 1)))
    for wire in (client, server):
        wire.send(b"abc")
        wire.arrives(odd(data(1, 4, b"hello")))
        assert wire.status.unsent_or_unacknowledged == 0
        assert wire.receive() == b"hello"
        assert wire.arrives(odd(fin(6, 4))) == [ack(4, 7)]
        assert wire.state is State.CLOSE_WAIT
        wire.arrives(odd(rst(7)))
        assert wire.state is State.CLOSED


@pytest.mark.rfc("MUST-14", "MUST-65", "MAY-3")
@pytest.mark.parametrize("mss", [536, 1_460])
def test_the_mss_is_told_on_every_syn_and_on_nothing_else(wires: Wires, mss: int) -> None:
    client, server = wires(TcpConfig(mss=mss)), wires(TcpConfig(mss=mss))
    client.open(0.0)
    client.run(1.0)
    client.arrives(syn_ack(), 1.5)
    server.listen()
    server.arrives(syn(), 0.0)
    server.run(1.0)
    server.arrives(ack(1, 1), 1.5)
    for wire in (client, server):
        wire.send(b"abc", 2.0)
        wire.arrives(data(1, 4, b"def"), 2.5)
        wire.close(3.0)
        wire.run(10.0)
        wire.abort()
        told = [(packet.segment.kind, packet.segment.options.mss) for packet in wire.packets]
        assert {value for kind, value in told if kind.startswith("syn")} == {mss}
        assert {value for kind, value in told if not kind.startswith("syn")} == {None}
        assert {"data", "fin", "rst"} <= {kind for kind, _ in told}


@pytest.mark.rfc("MUST-67")
def test_no_more_is_told_as_mss_than_a_datagram_holds(wires: Wires) -> None:
    assert PAYLOAD_LIMIT <= SEGMENT_LIMIT - HEADER
    wire = wires(TcpConfig(mss=PAYLOAD_LIMIT))
    wire.open()

    assert wire.last.options.mss == PAYLOAD_LIMIT
    with pytest.raises(ValueError, match="mss must be at most"):
        TcpConfig(mss=PAYLOAD_LIMIT + 1)


@pytest.mark.rfc("MUST-69")
@pytest.mark.parametrize("contents", [b"", b"\1", b"\1\2", b"\1\2\3"])
def test_options_are_filled_up_with_zeros(contents: bytes) -> None:
    raw = octets.encode(Segment(1, 2, ZERO, ZERO, SYN, 0, Options(other=((253, contents),))), PEER, HOST)

    assert raw[HEADER:] == (bytes((253, 2 + len(contents))) + contents).ljust(len(raw) - HEADER, b"\0")


@pytest.mark.rfc("SHLD-2")
@pytest.mark.parametrize("state", [State.ESTABLISHED, State.CLOSE_WAIT, State.LAST_ACK])
def test_a_reset_may_say_why(wires: Wires, state: State) -> None:
    wire = wires.reach(state)

    assert wire.arrives(Seg("R", wire.rcv_nxt, None, b"go away")) == []
    assert wire.state is State.CLOSED


@pytest.mark.rfc("SHLD-28")
def test_segments_are_as_large_as_they_may_be(wires: Wires) -> None:
    wire = wires.client()

    assert [len(seg.data) for seg in wire.send(bytes(4 * 1_460))] == [1_460] * 4
