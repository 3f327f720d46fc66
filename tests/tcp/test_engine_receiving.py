"""What a receiver tells: scaled windows, SACK and D-SACK blocks, delayed ACKs, timestamps (RFC 7323, 2018, 2883)."""

from dataclasses import replace

import pytest

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Ignored, RttSampled, SegmentIgnored
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND
from tcplab.wire.segment import NO_OPTIONS, Options
from tests.support.options import EVERYTHING, SACK, blocks, client, clock, echo, reported, stamped
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt, rst, syn, syn_ack

LARGE = prompt(receive_buffer=1_000_000)
SCALED = Options(mss=1_460, wscale=0)
DELAYED = TcpConfig(mss=1_000)


def ignored(wire: Wire) -> list[Ignored]:
    return [event.reason for _, event in wire.seen(SegmentIgnored)]


# --- large windows -----------------------------------------------------------------------------------------------


@pytest.mark.rfc("SHLD-14", "RFC7323-2.2")
def test_the_edge_of_a_scaled_window_never_moves_left(wires: Wires) -> None:
    """RFC 7323, 2.4: what the field cannot tell exactly is rounded down, and yet taken."""
    wire = client(wires, SCALED, LARGE)
    position, edges = 1, [wire.rcv_nxt + wire.status.rcv_wnd]
    for size in (1, 999, 15, 16, 17, 30_000, 1_460, 3):
        for _ in range(7):
            wire.arrives(data(position, 1, bytes(size)))
            position += size
            edge = wire.rcv_nxt + wire.status.rcv_wnd
            assert edge - 16 < position + (wire.last.window << 4) <= edge
            edges.append(edge)
            wire.receive(size // 2)
            edges.append(wire.rcv_nxt + wire.status.rcv_wnd)
    assert edges == sorted(edges)
    assert edges[-1] > edges[0]


@pytest.mark.rfc("RFC7323-2.2")
def test_a_large_window_is_taken_to_its_last_octet_and_no_further(wires: Wires) -> None:
    wire = client(wires, SCALED, LARGE)
    told = wire.last.window << 4
    assert told == 1_000_000

    wire.arrives(data(1, 1, bytes(65_000)))
    for position in range(65_001, told - 65_000, 65_000):
        wire.arrives(data(position, 1, bytes(65_000)))
    rest = told - wire.rcv_nxt + 1
    wire.arrives(data(wire.rcv_nxt, 1, bytes(rest) + b"beyond"))

    assert wire.status.unread == told
    assert wire.last.window == 0
    wire.arrives(data(told + 1, 1, b"x"))
    assert wire.status.unread == told


@pytest.mark.rfc("RFC7323-2.3")
@pytest.mark.parametrize("wscale", [14, 15, 255])
def test_a_scale_above_14_counts_as_14(wires: Wires, wscale: int) -> None:
    wire = client(wires, Options(mss=1_460, wscale=wscale))

    wire.arrives(ack(1, 1, window=3))

    assert wire.status.snd_wnd == 3 << 14


@pytest.mark.parametrize(
    ("buffer", "shift"), [(65_535, 0), (65_536, 1), (131_071, 1), (131_072, 2), (65_535 << 14, 14)]
)
def test_the_shift_is_the_least_that_fits(wires: Wires, buffer: int, shift: int) -> None:
    wire = wires(prompt(receive_buffer=buffer))

    wire.open()

    assert wire.last.options.wscale == shift


def test_a_syn_ack_that_comes_later_is_not_scaled_either(wires: Wires) -> None:
    wire = wires(LARGE)
    wire.listen()
    wire.arrives(replace(syn(window=100), options=EVERYTHING))

    assert wire.last.window == 65_535
    assert wire.status.snd_wnd == 100
    wire.arrives(stamped(ack(1, 1, window=100), 1_001, clock(wire)))
    assert wire.status.snd_wnd == 100 << 7


def test_without_scaling_a_buffer_has_16_bits() -> None:
    with pytest.raises(ValueError, match="without window scaling a window has 16 bits"):
        TcpConfig(receive_buffer=65_536, window_scaling=False)


# --- SACK --------------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC2018-2")
def test_no_syn_has_blocks(wires: Wires) -> None:
    """Text on a SYN waits like what came ahead of a hole, but nothing is acknowledged yet."""
    wire = wires()
    wire.listen()

    wire.arrives(replace(syn(data=b"early"), options=SACK))
    assert wire.last.options.sack == ()
    assert wire.run(1.0) == [(1.0, syn_ack())]
    assert wire.last.options.sack == ()


@pytest.mark.rfc("RFC2883-4")
@pytest.mark.parametrize(
    ("again", "twice"),
    [
        ((1, 11), (1, 11)),
        ((5, 8), (5, 8)),
        ((6, 16), (6, 11)),
    ],
)
def test_what_of_a_segment_came_before_is_reported(
    wires: Wires, again: tuple[int, int], twice: tuple[int, int]
) -> None:
    wire = client(wires, SACK)
    wire.arrives(data(1, 1, bytes(10)))
    start, end = again

    wire.arrives(data(start, 1, bytes(end - start)))

    assert blocks(wire) == [twice]
    assert wire.rcv_nxt == max(end, 11)


@pytest.mark.rfc("RFC2883-4")
def test_a_duplicate_is_reported_before_what_waits_and_only_once(wires: Wires) -> None:
    wire = client(wires, SACK)
    wire.arrives(data(1, 1, bytes(10)))
    wire.arrives(data(21, 1, bytes(10)))

    wire.arrives(data(1, 1, bytes(10)))
    assert blocks(wire) == [(1, 11), (21, 31)]
    wire.arrives(data(41, 1, bytes(10)))
    assert blocks(wire) == [(41, 51), (21, 31)]


def test_a_duplicate_within_an_island_is_followed_by_the_island(wires: Wires) -> None:
    """RFC 2883, section 4.2."""
    wire = client(wires, SACK)
    wire.arrives(data(11, 1, bytes(10)))
    wire.arrives(data(31, 1, bytes(10)))

    wire.arrives(data(13, 1, bytes(4)))

    assert blocks(wire)[0] == (13, 17)
    assert set(blocks(wire)[1:]) == {(11, 21), (31, 41)}


def test_what_is_filled_is_reported_no_more(wires: Wires) -> None:
    wire = client(wires, SACK)
    wire.arrives(data(11, 1, bytes(10)))
    wire.arrives(data(1, 1, bytes(10)))
    assert blocks(wire) == []

    wire.arrives(data(21, 1, bytes(10)))
    assert wire.last.options == NO_OPTIONS


def test_a_fin_beyond_a_hole_is_reported_with_its_data(wires: Wires) -> None:
    wire = client(wires, SACK)

    wire.arrives(fin(11, 1, bytes(10)))

    assert blocks(wire) == [(11, 22)]


def test_data_leave_room_for_blocks_within_the_mss(wires: Wires) -> None:
    wire = client(wires, replace(SACK, mss=100), prompt(mss=100))
    wire.arrives(data(11, 1, b"x"))
    wire.arrives(data(21, 1, b"x"))

    for size in (60, 75, 90, 100):
        wire.send(bytes(size))
        assert size + 4 * bool(wire.last.options.sack) + 8 * len(wire.last.options.sack) <= 100


def test_what_waits_beyond_the_window_is_not_kept(wires: Wires) -> None:
    wire = client(wires, SACK, prompt(receive_buffer=100))

    wire.arrives(data(91, 1, bytes(20)))
    assert blocks(wire) == [(91, 101)]
    wire.arrives(data(101, 1, bytes(20)))
    assert blocks(wire) == [(91, 101)]


# --- delayed ACKs ------------------------------------------------------------------------------------------------


@pytest.mark.rfc("MUST-58")
@pytest.mark.parametrize("delay", [1, 40, 499])
def test_an_ack_waits_as_long_as_is_set(wires: Wires, delay: int) -> None:
    wire = wires.client(replace(DELAYED, delayed_ack=delay * MILLISECOND))

    assert wire.arrives(data(1, 1, b"x"), 1.0) == []
    assert wire.run(2.0) == [(pytest.approx(1 + delay / 1_000), ack(1, 2))]


@pytest.mark.rfc("MUST-58")
def test_the_wait_begins_with_the_first_that_is_not_acknowledged(wires: Wires) -> None:
    wire = wires.client(DELAYED)
    wire.arrives(data(1, 1, bytes(1_000)), 0.99)
    wire.arrives(data(1_001, 1, bytes(1_000)), 0.99)

    for n in range(4):
        assert wire.arrives(data(2_001 + n, 1, b"x"), 1.0 + n / 100) == []
    assert wire.run(2.0) == [(1.04, ack(1, 2_005))]


@pytest.mark.rfc("MUST-58")
def test_two_segments_worth_of_octets_are_acknowledged_at_once(wires: Wires) -> None:
    wire = wires.client(DELAYED)

    assert wire.arrives(data(1, 1, bytes(1_000))) == []
    assert wire.arrives(data(1_001, 1, bytes(600))) == []
    assert wire.arrives(data(1_601, 1, bytes(400))) == [ack(1, 2_001)]
    assert wire.run(1.0) == []


@pytest.mark.parametrize("seg", [data(5, 1, b"x"), fin(1, 1), fin(1, 1, b"x"), data(70_000, 1, b"x")])
def test_what_is_out_of_order_or_ends_is_acknowledged_at_once(wires: Wires, seg: Seg) -> None:
    wire = wires.client(DELAYED)

    assert [answer.flags for answer in wire.arrives(seg, 1.0)] == ["A"]
    assert wire.run(2.0) == []


@pytest.mark.rfc("MUST-59")
def test_what_fills_a_hole_is_acknowledged_at_once(wires: Wires) -> None:
    wire = wires.client(DELAYED)
    wire.arrives(data(5, 1, b"x"))
    wire.arrives(data(7, 1, b"y"))

    assert wire.arrives(data(1, 1, b"abcd")) == [ack(1, 6)]
    assert wire.arrives(data(6, 1, b"x")) == [ack(1, 8)]
    assert wire.run(1.0) == []


def test_what_came_before_is_acknowledged_at_once(wires: Wires) -> None:
    wire = wires.client(DELAYED)
    wire.arrives(data(1, 1, b"abc"), 0.5)

    assert wire.arrives(data(1, 1, b"abc"), 0.51) == [ack(1, 4)]
    assert wire.run(1.0) == []


def test_a_window_update_takes_the_ack_along(wires: Wires) -> None:
    wire = wires.client(replace(DELAYED, receive_buffer=1_000))
    wire.arrives(data(1, 1, bytes(900)), 0.5)

    wire.receive()
    assert wire.sent() == [(0.5, ack(1, 901))]
    assert wire.last.window == 1_000
    assert wire.run(1.0) == []


def test_an_abort_forgets_the_ack(wires: Wires) -> None:
    wire = wires.client(DELAYED)
    wire.arrives(data(1, 1, b"x"), 0.5)

    assert wire.abort() == [rst(1)]
    assert wire.run(1.0) == []


# --- timestamps --------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC7323-4.3")
def test_what_fills_a_hole_is_echoed_and_not_what_came_beyond_it(wires: Wires) -> None:
    wire = client(wires)

    wire.arrives(stamped(data(11, 1, bytes(10)), 1_010))
    assert echo(wire) == 1_000
    wire.arrives(stamped(data(1, 1, bytes(10)), 1_008))
    assert echo(wire) == 1_008
    wire.arrives(stamped(data(21, 1, bytes(10)), 1_020))
    assert echo(wire) == 1_020


@pytest.mark.rfc("RFC7323-5.3")
def test_an_old_bare_ack_is_answered_only_so_often(wires: Wires) -> None:
    wire = client(wires)
    wire.arrives(stamped(ack(1, 1), 1_010), 1.0)

    assert wire.arrives(stamped(ack(1, 1), 1_000), 1.0) == [ack(1, 1)]
    assert wire.arrives(stamped(ack(1, 1), 1_000), 1.4) == []
    assert wire.arrives(stamped(ack(1, 1), 1_000), 1.5) == [ack(1, 1)]
    assert ignored(wire) == [Ignored.OLD_TIMESTAMP] * 3


@pytest.mark.rfc("RFC7323-5.3")
def test_an_old_fin_does_not_close(wires: Wires) -> None:
    wire = client(wires)
    wire.arrives(stamped(ack(1, 1), 1_010))

    assert wire.arrives(stamped(fin(1, 1), 1_009)) == [ack(1, 1)]
    assert wire.state is State.ESTABLISHED


@pytest.mark.rfc("RFC7323-5.3")
def test_an_old_ack_acknowledges_nothing(wires: Wires) -> None:
    wire = client(wires)
    wire.arrives(stamped(ack(1, 1), 1_010))
    wire.send(b"x")

    wire.arrives(stamped(ack(1, 2), 1_009))

    assert wire.status.unsent_or_unacknowledged == 1


@pytest.mark.rfc("RFC7323-5.3")
def test_timestamps_are_compared_by_their_difference(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, timestamps=(2**32 - 2, 0)))

    assert wire.arrives(stamped(data(1, 1, b"a"), 3)) == [ack(1, 2)]
    assert echo(wire) == 3
    wire.arrives(stamped(data(2, 1, b"b"), 2**32 - 1))
    assert ignored(wire) == [Ignored.OLD_TIMESTAMP]


def test_a_syn_without_timestamps_is_challenged(wires: Wires) -> None:
    """A peer that starts anew may know of none; it must learn where we are."""
    wire = client(wires)

    assert wire.arrives(syn(1)) == [ack(1, 1)]
    assert ignored(wire) == [Ignored.SYN_IN_WINDOW]


@pytest.mark.rfc("RFC7323-3.2")
def test_a_reset_that_is_sent_has_a_timestamp_and_echoes_nothing(wires: Wires) -> None:
    wire = client(wires)

    wire.abort(0.5)

    stamps = wire.last.options.timestamps
    assert stamps is not None
    assert stamps[1] == 0


@pytest.mark.rfc("RFC7323-4.1")
def test_the_round_trip_is_that_of_the_echo(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, sack_ok=False))
    wire.send(b"x", 1.0)
    wire.run(2.0)
    again = clock(wire)

    wire.arrives(stamped(ack(1, 2), 1_100, again), 2.25)

    assert wire.seen(RttSampled)[-1][1].rtt == 250 * MILLISECOND


@pytest.mark.parametrize("off", [1, 1_000, 2**31, -5_000])
def test_an_echo_of_what_was_never_sent_measures_nothing(wires: Wires, off: int) -> None:
    wire = client(wires, replace(EVERYTHING, sack_ok=False))
    wire.send(b"x", 1.0)
    wire.run(2.0)
    samples = len(wire.seen(RttSampled))

    wire.arrives(stamped(ack(1, 2), 1_100, (clock(wire) + 250 + off) % 2**32), 2.25)

    assert len(wire.seen(RttSampled)) == samples


@pytest.mark.rfc("RFC7323-4.1")
def test_an_ack_that_acknowledges_nothing_more_measures_nothing(wires: Wires) -> None:
    wire = client(wires, EVERYTHING, prompt(mss=22))
    wire.send(bytes(20), 1.0)
    samples = wire.seen(RttSampled)

    wire.arrives(stamped(ack(1, 1), 1_050, clock(wire), reported(wire, (11, 21))), 1.1)

    assert wire.seen(RttSampled) == samples
