"""Conservation across nodes: whatever hosts send is received, discarded, dropped or in flight.

Every figure is counted by whoever did it, as Prometheus would scrape it from each node by itself; the journal is
asked the same for each single packet.
"""

from dataclasses import replace

import pytest

from tcplab import check
from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.server import Server, ServerConfig
from tcplab.check import Conservation, Outcome
from tcplab.check.conservation import Tally
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address, Packet
from tcplab.observe.journal import Journal
from tcplab.observe.metrics import Metrics, host_readings, network_readings
from tcplab.sim.world import World
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, MINUTE, SECOND, Instant
from tcplab.wire.octets import encode
from tests.observe.samples import Scrape
from tests.sim.endpoints import Sender

CLIENT, SERVER, LIAR = Address("10.0.1.1"), Address("10.0.2.1"), Address("10.0.1.66")
THERE, BACK = LinkName("client>server"), LinkName("server>client")
HOSTS = ("client", "server", "liar")


class Liar(Sender):
    """A host that claims other addresses, sends to nobody, and whose packets come damaged and very old."""

    def __init__(self) -> None:
        super().__init__(LIAR, [packet for n in range(1, 40) for packet in self._lies(n)])

    @staticmethod
    def _lies(n: int) -> list[Packet]:
        born = Instant(n * SECOND // 4)
        honest = Host(LIAR, Client(ClientConfig(SERVER, 80, total=1), n)).start(born).packets[0]
        segment = replace(honest.segment, sport=1_000 + n)
        packet = Packet(4 * n, born, LIAR, SERVER, segment)
        damaged = bytearray(encode(segment, LIAR, SERVER))
        damaged[4] ^= 1
        return [
            replace(packet, id=1_000_000 + n, source=SERVER),
            replace(packet, id=4 * n + 1, target=Address("10.0.9.9")),
            replace(packet, id=4 * n + 2, target=Address("10.0.2.99")),
            replace(packet, id=4 * n + 3, octets=bytes(damaged)),
        ]


class Run:
    """A load over a bad network, with a liar in it, cut off at some instant."""

    def __init__(self, until: Instant, seed: int) -> None:
        delay = 300 * MILLISECOND
        bad = Profile(delay=delay, jitter=200 * MILLISECOND, loss=0.1, duplicate=0.1, limit=25)
        worse = Profile(delay=delay, loss=0.02, duplicate=0.02, rate=300_000, copy_list={20: MINUTE, 40: 3 * MINUTE})
        self.network = Network({THERE: bad, BACK: worse}, seed=seed, lifetime=2 * MINUTE)
        load = ClientConfig(SERVER, 80, rate=8, octets=20_000, close_mix=CloseMix(1, 1, 1), total=60)
        hosts = {"client": Host(CLIENT, Client(load, seed)), "server": Host(SERVER, Server(ServerConfig(80)))}
        self.metrics = {
            name: Metrics(name, name, readings=lambda host=host: host_readings(host), broker=False)  # type: ignore[misc]
            for name, host in hosts.items()
        }
        self.metrics["liar"] = Metrics("client", "liar", broker=False)
        self.metrics["netem"] = Metrics(
            "netem",
            "netem",
            links=self.network.profiles(),
            readings=lambda: network_readings(self.network),
            broker=False,
        )
        self.journal = Journal()
        World(self.network, {**hosts, "liar": Liar()}, [self.journal, *self.metrics.values()]).run(until)

    def scraped(self) -> Tally:
        """Return the same equation from what each node's metrics say."""
        scrapes = {name: Scrape(metrics) for name, metrics in self.metrics.items()}

        def total(name: str, *nodes: str) -> int:
            return round(sum(sum(scrapes[node].nonzero(name).values()) for node in nodes))

        discarded: dict[str, int] = {}
        for scrape in scrapes.values():
            for (reason,), count in scrape.nonzero("segments_discarded_total").items():
                discarded[reason] = discarded.get(reason, 0) + round(count)
        drops: dict[str, int] = {}
        for (_, reason), count in scrapes["netem"].nonzero("netem_drops_total").items():
            drops[reason] = drops.get(reason, 0) + round(count)
        actions = scrapes["netem"].nonzero("netem_segments_total")
        return Tally(
            sent=total("segments_sent_total", *HOSTS),
            received=total("segments_received_total", *HOSTS),
            discarded=discarded,
            dropped=drops,
            duplicated=round(sum(count for (action, _), count in actions.items() if action == "duplicated")),
            in_flight=total("netem_queue_length", "netem"),
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("until", [1, 3, 7, 20, 600], ids=lambda until: f"{until}s")
def test_segments_are_conserved_whenever_one_looks(until: int, seed: int) -> None:
    run = Run(Instant(until * SECOND), seed)
    judge = Conservation(queue_lengths=run.network.queue_lengths())

    told = judge.tally(check.History(run.journal.records))
    scraped = run.scraped()

    assert told.missing == 0, str(told)
    assert scraped.missing == 0, str(scraped)
    assert scraped == told
    assert check.run(run.journal.records, [judge]).outcome is Outcome.VALID


def test_the_run_has_every_fate_in_it() -> None:
    early = Run(Instant(3 * SECOND), 1).scraped()
    late = Run(Instant(600 * SECOND), 1).scraped()

    assert early.in_flight > 0
    assert late.in_flight == 0
    assert min(late.dropped[reason] for reason in ("loss", "limit", "expired", "no_route")) > 0
    assert min(late.discarded[reason] for reason in ("spoofed_source", "wrong_address", "bad_checksum")) > 0
    assert late.duplicated > 0
