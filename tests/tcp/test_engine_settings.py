"""Settings of one connection: on its OPEN, on its listener, and while it lasts; the user timeout (RFC 5482)."""

from dataclasses import replace
from typing import Any

import pytest

from tcplab.tcp.app import Configure, Failed, InvalidCall, Listen, Open, Opened, OpenFailed
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionFailed, Failure, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.units import MILLISECOND, MINUTE, SECOND, Duration
from tcplab.wire.segment import UserTimeout
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, PEER, SERVICE, Wire, ack, data, prompt, syn, syn_ack

TEN_SECONDS = 10 * SECOND
IMPATIENT = prompt(user_timeout=TEN_SECONDS)
SETTINGS = [
    TcpConfig(mss=500, receive_buffer=3_000, send_buffer=777, window_scaling=False),
    TcpConfig(mss=1_000, receive_buffer=200_000, timestamps=False, sack=False),
    TcpConfig(ecn=True),
]


# --- settings of its own -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", SETTINGS)
def test_an_open_may_bring_settings_along(wires: Wires, config: TcpConfig) -> None:
    own, plain = wires(), wires(config)
    own.call(Open(PEER, SERVICE, config=config))
    plain.call(Open(PEER, SERVICE))

    for wire in (own, plain):
        wire.arrives(syn_ack())
        wire.send(bytes(700))
    assert [packet.segment for packet in own.packets] == [packet.segment for packet in plain.packets]
    assert own.status == plain.status
    assert own.heard() == plain.heard()


@pytest.mark.parametrize("config", SETTINGS)
def test_a_listener_may_bring_settings_along(wires: Wires, config: TcpConfig) -> None:
    own, plain = wires(), wires(config)
    own.call(Listen(SERVICE, config=config))
    plain.call(Listen(SERVICE))

    for wire in (own, plain):
        wire.local_port, wire.peer_port = SERVICE, CLIENT_PORT
        wire.arrives(syn())
        wire.arrives(ack(1, 1))
        wire.send(bytes(700))
    assert [packet.segment for packet in own.packets] == [packet.segment for packet in plain.packets]
    assert own.status == plain.status


def test_the_others_go_by_the_hosts_settings(wires: Wires) -> None:
    wire = wires(prompt(mss=1_000))

    wire.call(Open(PEER, SERVICE, config=prompt(mss=500)))
    wire.call(Open(PEER, SERVICE))

    assert [packet.segment.options.mss for packet in wire.packets] == [500, 1_000]


def test_the_space_told_is_that_of_the_settings_brought_along(wires: Wires) -> None:
    wire = wires()
    wire.call(Open(PEER, SERVICE, 3, config=prompt(send_buffer=777)))
    wire.arrives(syn_ack())

    assert wire.heard() == [Opened(wire.connection, 777, 3)]
    with pytest.raises(InvalidCall, match="778 octets exceed the space of 777"):
        wire.send(bytes(778))


# --- settings that change ----------------------------------------------------------------------------------------


def test_what_is_not_named_stays(wires: Wires) -> None:
    wire = wires.client(replace(IMPATIENT, keep_alive=True, keep_alive_idle=20 * SECOND))
    name = wire.connection

    assert wire.call(Configure(name), 1.0) == []

    assert wire.run(20.0) == [(20.0, ack(0, 1))]
    assert [len(seg.data) for seg in wire.send(b"a") + wire.send(b"b")] == [1, 1]
    wire.run(30.0)
    assert wire.heard() == [Failed(name, Failure.USER_TIMEOUT)]


def test_nagle_can_be_switched_on_again(wires: Wires) -> None:
    wire = wires.client(prompt())
    wire.call(Configure(wire.connection, no_delay=False))

    assert wire.send(b"a") == [data(1, 1, b"a")]
    assert wire.send(b"b") == []
    assert wire.arrives(ack(1, 2)) == [data(2, 1, b"b")]


def test_keep_alives_that_are_switched_on_before_the_handshake_begin_with_it(wires: Wires) -> None:
    wire = wires(prompt(keep_alive_idle=TEN_SECONDS))
    wire.open(0.0)
    wire.call(Configure(wire.connection, keep_alive=True))

    wire.arrives(syn_ack(), 0.5)

    assert wire.run(11.0) == [(10.5, ack(0, 1))]


@pytest.mark.parametrize("call", [{"no_delay": True}, {"keep_alive": True}, {"user_timeout": TEN_SECONDS}])
def test_there_is_nothing_to_change_of_a_connection_that_is_gone(wires: Wires, call: dict[str, Any]) -> None:
    wire = wires.client()
    name = wire.connection
    wire.abort()

    with pytest.raises(InvalidCall, match="there is no such connection"):
        wire.call(Configure(name, **call))


def test_switching_nagle_off_where_nothing_can_be_sent_sends_nothing(wires: Wires) -> None:
    for state in (State.SYN_SENT, State.FIN_WAIT_2, State.CLOSE_WAIT):
        wire = wires.reach(state)

        assert wire.call(Configure(wire.connection, no_delay=True)) == []


# --- the user timeout --------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC5482-3")
@pytest.mark.parametrize(
    ("timeout", "told"),
    [
        (1 * MILLISECOND, UserTimeout(1, "s")),
        (10 * SECOND, UserTimeout(10, "s")),
        (10 * SECOND + 1, UserTimeout(11, "s")),
        (32_767 * SECOND, UserTimeout(32_767, "s")),
        (32_768 * SECOND, UserTimeout(547, "min")),
        (40_000 * MINUTE, UserTimeout(32_767, "min")),
    ],
)
def test_a_syn_tells_the_user_timeout(wires: Wires, timeout: int, told: UserTimeout) -> None:
    wire = wires(prompt(user_timeout=Duration(timeout)))

    wire.open()

    assert wire.last.options.user_timeout == told


def test_without_one_none_is_told(wires: Wires) -> None:
    wire = wires()

    wire.open()

    assert wire.last.options.user_timeout is None


@pytest.mark.parametrize("told", [UserTimeout(1, "s"), UserTimeout(0, "s"), UserTimeout(32_767, "min")])
def test_what_the_peer_tells_changes_nothing(wires: Wires, told: UserTimeout) -> None:
    """RFC 5482, 3.1: CHANGEABLE is false, as an application that set its timeout has it."""
    wire = wires(IMPATIENT)
    wire.open(0.0)
    seg = syn_ack()
    wire.arrives(replace(seg, options=replace(seg.options, user_timeout=told)), 0.0)
    wire.send(b"x", 1.0)

    wire.run(10.999)
    assert wire.state is State.ESTABLISHED
    wire.run(11.0)
    assert wire.state is State.CLOSED


@pytest.mark.rfc("MUST-21")
def test_data_that_are_not_acknowledged_in_time_end_the_connection(wires: Wires) -> None:
    wire = wires.client(IMPATIENT)
    name = wire.connection
    wire.send(b"x", 5.0)

    assert wire.run(15.0) == [(at, data(1, 1, b"x")) for at in (6.0, 8.0, 12.0)]

    assert wire.heard() == [Failed(name, Failure.USER_TIMEOUT)]
    assert wire.seen(ConnectionFailed) == [(15.0, ConnectionFailed(name, Failure.USER_TIMEOUT))]
    assert wire.seen(StateChanged)[-1][1].cause is Cause.USER_TIMEOUT
    assert wire.host.deadline() is None


def test_progress_begins_the_time_anew(wires: Wires) -> None:
    wire = wires.client(IMPATIENT)
    wire.send(b"xy", 0.0)
    wire.arrives(ack(1, 2), 9.0)

    wire.run(18.999)
    assert wire.state is State.ESTABLISHED
    wire.run(19.0)
    assert wire.state is State.CLOSED


def test_an_idle_connection_has_no_timeout(wires: Wires) -> None:
    wire = wires.client(IMPATIENT)

    assert wire.run(10_000.0) == []
    assert wire.state is State.ESTABLISHED


@pytest.mark.rfc("MUST-22")
def test_a_syn_that_is_not_answered_in_time_ends_the_attempt(wires: Wires) -> None:
    wire = wires(IMPATIENT)
    wire.open(0.0)
    wire.heard()

    wire.run(9.999)
    assert wire.state is State.SYN_SENT
    wire.run(10.0)

    assert wire.heard() == [OpenFailed(7, Failure.USER_TIMEOUT)]


def test_a_closed_window_does_not_run_into_it_while_the_peer_answers(wires: Wires) -> None:
    """MUST-36: a peer that answers may keep its window closed for as long as it likes."""
    wire = wires.client(prompt(user_timeout=90 * SECOND), window=0)
    wire.send(b"x", 0.0)

    for minute in range(1, 11):
        for at, _ in wire.run(60.0 * minute):
            wire.arrives(ack(1, 1, window=0), max(at, wire.now))

    assert wire.state is State.ESTABLISHED


@pytest.mark.rfc("MUST-21")
def test_it_can_be_set_while_data_are_on_their_way(wires: Wires) -> None:
    wire = wires.client(prompt())
    name = wire.connection
    wire.send(b"x", 0.0)
    wire.call(Configure(name, user_timeout=TEN_SECONDS), 2.5)

    wire.run(12.499)
    assert wire.state is State.ESTABLISHED
    wire.run(12.5)

    assert wire.heard() == [Failed(name, Failure.USER_TIMEOUT)]


def test_it_can_be_set_while_nothing_is(wires: Wires) -> None:
    wire = wires.client(prompt())
    wire.call(Configure(wire.connection, user_timeout=TEN_SECONDS), 2.0)
    wire.run(50.0)
    wire.send(b"x", 50.0)

    wire.run(59.999)
    assert wire.state is State.ESTABLISHED
    wire.run(60.0)
    assert wire.state is State.CLOSED


def test_it_may_be_longer_than_r2(wires: Wires) -> None:
    wire = wires.client(prompt(user_timeout=60 * MINUTE))
    wire.send(b"x", 0.0)

    wire.run(3_599.0)
    assert wire.state is State.ESTABLISHED
    wire.run(3_600.0)
    assert wire.state is State.CLOSED


def windows_of(wire: Wire) -> list[int]:
    return [packet.segment.window for packet in wire.packets]


def test_a_smaller_buffer_of_its_own_is_what_is_told(wires: Wires) -> None:
    wire = wires(prompt(receive_buffer=50_000))
    wire.call(Open(PEER, SERVICE, config=prompt(receive_buffer=3_000)))
    wire.arrives(syn_ack())
    wire.arrives(data(1, 1, bytes(1_000)))

    assert windows_of(wire) == [3_000, 3_000, 2_000]


@pytest.mark.rfc("MUST-36", "MUST-37")
def test_a_closed_window_outlives_a_user_timeout_while_its_probes_are_answered(wires: Wires) -> None:
    """However far apart the probes lie by then; once one is not answered, the timeout counts from it."""
    wire = wires.client(IMPATIENT, window=0)
    wire.send(b"abc", 0.0)
    for at in (1.0, 3.0, 7.0, 15.0, 31.0):
        assert wire.run(at) == [(at, data(1, 1, b"a"))]
        wire.arrives(ack(1, 1, window=0), at)

    wire.run(72.9)
    assert wire.state is State.ESTABLISHED
    wire.run(73.0)
    assert wire.state is State.CLOSED
