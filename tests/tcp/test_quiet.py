"""A host that keeps quiet: what it does not tell when nobody observes, and what it goes on telling."""

from tcplab.tcp.app import Closed, Opened
from tcplab.tcp.events import Ignored, SegmentIgnored
from tcplab.tcp.states import State
from tests.support.states import Wires
from tests.support.tcp import ack, data, fin, syn_ack


def test_a_quiet_host_does_not_tell_the_ordinary_course_of_a_connection(wires: Wires) -> None:
    wire = wires()
    wire.host.keep_quiet()

    wire.open(0)
    wire.arrives(syn_ack(), 0.1)
    assert wire.send(b"abc") == [data(1, 1, b"abc")]
    wire.arrives(ack(1, 4), 0.2)
    assert wire.close() == [fin(4, 1)]
    wire.arrives(ack(1, 5), 0.3)
    assert wire.arrives(fin(1, 5)) == [ack(5, 2)]

    assert wire.state is State.TIME_WAIT
    assert wire.events == []
    assert {type(signal) for signal in wire.heard()} >= {Opened, Closed}


def test_a_quiet_host_tells_what_is_out_of_the_ordinary_and_not_the_end_of_time_wait(wires: Wires) -> None:
    wire = wires.reach(State.TIME_WAIT)
    wire.host.keep_quiet()
    wire.events.clear()

    wire.arrives(ack(2, 2), 1)
    wire.at(1_000)

    assert wire.state is State.CLOSED
    (told,) = [event for _, event in wire.events]
    assert isinstance(told, SegmentIgnored)
    assert told.reason is Ignored.OLD_ACK
