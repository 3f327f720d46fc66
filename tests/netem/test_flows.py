"""What the network makes of the segments that pass: which connection, in which states, and what is new."""

import tracemalloc
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.flows import STATES, Entered, Flows
from tcplab.netem.profile import Profile
from tcplab.node import Event, Packet, PacketReceived, PacketSent
from tcplab.tcp.events import StateChanged
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, Instant
from tests.netem.dialogue import converse, handshake, life_of, segment
from tests.netem.packets import CLIENT


def role_of(address: str) -> str:
    return "client" if address == CLIENT else "server"


def states(flows: Flows, packet: Packet) -> list[tuple[str | None, str]]:
    """Let a segment come and leave; return which ends that shows to be in which state."""
    _, came = flows.came(packet)
    return [(entered.end.role, entered.state) for entered in (*came, *flows.left(packet))]


def test_a_life_as_segments_show_it() -> None:
    flows = Flows(role_of)
    assert [states(flows, each) for each in life_of()] == [
        [("client", "SYN_SENT")],
        [("server", "SYN_RECEIVED"), ("client", "ESTABLISHED")],
        [("server", "ESTABLISHED")],
        [],
        [],
        [("client", "FIN_WAIT_1"), ("server", "CLOSE_WAIT")],
        [("client", "FIN_WAIT_2")],
        [("server", "LAST_ACK"), ("client", "TIME_WAIT")],
        [("server", "CLOSED")],
    ]


def test_both_may_open_and_close_at_once() -> None:
    flows = Flows(role_of)

    assert [
        (entered.end.role, entered.state)
        for entered in (
            *flows.came(segment("S", 99))[1],
            *flows.came(segment("S", 499, back=True))[1],
            *flows.left(segment("S", 99)),
            *flows.left(segment("S", 499, back=True)),
            *flows.left(segment("SA", 99, 500)),
            *flows.left(segment("SA", 499, 100, back=True)),
            *flows.came(segment("FA", 100, 500))[1],
            *flows.came(segment("FA", 500, 100, back=True))[1],
            *flows.left(segment("FA", 100, 500)),
            *flows.left(segment("FA", 500, 100, back=True)),
            *flows.left(segment("A", 101, 501)),
            *flows.left(segment("A", 501, 101, back=True)),
        )
    ] == [
        ("client", "SYN_SENT"), ("server", "SYN_SENT"),
        ("server", "SYN_RECEIVED"), ("client", "SYN_RECEIVED"),
        ("server", "ESTABLISHED"), ("client", "ESTABLISHED"),
        ("client", "FIN_WAIT_1"), ("server", "FIN_WAIT_1"),
        ("server", "CLOSING"), ("client", "CLOSING"),
        ("server", "TIME_WAIT"), ("client", "TIME_WAIT"),
    ]  # fmt: skip


def test_a_reset_closes_both_ends() -> None:
    flows = Flows(role_of)
    for each in handshake():
        states(flows, each)

    assert states(flows, segment("R", 100)) == [("client", "CLOSED"), ("server", "CLOSED")]


def test_a_fin_ahead_of_a_hole_shows_no_close_wait_before_the_hole_is_filled() -> None:
    flows = Flows(role_of)
    for each in handshake():
        states(flows, each)
    lost = segment("A", 100, 500, b"lost")
    flows.came(lost)

    assert states(flows, segment("FA", 104, 500)) == [("client", "FIN_WAIT_1")]
    assert states(flows, lost) == [("server", "CLOSE_WAIT")]


def test_a_damaged_segment_shows_nothing_to_whom_it_is_given() -> None:
    flows = Flows(role_of)
    syn, answer, _ = handshake()
    states(flows, syn)
    flows.came(answer)

    assert flows.left(replace(answer, octets=b"x")) == []


def test_what_was_sent_before_is_a_retransmission_and_what_goes_beyond_is_not() -> None:
    flows = Flows(role_of)

    sent = [
        flows.came(each)[0].retransmitted
        for each in (
            *handshake(), segment("A", 100, 500, b"one"), segment("A", 100, 500, b"one"), segment("A", 103, 500),
            segment("A", 102, 500, b"etwo"), segment("FA", 106, 500), segment("FA", 106, 500), segment("S", 99),
        )
    ]  # fmt: skip

    assert sent == [False, False, False, False, True, False, False, False, True, True]


def test_an_ack_of_the_fin_covers_the_fin() -> None:
    flows = Flows(role_of)
    for each in (*handshake(), segment("A", 100, 500, b"ask"), segment("FA", 103, 500)):
        flows.came(each)

    assert [flows.came(segment("A", 500, ack, back=True))[0].acks_fin for ack in (103, 104)] == [False, True]


def test_a_syn_with_another_number_begins_the_next_connection() -> None:
    flows = Flows(role_of)
    first = flows.came(segment("S", 99))[0].flow
    again = flows.came(segment("S", 99))[0].flow
    later = flows.came(segment("S", 5_000))[0]

    assert first is again
    assert later.flow is not first
    assert later.source.state == "SYN_SENT"
    assert len(flows) == 1


def test_of_a_connection_whose_beginning_was_not_seen_both_ends_are_taken_to_be_established() -> None:
    flows = Flows(role_of)

    assert flows.came(segment("A", 100, 500, b"data"))[0].states == ("ESTABLISHED", "ESTABLISHED")
    assert states(flows, segment("FA", 104, 500)) == [("client", "FIN_WAIT_1"), ("server", "CLOSE_WAIT")]


def test_what_was_silent_longest_makes_room() -> None:
    flows = Flows(role_of, limit=2)
    one = flows.came(segment("S", 1, port=1))[0].flow
    flows.came(segment("S", 1, port=2))
    assert flows.came(segment("S", 1, port=1))[0].flow is one
    flows.came(segment("S", 1, port=3))

    assert len(flows) == 2
    assert flows.came(segment("S", 1, port=1))[0].flow is one


def test_whatever_comes_memory_stays_bounded() -> None:
    flows = Flows(role_of, limit=1_000)
    for port in range(1, 1_001):
        flows.came(segment("S", 1, port=port))

    tracemalloc.start()
    try:
        for number in range(20_000):
            packet = segment("A", number * 7, 1, b"x", port=number % 50_000 + 1)
            flows.came(packet)
            flows.left(packet)
        for number in range(5_000):  # all of them beyond a hole
            flows.left(segment("A", 10_000_000 + 3 * number, 1, b"x", port=20_000))
        current, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert current < 3_000_000


# --- beside real hosts -----------------------------------------------------------------------------------------------


class Onlooker:
    """Follows a connection by what passes the network, and writes down what its hosts themselves go through."""

    def __init__(self) -> None:
        self.inferred: dict[str, list[str]] = {"client": [], "server": []}
        self.real: dict[str, list[str]] = {"client": [], "server": []}
        self._flows = Flows(role_of)

    def observe(self, node: str, event: Event, _: Instant) -> None:
        match event:
            case PacketReceived(packet) if node == "netem":
                self._note(self._flows.came(packet)[1])
            case PacketSent(packet) if node == "netem":
                self._note(self._flows.left(packet))
            case StateChanged() if event.new.name in STATES and event.old is not State.TIME_WAIT:
                self.real[node].append(event.new.name)

    def _note(self, entered: list[Entered]) -> None:
        for end, state in entered:
            self.inferred[str(end.role)].append(state)


@given(
    loss=st.sampled_from([0, 0.1]),
    duplicate=st.sampled_from([0, 0.1]),
    jitter=st.integers(0, 20),
    seed=st.integers(0, 99),
)
def test_what_is_inferred_is_what_hosts_go_through(loss: float, duplicate: float, jitter: int, seed: int) -> None:
    delay, onlooker = 20 * MILLISECOND, Onlooker()
    profile = Profile(delay=delay, jitter=jitter * MILLISECOND, loss=loss, duplicate=duplicate)

    converse(profile=profile, observers=(onlooker,), seed=seed)

    assert onlooker.inferred == onlooker.real
