"""Keep-alives (RFC 9293, 3.8.4): off unless asked for, idle connections alone, and patient."""

from dataclasses import replace

import pytest

from tcplab.tcp.app import Configure, Failed
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Failure
from tcplab.tcp.states import State
from tcplab.units import SECOND
from tests.support.states import Wires
from tests.support.tcp import ack, data, syn_ack

HOUR = 3_600.0
DAY = 24 * HOUR
ON = TcpConfig(keep_alive=True)
PROBE = ack(0, 1)  # SND.NXT-1, without data, on a connection that has sent nothing


@pytest.mark.rfc("MUST-25")
def test_keep_alives_are_off_unless_asked_for(wires: Wires) -> None:
    wire = wires.client(TcpConfig())

    assert wire.run(100 * DAY) == []
    assert wire.state is State.ESTABLISHED


@pytest.mark.rfc("MUST-28", "SHLD-12", "MAY-5")
def test_a_peer_that_is_silent_for_two_hours_is_asked(wires: Wires) -> None:
    wire = wires.client(ON)

    assert wire.run(2 * HOUR) == [(2 * HOUR, PROBE)]
    assert wire.arrives(ack(1, 1)) == []
    assert wire.run(4 * HOUR) == [(4 * HOUR, PROBE)]


@pytest.mark.rfc("MUST-27")
@pytest.mark.parametrize("idle", [1, 10, 86_400])
def test_the_silence_before_a_probe_can_be_set(wires: Wires, idle: int) -> None:
    wire = wires.client(replace(ON, keep_alive_idle=idle * SECOND))

    assert wire.run(idle - 0.001) == []
    assert wire.run(float(idle)) == [(float(idle), PROBE)]


@pytest.mark.rfc("MUST-26")
def test_whatever_comes_from_the_peer_puts_a_probe_off(wires: Wires) -> None:
    wire = wires.client(ON)

    wire.arrives(ack(1, 1), HOUR)
    wire.arrives(data(1, 1, b"x"), 2 * HOUR)
    wire.run(2 * HOUR + 1)
    assert wire.run(4 * HOUR - 0.001) == []
    assert wire.run(4 * HOUR) == [(4 * HOUR, ack(0, 2))]


@pytest.mark.rfc("MUST-26")
def test_there_is_no_probe_while_data_is_outstanding(wires: Wires) -> None:
    wire = wires.client(replace(ON, r2=None))

    wire.send(b"x", HOUR)
    sent = wire.run(9 * HOUR)

    assert len(sent) > 400
    assert {seg for _, seg in sent} == {data(1, 1, b"x")}


@pytest.mark.rfc("MUST-24")
@pytest.mark.parametrize("on", [False, True])
def test_an_application_switches_them_for_one_connection(wires: Wires, on: bool) -> None:
    wire = wires(replace(ON, keep_alive=not on))
    for _ in range(2):
        wire.open()
        wire.local_port = wire.last.sport
        wire.arrives(syn_ack())
    one, other = [status.connection for status in wire.statuses]

    wire.call(Configure(one, keep_alive=on))
    wire.run(2 * HOUR)

    probing = one if on else other
    assert [packet.segment.sport for packet in wire.packets[4:]] == [probing.local_port]


@pytest.mark.rfc("MUST-24")
def test_switching_them_on_late_counts_the_silence_from_then(wires: Wires) -> None:
    wire = wires.client(TcpConfig())

    wire.call(Configure(wire.connection, keep_alive=True), 10 * HOUR)
    assert wire.run(12 * HOUR - 0.001) == []
    assert wire.run(12 * HOUR) == [(12 * HOUR, PROBE)]
    wire.call(Configure(wire.connection, keep_alive=False), 12 * HOUR)
    assert wire.run(20 * HOUR) == []
    assert wire.state is State.ESTABLISHED


@pytest.mark.rfc("MUST-29")
@pytest.mark.parametrize("lost", range(1, 9))
def test_one_answer_in_nine_keeps_the_connection(wires: Wires, lost: int) -> None:
    wire = wires.client(ON)
    first = 2 * HOUR

    assert wire.run(first + 75.0 * lost) == [(first + 75.0 * n, PROBE) for n in range(lost + 1)]
    answered = first + 75.0 * lost + 1
    wire.arrives(ack(1, 1), answered)
    assert wire.run(answered + first + 8 * 75.0) == [(answered + first + 75.0 * n, PROBE) for n in range(9)]
    assert wire.state is State.ESTABLISHED


def test_a_peer_that_answers_none_is_believed_dead(wires: Wires) -> None:
    wire = wires.client(ON)
    name = wire.connection

    wire.run(2 * HOUR + 9 * 75.0 - 0.001)
    assert wire.state is State.ESTABLISHED
    wire.run(2 * HOUR + 9 * 75.0)

    assert wire.state is State.CLOSED
    assert wire.heard() == [Failed(name, Failure.KEEP_ALIVE)]
    assert wire.host.deadline() is None


@pytest.mark.parametrize("state", [State.CLOSE_WAIT, State.FIN_WAIT_2])
def test_a_half_closed_connection_is_kept_alive_too(wires: Wires, state: State) -> None:
    wire = wires.reach(state, ON)

    [(at, probe)] = wire.run(2 * HOUR)
    assert (at, probe.seq, probe.data) == (2 * HOUR, wire.snd_nxt - 1, b"")
