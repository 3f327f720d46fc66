from dataclasses import replace

from tcplab.netem.impairments.line import Line, packet_size
from tcplab.node import Packet
from tcplab.units import SECOND, START, Instant
from tcplab.wire.octets import encode
from tcplab.wire.segment import NO_OPTIONS, SYN, Options, Segment
from tcplab.wire.seq import SeqNumber
from tests.netem.packets import CLIENT, PURE_ACK, SERVER, packet


def test_a_packet_is_as_long_as_its_headers_options_and_payload() -> None:
    assert packet_size(packet()) == 20 + 20
    assert packet_size(packet(payload=b"x" * 1460)) == 1500


def test_the_size_counts_every_option_as_its_octets_do() -> None:
    numbers = SeqNumber(1), SeqNumber(2)
    for options in (
        NO_OPTIONS,
        Options(mss=1460),
        Options(wscale=7),
        Options(mss=1460, wscale=7, sack_ok=True, timestamps=(1, 2)),
        Options(timestamps=(1, 2), sack=(numbers, numbers)),
        Options(other=((253, b"12345"), (254, b""))),
    ):
        segment = Segment(1, 2, SeqNumber(0), SeqNumber(0), SYN, 1000, options, b"abc")

        size = packet_size(Packet(1, START, CLIENT, SERVER, segment))

        assert size == 20 + len(encode(segment, CLIENT, SERVER)), options


def test_the_size_of_a_damaged_packet_is_that_of_its_octets() -> None:
    assert packet_size(replace(packet(), octets=bytes(61))) == 81


def test_a_line_takes_one_packet_at_a_time() -> None:
    line = Line()
    line.set(320)  # a packet of 40 octets takes a second

    passed = [line.through(packet(), Instant(ready)) for ready in (0, 0, SECOND, 5 * SECOND)]

    assert passed == [1 * SECOND, 2 * SECOND, 3 * SECOND, 6 * SECOND]


def test_a_line_is_never_faster_than_its_rate() -> None:
    line = Line()
    line.set(3 * SECOND)  # 320 bits take 106.7 ns

    assert line.through(packet(), START) == 107


def test_a_line_without_a_rate_takes_no_time() -> None:
    assert Line().through(Packet(1, START, CLIENT, SERVER, PURE_ACK), Instant(5)) == 5
