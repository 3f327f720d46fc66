"""Flow control: closed windows and probes, silly windows, windows that shrink (RFC 9293, 3.8.6)."""

import pytest

from tcplab.apps.talker import Manner, Opening, Talker
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import PacketSent
from tcplab.observe.journal import Journal
from tcplab.sim.storm import BACK, CLIENT, SERVER, THERE
from tcplab.sim.world import World
from tcplab.tcp.app import Writable
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Retransmitted
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, Instant
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, ack, data, fin, prompt, syn, syn_ack

LINK = Profile(delay=10 * MILLISECOND)
SMALL = prompt(mss=1_000, receive_buffer=4_000)


def causes(wire: Wire) -> list[tuple[float, str]]:
    return [(time, event.cause) for time, event in wire.seen(Retransmitted)]


def full(wires: Wires, config: TcpConfig = SMALL) -> Wire:
    """Return a connection whose receive buffer is full and its window closed; RCV.NXT is 4001."""
    wire = wires.client(config)
    for start in range(1, 4_001, 1_000):
        wire.arrives(data(start, 1, bytes(1_000)))
    assert wire.last.window == 0
    wire.heard()
    return wire


# --- the sender --------------------------------------------------------------------------------------------------


def test_no_more_is_sent_than_the_window_admits(wires: Wires) -> None:
    wire = wires.client(window=5)

    assert wire.send(b"abcdefgh") == [data(1, 1, b"abcde")]
    assert wire.arrives(ack(1, 3, window=5)) == []
    assert wire.arrives(ack(1, 6, window=5)) == [data(6, 1, b"fgh")]


@pytest.mark.rfc("MUST-36", "SHLD-29", "SHLD-30")
def test_a_closed_window_is_probed_with_one_octet(wires: Wires) -> None:
    """MUST-36, MUST-37, SHLD-29, SHLD-30: first after an RTO, then in doubling intervals."""
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)

    assert wire.run(0.999) == []
    assert wire.run(40.0) == [(float(at), data(1, 1, b"a")) for at in (1, 3, 7, 15, 31)]
    assert causes(wire) == [(3.0, "probe"), (7.0, "probe"), (15.0, "probe"), (31.0, "probe")]


@pytest.mark.rfc("MUST-37")
def test_a_closed_window_is_probed_as_long_as_the_peer_answers(wires: Wires) -> None:
    """MUST-36: the connection stays open, whatever R2 says."""
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)

    probes = 0
    for minute in range(1, 61):
        for at, seg in wire.run(60.0 * minute):
            assert seg == data(1, 1, b"a")
            assert wire.arrives(ack(1, 1, window=0), max(at, wire.now)) == []
            probes += 1

    assert wire.state is State.ESTABLISHED
    assert probes > 60


def test_a_closed_window_of_a_peer_that_is_gone_ends_at_r2(wires: Wires) -> None:
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)
    wire.arrives(ack(1, 1, window=0), 50.0)

    wire.run(162.9)  # the first probe that goes unanswered is that of 63 s
    assert wire.state is State.ESTABLISHED
    wire.run(163.0)
    assert wire.state is State.CLOSED


def test_r2_of_a_closed_window_counts_from_the_first_probe(wires: Wires) -> None:
    """MUST-20: it measures retransmission, and before that nothing had been sent."""
    wire = wires.client(window=0)
    wire.send(b"abc", 10.0)

    wire.run(110.9)
    assert wire.state is State.ESTABLISHED
    wire.run(111.0)
    assert wire.state is State.CLOSED


def test_a_window_that_opens_is_used_at_once(wires: Wires) -> None:
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)

    assert wire.arrives(ack(1, 1, window=100), 0.5) == [data(1, 1, b"abc")]


def test_a_window_that_opens_after_a_probe_is_used_at_once(wires: Wires) -> None:
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)
    wire.run(1.0)

    assert wire.arrives(ack(1, 1, window=100), 1.5) == [data(1, 1, b"a"), data(2, 1, b"bc")]


def test_a_probe_that_was_taken_is_not_repeated(wires: Wires) -> None:
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)
    assert wire.run(1.0) == [(1.0, data(1, 1, b"a"))]

    assert wire.arrives(ack(1, 2, window=0), 1.5) == []
    assert wire.run(4.0) == [(pytest.approx(2.5), data(2, 1, b"b"))]


def test_a_fin_probes_a_closed_window(wires: Wires) -> None:
    wire = wires.client(window=0)

    assert wire.close(0.0) == []
    assert wire.run(3.0) == [(1.0, fin(1, 1)), (3.0, fin(1, 1))]
    assert wire.arrives(ack(1, 1, window=1), 3.5) == [fin(1, 1)]
    wire.arrives(ack(1, 2, window=1), 4.0)
    assert wire.state is State.FIN_WAIT_2


def test_what_is_sent_while_probing_comes_from_within_the_window(wires: Wires) -> None:
    """From beyond it the peer would hear no ACK and believe no reset, as long as it does not take the probe."""
    wire = wires.client(window=0)
    wire.send(b"abc", 0.0)
    assert wire.run(1.0) == [(1.0, data(1, 1, b"a"))]

    assert wire.arrives(data(1, 1, b"hello", window=0), 1.5) == [ack(1, 6)]
    assert wire.abort() == [Seg("R", 1)]


def test_a_syn_is_outside_of_the_window_that_comes_with_the_peers(wires: Wires) -> None:
    wire = wires.reach(State.LISTEN)
    assert wire.arrives(syn(window=0)) == [syn_ack()]

    assert wire.arrives(syn(window=0)) == [ack(1, 1)]
    assert wire.abort() == [Seg("R", 1)]


def test_two_closed_windows_do_not_acknowledge_each_other_for_ever() -> None:
    """Both ends have filled the other's buffer, and probe it."""
    manner = Manner(octets=5_000, read_after=300 * SECOND)
    hosts = {
        "client": Host(CLIENT, Talker(manner, 1, opens=[Opening(Instant(0), SERVER, 80)]), SMALL),
        "server": Host(SERVER, Talker(manner, 2, listens=80), SMALL),
    }
    journal = Journal()
    world = World(Network({THERE: LINK, BACK: LINK}, seed=0), hosts, [journal])

    world.run(Instant(290 * SECOND))
    assert len([record for record in journal.of(PacketSent) if record.node != "netem"]) < 70
    assert world.run_until_idle(Instant(3_600 * SECOND))
    assert [status.state for host in hosts.values() for status in host.statuses()] == [State.LISTEN]


def test_an_older_segment_does_not_set_the_window(wires: Wires) -> None:
    """RFC 9293, 3.10.7.4: SND.WL1 and SND.WL2."""
    wire = wires.client()
    wire.send(b"abc")
    wire.arrives(data(3, 1, b"yy", window=600))

    wire.arrives(data(1, 1, b"xx", window=10))
    assert wire.status.snd_wnd == 600
    wire.arrives(ack(5, 1, window=700))
    assert wire.status.snd_wnd == 700


def test_an_acknowledgement_of_more_sets_the_window_wherever_it_stands(wires: Wires) -> None:
    """A segment that was sent again has an old number and the latest news; without them the window would seem wider."""
    wire = wires.client(prompt(mss=5), window=10)
    wire.send(bytes(30))
    wire.arrives(data(3, 1, b"yy", window=10))

    assert wire.arrives(data(1, 6, b"xx", window=5)) == [ack(11, 5)]
    assert wire.status.snd_wnd == 5


@pytest.mark.rfc("MUST-34", "SHLD-15", "SHLD-16", "MAY-7")
def test_a_window_that_shrinks_is_borne(wires: Wires) -> None:
    """SHLD-15, MUST-34."""
    wire = wires.client(prompt(mss=10), window=30)
    wire.send(bytes(50), 0.0)

    assert wire.arrives(ack(1, 1, window=5), 0.5) == []
    assert wire.run(1.0) == [(1.0, data(1, 1, bytes(10)))]
    assert wire.arrives(ack(1, 11, window=5), 1.5) == [data(11, 1, bytes(10))]
    assert wire.arrives(ack(1, 31, window=100), 2.0) == [data(31, 1, bytes(10)), data(41, 1, bytes(10))]


@pytest.mark.rfc("MUST-38")
def test_a_silly_piece_is_not_sent_while_something_flies(wires: Wires) -> None:
    """RFC 9293, 3.8.6.2.1: a window that cuts the next segment short is waited out."""
    wire = wires.client(prompt(mss=10), window=25)

    assert wire.send(bytes(50)) == [data(1, 1, bytes(10)), data(11, 1, bytes(10))]
    assert wire.arrives(ack(1, 11, window=25)) == [data(21, 1, bytes(10))]


def test_the_last_piece_need_not_be_full(wires: Wires) -> None:
    wire = wires.client(prompt(mss=10))

    assert [len(seg.data) for seg in wire.send(bytes(25))] == [10, 10, 5]


@pytest.mark.rfc("MUST-61")
def test_the_last_octets_are_pushed(wires: Wires) -> None:
    wire = wires.client(prompt(mss=10))

    wire.send(bytes(15))
    assert [packet.segment.flags >> 3 & 1 for packet in wire.packets[-2:]] == [0, 1]


def test_the_send_buffer_has_a_size(wires: Wires) -> None:
    wire = wires.client(prompt(send_buffer=10))
    wire.send(bytes(10))

    wire.arrives(ack(1, 5))
    assert wire.heard() == [Writable(wire.connection, 4)]


# --- the receiver ------------------------------------------------------------------------------------------------


def test_what_is_unread_closes_the_window(wires: Wires) -> None:
    wire = wires.client(SMALL)

    windows = []
    for start in range(1, 4_001, 1_000):
        wire.arrives(data(start, 1, bytes(1_000)))
        windows.append(wire.last.window)
    assert windows == [3_000, 2_000, 1_000, 0]


@pytest.mark.rfc("MAY-8")
def test_a_probe_of_our_closed_window_is_answered(wires: Wires) -> None:
    wire = full(wires)

    assert wire.arrives(data(4_001, 1, b"x")) == [ack(1, 4_001)]
    assert wire.last.window == 0
    assert wire.status.unread == 4_000


def test_the_ack_of_a_segment_that_finds_the_window_closed_counts(wires: Wires) -> None:
    wire = full(wires)
    wire.send(b"abc")

    wire.arrives(data(4_001, 4, b"x"))
    assert wire.status.unsent_or_unacknowledged == 0


@pytest.mark.rfc("MUST-39")
def test_reading_reopens_the_window_by_worthwhile_steps(wires: Wires) -> None:
    """MUST-39 and 3.8.6.2.2: by a segment or half the buffer, whichever is less, and no sooner."""
    wire = full(wires)

    wire.receive(999)
    assert wire.sent() == []
    wire.receive(1)
    assert wire.sent() == [(wire.now, ack(1, 4_001))]
    assert wire.last.window == 1_000
    wire.receive(1_999)
    assert wire.sent() == []


@pytest.mark.rfc("MUST-39")
def test_an_ack_tells_no_silly_window_either(wires: Wires) -> None:
    wire = full(wires)

    wire.receive(999)
    wire.arrives(data(4_001, 1, b"x"))
    assert wire.last.window == 0


def test_a_window_that_is_still_open_needs_no_update(wires: Wires) -> None:
    wire = wires.client(SMALL)
    wire.arrives(data(1, 1, bytes(1_000)))

    wire.receive()
    assert wire.sent() == []


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_smallest_buffers_work(wires: Wires, size: int) -> None:
    wire = wires.client(prompt(receive_buffer=size))

    wire.arrives(data(1, 1, bytes(size)))
    assert wire.last.window == 0
    wire.receive()
    assert wire.sent() == [(wire.now, ack(1, 1 + size))]
    assert wire.last.window == size


@pytest.mark.rfc("SHLD-14")
def test_the_right_edge_never_moves_left(wires: Wires) -> None:
    """SHLD-14."""
    wire = wires.client(SMALL)
    edges = []
    position = 1
    for size in (700, 300, 1_000, 1, 999, 1_000):
        wire.arrives(data(position, 1, bytes(size)))
        position += size
        edges.append(position + wire.last.window)
        wire.receive(size // 3)
        wire.sent()
        edges.append(wire.rcv_nxt + wire.status.rcv_wnd)
    assert edges == sorted(edges)
