"""Client and server on real TCPs, over networks that do what networks do, in virtual time."""

import itertools
from collections import Counter

import pytest

from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed
from tcplab.apps.frames import Mode
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address
from tcplab.observe.journal import Journal
from tcplab.sim.world import World
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import IllegalTransition, StateChanged
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, Instant

CLIENT, SERVER = Address("10.0.1.1"), Address("10.0.2.1")
DELAY = 40 * MILLISECOND
SHORT = TcpConfig(msl=5 * SECOND)


def run(
    config: ClientConfig,
    profile: Profile,
    *,
    server: ServerConfig | None = None,
    tcp: TcpConfig = SHORT,
    limit: int = 3_000,
    seed: int = 1,
) -> Journal:
    """Run until nothing is left to do; everything must have ended by ``limit`` seconds."""
    journal = Journal()
    network = Network({LinkName("client>server"): profile, LinkName("server>client"): profile}, seed=seed)
    client = Client(config, seed)
    hosts = {
        "server": Host(SERVER, Server(server or ServerConfig(80)), tcp),
        "client": Host(CLIENT, client, tcp),
    }
    assert World(network, hosts, [journal]).run_until_idle(Instant(limit * SECOND))
    assert client.finished
    assert journal.of(IllegalTransition) == []
    return journal


def config(**settings: object) -> ClientConfig:
    return ClientConfig(SERVER, 80, **settings)  # type: ignore[arg-type]


def states(journal: Journal, node: str) -> list[State]:
    return [record.event.new for record in journal.of(StateChanged, node) if record.event.connection.remote_port]


def outcomes(journal: Journal) -> Counter[str]:
    kinds = (TransferCompleted, TransferFailed, TransferCorrupted)
    return Counter(f"{record.node} {kind.__name__}" for kind in kinds for record in journal.of(kind))


@pytest.mark.parametrize("mode", Mode)
def test_each_mode_is_verified_by_both_sides(mode: Mode) -> None:
    journal = run(config(mode=mode, octets=5_000, total=3), Profile(delay=DELAY))

    assert outcomes(journal) == {"client TransferCompleted": 3, "server TransferCompleted": 3}
    expected = {Mode.ECHO: (5_000, 5_000), Mode.SINK: (5_000, 32), Mode.SERVE: (8, 5_000)}[mode]
    for record in journal.of(TransferCompleted, "client"):
        assert (record.event.octets_sent, record.event.octets_received) == expected
    for record in journal.of(TransferCompleted, "server"):
        assert (record.event.octets_received, record.event.octets_sent) == expected


@pytest.mark.parametrize(
    ("mix", "client", "server"),
    [
        (CloseMix(1, 0, 0), State.TIME_WAIT, State.LAST_ACK),
        (CloseMix(0, 1, 0), State.LAST_ACK, State.TIME_WAIT),
        (CloseMix(0, 0, 1), State.CLOSING, State.CLOSING),
    ],
)
@pytest.mark.parametrize("delay", [1, 40, 400])
def test_who_closes_first_is_who_was_asked_to(mix: CloseMix, client: State, server: State, delay: int) -> None:
    journal = run(config(total=4, close_mix=mix), Profile(delay=delay * MILLISECOND))

    assert states(journal, "client").count(client) == 4
    assert states(journal, "server").count(server) == 4


def test_both_close_at_once_though_the_delay_varies() -> None:
    profile = Profile(delay=DELAY, jitter=10 * MILLISECOND)

    journal = run(config(total=100, rate=50.0, close_mix=CloseMix(0, 0, 1)), profile)

    # Where the ACK of one's FIN overtakes the peer's FIN, the way leads through FIN_WAIT_2.
    for node in ("client", "server"):
        passed = Counter(states(journal, node))
        assert (
            passed[State.FIN_WAIT_1]
            == passed[State.TIME_WAIT]
            == passed[State.CLOSING] + passed[State.FIN_WAIT_2]
            == 100
        )
        assert passed[State.CLOSING] > passed[State.FIN_WAIT_2]
        assert passed[State.CLOSE_WAIT] == 0


def test_ten_megabytes_pass_a_bad_network_intact() -> None:
    profile = Profile(delay=DELAY, jitter=10 * MILLISECOND, loss=0.01, duplicate=0.01)

    journal = run(config(octets=10_000_000, total=1), profile, limit=10_000)

    assert outcomes(journal) == {"client TransferCompleted": 1, "server TransferCompleted": 1}
    (done,) = journal.of(TransferCompleted, "client")
    assert done.event.octets_received == 10_000_000


def test_many_transfers_pass_a_bad_network_intact() -> None:
    profile = Profile(delay=DELAY, jitter=DELAY, loss=0.1, duplicate=0.05)
    tcp = TcpConfig(msl=5 * SECOND, r2=None, r2_syn=None)
    patient = ServerConfig(80, patience=3_600 * SECOND)

    journal = run(
        config(octets=20_000, total=60, rate=20.0, patience=3_600 * SECOND, close_mix=CloseMix(1, 1, 1)),
        profile,
        server=patient,
        tcp=tcp,
        limit=20_000,
    )

    assert outcomes(journal) == {"client TransferCompleted": 60, "server TransferCompleted": 60}


@pytest.mark.parametrize("slow", ["client", "server"])
def test_a_slow_reader_slows_its_peer_and_nothing_is_lost(slow: str) -> None:
    client = config(octets=100_000, total=1, read_rate=20_000 if slow == "client" else None)
    server = ServerConfig(80, read_rate=20_000 if slow == "server" else None)

    journal = run(client, Profile(delay=DELAY), server=server)

    (done,) = journal.of(TransferCompleted, "client")
    assert 5 * SECOND <= done.event.duration < 7 * SECOND


def test_the_smallest_send_buffer_does_not_cut_the_request_short() -> None:
    """The echo is complete two round trips before the client has room for the last octets of its digest."""
    journal, profile = Journal(), Profile(delay=DELAY)
    hosts = {
        "server": Host(SERVER, Server(ServerConfig(80)), SHORT),
        "client": Host(CLIENT, Client(config(total=3), 1), TcpConfig(msl=5 * SECOND, send_buffer=8)),
    }
    network = Network({LinkName("client>server"): profile, LinkName("server>client"): profile}, seed=1)

    assert World(network, hosts, [journal]).run_until_idle(Instant(100 * SECOND))

    assert outcomes(journal) == {"client TransferCompleted": 3, "server TransferCompleted": 3}


def test_without_a_server_every_try_is_refused_and_it_goes_on() -> None:
    journal = Journal()
    client = Client(config(total=3), seed=1)
    hosts = {"server": Host(SERVER, Server(ServerConfig(81)), SHORT), "client": Host(CLIENT, client, SHORT)}

    World(Network({}, seed=1), hosts, [journal]).run_until_idle(Instant(100 * SECOND))

    assert [record.event for record in journal.of(TransferFailed)] == [TransferFailed(None, "refused")] * 3
    assert client.finished


def test_when_ports_run_out_it_waits_for_time_wait_to_end() -> None:
    tcp = TcpConfig(msl=5 * SECOND, first_port=50_000, last_port=50_003)

    journal = run(config(total=10, rate=20.0), Profile(delay=DELAY), tcp=tcp)

    assert outcomes(journal)["client TransferCompleted"] == 10
    failures = [record.time for record in journal.of(TransferFailed, "client")]
    assert failures, "the ports were enough, and the test shows nothing"
    # Four connections use the ports; then the client asks once a second until the first TIME_WAIT ends.
    assert [later - earlier for earlier, later in itertools.pairwise(failures)][:8] == [SECOND] * 8
    assert all(record.event.reason == "no_ports" for record in journal.of(TransferFailed, "client"))
