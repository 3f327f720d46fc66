"""The metrics of a whole lab under its default load, against what the hosts and the journal say themselves."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

import pytest

from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Observer
from tcplab.observe import catalogue
from tcplab.observe.catalogue import STATE_CODES
from tcplab.observe.journal import Journal
from tcplab.observe.metrics import Metrics, host_readings, network_readings
from tcplab.sim.world import World
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, StateChanged
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, Instant
from tests.observe.events import CLIENT, SERVER
from tests.observe.samples import Scrape

RUN = 70  # seconds, at the scrape interval of one
STATE_OF = {code: state for state, code in STATE_CODES.items()}


class Lab:
    """Client, network and server with the settings that Compose gives them, but for a shorter MSL."""

    def __init__(self) -> None:
        config = TcpConfig(msl=5 * SECOND)
        profile = Profile(delay=50 * MILLISECOND, jitter=10 * MILLISECOND, loss=0.01, duplicate=0.005)
        links = dict.fromkeys((LinkName("client>server"), LinkName("server>client")), profile)
        network = Network(links, seed=1)
        load = ClientConfig(remote=SERVER, port=80, close_mix=CloseMix(client=6, server=3, both=1))
        self.hosts = {
            "client": Host(CLIENT, Client(load, seed=1), config, isn_key=b"client"),
            "server": Host(SERVER, Server(ServerConfig(port=80)), config, isn_key=b"server"),
        }
        self.metrics = {
            name: Metrics(name, name, config, readings=lambda host=host: host_readings(host), broker=False)  # type: ignore[misc]
            for name, host in self.hosts.items()
        }
        self.metrics["netem"] = Metrics(
            "netem", "netem", links=network.profiles(), readings=lambda: network_readings(network), broker=False
        )
        self.journal = Journal()
        observers: list[Observer] = [*self.metrics.values(), self.journal]
        self.world = World(network, self.hosts, observers)

    def scrapes(self) -> Iterator[dict[str, Scrape]]:
        """Run, and yield what a scrape of each node gets every second."""
        for second in range(1, RUN + 1):
            self.world.run(Instant(second * SECOND))
            yield {name: Scrape(metrics, self.world.now) for name, metrics in self.metrics.items()}


@pytest.fixture(scope="module")
def run() -> tuple[Lab, list[dict[str, Scrape]], list[dict[str, Counter[str]]]]:
    lab = Lab()
    scrapes, counts = [], []
    for scrape in lab.scrapes():
        scrapes.append(scrape)
        counts.append({name: Counter(s.state.value for s in host.statuses()) for name, host in lab.hosts.items()})
    return lab, scrapes, counts


Run = tuple[Lab, list[dict[str, Scrape]], list[dict[str, "Counter[str]"]]]


def states(scrape: Scrape) -> dict[str, float]:
    return {labels[0]: value for labels, value in scrape.nonzero("connections").items()}


def test_the_gauges_are_what_a_recount_of_the_hosts_gives(run: Run) -> None:
    lab, scrapes, counts = run

    for scrape, count in zip(scrapes, counts, strict=True):
        for name in lab.hosts:
            assert states(scrape[name]) == count[name]


def test_steps_into_a_state_less_steps_out_of_it_are_who_is_in_it(run: Run) -> None:
    lab, scrapes, counts = run

    for name in lab.hosts:
        balance: Counter[str] = Counter()
        for (_, old, new), value in scrapes[-1][name].nonzero("state_transitions_total").items():
            balance[new] += int(value)
            balance[old] -= int(value)
        del balance["closed"]
        assert +balance == counts[-1][name]
        assert scrapes[-1][name].value("illegal_transitions_total") == 0


def test_the_oldest_is_the_one_that_the_journal_saw_first(run: Run) -> None:
    lab, scrapes, _ = run

    for name in lab.hosts:
        inside: dict[ConnectionId, tuple[State, Instant]] = {}
        for record in lab.journal.of(StateChanged, name):
            inside[record.event.connection] = (record.event.new, record.time)
        for state in set(State) - {State.CLOSED}:
            entered = [time for found, time in inside.values() if found is state]
            shown = scrapes[-1][name].value("oldest_connection_entered_timestamp_seconds", state=state.value)
            assert shown == pytest.approx(min(entered, default=0) / SECOND)


def test_no_segment_is_counted_twice_or_not_at_all(run: Run) -> None:
    _, scrapes, _ = run
    end = scrapes[-1]

    def total(node: str, name: str) -> float:
        return sum(end[node].nonzero(name).values())

    sent = total("client", "segments_sent_total") + total("server", "segments_sent_total")
    received = total("client", "segments_received_total") + total("server", "segments_received_total")
    actions: Counter[str] = Counter()
    for (action, _), value in end["netem"].nonzero("netem_segments_total").items():
        actions[action] += int(value)
    dropped, queued = total("netem", "netem_drops_total"), total("netem", "netem_queue_length")
    assert sent > 3_000
    assert dropped > 0
    assert actions["duplicated"] > 0
    assert total("netem", "segments_received_total") == sent
    assert sent + actions["duplicated"] == actions["forwarded"] + dropped + queued
    assert actions["forwarded"] == total("netem", "segments_sent_total") == received


def test_little_s_law_holds(run: Run) -> None:
    """In TIME_WAIT are those who entered it during the last 2 MSL."""
    _, scrapes, _ = run

    for name in ("client", "server"):
        for now in (30, 60, RUN - 1):
            entered = [
                sum(
                    value
                    for (_, _, new), value in scrapes[second][name].nonzero("state_transitions_total").items()
                    if new == "time_wait"
                )
                for second in (now - 10, now)
            ]
            restarts = scrapes[now][name].value("time_wait_restarts_total")
            waiting = states(scrapes[now][name])["time_wait"]
            assert entered[1] - entered[0] <= waiting <= entered[1] - entered[0] + restarts


def test_the_spotlight_shows_every_state_within_a_minute(run: Run) -> None:
    _, scrapes, _ = run

    shown = {
        int(value)
        for scrape in scrapes[:60]
        for name in ("client", "server")
        for value in scrape[name].nonzero("spotlight_connection_state").values()
    }
    assert {STATE_OF[code] for code in shown} == set(State)


def test_whatever_the_spotlight_shows_is_the_path_of_a_connection(run: Run) -> None:
    lab, scrapes, _ = run

    for name in lab.hosts:
        paths: dict[ConnectionId, list[State]] = {}
        for record in lab.journal.of(StateChanged, name):
            paths.setdefault(record.event.connection, []).append(record.event.new)
        for slot in range(catalogue.SPOTLIGHT_SLOTS):
            codes = [int(scrape[name].value("spotlight_connection_state", slot=str(slot))) for scrape in scrapes]
            for idle, group in groupby(codes, lambda code: code == 0):
                path = [STATE_OF[code] for code, _ in groupby(group)] if not idle else []
                assert idle or any(true[: len(path)] == path for true in paths.values()), (name, slot, path)


def test_ports_in_use_are_the_hosts(run: Run) -> None:
    lab, scrapes, _ = run

    assert scrapes[-1]["client"].value("ephemeral_ports_in_use") == lab.hosts["client"].ports_in_use() > 0
    assert scrapes[-1]["client"].value("ephemeral_ports_limit") == 16_384
    assert scrapes[-1]["server"].value("ephemeral_ports_in_use") == 0
