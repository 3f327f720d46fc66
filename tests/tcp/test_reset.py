"""Resets, received and sent, in every state (RFC 9293, 3.5.2, 3.5.3; RFC 5961, section 3)."""

import pytest

from tcplab.tcp.app import Failed, InvalidCall, OpenFailed, Receive
from tcplab.tcp.events import (
    ConnectionFailed,
    ConnectionId,
    Failure,
    Ignored,
    ResetReason,
    ResetReceived,
    ResetSent,
    SegmentIgnored,
    StateChanged,
)
from tcplab.tcp.states import Cause, State
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, rst, rst_ack, syn, syn_ack

_S = State
SYNCHRONIZED = (_S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2, _S.CLOSE_WAIT, _S.CLOSING, _S.LAST_ACK)
RESET_ON_ABORT = (_S.SYN_RECEIVED, _S.ESTABLISHED, _S.FIN_WAIT_1, _S.FIN_WAIT_2, _S.CLOSE_WAIT)


def ignored(wire: Wire) -> list[Ignored]:
    return [event.reason for _, event in wire.seen(SegmentIgnored)]


def resets(wire: Wire) -> list[ResetReason]:
    return [event.reason for _, event in wire.seen(ResetSent)]


def end(wire: Wire) -> tuple[State, Cause]:
    event = wire.seen(StateChanged)[-1][1]
    return event.old, event.cause


def knows(wire: Wire, name: ConnectionId) -> bool:
    """Return whether the host still holds anything of a connection, as a call shows."""
    try:
        wire.call(Receive(name))
    except InvalidCall:
        return False
    return True


# --- received ----------------------------------------------------------------------------------------------------


@pytest.mark.rfc("MUST-12", "RFC5961-3.2")
@pytest.mark.parametrize("state", SYNCHRONIZED, ids=lambda state: state.value)
@pytest.mark.parametrize("with_ack", [False, True])
def test_an_exact_reset_ends_the_connection(wires: Wires, state: State, with_ack: bool) -> None:
    wire = wires.reach(state)
    name, seq = wire.connection, wire.rcv_nxt

    assert wire.arrives(rst_ack(seq, 1) if with_ack else rst(seq)) == []

    assert wire.state is State.CLOSED
    assert end(wire) == (state, Cause.RESET_ARRIVED)
    assert wire.heard() == [Failed(name, Failure.RESET)]
    assert [event for _, event in wire.seen(ResetReceived)] == [ResetReceived(name)]
    assert wire.host.deadline() is None


@pytest.mark.rfc("RFC5961-3.2")
@pytest.mark.parametrize("state", [*SYNCHRONIZED, State.SYN_RECEIVED], ids=lambda state: state.value)
def test_a_reset_elsewhere_in_the_window_is_challenged(wires: Wires, state: State) -> None:
    """RFC 5961, 3.2; SEG.SEQ = RCV.NXT + RCV.WND is outside (erratum 4845)."""
    wire = wires.reach(state)
    nxt, window = wire.rcv_nxt, wire.status.rcv_wnd

    assert wire.arrives(rst(nxt + 1), 1.0 / 8) == [ack(wire.snd_nxt, nxt)]
    assert wire.arrives(rst(nxt + window), 2.0 / 8) == []
    assert wire.arrives(rst(nxt - 1), 3.0 / 8) == []

    assert wire.state is state
    assert ignored(wire) == [
        Ignored.RESET_NOT_EXACT,
        Ignored.UNACCEPTABLE_SEQUENCE,
        Ignored.UNACCEPTABLE_SEQUENCE,
    ]


def test_a_reset_at_the_last_octet_of_the_window_is_inside(wires: Wires) -> None:
    wire = wires.client()

    assert wire.arrives(rst(wire.rcv_nxt + wire.status.rcv_wnd - 1)) == [ack(1, 1)]


@pytest.mark.rfc("MUST-66")
def test_a_reset_of_a_closed_window_is_taken(wires: Wires) -> None:
    """RFC 9293, 3.10.7.4: with RCV.WND = 0 resets are still processed."""
    wire = wires.client()
    for start in range(1, 65_536, 1_455):
        wire.arrives(data(start, 1, bytes(min(1_455, 65_536 - start))))
    assert wire.status.rcv_wnd == 0

    wire.arrives(rst(65_536))
    assert wire.state is State.CLOSED


@pytest.mark.rfc("MUST-11")
def test_a_reset_returns_a_passive_opener_to_listen(wires: Wires) -> None:
    wire = wires.reach(State.SYN_RECEIVED)

    assert wire.arrives(rst(1)) == []

    assert [event.cause for _, event in wire.seen(StateChanged)][-2:] == [Cause.RESET_OF_PASSIVE_OPEN, Cause.CLOSE_CALL]
    assert wire.heard() == []
    assert wire.arrives(syn()) == [syn_ack()]


@pytest.mark.rfc("MUST-11")
def test_a_reset_refuses_a_simultaneous_open(wires: Wires) -> None:
    """MUST-11: SYN_RECEIVED remembers where it came from."""
    wire = wires.reach(State.SYN_SENT)
    wire.arrives(syn())

    assert wire.arrives(rst(1)) == []

    assert wire.state is State.CLOSED
    assert end(wire) == (State.SYN_RECEIVED, Cause.RESET_ARRIVED)
    assert wire.heard() == [OpenFailed(7, Failure.REFUSED)]


def test_a_reset_in_syn_sent_needs_an_ack_of_the_syn(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    assert wire.arrives(rst(0)) == []
    assert wire.arrives(rst_ack(0, 0)) == []
    assert wire.arrives(rst_ack(0, 2)) == []
    assert wire.state is State.SYN_SENT
    wire.arrives(rst_ack(0, 1))
    assert wire.state is State.CLOSED


def test_a_reset_in_listen_is_ignored(wires: Wires) -> None:
    wire = wires.reach(State.LISTEN)

    assert wire.arrives(rst(0)) == []
    assert wire.arrives(rst_ack(0, 1)) == []
    assert ignored(wire) == [Ignored.RESET_FOR_STRANGER] * 2


def test_what_was_unread_is_flushed_by_a_reset(wires: Wires) -> None:
    """RFC 9293, 3.10.7.4: all segment queues should be flushed; nothing of a failed connection stays."""
    wire = wires.client()
    wire.arrives(data(1, 1, b"unread"))
    name = wire.connection
    wire.heard()

    wire.arrives(rst(7))

    assert wire.heard() == [Failed(name, Failure.RESET)]
    assert not knows(wire, name)


# --- sent --------------------------------------------------------------------------------------------------------


def test_a_stranger_with_an_ack_is_reset_at_his_ack(wires: Wires) -> None:
    """RFC 9293, 3.5.2, group 1: <SEQ=SEG.ACK><CTL=RST>."""
    wire = wires()

    assert wire.arrives(ack(10, 20)) == [rst(20)]
    assert wire.arrives(fin(10, 21)) == [rst(21)]
    assert wire.arrives(syn_ack(10, 22)) == [rst(22)]
    assert resets(wire) == [ResetReason.NO_CONNECTION] * 3


@pytest.mark.parametrize(
    ("seg", "length"),
    [(Seg("S", 10), 1), (Seg("S", 10, None, b"abc"), 4), (Seg("F", 10), 1), (Seg("FS", 10), 2), (Seg("", 10), 0)],
)
def test_a_stranger_without_an_ack_is_reset_behind_his_segment(wires: Wires, seg: Seg, length: int) -> None:
    """RFC 9293, 3.5.2, group 1: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>."""
    wire = wires()

    [answer] = wire.arrives(seg)

    assert (answer.flags, answer.ack) == ("RA", 10 + length)
    assert wire.last.seq == 0
    assert wire.last.window == 0


def test_a_strangers_reset_is_not_answered(wires: Wires) -> None:
    wire = wires()

    assert wire.arrives(rst(10)) == []
    assert wire.arrives(rst_ack(10, 20)) == []
    assert wire.arrives(Seg("FSRA", 10, 20)) == []
    assert ignored(wire) == [Ignored.RESET_FOR_STRANGER] * 3


@pytest.mark.parametrize("state", [*SYNCHRONIZED, State.SYN_SENT, State.SYN_RECEIVED], ids=lambda state: state.value)
def test_no_state_answers_a_reset_with_a_reset(wires: Wires, state: State) -> None:
    for offset in (-1, 0, 1, 1_000_000):
        wire = wires.reach(state)
        for seg in (rst(wire.rcv_nxt + offset), rst_ack(wire.rcv_nxt + offset, 1_000_000)):
            assert "R" not in "".join(answer.flags for answer in wire.arrives(seg))


# --- abort -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", RESET_ON_ABORT, ids=lambda state: state.value)
def test_an_abort_resets_where_the_peer_may_believe_in_the_connection(wires: Wires, state: State) -> None:
    wire = wires.reach(state)
    name, seq = wire.connection, wire.snd_nxt

    assert wire.abort(1.0 / 2) == [rst(seq)]

    assert wire.state is State.CLOSED
    assert end(wire) == (state, Cause.ABORT_CALL)
    assert resets(wire) == [ResetReason.ABORT]
    assert wire.heard() == ([] if state is State.SYN_RECEIVED else [Failed(name, Failure.ABORTED)])
    assert wire.run(1_000.0) == []


@pytest.mark.parametrize("state", [State.SYN_SENT, State.CLOSING, State.LAST_ACK], ids=lambda state: state.value)
def test_an_abort_is_silent_where_the_peer_has_closed_or_never_heard(wires: Wires, state: State) -> None:
    """RFC 9293, 3.10.5."""
    wire = wires.reach(state)

    assert wire.abort(1.0 / 2) == []

    assert wire.state is State.CLOSED
    assert end(wire) == (state, Cause.ABORT_CALL)
    assert wire.host.ports_in_use() == 0
    assert wire.host.deadline() is None


def test_an_abort_tells_why(wires: Wires) -> None:
    wire = wires.reach(State.SYN_SENT)

    wire.abort()

    assert wire.heard() == [OpenFailed(7, Failure.ABORTED)]
    assert [event.reason for _, event in wire.seen(ConnectionFailed)] == [Failure.ABORTED]


def test_an_abort_forgets_what_is_queued_and_unread(wires: Wires) -> None:
    wire = wires.client(window=0)
    wire.send(b"never sent")
    wire.arrives(data(1, 1, b"never read", window=0))
    name = wire.connection

    assert wire.abort() == [rst(1)]

    assert wire.run(1_000.0) == []
    assert not knows(wire, name)


@pytest.mark.rfc("MUST-13")
def test_an_abort_does_not_cut_time_wait_short(wires: Wires) -> None:
    """MUST-13, though 3.10.5 would allow it: what is unread is forgotten, and no more."""
    wire = wires.reach(State.FIN_WAIT_2)
    wire.arrives(fin(1, 2, b"never read"), 1.0)
    name = wire.connection

    assert wire.abort(2.0) == []

    assert not knows(wire, name)
    assert wire.state is State.TIME_WAIT
    wire.run(241.0)
    assert end(wire) == (State.TIME_WAIT, Cause.TIME_WAIT_EXPIRED)
    assert wire.seen(ConnectionFailed) == []
