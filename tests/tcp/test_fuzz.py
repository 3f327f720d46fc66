"""No peer and no application can make a TCP raise, reach an illegal transition, or answer without end."""

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tcplab.tcp.app import InvalidCall
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import IllegalTransition, StateChanged
from tcplab.tcp.states import TRANSITIONS
from tcplab.wire.segment import Options
from tests.support.states import ISNS
from tests.support.tcp import CLIENT_PORT, Seg, Wire

SMALL = TcpConfig(mss=4, send_buffer=16, receive_buffer=8, first_port=CLIENT_PORT, last_port=CLIENT_PORT)
ANSWERS_MOST = 8  # what one input may bring forth: a full send buffer in segments, an ACK, a FIN, and some room

FLAGS = ("", "A", "F", "FA", "S", "SA", "FS", "FSA", "R", "RA", "FR", "SRA", "PA", "UA", "FSRPAUEC")


class Arrival(NamedTuple):
    """A segment whose numbers are counted from what the host expects, so that not all is simply outside."""

    flags: str
    seq: int
    ack: int
    octets: bytes
    window: int
    mss: int | None

    def seg(self, wire: Wire) -> Seg:
        seq, ack = (self.seq + wire.rcv_nxt, self.ack + wire.snd_nxt) if wire.statuses else (self.seq, self.ack)
        number = ack if "A" in self.flags else None
        return Seg(self.flags, seq, number, self.octets, self.window, Options(mss=self.mss))


OFFSETS = st.one_of(st.integers(-10, 10), st.integers(-(2**31), 2**31 - 1))
ARRIVALS = st.builds(
    Arrival,
    st.sampled_from(FLAGS),
    OFFSETS,
    OFFSETS,
    st.binary(max_size=12),
    st.sampled_from([0, 1, 3, 4, 100, 65_535]),
    st.sampled_from([None, 0, 1, 2, 536, 65_535]),
)
LIKELY = st.builds(
    Arrival, st.sampled_from(["A", "FA", "SA", "S"]), st.just(0), st.integers(-1, 0), st.binary(max_size=4),
    st.sampled_from([0, 4, 100]), st.just(536),
)  # fmt: skip
CALLS = st.sampled_from(["open", "send", "receive", "close", "release", "abort"])
WAITS = st.sampled_from([0.1, 1.0, 59.0, 61.0, 240.0])
STEPS = st.lists(st.one_of(LIKELY, ARRIVALS, CALLS, WAITS), max_size=50)


def do(wire: Wire, step: Arrival | str | float) -> list[Seg]:
    """Do one step; return what answers it at that instant."""
    match step:
        case Arrival():
            return wire.arrives(step.seg(wire))
        case float():
            wire.run(wire.now + step)
            return []
        case "open":
            return wire.open()
        case _ if not wire.statuses:
            return []
        case "send":
            return wire.send(b"yyyyy")
        case "receive":
            wire.receive(3)
            return [seg for _, seg in wire.sent()]
        case _:
            return {"close": wire.close, "release": wire.release, "abort": wire.abort}[step]()


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(ISNS)), st.booleans(), STEPS)
def test_whatever_comes(isns: str, listens: bool, steps: list[Arrival | str | float]) -> None:
    wire = Wire(*ISNS[isns], SMALL)
    if listens:
        wire.listen()
    for step in steps:
        if step == "open" and listens:
            continue
        try:
            answers = do(wire, step)
        except InvalidCall:
            assert isinstance(step, str), "a peer made the host raise"
            continue
        assert len(answers) <= ANSWERS_MOST
        for status in wire.statuses:
            assert status.unread <= SMALL.receive_buffer
            assert status.unread + status.rcv_wnd <= SMALL.receive_buffer
            assert status.unsent_or_unacknowledged <= SMALL.send_buffer

    assert wire.seen(IllegalTransition) == []
    for _, change in wire.seen(StateChanged):
        assert TRANSITIONS[change.old, change.cause] is change.new


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(ISNS)), st.booleans(), STEPS)
def test_once_everybody_is_gone_nothing_stays(isns: str, listens: bool, steps: list[Arrival | str | float]) -> None:
    """The application lets go and the peer falls silent: R2, FIN_WAIT_2's bound and 2 MSL end whatever there is."""
    wire = Wire(*ISNS[isns], SMALL)
    if listens:
        wire.listen()
    for step in steps:
        if not (step == "open" and listens):
            try:
                do(wire, step)
            except InvalidCall:
                continue
    for status in wire.statuses:
        try:
            wire.release()
        except InvalidCall:
            assert status.state.value in ("time_wait", "closed")

    wire.run(wire.now + 1_000.0)
    assert wire.statuses == []
    assert wire.host.ports_in_use() == 0
    assert wire.host.deadline() is None
