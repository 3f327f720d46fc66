"""Initial sequence numbers (RFC 6528; RFC 9293, 3.4.1)."""

import pytest

from tcplab.node import Address, Packet
from tcplab.tcp.app import Listen, Open
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.host import Host
from tcplab.tcp.isn import keyed_isn, keyed_numbers
from tcplab.units import MICROSECOND, MINUTE, SECOND, START, Instant
from tcplab.wire.segment import SYN, Segment
from tcplab.wire.seq import SeqNumber, seq_diff
from tests.support.tcp import HOST, PEER, Recorder

KEY = b"a secret of the host"


def isn(now: int = 0, *, key: bytes = KEY, local_port: int = 49_152, remote: str = PEER, remote_port: int = 80) -> int:
    return keyed_isn(keyed_numbers(key))(ConnectionId(HOST, local_port, Address(remote), remote_port, 0), Instant(now))


@pytest.mark.rfc("MUST-8")
def test_the_clock_ticks_every_four_microseconds() -> None:
    start = isn()

    assert [seq_diff(SeqNumber(isn(n * MICROSECOND)), SeqNumber(start)) for n in (0, 3, 4, 7, 8)] == [0, 0, 1, 1, 2]


def test_the_clock_wraps_after_four_hours_and_three_quarters() -> None:
    cycle = 2**32 * 4 * MICROSECOND

    assert isn(cycle) == isn()
    assert abs(cycle / MINUTE - 286.3) < 0.1


def test_it_is_a_number_of_32_bits_always() -> None:
    numbers = [isn(second * 60 * SECOND, local_port=second + 1) for second in range(1_000)]

    assert min(numbers) >= 0
    assert max(numbers) < 2**32


@pytest.mark.rfc("SHLD-1")
def test_each_four_tuple_has_an_offset_of_its_own() -> None:
    offsets = {
        isn(),
        isn(local_port=49_153),
        isn(remote="10.0.2.2"),
        isn(remote_port=81),
        isn(local_port=80, remote_port=49_152),
    }

    assert len(offsets) == 5


@pytest.mark.rfc("MUST-9")
def test_without_the_key_nobody_can_tell() -> None:
    assert isn(key=b"one") != isn(key=b"another")
    assert isn(key=bytes(64)) != isn(key=bytes(16))


@pytest.mark.rfc("MUST-9")
def test_offsets_are_spread_over_all_numbers() -> None:
    """A keyed hash: of 4,096 ports no sixteenth of the space gets far more than its share."""
    shares = [0] * 16
    for port in range(4_096):
        shares[isn(local_port=port + 1) >> 28] += 1

    assert max(abs(share - 256) for share in shares) < 100


@pytest.mark.rfc("MUST-8", "SHLD-1", "RFC6528-3")
def test_a_host_uses_it_with_its_key_and_clock() -> None:
    numbers = []
    for key in (KEY, b"another"):
        host = Host(HOST, Recorder(), isn_key=key)
        [packet] = host.call(Open(PEER, 80), Instant(3 * SECOND)).packets
        numbers.append(packet.segment.seq)

    assert numbers == [isn(3 * SECOND), isn(3 * SECOND, key=b"another")]


def test_a_peer_cannot_choose_a_port_that_does_without() -> None:
    host = Host(HOST, Recorder(), isn_key=KEY)
    host.call(Listen(80), START)

    syn = Segment(0, 80, SeqNumber(7), SeqNumber(0), SYN, 1_000)
    [packet] = host.receive(Packet(1, START, PEER, HOST, syn), START).packets

    assert packet.segment.seq == isn(local_port=80, remote_port=0)


@pytest.mark.rfc("MUST-8")
def test_the_next_incarnation_begins_beyond_the_last() -> None:
    """RFC 9293, 3.4.1: with the clock, a 4-tuple's numbers rise by 250,000 a second."""
    assert seq_diff(SeqNumber(isn(240 * SECOND)), SeqNumber(isn())) == 60_000_000
