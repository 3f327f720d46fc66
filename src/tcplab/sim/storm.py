"""Runs drawn from a seed: two talkers and a network that does its worst, judged by every checker.

All that a run is made of is drawn beforehand and stands in a :class:`Storm`; the same seed gives the same run, byte
for byte. A property test runs thousands of them, and whichever fails is played again from its seed.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Literal, NamedTuple

from tcplab import check
from tcplab.apps.events import StreamRead
from tcplab.apps.talker import Manner, Opening, Talker
from tcplab.apps.witness import Witness
from tcplab.check import Checker, History, Result, Verdict
from tcplab.check.verdict import invalid
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.notices import LinkSet
from tcplab.netem.profile import Profile
from tcplab.node import Address
from tcplab.observe.journal import Journal
from tcplab.sim.world import World
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionId, ConnectionOpened
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant, seconds
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add

CLIENT: Final = Address("10.0.1.1")
SERVER: Final = Address("10.0.2.1")
THERE: Final = LinkName("client>server")
BACK: Final = LinkName("server>client")

_PORT: Final = 80
_CHOSEN: Final = 5_000  # the first local port, where the client does not leave that to its TCP
_SEGMENTS_MOST: Final = 100  # of one stream: bounds what a run costs
_SIPS_MOST: Final = 100  # in which a stream is written or read, likewise
_ALL: Final = 1 << 16
_NONE: Final = Duration(0)
_LIMIT: Final = Instant(24 * 3600 * SECOND)  # a run that is not over by then never will be: most take minutes
_ISN_STEP: Final = 1_000_003  # from one incarnation to the next; beyond what a stream is long

Opens = Literal["client", "both"]
"""Who opens: the client, or both at one instant (a simultaneous open)."""


class Outage(NamedTuple):
    """A link that carries nothing from one instant to another, or, without an end, ever after."""

    link: LinkName
    begin: Instant
    end: Instant | None


@dataclass(frozen=True, slots=True)
class Storm:
    """Everything of a run that is left to chance."""

    seed: int
    profiles: Mapping[LinkName, Profile]
    client: Manner
    server: Manner
    client_config: TcpConfig
    server_config: TcpConfig
    client_isn: SeqNumber
    server_isn: SeqNumber
    opens: Opens
    openings: tuple[Opening, ...]
    outages: tuple[Outage, ...] = ()


class Run(NamedTuple):
    """What came of a storm."""

    journal: Journal
    verdict: Verdict


def draw(seed: int, *, outages: bool = False) -> Storm:
    """Draw a storm.

    Without ``outages`` R2 is switched off, so that nobody may give up. With them R2 is the RFC's, links go down for a
    while or for good, and whoever waits too long for the other lets go.
    """
    random = Random(f"storm/{seed}")
    opens: Opens = "both" if random.random() < 0.15 else "client"
    client_config, server_config = _draw_config(random), _draw_config(random)
    if not outages:
        client_config = replace(client_config, r2=None, r2_syn=None)
        server_config = replace(server_config, r2=None, r2_syn=None)
    profiles = {THERE: _draw_profile(random, crossing=opens == "both"), BACK: _draw_profile(random, crossing=True)}
    patience = random.randint(60, 900) * SECOND if outages else None
    mss = min(client_config.mss, server_config.mss)
    requests, answers = _draw_octets(random, mss), _draw_octets(random, mss)
    client = _draw_manner(random, mss, requests, answers, patience, may_wait=True)
    server = _draw_manner(random, mss, answers, requests, patience, may_wait=client.close == "written")
    count = 1 if opens == "both" else random.randint(1, 3)
    chosen = opens == "both" or random.random() < 0.5
    starts = [START] + [Instant(random.randint(0, 5 * SECOND)) for _ in range(count - 1)]
    return Storm(
        seed=seed,
        profiles=profiles,
        client=client,
        server=server,
        client_config=client_config,
        server_config=server_config,
        client_isn=_draw_isn(random),
        server_isn=_draw_isn(random),
        opens=opens,
        openings=tuple(Opening(at, SERVER, _PORT, _CHOSEN + n if chosen else 0) for n, at in enumerate(starts)),
        outages=_draw_outages(random) if outages else (),
    )


def run(storm: Storm) -> Run:
    """Let a storm blow until nothing is due any more, and judge it."""
    both = storm.opens == "both"
    returns = [Opening(opening.at, CLIENT, opening.local_port, _PORT) for opening in storm.openings] if both else []
    talkers = {
        "client": Talker(storm.client, 2 * storm.seed, opens=storm.openings),
        "server": Talker(storm.server, 2 * storm.seed + 1, opens=returns, listens=None if both else _PORT),
    }
    configs = {"client": storm.client_config, "server": storm.server_config}
    hosts = {
        "client": _host(CLIENT, talkers["client"], storm.client_config, storm.client_isn),
        "server": _host(SERVER, talkers["server"], storm.server_config, storm.server_isn),
    }
    network, journal = Network(storm.profiles, seed=storm.seed), Journal()
    world = World(network, hosts, [journal])
    _play(world, network, storm, journal)
    idle = world.run_until_idle(_LIMIT)

    checkers: list[Checker] = [
        check.stream_intact,
        check.legal_path,
        check.all_closed,
        check.BackOff(configs),
        check.TimeWaitLasts(configs),
        check.GiveUp(configs),
        check.quiet,
        check.Conservation(queue_lengths=network.queue_lengths()),
        _nothing_stays(idle, network, hosts, talkers),
    ]
    if not storm.outages:
        checkers.append(_all_heard(storm))
    return Run(journal, check.run(journal.records, checkers))


def _nothing_stays(idle: bool, network: Network, hosts: Mapping[str, Host], talkers: Mapping[str, Talker]) -> Checker:
    """Return a judge, by what the nodes themselves say, of whether they are back where they began."""
    left = [] if idle else [f"something is still due at {_LIMIT} ns"]
    for name, host in hosts.items():
        left += [f"{name}: {status}" for status in host.statuses() if status.state is not State.LISTEN]
        left += [f"{name}: {host.ports_in_use()} ports in use"] if host.ports_in_use() else []
        left += [f"{name}: {talkers[name].under_way} unfinished talks"] if talkers[name].under_way else []
    left += [f"{link}: {length} packets" for link, length in network.queue_lengths().items() if length]
    return lambda _: Result("nothing stays", len(hosts), tuple(map(invalid, left)))


def _all_heard(storm: Storm) -> Checker:
    """Return a judge of whether each side heard on every connection all that the other had to say."""
    due = {"client": storm.server.octets, "server": storm.client.octets}

    def all_heard(history: History, /) -> Result:
        heard: Counter[tuple[str, ConnectionId]] = Counter()
        for read in history.of(StreamRead):
            heard[read.node, read.event.connection] += len(read.event.data)
        opened = [(record.node, record.event.connection) for record in history.of(ConnectionOpened)]
        findings = [
            invalid(f"{name[1]} of {name[0]} heard {heard[name]} octets of {due[name[0]]}")
            for name in opened
            if heard[name] != due[name[0]]
        ]
        if len(opened) != 2 * len(storm.openings):
            findings.append(invalid(f"{len(opened)} ends were opened of {2 * len(storm.openings)}"))
        return Result("all heard", len(opened), tuple(findings))

    return all_heard


def _host(address: Address, talker: Talker, config: TcpConfig, first_isn: SeqNumber) -> Host:
    def isn(name: ConnectionId, _: Instant) -> SeqNumber:
        return seq_add(first_isn, name.incarnation * _ISN_STEP)

    return Host(address, Witness(talker), config, isn=isn)


def _play(world: World, network: Network, storm: Storm, journal: Journal) -> None:
    """Take links down and up again, each when it is due, and put that into the journal."""
    turns: list[tuple[Instant, LinkName, bool]] = []
    for outage in storm.outages:
        turns.append((outage.begin, outage.link, False))
        if outage.end is not None:
            turns.append((outage.end, outage.link, True))
    for at, link, up in sorted(turns):
        world.run(at)
        profile = storm.profiles.get(link, Profile())
        profile = profile if up else replace(profile, loss=1.0, duplicate=0.0)
        network.set(link, profile)
        journal.observe("netem", LinkSet(link, str(profile)), world.now)


# --- what is drawn -----------------------------------------------------------------------------------------------


def _draw_config(random: Random) -> TcpConfig:
    """Draw one side's settings: what two sides agree on is then half of either, or less."""
    scaling = random.random() < 0.7
    return TcpConfig(
        rto_min=random.choice((200 * MILLISECOND, SECOND)),
        mss=random.choice((100, 536, 1_000, 1_460)),
        send_buffer=random.choice((1_000, 16_384, 131_072, 1_000_000)),
        receive_buffer=random.choice((500, 3_000, 20_000, 65_535, *((65_536, 300_000, 2_000_000) if scaling else ()))),
        window_scaling=scaling,
        timestamps=random.random() < 0.7,
        sack=random.random() < 0.7,
        ecn=random.random() < 0.5,
        congestion=random.choice(("newreno", "cubic")),
        initial_window=random.choice((1, 4, 10)),
        nagle=random.random() < 0.6,
        delayed_ack=random.choice((0, 40, 200, 499)) * MILLISECOND,
    )


def _draw_profile(random: Random, *, crossing: bool) -> Profile:
    """Draw a link; one on which SYNs are to cross takes its time for each packet."""
    delay = seconds(random.choice((0.0, 0.001, 0.02, 0.2, 2.0)) * (0.5 + random.random()))
    if crossing:
        delay = max(delay, MILLISECOND)
    return Profile(
        delay=delay,
        jitter=Duration(random.choice((0, delay // 10, delay - 1 if delay else 0))),
        loss=random.choice((0.0, 0.0, 0.02, 0.1, 0.3)) * random.random(),
        duplicate=random.choice((0.0, 0.0, 0.05, 0.3)) * random.random(),
        rate=random.choice((None, None, None, 100_000, 1_000_000, 20_000_000)),
        limit=random.choice((5, 50, 1_000)),
    )


def _draw_octets(random: Random, mss: int) -> int:
    return random.choice((0, 1, random.randint(2, 2 * mss), random.randint(mss, _SEGMENTS_MOST * mss)))


def _draw_manner(
    random: Random, mss: int, says: int, hears: int, patience: Duration | None, *, may_wait: bool
) -> Manner:
    """Draw how one side behaves that says and hears so many octets; only one of the two may wait for the other."""
    waits = may_wait and random.random() < 0.4
    return Manner(
        octets=says,
        write_limit=random.choice((_ALL, _ALL, mss - 1, max(1, says // _SIPS_MOST))),
        write_every=random.choice((_NONE, _NONE, _NONE, 20 * MILLISECOND, SECOND)),
        read_limit=random.choice((_ALL, _ALL, mss + 1, max(1, hears // _SIPS_MOST))),
        read_every=random.choice((_NONE, _NONE, 30 * MILLISECOND, SECOND)),
        read_after=random.choice((_NONE, _NONE, _NONE, 10 * SECOND, 200 * SECOND)),
        close="heard" if waits else "written",
        close_after=random.choice((_NONE, _NONE, _NONE, SECOND, 1_000 * SECOND)),
        release=waits and random.random() < 0.5,
        patience=patience,
    )


def _draw_isn(random: Random) -> SeqNumber:
    """Draw an ISN; every second time one so near to the end of its space that a short stream wraps."""
    if random.random() < 0.5:
        return SeqNumber(random.randrange(MODULUS))
    return SeqNumber(MODULUS - 1 - int(random.expovariate(1 / 2_000)))


def _draw_outages(random: Random) -> tuple[Outage, ...]:
    links = random.choice(((THERE,), (BACK,), (THERE, BACK)))
    begin = Instant(random.choice((0, 1, 10, 60)) * int(SECOND * random.random()))
    lasts = random.choice((10, 90, 150, 400, None))
    end = None if lasts is None else begin + lasts * SECOND
    return tuple(Outage(link, begin, end) for link in links)
