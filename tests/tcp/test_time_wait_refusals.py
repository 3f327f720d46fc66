"""What TIME_WAIT refuses and why, as observers are told, and which of its entries go on when others are restarted."""

from dataclasses import replace

import pytest

from tcplab.node import Address
from tcplab.tcp.app import Open, OpenFailed
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, Ignored, SegmentIgnored, TimeWaitEnded
from tcplab.tcp.states import State
from tcplab.tcp.time_wait import Record, Records, policy
from tcplab.units import SECOND, Instant
from tcplab.wire.segment import ACK, Segment
from tcplab.wire.seq import SeqNumber, seq_add
from tests.support.options import EVERYTHING, client, echo, stamped
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, PEER, SERVICE, Seg, Wire, ack, data, fin, rst, syn, syn_ack

LINUX = TcpConfig(time_wait_policy="linux")
REUSE = TcpConfig(time_wait_reuse=True)


def waiting(wires: Wires, config: TcpConfig) -> Wire:
    """Return a client's connection that enters TIME_WAIT; SND.NXT is 2 and RCV.NXT is 2."""
    wire = wires.client(config)
    wire.close()
    wire.arrives(fin(1, 2))
    assert wire.state is State.TIME_WAIT
    return wire


@pytest.mark.parametrize(
    ("arrived", "reason"),
    [
        (ack(70_000, 2), Ignored.UNACCEPTABLE_SEQUENCE),
        (data(70_000, 2, b"x"), Ignored.UNACCEPTABLE_SEQUENCE),
        (data(1, 2, b"x"), Ignored.UNACCEPTABLE_SEQUENCE),
        (data(2, 2, b"x"), Ignored.AFTER_FIN),
        (Seg("", 2, None, b"x"), Ignored.NO_ACK),
        (rst(9), Ignored.RESET_IN_TIME_WAIT),
        (syn(9), Ignored.SYN_IN_WINDOW),
    ],
    ids=str,
)
def test_on_linux_observers_are_told_why(wires: Wires, arrived: Seg, reason: Ignored) -> None:
    wire = waiting(wires, LINUX)

    wire.arrives(arrived, 5.0)
    wire.arrives(arrived, 5.1)

    assert [(event.connection, event.reason) for _, event in wire.seen(SegmentIgnored)] == [
        (wire.connection, reason),
        (wire.connection, reason),
    ]


def test_on_linux_a_fin_that_comes_again_is_not_ignored(wires: Wires) -> None:
    wire = waiting(wires, LINUX)

    assert wire.arrives(fin(1, 2), 5.0) == [ack(2, 2)]
    assert wire.seen(SegmentIgnored) == []


def test_observers_are_told_which_connection_ignores(wires: Wires) -> None:
    wire = waiting(wires, TcpConfig())

    wire.arrives(rst(2))

    [(_, told)] = wire.seen(SegmentIgnored)
    assert (told.connection, told.reason) == (wire.connection, Ignored.RESET_IN_TIME_WAIT)


@pytest.mark.parametrize("flags", ["SA", "SF", "SFA"])
def test_only_a_syn_by_itself_takes_the_place_of_a_time_wait(wires: Wires, flags: str) -> None:
    """RFC 6191, 2, and 3.6.1, MAY-2: a SYN, and nothing that only has one too."""
    wire = wires.server(REUSE)
    wire.close()
    wire.arrives(fin(1, 2))

    wire.arrives(Seg(flags, 70_000, 2 if "A" in flags else None))

    assert wire.state is State.TIME_WAIT
    assert wire.seen(TimeWaitEnded) == []


@pytest.mark.parametrize("seq", [1, 2])
def test_a_newer_timestamp_is_echoed_from_then_on(wires: Wires, seq: int) -> None:
    """RFC 7323, 4.3: TS.Recent follows segments that begin no later than what was acknowledged last."""
    wire = client(wires)
    wire.close()
    wire.arrives(stamped(fin(1, 2), 1_001))
    assert wire.state is State.TIME_WAIT

    wire.arrives(stamped(ack(seq, 2), 1_005, 1_001))
    wire.arrives(stamped(fin(1, 2), 1_001))

    assert echo(wire) == 1_005


def test_an_open_takes_the_place_of_a_time_wait_only_after_a_second(wires: Wires) -> None:
    """Linux' tcp_tw_reuse_delay, counted from when TIME_WAIT began."""
    only = TcpConfig(time_wait_policy="linux", time_wait_reuse=True, first_port=CLIENT_PORT, last_port=CLIENT_PORT)
    wire = client(wires, EVERYTHING, only)
    wire.at(10.0)
    wire.close()
    wire.arrives(stamped(fin(1, 2), 1_005))
    assert wire.state is State.TIME_WAIT
    wire.heard()

    wire.call(Open(PEER, SERVICE), 11.0)
    assert [type(event) for event in wire.heard()] == [OpenFailed]
    wire.call(Open(PEER, SERVICE), 11.5)
    assert wire.state is State.SYN_SENT


# --- the next incarnation's ISN ------------------------------------------------------------------------------------

HERE, THERE = Address("10.0.1.1"), Address("10.0.2.1")


def record(port: int, entered: int, incarnation: int = 0) -> Record:
    name = ConnectionId(HERE, port, THERE, 80, incarnation)
    entered_at = Instant(entered * SECOND)
    return Record(name, SeqNumber(7), SeqNumber(9), 100, entered_at, entered_at + 240 * SECOND)


@pytest.mark.parametrize("isn", [2**32 - 1, 0, 2**31])
def test_an_isn_is_beyond_what_was_used(isn: int) -> None:
    """3.6.1, MAY-2: larger than the largest number of the connection before."""
    kept = replace(record(1, 0), snd_nxt=SeqNumber(isn))

    assert kept.isn_after(kept.snd_nxt) != kept.snd_nxt
    assert kept.isn_after(seq_add(kept.snd_nxt, 1)) == seq_add(kept.snd_nxt, 1)
    assert kept.isn_after(seq_add(kept.snd_nxt, -1)) == kept.isn_after(kept.snd_nxt)


# --- which go on -----------------------------------------------------------------------------------------------------


def again(kept: Record, at: int) -> Record:
    return replace(kept, expires=Instant((at + 240) * SECOND))


def ends(records: Records) -> list[tuple[int, int]]:
    """Return, in their order, when entries end, seconds, and their incarnation."""
    found = []
    while (deadline := records.deadline()) is not None:
        found += [(deadline // SECOND, name.incarnation) for name, _ in records.expired(deadline, 1)]
    return found


def test_the_same_ports_may_be_overtaken_several_times() -> None:
    """Twice TIME_WAIT is restarted, given up for a newer connection, and entered anew, before the first would end."""
    records = Records(HERE)
    for incarnation in range(3):
        kept = record(1, 10 * incarnation, incarnation)
        records.enter(kept)
        records.enter(record(2 + incarnation, 10 * incarnation + 1, 10 + incarnation))
        records.restart(again(kept, 10 * incarnation + 2))
        if incarnation < 2:
            records.remove(again(kept, 10 * incarnation + 2))

    assert ends(records) == [(241, 10), (251, 11), (261, 12), (262, 2)]


def test_one_that_is_removed_and_entered_again_ends_in_its_own_time() -> None:
    records = Records(HERE)
    records.enter(record(9, 0, 9))
    records.enter(record(1, 0, 0))
    records.remove(record(1, 0, 0))
    records.enter(record(1, 5, 1))
    records.remove(record(1, 5, 1))
    records.enter(record(1, 7, 2))
    records.enter(record(2, 8, 3))

    assert ends(records) == [(240, 9), (247, 2), (248, 3)]


def test_a_listener_with_reuse_answers_a_newer_syn_as_if_nothing_had_been(wires: Wires) -> None:
    wire = wires.server(REUSE)
    wire.close()
    wire.arrives(fin(1, 2))

    [answer] = wire.arrives(syn(70_000))

    assert (answer.flags, answer.ack) == ("SA", 70_001)
    assert wire.arrives(replace(syn_ack(), flags="A", seq=70_001, ack=answer.seq + 1)) == []
    assert [event.reason for _, event in wire.seen(TimeWaitEnded)] == ["reused"]


def test_others_open_while_a_newer_connection_takes_the_place_of_a_time_wait(wires: Wires) -> None:
    wire = wires.server(REUSE)
    wire.close()
    wire.arrives(fin(1, 2))
    wire.arrives(syn(70_000))

    other = CLIENT_PORT + 1
    [answer] = wire.arrives(syn(), peer_port=other)
    wire.arrives(ack(1, answer.seq + 1), peer_port=other)

    assert sorted(status.state.value for status in wire.statuses) == ["established", "syn_received"]


@pytest.mark.parametrize(("seq", "reason"), [(0, Ignored.OLD_ACK), (1, Ignored.UNACCEPTABLE_SEQUENCE)])
def test_beyond_a_closed_window_nothing_is_acceptable(seq: int, reason: Ignored) -> None:
    """3.10.7.4: with RCV.WND = 0 only SEG.SEQ = RCV.NXT is."""
    kept = replace(record(1, 0), rcv_wnd=0)
    rules = policy("rfc9293", 240 * SECOND)
    assert rules is not None

    bare = Segment(80, 1, seq_add(kept.rcv_nxt, seq), kept.snd_nxt, ACK, 100)
    assert rules.segment_arrives(kept, bare, Instant(SECOND), listening=False).ignored is reason
