import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tcplab.apps.client import Client, ClientConfig
from tcplab.apps.events import TransferCompleted
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.events import PacketDelayed, PacketForwarded
from tcplab.netem.network import Network
from tcplab.netem.notices import NetworkStarted
from tcplab.netem.profile import Profile
from tcplab.node import Address, Output, Packet, PacketDiscarded, PacketReceived, PacketSent
from tcplab.observe.journal import Journal
from tcplab.sim.world import Endpoint, World
from tcplab.tcp.app import App, Close, InvalidCall, Listen
from tcplab.tcp.events import ConnectionId, StateChanged, TimeWaitEnded
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Duration, Instant
from tests.netem.packets import BACK, CLIENT, SERVER, THERE, packet
from tests.sim.endpoints import Alarm, Echo, Mirror, Sender, Stuck, Talkative
from tests.sim.seeded_run import BAD, LOAD, lab, seeded_run

MS = MILLISECOND
HOUR = Instant(60 * MINUTE)


def network(there: int = 0, back: int = 0) -> Network:
    return Network({THERE: Profile(delay=Duration(there)), BACK: Profile(delay=Duration(back))}, seed=1)


def world_of(*hosts: Endpoint, there: int = MS, back: int = MS, journal: Journal | None = None) -> World:
    names = ("client", "server", "third")
    return World(
        network(there, back), dict(zip(names, hosts, strict=False)), observers=() if journal is None else (journal,)
    )


# --- the journey of a packet -----------------------------------------------------------------------------------------


def test_observers_are_told_of_each_input_then_what_was_sent_then_the_nodes_own_events() -> None:
    sent, journal = packet(1, born=5 * MS), Journal()

    world_of(Sender(CLIENT, [sent]), Echo(SERVER), there=MS, back=0, journal=journal).run(HOUR)

    back = replace(sent, source=SERVER, target=CLIENT)
    beginning, *rest = journal.records
    assert (beginning.time, beginning.node, type(beginning.event)) == (START, "netem", NetworkStarted)
    assert [(record.time, record.node, record.event) for record in rest] == [
        (5 * MS, "client", PacketSent(sent)),
        (5 * MS, "netem", PacketReceived(sent)),
        (5 * MS, "netem", PacketDelayed(sent, THERE, MS, "delay")),
        (6 * MS, "netem", PacketSent(sent)),
        (6 * MS, "netem", PacketForwarded(sent, THERE, MS)),
        (6 * MS, "server", PacketReceived(sent)),
        (6 * MS, "server", PacketSent(back)),
        (6 * MS, "netem", PacketReceived(back)),
        (6 * MS, "netem", PacketSent(back)),
        (6 * MS, "netem", PacketForwarded(back, BACK, Duration(0))),
        (6 * MS, "client", PacketReceived(back)),
    ]


def test_the_network_can_have_another_name() -> None:
    journal = Journal()
    hosts = {"netem": Sender(CLIENT, [packet(1)]), "server": Sender(SERVER)}

    World(network(), hosts, [journal], network_name="wire").run(HOUR)

    assert [record.node for record in journal.records] == ["wire", "netem", "wire", "wire", "wire", "server"]


def test_a_packet_for_an_address_that_nobody_has_is_discarded_and_told() -> None:
    lost, journal = packet(1, target=Address("10.0.2.9")), Journal()

    world_of(Sender(CLIENT, [lost]), Sender(SERVER), journal=journal).run(HOUR)

    assert [record[1:] for record in journal.of(PacketDiscarded)] == [
        (MS, "netem", PacketDiscarded(lost, "wrong_address"))
    ]


def test_a_host_that_sends_from_anothers_address_is_refused() -> None:
    spoofed, journal, server = packet(1, source=SERVER, target=CLIENT), Journal(), Sender(SERVER)

    world_of(Sender(CLIENT, [spoofed]), server, journal=journal).run(HOUR)

    assert [record.event for record in journal.of(PacketDiscarded)] == [PacketDiscarded(spoofed, "spoofed_source")]
    assert not server.received


def test_packets_go_back_and_forth_over_a_perfect_link_at_one_instant() -> None:
    client, server = Echo(CLIENT, [packet(1, born=MS)], times=4_999), Echo(SERVER, times=5_000)

    world_of(client, server, there=0, back=0).run(HOUR)

    assert len(server.received) == 5_000
    assert {time for time, _ in server.received} == {MS}


def test_packets_that_arrive_at_one_instant_keep_their_order() -> None:
    journal = Journal()
    client, server = Sender(CLIENT, [packet(n) for n in range(5)]), Echo(SERVER, times=5)

    world_of(client, server, there=MS, back=0, journal=journal).run(HOUR)

    assert [each.id for _, each in server.received] == [0, 1, 2, 3, 4]
    assert [(record.node, record.event.packet.id) for record in journal.of(PacketReceived) if record.time == MS] == [
        *(hop for n in range(5) for hop in [("server", n), ("netem", n)]),
        *(("client", n) for n in range(5)),
    ]


def test_two_nodes_that_answer_each_other_for_ever_at_one_instant_are_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 10_000
    monkeypatch.setattr("tcplab.sim.world.PACKETS_AT_ONE_INSTANT", most)
    world = world_of(Mirror(CLIENT, [packet(1, born=MS)]), Mirror(SERVER), there=0, back=0)
    wanted = f"{most + 1} packets arrive at instant {MS}, and time stands still"

    with pytest.raises(RuntimeError, match=wanted):
        world.run(HOUR)


# --- time ------------------------------------------------------------------------------------------------------------


def test_run_does_what_is_due_by_then_and_stays_there() -> None:
    client, server = Sender(CLIENT, [packet(1, born=MS), packet(2, born=2 * MS)]), Sender(SERVER)
    world = world_of(client, server, there=MS)

    world.run(Instant(2 * MS))
    assert (world.now, client.advanced, server.received) == (2 * MS, [MS, 2 * MS], [(2 * MS, packet(1, born=MS))])
    assert world.deadline() == 3 * MS

    world.run(HOUR)
    assert (world.now, len(server.received), world.deadline()) == (HOUR, 2, None)


def test_time_does_not_go_back() -> None:
    world = world_of(Sender(CLIENT))
    world.run(HOUR)

    with pytest.raises(AssertionError, match=f"time cannot go back from {HOUR} to 0"):
        world.run(Instant(0))
    with pytest.raises(AssertionError, match=f"time cannot go back from {HOUR} to 0"):
        world.run_until_idle(Instant(0))


def test_run_until_idle_stays_where_the_last_thing_was_due() -> None:
    world = world_of(Sender(CLIENT, [packet(1, born=MS)]), Sender(SERVER), there=MS)

    assert world.run_until_idle(HOUR)
    assert world.now == 2 * MS


def test_run_until_idle_says_when_the_limit_came_first() -> None:
    world = world_of(Sender(CLIENT, [packet(1, born=5 * MS)]), Sender(SERVER))

    assert not world.run_until_idle(Instant(MS))
    assert world.now == MS
    assert world.run_until_idle(HOUR)


def test_a_deadline_that_was_given_up_does_not_count_as_busy() -> None:
    server = Alarm(SERVER, Instant(SECOND), [None])
    world = world_of(Sender(CLIENT, [packet(1)]), server)

    assert world.run_until_idle(Instant(2 * MS))
    assert world.now == MS
    assert not server.advanced


def test_a_step_is_one_node_at_its_deadline_with_all_that_comes_of_it() -> None:
    world = world_of(Sender(CLIENT, [packet(1, born=MS)]), Echo(SERVER), there=MS, back=MS)

    times = []
    while world.step():
        times.append(world.now)

    assert times == [MS, 2 * MS, 3 * MS]


@pytest.mark.parametrize(
    ("first", "delays", "advanced"),
    [
        (1 * SECOND, [3 * SECOND, 3 * SECOND], [3 * SECOND + 2 * MS]),  # put off, twice
        (1 * SECOND, [10 * MS, 1 * MS], [3 * MS]),  # brought forward, twice
        (1 * SECOND, [1 * MS, 5 * SECOND], [5 * SECOND + 2 * MS]),  # both
        (None, [0, 5 * MS], [1 * MS, 7 * MS]),  # set where there was none, due at once
        (1 * MS, [3 * MS, 0], [2 * MS]),
    ],
)
def test_a_node_is_woken_at_its_last_word_and_at_no_other_time(
    first: int | None, delays: list[int], advanced: list[int]
) -> None:
    alarm = Alarm(SERVER, None if first is None else Instant(first), delays)

    world_of(Sender(CLIENT, [packet(1), packet(2, born=MS)]), alarm, there=MS).run(HOUR)

    assert alarm.advanced == advanced


def test_a_deadline_in_the_past_is_due_at_once_and_does_not_turn_time_back() -> None:
    alarm = Alarm(SERVER, None, [-MS // 2])

    world_of(Sender(CLIENT, [packet(1)]), alarm, there=MS).run(HOUR)

    assert alarm.advanced == [MS]


def test_at_one_instant_the_network_comes_first_then_the_hosts_in_their_order() -> None:
    notes: list[str] = []
    client = Talkative(CLIENT, [packet(1), packet(2, born=MS)], notes)
    server = Talkative(SERVER, [packet(3, born=MS, source=SERVER, target=CLIENT)], notes)

    world_of(client, server, there=MS, back=SECOND).run(Instant(MS))

    assert notes == [f"{CLIENT} advances", f"{SERVER} receives", f"{CLIENT} advances", f"{SERVER} advances"]


def test_a_node_that_makes_no_progress_is_named() -> None:
    with pytest.raises(AssertionError, match=f"client was advanced at {MS} and is still due"):
        world_of(Stuck(CLIENT, [packet(1, born=MS)])).run(HOUR)


# --- hosts and calls -------------------------------------------------------------------------------------------------


def test_a_host_may_not_have_the_networks_name() -> None:
    with pytest.raises(ValueError, match="host 'netem': the network is called that"):
        World(network(), {"netem": Sender(CLIENT)})


def test_a_host_must_live_in_a_roles_prefix() -> None:
    with pytest.raises(ValueError, match=r"host 'x': 10\.9\.9\.9 is in no role's prefix"):
        World(network(), {"x": Sender(Address("10.9.9.9"))})


def test_no_two_hosts_have_one_address() -> None:
    with pytest.raises(ValueError, match=r"host 'y': 10\.0\.1\.1 is 'x''s address"):
        World(network(), {"x": Sender(CLIENT), "y": Sender(CLIENT)})


def test_calls_to_nobody_or_to_a_node_that_takes_none_are_refused_by_name() -> None:
    world = world_of(Sender(CLIENT))

    with pytest.raises(ValueError, match="there is no host 'cleint'; there are client"):
        world.call("cleint", Listen(80))
    with pytest.raises(ValueError, match="host 'client' takes no calls: it is a Sender"):
        world.call("client", Listen(80))


def test_a_call_that_the_state_forbids_is_the_callers_error() -> None:
    world, _ = lab(Profile())

    with pytest.raises(InvalidCall, match="there is no such connection"):
        world.call("client", Close(ConnectionId(CLIENT, 1, SERVER, 80, 99)))


def test_what_comes_of_a_call_is_carried_at_once() -> None:
    journal = Journal()
    world = World(network(), {"server": Host(SERVER, Server(ServerConfig(80)))}, [journal])
    world.run(Instant(SECOND))

    world.call("server", Listen(81))

    assert [(record.time, record.event.new) for record in journal.of(StateChanged)] == [
        (0, State.LISTEN),
        (SECOND, State.LISTEN),
    ]


def test_all_hosts_have_started_before_the_first_packet_arrives() -> None:
    world, journal = lab(Profile(), client=ClientConfig(SERVER, 80, rate=1_000, total=1))

    world.run(HOUR)

    assert len(journal.of(TransferCompleted, "client")) == 1


def test_the_240_seconds_of_time_wait_pass() -> None:
    world, journal = lab(Profile(delay=10 * MS), client=ClientConfig(SERVER, 80, rate=1_000, total=1))

    assert world.run_until_idle(HOUR)

    ended = journal.of(TimeWaitEnded)
    assert [(record.node, record.event.reason, record.event.duration) for record in ended] == [
        ("client", "expired", 240 * SECOND)
    ]
    assert world.now == ended[0].time


# --- the same again --------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_run_byte_for_byte_and_another_one_does_not() -> None:
    first = seeded_run(7)

    assert first == seeded_run(7)
    assert first != seeded_run(8)


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_a_run_does_not_depend_on_the_process_it_runs_in(hash_seed: str) -> None:
    elsewhere = subprocess.run(
        [sys.executable, "-m", "tests.sim.seeded_run", "7"],
        cwd=Path(__file__).parents[2],
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
    )

    assert elsewhere.stdout.decode() == seeded_run(7)


class Tapped(Host):
    """A host, and every packet that reaches it."""

    def __init__(self, address: Address, app: App) -> None:
        super().__init__(address, app)
        self.reached: list[tuple[Instant, Packet]] = []

    def receive(self, packet: Packet, now: Instant) -> Output:
        self.reached.append((now, packet))
        return super().receive(packet, now)


@pytest.mark.parametrize("seed", range(5))
def test_looking_on_changes_no_packet(seed: int) -> None:
    reached = []
    for observers in ((Journal(),), ()):
        hosts = {"client": Tapped(CLIENT, Client(LOAD, seed)), "server": Tapped(SERVER, Server(ServerConfig(80)))}
        World(Network({THERE: BAD, BACK: BAD}, seed=seed), hosts, observers).run_until_idle(HOUR)
        reached.append([host.reached for host in hosts.values()])

    assert all(len(packets) > 100 for packets in reached[0])
    assert reached[0] == reached[1]


def test_looking_on_changes_nothing() -> None:
    bad = Profile(delay=10 * MS, jitter=5 * MS, loss=0.1, duplicate=0.1)
    seen, journal = lab(bad)
    unseen, _ = lab(bad, observed=False)

    for world in (seen, unseen):
        world.run(Instant(30 * SECOND))

    assert journal.records
    for _ in range(200):
        assert (seen.step(), seen.now, seen.deadline()) == (unseen.step(), unseen.now, unseen.deadline())
