"""The two queues of a listener: half-open connections, and open ones that wait to be accepted (RFC 4987, 2 and 3)."""

from dataclasses import replace

import pytest

from tcplab.tcp.app import (
    Accept,
    Acceptable,
    Closed,
    Failed,
    InvalidCall,
    Listen,
    Opened,
    PeerClosed,
    Readable,
    Unlisten,
)
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionFailed, ConnectionOpened, Failure, Ignored, ListenDropped, SegmentIgnored
from tcplab.tcp.states import State
from tcplab.units import SECOND
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, SERVICE, Wire, ack, data, fin, prompt, rst, syn, syn_ack

OFF = prompt(syn_cookies="off")


def listening(wires: Wires, config: TcpConfig = OFF, *, backlog: int = 8) -> Wire:
    wire = wires(config)
    wire.local_port, wire.peer_port = SERVICE, CLIENT_PORT
    wire.call(Listen(SERVICE, backlog, manual=True))
    wire.heard()
    return wire


def opens(wire: Wire, *ports: int) -> None:
    """Let a connection be opened from each of the ports."""
    for port in ports:
        assert wire.arrives(syn(), peer_port=port) == [syn_ack()]
        wire.arrives(ack(1, 1), peer_port=port)


def crowded(wires: Wires, config: TcpConfig = OFF) -> Wire:
    """Return a listener where two wait to be accepted, its backlog, and a third, from port 3, is half open."""
    wire = listening(wires, config, backlog=2)
    for port in (1, 2):
        wire.arrives(syn(), peer_port=port)
    wire.arrives(ack(1, 1), peer_port=1)
    wire.arrives(syn(), peer_port=3)
    wire.arrives(ack(1, 1), peer_port=2)
    return wire


def states(wire: Wire) -> dict[int, State]:
    return {status.connection.remote_port: status.state for status in wire.statuses}


def drops(wire: Wire) -> list[str]:
    return [event.reason for _, event in wire.seen(ListenDropped)]


# --- accepting ---------------------------------------------------------------------------------------------------


def test_to_accept_where_nobody_waits_does_nothing(wires: Wires) -> None:
    wire = listening(wires)

    assert wire.call(Accept(SERVICE)) == []
    assert wire.heard() == []
    opens(wire, 1)
    assert wire.heard() == [Acceptable(SERVICE, 1)]


def test_to_accept_where_nobody_listens_is_a_mistake(wires: Wires) -> None:
    wire = listening(wires)

    with pytest.raises(InvalidCall, match="accept on port 81: nobody listens there"):
        wire.call(Accept(81))


def test_observers_see_a_connection_open_before_it_is_accepted(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, 1)

    assert [event.connection.remote_port for _, event in wire.seen(ConnectionOpened)] == [1]
    assert states(wire) == {1: State.ESTABLISHED}


def test_what_comes_after_the_acceptance_is_told_as_it_comes(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, 1)
    wire.call(Accept(SERVICE))
    name = wire.connection
    wire.heard()

    wire.arrives(data(1, 1, b"hello"), peer_port=1)
    wire.arrives(fin(6, 1), peer_port=1)

    assert wire.heard() == [Readable(name, 5), PeerClosed(name)]


def test_several_segments_before_are_told_as_one(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, 1)
    wire.arrives(data(1, 1, b"hel"), peer_port=1)
    wire.arrives(data(4, 1, b"lo"), peer_port=1)
    name = wire.connection
    wire.heard()

    wire.call(Accept(SERVICE))

    assert wire.heard() == [Opened(name, wire.host.config.send_buffer, None), Readable(name, 5)]


def test_a_fin_beyond_a_hole_is_not_told(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, 1)
    wire.arrives(fin(6, 1), peer_port=1)
    wire.heard()

    wire.call(Accept(SERVICE))
    assert [type(event) for event in wire.heard()] == [Opened]
    wire.arrives(data(1, 1, b"hello"), peer_port=1)
    assert [type(event) for event in wire.heard()] == [Readable, PeerClosed]


def test_the_window_closes_before_a_connection_that_nobody_accepts(wires: Wires) -> None:
    wire = listening(wires, replace(OFF, receive_buffer=1_000))
    opens(wire, CLIENT_PORT)

    wire.arrives(data(1, 1, bytes(1_000)))
    assert wire.last.window == 0
    wire.call(Accept(SERVICE))
    assert wire.receive() == bytes(1_000)
    assert wire.last.window == 1_000


def test_a_connection_that_was_closed_before_can_be_used_to_answer(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, CLIENT_PORT)
    wire.arrives(fin(1, 1))
    wire.call(Accept(SERVICE))

    assert wire.send(b"bye") == [data(1, 2, b"bye")]
    assert wire.close() == [fin(4, 2)]
    wire.arrives(ack(2, 5))
    assert isinstance(wire.heard()[-1], Closed)


# --- the accept queue is full ------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC4987-2.2")
def test_a_connection_that_finds_no_room_stays_half_open_until_there_is(wires: Wires) -> None:
    wire = crowded(wires)

    assert wire.arrives(ack(1, 1), 0.0, peer_port=3) == []
    assert wire.arrives(data(1, 1, b"hello"), 0.0, peer_port=3) == []
    assert drops(wire) == ["accept_queue_full"] * 2
    assert [event.reason for _, event in wire.seen(SegmentIgnored)] == [Ignored.BACKLOG_FULL] * 2
    assert states(wire)[3] is State.SYN_RECEIVED

    assert wire.run(1.0) == [(1.0, syn_ack())]
    wire.call(Accept(SERVICE), 1.0)
    wire.arrives(data(1, 1, b"hello"), 1.0, peer_port=3)
    assert states(wire)[3] is State.ESTABLISHED


def test_a_reset_ends_a_half_open_connection_though_the_accept_queue_is_full(wires: Wires) -> None:
    wire = crowded(wires)

    wire.arrives(rst(1), peer_port=3)

    assert states(wire) == {1: State.ESTABLISHED, 2: State.ESTABLISHED}


def test_a_syn_that_comes_again_is_answered_though_the_accept_queue_is_full(wires: Wires) -> None:
    wire = crowded(wires)

    assert wire.arrives(syn(), peer_port=3) == [ack(1, 1)]


def test_what_nobody_accepts_is_given_up_by_the_one_that_waits_half_open(wires: Wires) -> None:
    wire = crowded(wires, replace(OFF, r2_syn=10 * SECOND))
    wire.heard()

    wire.run(10.0)

    assert [event.reason for _, event in wire.seen(ConnectionFailed)] == [Failure.TIMEOUT]
    assert set(states(wire)) == {1, 2}
    assert wire.heard() == [], "nobody had heard of it"


# --- ends before it was accepted ---------------------------------------------------------------------------------


def test_one_that_failed_before_is_not_told(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, 1, 2)
    wire.heard()

    wire.arrives(rst(1), peer_port=1)
    assert wire.heard() == []
    opens(wire, 3)
    assert wire.heard() == [Acceptable(SERVICE, 2)]


@pytest.mark.rfc("MUST-12")
def test_one_that_fails_after_is_told(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, 1)
    wire.call(Accept(SERVICE))
    name = wire.connection
    wire.heard()

    wire.arrives(rst(1), peer_port=1)

    assert wire.heard() == [Failed(name, Failure.RESET)]


def test_to_listen_no_more_resets_those_who_wait_and_no_others(wires: Wires) -> None:
    wire = listening(wires)
    opens(wire, 1, 2, 3)
    wire.arrives(fin(1, 1), peer_port=3)
    wire.call(Accept(SERVICE))
    wire.heard()

    assert wire.call(Unlisten(SERVICE)) == [rst(1), rst(1)]

    assert [packet.segment.dport for packet in wire.packets[-2:]] == [2, 3]
    assert states(wire) == {1: State.ESTABLISHED}
    assert wire.heard() == []


def test_to_listen_no_more_resets_those_who_would_have_waited(wires: Wires) -> None:
    """Once open they would wait for ever: nobody can accept them."""
    wire = listening(wires)
    for port in (1, 2):
        assert wire.arrives(syn(), peer_port=port) == [syn_ack()]

    assert wire.call(Unlisten(SERVICE)) == [rst(1), rst(1)]

    assert [packet.segment.dport for packet in wire.packets[-2:]] == [1, 2]
    assert wire.statuses == []
    assert wire.arrives(ack(1, 1), peer_port=1) == [rst(1)]
    assert wire.heard() == []
