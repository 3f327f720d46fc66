"""TIME_WAIT: 240 s, and what happens to whatever still arrives (RFC 9293, 3.6.1, MUST-13; RFC 1337)."""

import gc
import tracemalloc

import pytest

from tcplab.tcp.app import Close, Closed, PeerClosed, Readable, Receive
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Ignored, SegmentIgnored, StateChanged, TimeWaitEnded, TimeWaitRestarted
from tcplab.tcp.states import Cause, State
from tcplab.units import SECOND
from tests.support.states import ISNS, Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt, rst, rst_ack, syn, syn_ack


def waiting(wires: Wires, config: TcpConfig | None = None) -> Wire:
    """Return a connection that enters TIME_WAIT at 0; SND.NXT is 2 and RCV.NXT is 2."""
    return wires.reach(State.TIME_WAIT, config)


def ignored(wire: Wire) -> list[Ignored]:
    return [event.reason for _, event in wire.seen(SegmentIgnored)]


def ended(wire: Wire) -> list[tuple[float, str, float]]:
    return [(time, event.reason, event.duration / SECOND) for time, event in wire.seen(TimeWaitEnded)]


@pytest.mark.rfc("MUST-13")
def test_it_lasts_two_minutes_twice(wires: Wires) -> None:
    """MUST-13."""
    wire = waiting(wires)

    assert wire.host.deadline() == 240 * SECOND, "it must sleep, not poll"
    assert wire.run(239.999_999_999) == []
    assert wire.state is State.TIME_WAIT
    assert wire.host.ports_in_use() == 1
    assert wire.run(240.0) == []

    assert wire.state is State.CLOSED
    assert wire.host.ports_in_use() == 0
    assert wire.host.deadline() is None
    assert ended(wire) == [(240.0, "expired", 240.0)]
    [(time, last)] = wire.seen(StateChanged)[-1:]
    assert (time, last.old, last.new, last.cause) == (240.0, State.TIME_WAIT, State.CLOSED, Cause.TIME_WAIT_EXPIRED)


def test_it_lasts_twice_the_msl_that_is_set(wires: Wires) -> None:
    wire = waiting(wires, prompt(msl=5 * SECOND))

    wire.run(100.0)
    assert ended(wire) == [(10.0, "expired", 10.0)]


@pytest.mark.rfc("MUST-13")
def test_a_fin_that_comes_again_is_acknowledged_and_restarts_it(wires: Wires) -> None:
    wire = waiting(wires)

    assert wire.arrives(fin(1, 2), 100.0) == [ack(2, 2)]
    assert [time for time, _ in wire.seen(TimeWaitRestarted)] == [100.0]
    wire.run(339.9)
    assert wire.state is State.TIME_WAIT
    assert wire.arrives(fin(1, 2), 339.9) == [ack(2, 2)]
    wire.run(579.8)
    assert wire.state is State.TIME_WAIT
    wire.run(579.9)

    assert ended(wire) == [(579.9, "expired", 579.9)]


def test_a_fin_that_comes_again_with_its_data_restarts_it_too(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_2)
    wire.arrives(fin(1, 2, b"bye"), 0.0)

    assert wire.arrives(fin(1, 2, b"bye"), 100.0) == [ack(2, 5)]
    assert wire.arrives(fin(3, 2, b"e"), 200.0) == [ack(2, 5)]
    wire.run(439.9)
    assert wire.state is State.TIME_WAIT


@pytest.mark.rfc("MUST-13")
@pytest.mark.parametrize(
    "seg",
    [
        data(1, 2, b""),
        data(0, 2, b"x"),
        ack(1, 2),
        ack(2, 2),
        ack(2, 1),
        data(2, 2, b"x"),
        fin(2, 2),
        fin(0, 2),
        fin(3, 2),
        rst(2),
        rst_ack(2, 2),
        rst(100),
        syn(0),
        syn(2),
        syn(100_000),
        syn_ack(0, 1),
        Seg("F", 5),
        Seg("FR", 1, None),
        Seg("FS", 0, None),
    ],
    ids=str,
)
def test_nothing_else_restarts_or_ends_it(wires: Wires, seg: Seg) -> None:
    wire = waiting(wires)

    wire.arrives(seg, 100.0)

    assert wire.seen(TimeWaitRestarted) == []
    wire.run(239.9)
    assert wire.state is State.TIME_WAIT
    wire.run(240.0)
    assert wire.state is State.CLOSED


@pytest.mark.rfc("RFC1337-F1")
def test_a_reset_is_ignored(wires: Wires) -> None:
    """RFC 1337, fix F1."""
    wire = waiting(wires)

    for seg in (rst(2), rst_ack(2, 2), rst(1), rst(3)):
        assert wire.arrives(seg, 1.0) == []
    assert ignored(wire) == [Ignored.RESET_IN_TIME_WAIT] * 4


@pytest.mark.parametrize(
    ("seg", "reason"),
    [
        (data(1, 2, b"x"), Ignored.UNACCEPTABLE_SEQUENCE),
        (ack(1, 2), Ignored.UNACCEPTABLE_SEQUENCE),
        (syn(0), Ignored.UNACCEPTABLE_SEQUENCE),
        (syn(2), Ignored.SYN_IN_WINDOW),
        (syn(2 + 100_000), Ignored.UNACCEPTABLE_SEQUENCE),
        (syn_ack(0, 1), Ignored.UNACCEPTABLE_SEQUENCE),
        (ack(2, 3), Ignored.UNACCEPTABLE_ACK),
    ],
    ids=str,
)
def test_what_is_unacceptable_is_acknowledged(wires: Wires, seg: Seg, reason: Ignored) -> None:
    """RFC 9293, 3.10.7.4: an old duplicate learns that it is late."""
    wire = waiting(wires)

    assert wire.arrives(seg, 1.0) == [ack(2, 2)]
    assert ignored(wire) == [reason]
    assert wire.heard() == []


@pytest.mark.rfc("RFC1337-H2")
@pytest.mark.parametrize(
    ("seg", "reason"),
    [
        (ack(2, 2), Ignored.OLD_ACK),
        (ack(2, 1), Ignored.OLD_ACK),
        (data(2, 2, b"x"), Ignored.AFTER_FIN),
        (Seg("", 2, None, b"x"), Ignored.NO_ACK),
    ],
    ids=str,
)
def test_what_is_acceptable_is_not_acknowledged(wires: Wires, seg: Seg, reason: Ignored) -> None:
    """Two ends in TIME_WAIT must not answer each other for ever (RFC 1337, hazard H2)."""
    wire = waiting(wires)

    assert wire.arrives(seg, 1.0) == []
    assert ignored(wire) == [reason]


def test_a_closed_window_does_not_make_the_peer_unacceptable(wires: Wires) -> None:
    """The FIN took the last number of the window, and what is unread keeps it closed."""
    wire = wires.reach(State.FIN_WAIT_2, prompt(receive_buffer=5))
    assert wire.arrives(fin(1, 2, b"abcd")) == [ack(2, 6)]
    assert wire.last.window == 0

    assert wire.arrives(ack(6, 2), 1.0) == []
    assert ignored(wire) == [Ignored.OLD_ACK]


@pytest.mark.rfc("RFC1337-H1")
def test_a_late_duplicate_is_not_taken_for_the_next_connections_data(wires: Wires) -> None:
    """RFC 1337, hazard H1."""
    wire = wires.client()
    wire.arrives(data(1, 1, b"old"))
    wire.close()
    wire.arrives(fin(4, 2))
    assert wire.state is State.TIME_WAIT
    wire.receive()
    wire.heard()

    assert wire.arrives(data(1, 2, b"old"), 60.0) == [ack(2, 5)]
    assert wire.heard() == []


@pytest.mark.rfc("MUST-13")
def test_after_a_simultaneous_close_it_lasts_as_long(wires: Wires) -> None:
    wire = wires.reach(State.CLOSING)

    wire.arrives(ack(2, 2), 10.0)
    assert wire.arrives(fin(1, 2), 20.0) == [ack(2, 2)]
    wire.run(300.0)
    assert ended(wire) == [(260.0, "expired", 250.0)]


def test_the_four_tuple_is_taken_as_long_as_it_lasts(wires: Wires) -> None:
    wire = wires(prompt(first_port=50_000, last_port=50_000))
    wire.local_port = 50_000
    wire.open(0.0)
    wire.arrives(syn_ack())
    wire.close()
    wire.arrives(fin(1, 2), 1.0)
    wire.heard()

    assert wire.open(240.9) == []
    assert [type(event).__name__ for event in wire.heard()] == ["OpenFailed"]
    assert wire.open(241.0) == [syn()]


def test_a_listener_takes_the_same_four_tuple_afterwards(wires: Wires) -> None:
    wire = wires.server()
    wire.close(0.0)
    wire.arrives(fin(1, 2), 0.0)
    assert wire.state is State.TIME_WAIT

    assert wire.arrives(syn(1_000_000), 239.0) == [ack(2, 2)]
    assert wire.arrives(syn(1_000_000), 240.0) == [syn_ack(0, 1_000_001)]


def test_the_application_hears_of_the_end_at_its_beginning(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_2)

    wire.arrives(fin(1, 2, b"x"))
    assert wire.heard() == [Readable(wire.connection, 1), PeerClosed(wire.connection), Closed(wire.connection)]
    wire.run(1_000.0)
    assert wire.heard() == []


def test_many_end_each_in_its_turn(wires: Wires) -> None:
    """The queue of TIME_WAITs is in order of expiry, whoever was restarted in between."""
    wire = wires()
    wire.listen()
    for n in range(5):
        wire.arrives(syn(), float(n), peer_port=1_000 + n)
        wire.arrives(ack(1, 1), peer_port=1_000 + n)
    for n, status in enumerate(wire.statuses):
        wire.call(Close(status.connection), 10.0 + n)
        wire.arrives(fin(1, 2), peer_port=1_000 + n)
    wire.arrives(fin(1, 2), 50.0, peer_port=1_001)
    wire.arrives(fin(1, 2), 60.0, peer_port=1_000)
    wire.run(1_000.0)

    assert [(time, event.connection.remote_port) for time, event in wire.seen(TimeWaitEnded)] == [
        (252.0, 1_002),
        (253.0, 1_003),
        (254.0, 1_004),
        (290.0, 1_001),
        (300.0, 1_000),
    ]


def test_an_entry_is_small() -> None:
    """Design: a record of a few hundred octets. A connection with its buffers is many times that."""
    wire = Wires(ISNS["plain"])()
    wire.listen()
    gc.collect()
    tracemalloc.start()
    try:
        for port in range(1, 1_001):
            wire.arrives(syn(), peer_port=port)
            wire.arrives(data(1, 1, bytes(1_000)), peer_port=port)
        for status in wire.statuses:
            wire.call(Receive(status.connection))
            wire.call(Close(status.connection))
        live = tracemalloc.get_traced_memory()[0]
        for port in range(1, 1_001):
            wire.arrives(fin(1_001, 2), peer_port=port)
        wire.run(60.0)
        for kept in (wire.packets, wire.events, wire.app.heard):
            kept.clear()
        gc.collect()
        waiting = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert wire.host.deadline() is not None
    assert {status.state for status in wire.statuses} == {State.TIME_WAIT}
    assert waiting / 1_000 <= 400
    assert waiting < live / 3
