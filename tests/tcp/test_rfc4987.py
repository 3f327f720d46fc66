"""SYN floods: a bounded queue of half-open connections, one of open ones, and SYN cookies (RFC 4987)."""

from dataclasses import replace

import pytest

from tcplab.tcp.app import Accept, Acceptable, Listen, Opened, PeerClosed, Readable
from tcplab.tcp.events import ListenDropped
from tcplab.tcp.states import State
from tcplab.wire.segment import Options
from tcplab.wire.seq import seq_diff
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, SERVICE, Wire, ack, data, fin, prompt, rst, syn

ALWAYS = prompt(syn_cookies="always")


def listening(wires: Wires, *, manual: bool = False, backlog: int = 2) -> Wire:
    wire = wires()
    wire.local_port, wire.peer_port = SERVICE, CLIENT_PORT
    wire.call(Listen(SERVICE, backlog, manual))
    wire.heard()
    return wire


def cookie(wire: Wire) -> int:
    """Return the sequence number of the SYN+ACK that was sent last, as the tests count."""
    return seq_diff(wire.last.seq, wire.iss)


def told_to(wire: Wire, port: int) -> int:
    """Return the sequence number of the SYN+ACK that went to a port last, as the tests count."""
    [*_, segment] = [each.segment for each in wire.packets if each.segment.dport == port]
    return seq_diff(segment.seq, wire.iss)


def drops(wire: Wire) -> list[str]:
    return [event.reason for _, event in wire.seen(ListenDropped)]


# --- cookies -----------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC4987-3.6")
def test_a_cookie_keeps_nothing_and_opens_the_connection(wires: Wires) -> None:
    wire = wires(ALWAYS)
    wire.listen()

    [answer] = wire.arrives(syn())
    assert (answer.flags, answer.ack) == ("SA", 1)
    assert wire.statuses == []
    assert wire.run(1_000.0) == [], "there is nothing that could be sent again"

    wire.arrives(syn(), 1_000.0)
    wire.arrives(ack(1, cookie(wire) + 1), 1_000.1)

    assert wire.state is State.ESTABLISHED
    assert [type(event) for event in wire.heard()] == [Opened]
    wire.arrives(data(1, wire.snd_nxt, b"hello"))
    assert wire.receive() == b"hello"


@pytest.mark.rfc("RFC4987-3.6")
@pytest.mark.parametrize("off", [-1, 1, 2**24, 2**31])
def test_a_number_that_is_no_cookie_is_refused(wires: Wires, off: int) -> None:
    wire = wires(ALWAYS)
    wire.listen()
    wire.arrives(syn())

    [answer] = wire.arrives(ack(1, cookie(wire) + 1 + off))

    assert answer.flags == "R"
    assert wire.statuses == []


@pytest.mark.rfc("RFC4987-3.6")
def test_a_cookie_without_timestamps_holds_the_mss_alone(wires: Wires) -> None:
    wire = wires(ALWAYS)
    wire.listen()
    wire.arrives(replace(syn(), options=Options(mss=1_400, wscale=7, sack_ok=True)))
    told = wire.last.options
    assert (told.wscale, told.sack_ok, told.timestamps) == (None, False, None)

    wire.arrives(ack(1, cookie(wire) + 1))
    sizes = {len(seg.data) for seg in wire.send(bytes(4_000))}

    assert 536 <= max(sizes) <= 1_400


@pytest.mark.rfc("RFC4987-3.6")
def test_a_cookie_with_timestamps_holds_every_option(wires: Wires) -> None:
    wire = wires(ALWAYS)
    wire.listen()
    wire.arrives(replace(syn(), options=Options(mss=1_460, wscale=7, sack_ok=True, timestamps=(5, 0))))
    stamps = wire.last.options.timestamps
    assert stamps is not None

    wire.arrives(replace(ack(1, cookie(wire) + 1, window=1_000), options=Options(timestamps=(6, stamps[0]))))

    assert wire.status.snd_wnd == 1_000 << 7
    wire.arrives(replace(data(11, wire.snd_nxt, b"x"), options=Options(timestamps=(7, stamps[0]))))
    assert len(wire.last.options.sack) == 1


@pytest.mark.rfc("RFC4987-2.2", "RFC4987-3.6")
def test_a_flood_takes_no_more_than_the_backlog_and_keeps_nobody_out(wires: Wires) -> None:
    wire = listening(wires, backlog=2)

    for port in range(1, 1_001):
        assert len(wire.arrives(syn(), peer_port=port)) == 1
    assert len(wire.statuses) == 2
    wire.arrives(ack(1, cookie(wire) + 1), peer_port=1_000)

    assert {status.connection.remote_port: status.state for status in wire.statuses} == {
        1: State.SYN_RECEIVED,
        2: State.SYN_RECEIVED,
        1_000: State.ESTABLISHED,
    }
    assert drops(wire) == []


# --- the accept queue --------------------------------------------------------------------------------------------


def test_connections_wait_to_be_accepted_in_their_order(wires: Wires) -> None:
    wire = listening(wires, manual=True)

    for port in (1, 2):
        wire.arrives(syn(), peer_port=port)
        wire.arrives(ack(1, 1), peer_port=port)
    assert wire.heard() == [Acceptable(SERVICE, 1), Acceptable(SERVICE, 2)]
    for _ in range(3):
        wire.call(Accept(SERVICE))

    opened = [event.connection.remote_port for event in wire.heard() if isinstance(event, Opened)]
    assert opened == [1, 2]


def test_what_came_before_is_told_with_the_acceptance(wires: Wires) -> None:
    wire = listening(wires, manual=True)
    wire.arrives(syn())
    wire.arrives(ack(1, 1))
    wire.arrives(fin(1, 1, b"hello"))
    wire.heard()

    wire.call(Accept(SERVICE))

    assert [type(event) for event in wire.heard()] == [Opened, Readable, PeerClosed]
    assert wire.receive() == b"hello"


@pytest.mark.rfc("RFC4987-2.2")
def test_where_nobody_accepts_no_more_than_the_backlog_may_open(wires: Wires) -> None:
    wire = listening(wires, manual=True, backlog=1)
    wire.arrives(syn(), peer_port=1)
    wire.arrives(ack(1, 1), peer_port=1)

    assert wire.arrives(syn(), peer_port=2) == []
    assert drops(wire) == ["accept_queue_full"]
    wire.call(Accept(SERVICE))
    assert len(wire.arrives(syn(), peer_port=2)) == 1


def test_an_ack_that_found_no_room_comes_again_with_the_syn_ack(wires: Wires) -> None:
    wire = listening(wires, manual=True, backlog=2)
    for port in (1, 2):
        wire.arrives(syn(), 0.0, peer_port=port)
    wire.arrives(ack(1, 1), 0.0, peer_port=1)
    wire.call(Accept(SERVICE))
    for port in (3, 4):
        wire.arrives(syn(), 0.0, peer_port=port)
    for port in (2, 3):
        wire.arrives(ack(1, told_to(wire, port) + 1), 0.0, peer_port=port)
    wire.arrives(ack(1, told_to(wire, 4) + 1), 0.0, peer_port=4)
    assert drops(wire) == ["accept_queue_full"]

    wire.call(Accept(SERVICE))
    wire.arrives(ack(1, told_to(wire, 4) + 1), 1.0, peer_port=4)

    assert [status.state for status in wire.statuses] == [State.ESTABLISHED] * 4


def test_a_connection_that_is_reset_while_it_waits_is_not_accepted(wires: Wires) -> None:
    wire = listening(wires, manual=True)
    for port in (1, 2):
        wire.arrives(syn(), peer_port=port)
        wire.arrives(ack(1, 1), peer_port=port)
    wire.arrives(rst(1), peer_port=1)
    wire.heard()

    wire.call(Accept(SERVICE))

    [opened] = wire.heard()
    assert isinstance(opened, Opened)
    assert opened.connection.remote_port == 2
