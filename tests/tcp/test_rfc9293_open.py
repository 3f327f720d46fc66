"""What RFC 9293 asks of OPEN and of addresses (3.9.1.1, 3.9.2.3), where no other test is about it."""

from dataclasses import replace

import pytest

from tcplab.netem.network import Network
from tcplab.node import Address, Packet, PacketDiscarded
from tcplab.tcp.app import InvalidCall, Listen, Open, Opened
from tcplab.tcp.states import State
from tcplab.units import START
from tcplab.wire.segment import SYN, Segment
from tcplab.wire.seq import SeqNumber
from tests.support.states import Wires
from tests.support.tcp import CLIENT_PORT, HOST, PEER, SERVICE, ack, data, fin, syn, syn_ack

SYN_FOR_US = Segment(CLIENT_PORT, SERVICE, SeqNumber(1), SeqNumber(0), SYN, 1_000)


@pytest.mark.rfc("MUST-41")
@pytest.mark.parametrize("state", [each for each in State if each not in (State.CLOSED, State.LISTEN)])
def test_a_passive_open_alters_no_connection(wires: Wires, state: State) -> None:
    wire = wires.reach(state)
    before = wire.status

    if state is not State.SYN_RECEIVED:  # that one has its listener already
        wire.call(Listen(before.connection.local_port))
    with pytest.raises(InvalidCall, match="somebody listens there already"):
        wire.call(Listen(before.connection.local_port))

    assert wire.status == before


@pytest.mark.rfc("MUST-41")
def test_a_passive_open_makes_a_record_in_listen(wires: Wires) -> None:
    wire = wires()

    wire.call(Listen(80))
    wire.call(Listen(81))

    assert [(each.state, each.connection.local_port) for each in wire.host.statuses()] == [
        (State.LISTEN, 80),
        (State.LISTEN, 81),
    ]


@pytest.mark.rfc("MUST-42")
@pytest.mark.parametrize("state", [State.SYN_SENT, State.SYN_RECEIVED])
def test_one_can_listen_on_the_port_of_a_connection_that_is_being_opened(wires: Wires, state: State) -> None:
    wire = wires()
    wire.open(local_port=SERVICE)
    opening = wire.connection
    if state is State.SYN_RECEIVED:
        wire.local_port = SERVICE
        assert wire.arrives(syn()) == [syn_ack()]
    assert wire.state is state

    wire.listen()
    assert wire.arrives(syn()) == [syn_ack()]
    wire.arrives(ack(1, 1))

    told = [event.connection for event in wire.heard() if isinstance(event, Opened)]
    assert [name.remote_port for name in told] == [CLIENT_PORT]
    assert {each.connection: each.state for each in wire.statuses}[opening] is state


@pytest.mark.rfc("MUST-44", "MUST-45")
def test_whatever_a_client_sends_comes_from_its_hosts_address(wires: Wires) -> None:
    wire = wires()
    wire.open(0.0)
    wire.run(1.0)
    wire.arrives(syn_ack(), 1.5)
    wire.send(b"abc", 2.0)
    wire.run(6.0)
    wire.arrives(data(1, 4, b"def"), 6.0)
    wire.close(7.0)
    wire.arrives(fin(4, 5), 8.0)
    wire.arrives(fin(4, 5), 9.0)
    wire.arrives(ack(1, 1), 300.0)

    assert {packet.segment.kind for packet in wire.packets} == {"syn", "ack", "data", "fin", "rst"}
    assert {(packet.source, packet.target) for packet in wire.packets} == {(HOST, PEER)}


@pytest.mark.rfc("MUST-45")
def test_whatever_a_server_sends_comes_from_the_address_that_was_called(wires: Wires) -> None:
    wire = wires()
    wire.listen()
    wire.arrives(syn(), 0.0)
    wire.run(1.0)
    wire.arrives(ack(1, 1), 1.5)
    wire.send(b"abc", 2.0)
    wire.run(4.0)
    wire.arrives(data(1, 4, b"def"), 4.0)
    wire.run(5.0)
    wire.abort()

    assert {packet.segment.kind for packet in wire.packets} == {"syn_ack", "ack", "data", "rst"}
    assert {(packet.source, packet.target) for packet in wire.packets} == {(HOST, PEER)}


@pytest.mark.rfc("MUST-57")
@pytest.mark.parametrize("target", ["255.255.255.255", "10.0.1.255", "224.0.0.1", "239.1.2.3"])
def test_a_syn_for_everybody_is_discarded_in_silence(wires: Wires, target: str) -> None:
    wire = wires()
    wire.listen()
    packet = Packet(1, START, PEER, Address(target), SYN_FOR_US)

    output = wire.host.receive(packet, START)

    assert list(output.packets) == []
    assert list(output.events) == [PacketDiscarded(packet, "wrong_address")]
    assert wire.statuses == []


@pytest.mark.rfc("MUST-63")
@pytest.mark.parametrize("source", ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "nobody"])
def test_a_syn_from_nobody_does_not_pass_the_network(source: str) -> None:
    rightful = Packet(1, START, PEER, HOST, SYN_FOR_US)

    assert list(Network({}, seed=1).receive(rightful, START).packets) == [rightful]
    network = Network({}, seed=1)
    assert list(network.receive(replace(rightful, source=Address(source)), START).packets) == []
    assert network.deadline() is None


@pytest.mark.rfc("MUST-46")
@pytest.mark.parametrize("remote", ["255.255.255.255", "224.0.0.1", "239.1.2.3", "0.0.0.0", "nobody"])
def test_an_open_to_everybody_or_nobody_is_refused(wires: Wires, remote: str) -> None:
    wire = wires()

    with pytest.raises(InvalidCall, match=remote):
        wire.call(Open(Address(remote), SERVICE))
    assert wire.packets == []
