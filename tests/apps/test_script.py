"""Workloads written down, driven event by event."""

import hashlib

from tcplab.apps.script import Abort, Close, Listen, On, Open, Release, Script, Step, Write
from tcplab.node import Address
from tcplab.tcp import app
from tcplab.tcp.app import Call
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.units import MILLISECOND, START, Duration, Instant
from tests.apps.calls import exact

HERE, THERE = Address("10.0.1.1"), Address("10.0.2.1")
NAME = ConnectionId(HERE, 49_152, THERE, 80, 0)


def ms(count: int) -> Instant:
    return Instant(count * MILLISECOND)


def wait(count: int) -> Duration:
    return count * MILLISECOND


def opened(script: Script, space: int = 100_000) -> list[Call]:
    return list(script.on_event(app.Opened(NAME, space, 0), ms(1)))


def received(script: Script, data: bytes, at: int = 2) -> list[Call]:
    assert exact(script.on_event(app.Readable(NAME, len(data)), ms(at))) == exact([app.Receive(NAME)])
    return list(script.on_event(app.Received(NAME, data), ms(at)))


def test_steps_are_done_when_what_they_wait_for_happens() -> None:
    script = Script(
        (
            Step(On("started"), (Listen(80), Open(THERE, 81))),
            Step(On("opened"), (Write(3),)),
            Step(On("peer_closed"), (Close(),)),
            Step(On("closed"), (Release(),)),
            Step(On("failed"), (Abort(),)),
        ),
        seed=1,
    )

    assert exact(script.on_event(app.Started(), START)) == exact([app.Listen(80), app.Open(THERE, 81)])
    (send,) = opened(script)
    assert isinstance(send, app.Send)
    assert len(send.data) == 3
    assert exact(script.on_event(app.PeerClosed(NAME), ms(3))) == exact([app.Close(NAME)])
    assert exact(script.on_event(app.Closed(NAME), ms(4))) == exact([app.Release(NAME)])
    assert exact(script.on_event(app.Failed(NAME, Failure.RESET), ms(5))) == exact([app.Abort(NAME)])


def test_a_step_can_wait_and_is_done_once() -> None:
    script = Script((Step(On("opened", wait=wait(50)), (Close(),)),), seed=1)

    assert opened(script) == []
    assert script.deadline() == ms(51)
    assert script.advance(ms(50)) == []
    assert exact(script.advance(ms(51))) == exact([app.Close(NAME)])
    assert script.deadline() is None
    assert script.advance(ms(60)) == []


def test_octets_are_counted_in_all() -> None:
    script = Script((Step(On("received", octets=10), (Close(),)),), seed=1)
    opened(script)

    assert received(script, b"123456789") == []
    assert exact(received(script, b"0")) == exact([app.Close(NAME)])
    assert received(script, b"more") == []
    assert script.received == 14
    assert script.digest_received == hashlib.sha256(b"1234567890more").hexdigest()


def test_what_comes_after_a_write_waits_until_it_is_done() -> None:
    script = Script((Step(On("opened"), (Write(250), Write(10), Close())),), seed=1)

    calls = opened(script, space=100)
    calls += script.on_event(app.Writable(NAME, 100), ms(2))
    assert [len(call.data) for call in calls if isinstance(call, app.Send)] == [100, 100]
    last = list(script.on_event(app.Writable(NAME, 100), ms(3)))

    assert [type(call) for call in last] == [app.Send, app.Send, app.Close]
    sent = b"".join(call.data for call in [*calls, *last] if isinstance(call, app.Send))
    assert len(sent) == script.sent == 260
    assert script.digest_sent == hashlib.sha256(sent).hexdigest()


def test_the_octets_are_the_seeds_and_not_the_spaces() -> None:
    def written(seed: int, space: int) -> bytes:
        script = Script((Step(On("opened"), (Write(5_000),)),), seed)
        calls = opened(script, space)
        while script.sent < 5_000:
            calls += script.on_event(app.Writable(NAME, space), ms(2))
        return b"".join(call.data for call in calls if isinstance(call, app.Send))

    assert written(1, 10_000) == written(1, 7)
    assert written(1, 10_000) != written(2, 10_000)


def test_one_connection_is_enough() -> None:
    script = Script((Step(On("opened"), (Write(5),)),), seed=1)
    other = NAME._replace(incarnation=1)
    opened(script)

    assert exact(script.on_event(app.Opened(other, 10, None), ms(2))) == exact([app.Abort(other)])
    assert script.on_event(app.PeerClosed(other), ms(2)) == []
    assert script.on_event(app.Readable(other, 5), ms(2)) == []


def test_a_failure_ends_what_was_still_to_be_written() -> None:
    script = Script((Step(On("opened"), (Write(500), Close())),), seed=1)
    opened(script, space=100)

    assert script.on_event(app.Failed(NAME, Failure.RESET), ms(2)) == []
    assert script.on_event(app.Writable(NAME, 500), ms(3)) == []


def test_calls_without_a_connection_are_left_out() -> None:
    script = Script((Step(On("failed"), (Close(), Release(), Abort())),), seed=1)

    assert script.on_event(app.OpenFailed(0, Failure.REFUSED), ms(1)) == []
