"""What is refused, how it is answered, and what observers are told of it: which connection, which packet, why."""

from dataclasses import replace

import pytest

from tcplab.tcp.app import Close, Configure, InvalidCall, Writable
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Ignored, ResetReason, ResetSent, Retransmitted, SegmentIgnored
from tcplab.tcp.states import State
from tcplab.units import SECOND
from tcplab.wire.segment import NO_OPTIONS, Options
from tests.support.options import EVERYTHING, SACK, blocks, client, reported, stamped
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt, rst, rst_ack, syn, syn_ack

OPEN = [
    State.SYN_RECEIVED, State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSE_WAIT, State.CLOSING,
    State.LAST_ACK,
]  # fmt: skip
SMALL = prompt(mss=100, receive_buffer=100)


def ignored(wire: Wire) -> SegmentIgnored:
    """Return what observers were told last of a segment that had no effect."""
    [*_, (_, last)] = wire.seen(SegmentIgnored)
    return last


@pytest.mark.parametrize("beyond", [-2, 65_535, 70_000])
@pytest.mark.parametrize("state", OPEN)
def test_a_reset_outside_of_the_window_is_met_with_silence(wires: Wires, state: State, beyond: int) -> None:
    """3.10.7.4, first: what is unacceptable is acknowledged unless it is a reset."""
    wire = wires.reach(state)

    for reset in (rst(wire.rcv_nxt + beyond), rst_ack(wire.rcv_nxt + beyond, wire.snd_nxt)):
        assert wire.arrives(reset) == []
        assert wire.state is state
        assert ignored(wire).reason is Ignored.UNACCEPTABLE_SEQUENCE
        assert ignored(wire).connection == wire.connection


def test_an_ack_of_nothing_is_reset_in_the_name_of_the_connection(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.arrives(ack(1, 9)) == [rst(9)]
    assert wire.seen(ResetSent) == [(0.0, ResetSent(wire.connection, ResetReason.UNACCEPTABLE_ACK))]
    assert ignored(wire).packet.segment.ack == wire.packets[-1].segment.seq


def test_a_closed_window_takes_no_ack_from_anywhere_else(wires: Wires) -> None:
    """3.10.7.4: with RCV.WND = 0 only SEG.SEQ = RCV.NXT is acceptable, and RCV.NXT - 1 where the lab hears it."""
    wire = wires.client(SMALL)
    wire.arrives(data(1, 1, bytes(100)))

    for seq in (99, 102, 150):
        wire.run(wire.now + 2.0)
        assert wire.arrives(ack(seq, 1)) == [ack(1, 101)]
        assert ignored(wire).reason is Ignored.UNACCEPTABLE_SEQUENCE


def test_an_old_timestamp_is_refused_before_its_syn_is_looked_at(wires: Wires) -> None:
    wire = client(wires)

    assert len(wire.arrives(replace(syn(5), options=Options(mss=1_460, timestamps=(999, 0))))) == 1
    assert ignored(wire).reason is Ignored.OLD_TIMESTAMP


def test_an_empty_fin_that_comes_again_is_no_duplicate_to_report(wires: Wires) -> None:
    """RFC 2883, 4: a D-SACK reports octets, and a FIN has none."""
    wire = client(wires, SACK)
    wire.arrives(fin(1, 1))

    assert wire.arrives(fin(1, 1)) == [ack(1, 2)]
    assert blocks(wire) == []


def test_the_probe_of_a_closed_window_is_no_duplicate_to_report(wires: Wires) -> None:
    wire = client(wires, SACK, SMALL)
    wire.arrives(data(1, 1, bytes(100)))

    assert wire.arrives(data(101, 1, b"p")) == [ack(1, 101)]
    assert blocks(wire) == []


def test_octets_that_are_new_are_no_duplicate_to_report_though_their_ack_is_refused(wires: Wires) -> None:
    wire = client(wires, SACK)

    assert wire.arrives(data(1, 9_999, b"abc")) == [ack(1, 1)]
    assert ignored(wire).reason is Ignored.UNACCEPTABLE_ACK
    assert blocks(wire) == []


def test_octets_that_come_again_are_reported_to_nobody_who_did_not_permit_it(wires: Wires) -> None:
    wire = client(wires, Options(mss=1_460))
    wire.arrives(data(1, 1, b"abc"))

    assert wire.arrives(data(1, 1, b"abc")) == [ack(1, 4)]
    assert wire.last.options == NO_OPTIONS


def test_blocks_of_a_peer_that_did_not_permit_them_are_not_believed(wires: Wires) -> None:
    """RFC 2018, 2: the option is sent only once it has been permitted."""
    wire = client(wires, Options(mss=100), prompt(mss=100))
    wire.send(bytes(1_000))

    told = replace(ack(1, 1), options=Options(sack=reported(wire, (101, 1_001))))
    assert wire.arrives(told) == []
    assert wire.run(wire.now + 0.5) == []


def test_the_third_duplicate_counts_where_windows_are_scaled(wires: Wires) -> None:
    """RFC 5681, 3.2; a window is compared as it is meant, not as it is written (RFC 7323, 2.3)."""
    wire = client(wires, Options(mss=100, wscale=2), prompt(mss=100))
    wire.arrives(ack(1, 1, window=1_000))
    wire.send(bytes(1_000))

    answers = [wire.arrives(ack(1, 1, window=1_000)) for _ in range(3)]
    assert [seg.seq for seg in answers[2]][:1] == [1]
    assert [event.cause for _, event in wire.seen(Retransmitted)] == ["fast"]


def test_after_a_close_there_is_no_room_to_tell_of(wires: Wires) -> None:
    """3.10.4: no more can be sent, so that nobody waits for space."""
    wire = wires.client(prompt(mss=4), mss=4)
    wire.send(b"abcdefgh")
    wire.close()
    wire.heard()

    wire.arrives(ack(1, 5))
    assert [event for event in wire.heard() if isinstance(event, Writable)] == []


def test_a_call_on_an_earlier_connection_of_the_same_ports_is_refused_as_such(wires: Wires) -> None:
    wire = wires.client()
    first = wire.connection
    wire.arrives(rst(1))
    wire.open(local_port=first.local_port)
    wire.arrives(syn_ack())
    wire.close()
    wire.arrives(fin(1, 2))

    assert wire.state is State.TIME_WAIT
    with pytest.raises(InvalidCall, match="there is no such connection"):
        wire.call(Close(first))
    with pytest.raises(InvalidCall, match="in TIME_WAIT"):
        wire.call(Close(wire.connection))


@pytest.mark.parametrize("after", [0.0, 5.0])
def test_a_user_timeout_counts_from_the_moment_it_is_set(wires: Wires, after: float) -> None:
    """RFC 5482: what is unacknowledged already is bounded too."""
    wire = wires.client()
    wire.send(b"a", 1.0)

    wire.at(1.0 + after)
    wire.call(Configure(wire.connection, user_timeout=10 * SECOND))
    wire.run(10.9 + after)
    assert wire.state is State.ESTABLISHED
    wire.run(11.0 + after)
    assert wire.state is State.CLOSED


def test_a_retransmission_stays_due_when_patience_is_changed(wires: Wires) -> None:
    wire = wires.client()
    wire.send(b"a", 1.0)
    wire.sent()
    due = wire.host.deadline()

    wire.call(Configure(wire.connection, user_timeout=300 * SECOND))
    assert wire.host.deadline() == due


def test_whoever_shook_hands_by_cookie_without_ecn_has_none(wires: Wires) -> None:
    """RFC 3168, 6.1.1: both have to ask for it."""
    wire = wires(prompt(ecn=True, syn_cookies="always"))
    wire.listen()
    [answer] = wire.arrives(replace(syn(), options=EVERYTHING))
    [tsval, _] = wire.last.options.timestamps or (0, 0)
    wire.arrives(stamped(Seg("A", 1, answer.seq + 1), 1_001, tsval))

    assert wire.state is State.ESTABLISHED
    wire.send(b"a")
    assert [packet.ecn for packet in wire.packets] == [0] * len(wire.packets)


def test_a_bare_ack_is_not_acknowledged_though_there_is_a_hole(wires: Wires) -> None:
    """3.8.6.3: an ACK answers what takes sequence space; else two ends would acknowledge each other for ever."""
    wire = wires.client(prompt())
    wire.arrives(data(5, 1, b"efg"))

    assert wire.arrives(ack(1, 1)) == []
    assert wire.arrives(data(1, 1, b"abcd")) == [ack(1, 8)]


def test_what_has_come_in_part_is_reported_at_once(wires: Wires) -> None:
    """RFC 2883, 4: the octets that came twice, up to what is new."""
    wire = client(wires, SACK, TcpConfig())
    wire.arrives(data(1, 1, b"abcd"))
    wire.run(wire.now + 1.0)

    assert wire.arrives(data(3, 1, b"cdef")) == [ack(1, 7)]
    assert blocks(wire) == [(3, 5)]


@pytest.mark.parametrize("extra", ["", "A"])
def test_a_syn_is_as_unacceptable_as_anything_else_where_the_window_is_closed(wires: Wires, extra: str) -> None:
    """3.10.7.4, first: with RCV.WND = 0 nothing that takes sequence space is acceptable."""
    wire = wires.client(SMALL)
    wire.arrives(data(1, 1, bytes(100)))

    assert wire.arrives(Seg("S" + extra, 101, 1 if extra else None)) == [ack(1, 101)]
    assert ignored(wire).reason is Ignored.UNACCEPTABLE_SEQUENCE


@pytest.mark.parametrize("segments", [1, 2, 4])
def test_the_initial_window_is_what_was_set(wires: Wires, segments: int) -> None:
    """RFC 6928: so many segments, and no more than 10."""
    wire = wires.client(prompt(mss=100, initial_window=segments), mss=100)

    assert wire.status.cwnd == 100 * segments


def test_after_a_lost_syn_the_window_is_one_segment(wires: Wires) -> None:
    """RFC 5681, 3.1: the loss of the SYN is a sign of congestion."""
    wire = wires(prompt(mss=100))
    wire.open()
    wire.run(1.5)
    wire.arrives(syn_ack(mss=100))

    assert wire.status.cwnd == 100
