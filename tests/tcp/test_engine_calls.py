"""Calls that an application makes while it is being told something (RFC 9293, 3.9.1)."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from tcplab.node import Event
from tcplab.tcp.app import (
    Abort,
    Accept,
    Acceptable,
    AppEvent,
    Call,
    Close,
    Closed,
    Configure,
    Failed,
    InvalidCall,
    Listen,
    Open,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Receive,
    Received,
    Release,
    Report,
    Send,
    Started,
    Unlisten,
    Writable,
)
from tcplab.tcp.events import Failure
from tcplab.tcp.host import Host
from tcplab.units import Instant
from tests.support.states import Wires
from tests.support.tcp import (
    CLIENT_PORT,
    HOST,
    PEER,
    SERVICE,
    Recorder,
    Wire,
    ack,
    data,
    fin,
    prompt,
    rst,
    syn,
    syn_ack,
)


@dataclass(slots=True)
class Remark(Event):
    """Something of an application's own."""

    text: str


class Answering(Recorder):
    """Answers an event by its type, from a table of calls."""

    def __init__(self, *answers: tuple[type, Call]) -> None:
        super().__init__()
        self.answers = dict(answers)

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        super().on_event(event, now)
        answer = self.answers.get(type(event))
        return () if answer is None else (answer,)


class Server(Recorder):
    """Accepts at once, echoes, and closes after the peer."""

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        super().on_event(event, now)
        match event:
            case Started():
                return [Listen(SERVICE, manual=True)]
            case Acceptable(port, _):
                return [Accept(port)]
            case Opened(connection, _, _):
                return [Configure(connection, no_delay=True)]
            case Readable(connection, available):
                return [Receive(connection, available)]
            case Received(connection, octets):
                return [Send(connection, octets)]
            case PeerClosed(connection):
                return [Close(connection)]
            case _:
                return []


def inhabited(wire: Wire, app: Recorder) -> Wire:
    """Put a host with that application in the place of the wire's."""
    wire.app = app
    wire.host = Host(HOST, app, prompt(), isn=lambda _name, _now: wire.iss)
    wire.host.start(Instant(0))
    return wire


def test_what_an_application_reports_is_told_to_observers(wires: Wires) -> None:
    wire = wires()

    wire.call(Report(Remark("hello")), 3.0)

    assert wire.events == [(3.0, Remark("hello"))]


def test_an_application_reports_while_it_is_told_something() -> None:
    host = Host(HOST, Answering((Started, Report(Remark("up")))))

    assert host.start(Instant(0)).events == [Remark("up")]


def test_a_server_needs_no_calls_but_its_answers(wires: Wires) -> None:
    wire = inhabited(wires(), Server())
    wire.local_port, wire.peer_port = SERVICE, CLIENT_PORT

    assert wire.arrives(syn()) == [syn_ack()]
    assert wire.arrives(ack(1, 1)) == []
    assert wire.arrives(data(1, 1, b"hello")) == [ack(1, 6), data(1, 6, b"hello")]
    assert wire.arrives(fin(6, 6)) == [ack(6, 7), fin(6, 7)]
    wire.arrives(ack(7, 7))
    assert [type(event) for event in wire.app.heard] == [
        Started,
        Acceptable,
        Opened,
        Readable,
        Received,
        Writable,
        PeerClosed,
        Closed,
    ]


@pytest.mark.parametrize("answer", [Abort, Release, Close])
def test_a_call_on_what_is_gone_has_no_effect(wires: Wires, answer: type[Abort | Release | Close]) -> None:
    """The news that it is gone was on its way up; the application cannot have known."""
    wire = inhabited(wires(), app := Answering())
    wire.open()
    wire.arrives(syn_ack())
    name = wire.connection
    app.answers[Failed] = answer(name)

    assert wire.arrives(rst(1)) == []
    assert app.heard[-1] == Failed(name, Failure.RESET)


def test_an_open_that_failed_can_be_tried_again_at_once(wires: Wires) -> None:
    wire = wires(prompt(first_port=50_000, last_port=50_000))
    wire.open()
    wire.heard()

    wire.call(Open(PEER, SERVICE, 8))

    assert wire.heard() == [OpenFailed(8, Failure.NO_PORTS)]


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (Unlisten(81), "unlisten on port 81: nobody listens there"),
        (Accept(81), "accept on port 81: nobody listens there"),
        (Listen(80, 0), "listen on port 80 with backlog 0"),
        (Listen(70_000), "listen on port 70000 with backlog 128"),
    ],
)
def test_a_call_on_a_port_says_what_is_wrong(wires: Wires, call: Call, complaint: str) -> None:
    with pytest.raises(InvalidCall, match=complaint):
        wires().call(call)
