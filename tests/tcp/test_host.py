"""Demultiplexing, listeners, backlog, ports and addresses."""

import pytest

from tcplab.node import Address, Packet, PacketDiscarded
from tcplab.tcp.app import Abort, Close, InvalidCall, Listen, Open, Opened, OpenFailed, Receive, Send, Started, Unlisten
from tcplab.tcp.events import ConnectionFailed, Failure, Ignored, ListenDropped, SegmentIgnored
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import SECOND, Instant
from tcplab.wire.segment import SYN, Segment
from tcplab.wire.seq import SeqNumber
from tests.support.states import Wires
from tests.support.tcp import HOST, PEER, SERVICE, Recorder, Seg, Wire, ack, data, fin, prompt, rst, syn, syn_ack

OTHER = Address("10.0.2.2")


def drops(wire: Wire) -> list[str]:
    return [event.reason for _, event in wire.seen(ListenDropped)]


# --- demultiplexing ----------------------------------------------------------------------------------------------


def test_the_application_is_told_that_the_host_runs() -> None:
    app = Recorder()

    Host(HOST, app).start(Instant(5))
    assert app.heard == [Started()]


def test_connections_are_told_apart_by_their_four_tuple(wires: Wires) -> None:
    wire = wires()
    wire.listen()
    for port in (1_000, 1_001):
        wire.arrives(syn(), peer_port=port)
        wire.arrives(ack(1, 1), peer_port=port)

    wire.arrives(data(1, 1, b"one"), peer_port=1_000)
    wire.arrives(data(1, 1, b"another"), peer_port=1_001)

    assert {status.connection.remote_port: status.unread for status in wire.statuses} == {1_000: 3, 1_001: 7}


def test_the_same_ports_of_another_address_are_another_connection(wires: Wires) -> None:
    wire = wires.server()

    stranger = Segment(wire.peer_port, wire.local_port, SeqNumber(5), SeqNumber(0), SYN, 100)
    wire.host.receive(Packet(1, Instant(0), OTHER, HOST, stranger), Instant(0))

    assert [status.connection.remote for status in wire.statuses] == [PEER, OTHER]


def test_a_packet_for_somebody_else_is_discarded(wires: Wires) -> None:
    wire = wires.server()
    segment = Segment(wire.peer_port, wire.local_port, SeqNumber(5), SeqNumber(0), SYN, 100)
    packet = Packet(1, Instant(0), PEER, OTHER, segment)

    output = wire.host.receive(packet, Instant(0))

    assert (list(output.packets), list(output.events)) == ([], [PacketDiscarded(packet, "wrong_address")])


def test_packets_are_numbered_and_born(wires: Wires) -> None:
    wire = wires()
    wire.open(1.0)
    wire.run(4.0)

    assert [(packet.id, packet.born, packet.source, packet.target) for packet in wire.packets] == [
        (1, 1 * SECOND, HOST, PEER),
        (2, 2 * SECOND, HOST, PEER),
        (3, 4 * SECOND, HOST, PEER),
    ]


def test_statuses_show_everything_that_lives(wires: Wires) -> None:
    wire = wires.reach(State.TIME_WAIT)
    wire.call(Listen(8080))

    assert [(status.connection.local_port, status.state) for status in wire.host.statuses()] == [
        (8080, State.LISTEN),
        (49_152, State.TIME_WAIT),
    ]


def test_a_status_tells_the_variables(wires: Wires) -> None:
    wire = wires.client(window=10)
    wire.send(bytes(15))
    wire.arrives(data(1, 3, b"abc", window=8))

    status = wire.status
    assert (wire.snd_nxt, wire.rcv_nxt) == (11, 4)
    assert (status.snd_nxt - status.snd_una) % 2**32 == 8
    assert (status.snd_wnd, status.rcv_wnd, status.unsent_or_unacknowledged, status.unread) == (8, 65_532, 13, 3)


# --- listeners ---------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC4987-2.2")
def test_a_full_backlog_turns_syns_away_in_silence(wires: Wires) -> None:
    wire = wires(prompt(syn_cookies="off"))
    wire.listen(backlog=2)

    assert [wire.arrives(syn(), peer_port=port) for port in (1, 2, 3)] == [[syn_ack()], [syn_ack()], []]
    assert drops(wire) == ["syn_queue_full"]
    assert wire.seen(SegmentIgnored)[0][1].reason is Ignored.BACKLOG_FULL


def test_an_open_connection_does_not_count_for_the_backlog(wires: Wires) -> None:
    wire = wires()
    wire.listen(backlog=1)

    for port in (1, 2, 3):
        assert wire.arrives(syn(), peer_port=port) == [syn_ack()]
        wire.arrives(ack(1, 1), peer_port=port)
    assert drops(wire) == []


def test_a_full_backlog_lets_a_syn_come_again(wires: Wires) -> None:
    wire = wires()
    wire.listen(backlog=1)
    wire.arrives(syn(), peer_port=1)

    assert wire.arrives(syn(), peer_port=1) == [ack(1, 1)]
    assert drops(wire) == []


@pytest.mark.parametrize("way", ["reset", "syn in window", "timeout", "abort"])
def test_a_half_open_connection_that_ends_makes_room(wires: Wires, way: str) -> None:
    wire = wires()
    wire.listen(backlog=1)
    wire.arrives(syn(), 0.0, peer_port=1)
    match way:
        case "reset":
            wire.arrives(rst(1), peer_port=1)
        case "syn in window":
            wire.arrives(syn(5), peer_port=1)
        case "timeout":
            wire.run(180.0)
        case "abort":
            wire.call(Abort(wire.connection))

    assert wire.arrives(syn(), peer_port=2) == [syn_ack()]


def test_nobody_listens_any_more(wires: Wires) -> None:
    wire = wires.server()

    wire.call(Unlisten(SERVICE))

    assert [answer.flags for answer in wire.arrives(syn(), peer_port=5)] == ["RA"]
    assert wire.arrives(data(1, 1, b"still there")) == [ack(1, 12)]


def test_a_half_open_connection_survives_its_listener(wires: Wires) -> None:
    wire = wires.reach(State.SYN_RECEIVED)

    wire.call(Unlisten(SERVICE))
    wire.arrives(ack(1, 1))

    assert wire.state is State.ESTABLISHED
    assert [type(event) for event in wire.heard()] == [Opened]


def test_a_listener_refuses_what_is_no_syn(wires: Wires) -> None:
    wire = wires.reach(State.LISTEN)

    assert wire.arrives(ack(1, 77)) == [rst(77)]
    assert wire.arrives(data(1, 78, b"x")) == [rst(78)]
    assert wire.arrives(syn_ack(1, 79)) == [rst(79)]
    assert wire.arrives(fin(1, 80)) == [rst(80)]
    assert wire.statuses == []


# --- ports -------------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC6335-6")
def test_ephemeral_ports_are_those_of_iana(wires: Wires) -> None:
    """RFC 6335, section 6."""
    wire = wires()

    wire.open()
    wire.open()
    assert [packet.segment.sport for packet in wire.packets] == [49_152, 49_153]
    assert wire.host.port_limit == 16_384
    assert wire.host.ports_in_use() == 2


def test_no_ports_left_is_a_clear_error(wires: Wires) -> None:
    wire = wires(prompt(first_port=50_000, last_port=50_001))
    wire.open(token=1)
    wire.open(token=2)

    assert wire.open(token=3) == []

    assert wire.heard() == [OpenFailed(3, Failure.NO_PORTS)]
    [(_, failed)] = wire.seen(ConnectionFailed)
    assert (failed.connection.local_port, failed.reason) == (0, Failure.NO_PORTS)


def test_no_ports_towards_one_destination_leaves_the_others(wires: Wires) -> None:
    wire = wires(prompt(first_port=50_000, last_port=50_000))
    wire.open()

    assert wire.call(Open(OTHER, SERVICE)) != []
    assert wire.call(Open(PEER, SERVICE + 1)) != []
    assert wire.heard() == []


def test_a_port_comes_back_when_its_connection_is_gone(wires: Wires) -> None:
    wire = wires(prompt(first_port=50_000, last_port=50_000))
    wire.local_port = 50_000
    wire.open()
    wire.arrives(Seg("RA", 0, 1))

    assert wire.open() == [syn()]


def test_a_port_may_be_chosen(wires: Wires) -> None:
    wire = wires()

    wire.open(local_port=5_000)
    assert wire.last.sport == 5_000
    with pytest.raises(InvalidCall, match=r"open from port 5000 to 10\.0\.2\.1:80: the connection exists"):
        wire.open(local_port=5_000)
    assert wire.host.ports_in_use() == 0


def test_a_chosen_port_is_not_handed_out(wires: Wires) -> None:
    wire = wires(prompt(first_port=50_000, last_port=50_001))
    wire.open(local_port=50_000)

    wire.open()
    assert wire.last.sport == 50_001
    wire.open()
    assert wire.heard() == [OpenFailed(7, Failure.NO_PORTS)]


# --- calls -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (Listen(0), "listen on port 0 with backlog 128: 1..65535, and 1 at least"),
        (Listen(65_536), "listen on port 65536"),
        (Listen(80, 0), "listen on port 80 with backlog 0"),
        (Unlisten(81), "unlisten on port 81: nobody listens there"),
        (Open(PEER, 0), "open to 10.0.2.1:0"),
        (Open(PEER, 65_536), "open to 10.0.2.1:65536"),
        (Open(PEER, 80, local_port=65_536), "open to 10.0.2.1:80 from port 65536"),
        (Open(PEER, 80, local_port=-1), "open to 10.0.2.1:80 from port -1"),
    ],
    ids=str,
)
def test_a_call_that_nobody_can_do(wires: Wires, call: Open | Listen, complaint: str) -> None:
    wire = wires()

    with pytest.raises(InvalidCall, match=complaint):
        wire.call(call)
    assert (wire.statuses, wire.packets) == ([], [])


@pytest.mark.rfc("MUST-41")
def test_two_cannot_listen_on_one_port(wires: Wires) -> None:
    wire = wires.reach(State.LISTEN)

    with pytest.raises(InvalidCall, match="listen on port 80: somebody listens there already"):
        wire.listen()


_S = State


@pytest.mark.parametrize(
    ("state", "call"),
    [
        *((state, "send") for state in (_S.SYN_SENT, _S.SYN_RECEIVED, _S.FIN_WAIT_1, _S.FIN_WAIT_2)),
        *((state, "send") for state in (_S.CLOSING, _S.LAST_ACK)),
        *((state, "close") for state in (_S.FIN_WAIT_1, _S.FIN_WAIT_2, _S.CLOSING, _S.LAST_ACK)),
    ],
    ids=str,
)
def test_a_call_that_the_state_forbids_names_both(wires: Wires, state: State, call: str) -> None:
    wire = wires.reach(state)
    name = wire.connection

    with pytest.raises(InvalidCall) as raised:
        wire.call(Send(name, b"x") if call == "send" else Close(name))

    assert str(raised.value).startswith(f"{call} on {name} in {state.name}: ")
    assert wire.state is state


def test_nothing_is_sent_after_the_close_whatever_the_state(wires: Wires) -> None:
    wire = wires.client(prompt(mss=4), window=4)
    wire.arrives(fin(1, 1, window=4))
    wire.send(bytes(8))
    wire.close()
    assert wire.state is State.CLOSE_WAIT

    with pytest.raises(InvalidCall, match="in CLOSE_WAIT: the connection is closing"):
        wire.send(b"x")
    with pytest.raises(InvalidCall, match="in CLOSE_WAIT: the connection is closing"):
        wire.close()


def test_more_than_the_space_is_refused(wires: Wires) -> None:
    wire = wires.client(prompt(send_buffer=10))

    with pytest.raises(InvalidCall, match="in ESTABLISHED: 11 octets exceed the space of 10"):
        wire.send(bytes(11))


def test_a_connection_in_time_wait_is_closing(wires: Wires) -> None:
    wire = wires.reach(State.TIME_WAIT)
    name = wire.connection

    for call in (Send(name, b"x"), Receive(name), Close(name), Abort(name)):
        with pytest.raises(InvalidCall) as raised:
            wire.call(call)
        assert str(raised.value) == f"{type(call).__name__.lower()} on {name} in TIME_WAIT: the connection is closing"


def test_a_connection_that_is_gone_is_unknown(wires: Wires) -> None:
    wire = wires.reach(State.LAST_ACK)
    name = wire.connection
    wire.arrives(ack(2, 2))

    for call in (Send(name, b"x"), Receive(name), Close(name), Abort(name)):
        with pytest.raises(InvalidCall) as raised:
            wire.call(call)
        assert str(raised.value) == f"{type(call).__name__.lower()} on {name}: there is no such connection"
