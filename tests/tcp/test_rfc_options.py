"""Options as a peer sees them on the wire: scaled windows, timestamps, SACK (RFC 7323, 2018, 2883, 6691)."""

from dataclasses import replace

import pytest

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Ignored, SegmentIgnored
from tcplab.tcp.states import State
from tcplab.units import SECOND
from tcplab.wire.segment import NO_OPTIONS, Options
from tests.support.options import EVERYTHING, blocks, client, clock, reported, stamped
from tests.support.states import Wires
from tests.support.tcp import ack, data, fin, prompt, rst, syn

LARGE = prompt(receive_buffer=1_000_000)


# --- the handshake -----------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC7323-2.2", "RFC7323-3.2", "RFC2018-2")
def test_a_syn_offers_everything(wires: Wires) -> None:
    wire = wires(LARGE)
    wire.open()

    offered = wire.last.options
    assert (offered.mss, offered.wscale, offered.sack_ok) == (1_460, 4, True)
    assert offered.timestamps == (clock(wire), 0)
    assert wire.last.window == 65_535


@pytest.mark.rfc("RFC7323-2.2", "RFC7323-3.2", "RFC2018-2")
@pytest.mark.parametrize(
    "offered",
    [
        Options(mss=1_460),
        Options(mss=1_460, wscale=2),
        Options(mss=1_460, sack_ok=True),
        Options(mss=1_460, timestamps=(77, 0)),
        EVERYTHING,
    ],
)
def test_a_syn_ack_answers_nothing_that_was_not_offered(wires: Wires, offered: Options) -> None:
    wire = wires(LARGE)
    wire.listen()

    wire.arrives(replace(syn(), options=offered))

    answered = wire.last.options
    assert answered.mss == 1_460
    assert (answered.wscale is None) is (offered.wscale is None)
    assert answered.sack_ok is offered.sack_ok
    assert (answered.timestamps is None) is (offered.timestamps is None)
    if offered.timestamps is not None:
        assert answered.timestamps == (clock(wire), offered.timestamps[0])


# --- windows -----------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC7323-2.2")
def test_windows_are_scaled_once_both_have_said_so_and_never_on_a_syn(wires: Wires) -> None:
    wire = client(wires, config=LARGE)

    assert wire.last.window == 1_000_000 >> 4
    assert wire.status.rcv_wnd == 1_000_000 >> 4 << 4
    assert wire.status.snd_wnd == 65_535, "the window of the SYN+ACK is not scaled"
    wire.arrives(stamped(ack(1, 1, window=1_000), 1_001))
    assert wire.status.snd_wnd == 1_000 << 7


@pytest.mark.rfc("RFC7323-2.2")
def test_windows_are_not_scaled_where_the_peer_did_not_say_so(wires: Wires) -> None:
    wire = client(wires, Options(mss=1_460), LARGE)

    assert wire.last.window == 65_535
    wire.arrives(ack(1, 1, window=1_000))
    assert wire.status.snd_wnd == 1_000


# --- timestamps --------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC7323-3.2", "MUST-16")
def test_once_agreed_on_timestamps_stand_on_every_segment(wires: Wires) -> None:
    wire = client(wires)
    wire.send(bytes(1_460), 0.5)
    wire.run(0.6)
    wire.run(3.0)
    wire.arrives(stamped(data(1, 1_461, b"x"), 1_002, clock(wire)), 3.0)
    wire.close(3.0)
    wire.arrives(stamped(fin(2, 1_462), 1_003), 4.0)
    wire.arrives(stamped(fin(2, 1_462), 1_004), 5.0)
    assert wire.state is State.TIME_WAIT

    sent = [packet.segment for packet in wire.packets]
    assert {segment.kind for segment in sent} == {"syn", "ack", "data", "fin"}
    assert all(segment.options.timestamps is not None for segment in sent)
    assert max(len(segment.payload) for segment in sent) == 1_460 - 12


@pytest.mark.rfc("RFC7323-3.2")
def test_once_agreed_on_nothing_is_taken_without_them(wires: Wires) -> None:
    wire = client(wires)

    assert wire.arrives(data(1, 1, b"bare")) == []
    assert wire.rcv_nxt == 1
    assert [event.reason for _, event in wire.seen(SegmentIgnored)] == [Ignored.NO_TIMESTAMP]
    wire.arrives(rst(1))
    assert wire.state is State.CLOSED


@pytest.mark.rfc("RFC7323-3.2")
def test_where_the_peer_has_none_there_are_none(wires: Wires) -> None:
    wire = client(wires, Options(mss=1_460))

    wire.send(b"abc")
    assert [packet.segment.options for packet in wire.packets[1:]] == [NO_OPTIONS] * 2


@pytest.mark.rfc("RFC7323-4.3")
def test_an_ack_that_waited_echoes_the_first_that_it_acknowledges(wires: Wires) -> None:
    wire = client(wires, config=TcpConfig())

    wire.arrives(stamped(data(1, 1, bytes(1_000)), 1_005), 0.2)
    wire.arrives(stamped(data(1_001, 1, bytes(10)), 1_010), 0.21)
    [(_, _)] = wire.run(0.3)

    assert wire.last.options.timestamps == (clock(wire), 1_005)


@pytest.mark.rfc("RFC7323-5.3")
def test_what_is_older_than_what_came_is_acknowledged_and_dropped(wires: Wires) -> None:
    wire = client(wires)
    wire.arrives(stamped(data(1, 1, b"new"), 1_010))

    assert wire.arrives(stamped(data(4, 1, b"old"), 1_009)) == [ack(1, 4)]
    assert wire.receive() == b"new"
    assert wire.arrives(stamped(data(4, 1, b"newer"), 1_010)) == [ack(1, 9)]


@pytest.mark.rfc("RFC7323-5.2")
def test_an_old_reset_resets_all_the_same(wires: Wires) -> None:
    wire = client(wires)
    wire.arrives(stamped(data(1, 1, b"new"), 1_010))

    wire.arrives(stamped(rst(4), 900))

    assert wire.state is State.CLOSED


@pytest.mark.rfc("RFC7323-5.5")
def test_after_24_days_of_silence_an_old_timestamp_is_taken(wires: Wires) -> None:
    wire = client(wires)
    wire.arrives(stamped(data(1, 1, b"a"), 1_010), 1.0)

    wire.arrives(stamped(data(2, 1, b"b"), 1_009), 25 * 86_400.0)

    assert wire.receive() == b"ab"


@pytest.mark.rfc("RFC7323-4.1")
def test_a_retransmission_is_timed_by_its_echo(wires: Wires) -> None:
    """Unlike without timestamps: Karn's algorithm knows no echo (RFC 7323, section 4)."""
    wire = client(wires, replace(EVERYTHING, sack_ok=False))
    wire.send(b"x", 10.0)
    wire.run(11.5)
    wire.arrives(stamped(ack(1, 2), 2_000, clock(wire)), 11.5)
    wire.sent()

    wire.send(b"y", 20.0)
    [(again, _)] = wire.run(21.9)
    assert again - 20.0 < 2.0, "the back-off is over, as a round trip was measured"


# --- selective acknowledgements ----------------------------------------------------------------------------------


@pytest.mark.rfc("RFC2018-4")
def test_what_came_ahead_of_a_hole_is_reported_latest_first(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, timestamps=None))

    wire.arrives(data(11, 1, bytes(10)))
    assert blocks(wire) == [(11, 21)]
    wire.arrives(data(31, 1, bytes(10)))
    assert blocks(wire) == [(31, 41), (11, 21)]
    wire.arrives(data(21, 1, bytes(5)))
    assert blocks(wire) == [(11, 26), (31, 41)]
    wire.arrives(data(1, 1, bytes(10)))
    assert blocks(wire) == [(31, 41)]


@pytest.mark.rfc("RFC2018-3")
@pytest.mark.parametrize(("timestamps", "most"), [(None, 4), ((1_000, 0), 3)])
def test_as_many_blocks_are_reported_as_there_is_room_for(
    wires: Wires, timestamps: tuple[int, int] | None, most: int
) -> None:
    wire = client(wires, replace(EVERYTHING, timestamps=timestamps))

    for n in range(1, 7):
        seg = data(20 * n, 1, b"x")
        wire.arrives(stamped(seg, 1_000 + n) if timestamps else seg)

    assert blocks(wire) == [(20 * n, 20 * n + 1) for n in range(6, 6 - most, -1)]


@pytest.mark.rfc("RFC2018-2")
def test_nothing_is_reported_to_a_peer_that_did_not_permit_it(wires: Wires) -> None:
    wire = client(wires, Options(mss=1_460))

    assert wire.arrives(data(11, 1, bytes(10))) == [ack(1, 1)]
    assert wire.last.options == NO_OPTIONS


@pytest.mark.rfc("RFC2883-4")
def test_what_came_twice_is_reported_once(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, timestamps=None))
    wire.arrives(data(1, 1, bytes(10)))

    assert wire.arrives(data(1, 1, bytes(10))) == [ack(1, 11)]
    assert blocks(wire) == [(1, 11)]
    wire.arrives(data(31, 1, bytes(10)))
    assert blocks(wire) == [(31, 41)]
    wire.arrives(data(31, 1, bytes(10)))
    assert blocks(wire) == [(31, 41), (31, 41)]


@pytest.mark.rfc("RFC2018-5", "RFC8985-6.2")
def test_only_what_is_missing_is_sent_again(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, timestamps=None), prompt(mss=10))
    wire.send(bytes(range(50)), 0.2)
    sacked = reported(wire, (21, 51))

    sent = wire.arrives(replace(ack(1, 11), options=Options(sack=sacked)), 0.3)
    sent += [seg for _, seg in wire.run(0.9)]

    assert sent == [data(11, 1, bytes(range(10, 20)))]
    assert wire.arrives(ack(1, 51), 0.95) == []
    assert wire.status.unsent_or_unacknowledged == 0


@pytest.mark.rfc("RFC2018-8")
def test_what_was_selectively_acknowledged_can_be_taken_back(wires: Wires) -> None:
    wire = client(wires, replace(EVERYTHING, timestamps=None), prompt(mss=10, rto_initial=SECOND))
    wire.send(bytes(30), 0.2)
    wire.arrives(replace(ack(1, 1), options=Options(sack=reported(wire, (11, 31)))), 0.3)
    wire.run(0.9)

    missing = {seg.seq for seg in wire.arrives(ack(1, 11), 0.95)}
    missing |= {seg.seq for _, seg in wire.run(10.0)}

    assert 11 in missing
    assert wire.status.unsent_or_unacknowledged == 20
