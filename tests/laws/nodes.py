"""Nodes that must keep the laws, and inputs that take them far."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st

from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import Fault, parse_rule
from tcplab.netem.network import Network
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.node import Node, Output, Packet
from tcplab.sim.world import World
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Instant
from tcplab.wire.segment import Flags, Segment
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add
from tests.netem.dialogue import life_of
from tests.netem.packets import BACK, CLIENT, SERVER, THERE, packet

MS = MILLISECOND


class Input(NamedTuple):
    """Something that happens at an instant: a packet arrives, or, without one, time has merely passed."""

    time: Instant
    packet: Packet | None


class Kind(NamedTuple):
    """How to make a node, a new one each time, and inputs for it in order of time."""

    build: Callable[[], Node]
    inputs: st.SearchStrategy[list[Input]]


# --- networks --------------------------------------------------------------------------------------------------------

PLAIN = Profile(delay=3 * MS, limit=4)
BAD = Profile(
    delay=3 * MS,
    jitter=2 * MS,
    loss=0.2,
    duplicate=0.2,
    rate=1_000_000,
    limit=5,
    drop_list=frozenset({2}),
    delay_list={3: 20 * MS},
    copy_list={1: SECOND, 5: MS},
)

EVERYTHING = Profile.parse(
    "delay 3ms 2ms 50% distribution pareto loss gemodel 10% 30% duplicate 20% 30% corrupt 20% reorder 30% 10% gap 2 "
    "rate 1mbit 8 48 5 slot 1ms 4ms packets 2 limit 6 delaylist 3:20ms copylist 1:1s"
)
TRACED = Profile.parse(
    "loss state 10% 50% 20% 50% 1% ecn trace delay d.txt trace rate r.txt slot 2ms bytes 100b",
    {"d.txt": "2 1\n3 4\n", "r.txt": "1\n1\n5\n"}.__getitem__,
)


def network_of(profile: Profile) -> Callable[[], Network]:
    return lambda: Network({THERE: profile, BACK: profile}, seed=3, lifetime=500 * MS)


FAULTY = Configuration(
    links={Pattern("10.0.1.1", "*"): BAD},
    faults=(
        Fault("flap", parse_rule("flap server>client up 4ms down 3ms")),
        Fault("split", parse_rule("partition client | server"), until=Instant(15 * MS)),
        Fault("hole", parse_rule("blackhole client>server"), until=Instant(30 * MS)),
    ),
)


def faulty_network() -> Network:
    network = network_of(PLAIN)()
    network.configure(FAULTY, START)
    return network


UNDERSTANDING = """
drop 2nd fin from client as one
hold data from client until 3ms after ack from server as two for 40ms
hold last data from server until fin from client as three
duplicate 50% of ack 2 times as four
corrupt retransmission of each connection as five
at 9ms: heal one
at 9ms: drop ack of fin as six for 10ms
after 3 drops: flap client>server up 2ms down 3ms as seven
when server enters CLOSE_WAIT: link server>client delay 1ms 1ms loss 10%
"""


def understanding_network() -> Network:
    network = network_of(PLAIN)()
    network.configure(Configuration.parse(UNDERSTANDING, START), START)
    return network


@st.composite
def connections(draw: st.DrawFn) -> list[Input]:
    """Draw segments of two connections, in any order, some of them again and again."""
    now, inputs = START, []
    life = [each for port in (50_000, 50_001) for each in life_of(port)]
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.integers(0, 4)) * MS
        inputs.append(Input(now, replace(draw(st.sampled_from(life)), born=now)))
    return inputs


BOTH_WAYS = ((CLIENT, SERVER), (SERVER, CLIENT))


@st.composite
def traffic(draw: st.DrawFn) -> list[Input]:
    """Draw packets both ways, some of them too old, some without a link."""
    now, inputs = START, []
    for number in range(draw(st.integers(0, 30))):
        now += draw(st.integers(0, 4)) * MS
        if draw(st.integers(0, 4)) == 0:
            inputs.append(Input(now, None))
            continue
        born = now - draw(st.sampled_from([0, 0, 0, 0, 0, 0, 498, 600])) * MS
        source, target = draw(st.sampled_from([*BOTH_WAYS, *BOTH_WAYS, *BOTH_WAYS, (CLIENT, CLIENT)]))
        inputs.append(Input(now, packet(number, born, source, target, bytes(draw(st.sampled_from([0, 100]))))))
    return inputs


# --- hosts -----------------------------------------------------------------------------------------------------------

LOAD = ClientConfig(SERVER, 80, rate=10, concurrency=3, octets=3_000, close_mix=CloseMix(2, 1, 1), total=4)


def client() -> Host:
    return Host(CLIENT, Client(LOAD, seed=5), isn_key=b"client")


def server() -> Host:
    return Host(SERVER, Server(ServerConfig(80)), isn_key=b"server")


class Recorder:
    """Stands in the place of a host and writes down what arrives."""

    def __init__(self, host: Host) -> None:
        self.address = host.address
        self.inputs: list[Input] = []
        self._host = host
        self.start, self.advance, self.deadline = host.start, host.advance, host.deadline

    def receive(self, arrived: Packet, now: Instant) -> Output:
        self.inputs.append(Input(now, arrived))
        return self._host.receive(arrived, now)


@cache
def dialogue(build: Callable[[], Host]) -> tuple[Input, ...]:
    """Return all that arrives at a host in a run over a bad network, until every connection is closed."""
    recorders = {"client": Recorder(client()), "server": Recorder(server())}
    world = World(Network({THERE: BAD, BACK: BAD}, seed=4), recorders)
    assert world.run_until_idle(Instant(60 * MINUTE))
    return tuple(recorders["client" if build is client else "server"].inputs)


FAULTS = ("dropped", "twice", "late", "bent", "stranger")


@st.composite
def conversation(draw: st.DrawFn, build: Callable[[], Host]) -> list[Input]:
    """Draw what a host would really get, bent: packets missing, doubled, late, damaged, or from a stranger."""
    told = dialogue(build)
    gaps = [told[0].time, *(later.time - earlier.time for earlier, later in pairwise(told))]
    end = draw(st.just(len(told)) | st.integers(0, len(told)))
    faults = draw(st.dictionaries(st.integers(0, len(told)), st.sampled_from(FAULTS), max_size=12))
    now, inputs = 0, []
    for place, (gap, original) in enumerate(zip(gaps[:end], told, strict=False)):
        fault = faults.get(place)
        now += gap + (draw(st.integers(1, 3_000)) * MS if fault == "late" else 0)
        arrived = original.packet
        assert arrived is not None
        if fault == "bent":
            arrived = replace(arrived, segment=draw(bent(arrived.segment)))
        elif fault == "stranger":
            arrived = replace(arrived, segment=draw(strange()))
        times = {"dropped": 0, "twice": 2}.get(fault or "", 1)
        inputs += [Input(Instant(now), arrived)] * times or [Input(Instant(now), None)]
    return inputs


def bent(segment: Segment) -> st.SearchStrategy[Segment]:
    """Strategy: the segment with a field or two a little, or entirely, off."""
    near = st.integers(-2_000, 2_000)
    return st.builds(
        lambda seq, ack, flags, window, payload: replace(
            segment,
            seq=seq_add(segment.seq, seq),
            ack=seq_add(segment.ack, ack),
            flags=Flags(segment.flags ^ flags),
            window=window,
            payload=payload,
        ),
        seq=st.sampled_from([0, 0, 1]) | near,
        ack=st.sampled_from([0, 0, 1]) | near,
        flags=st.sampled_from([0, 0, 1, 2, 4, 16]),
        window=st.sampled_from([segment.window, 0, 1, 65_535]),
        payload=st.just(segment.payload) | st.binary(max_size=20),
    )


def strange() -> st.SearchStrategy[Segment]:
    """Strategy: any segment at all, to ports at which somebody may be."""
    numbers = st.integers(0, MODULUS - 1).map(SeqNumber)
    ports = st.sampled_from([80, 81, 49_152, 49_153])
    flags = st.integers(0, 255).map(Flags)
    return st.builds(Segment, ports, ports, numbers, numbers, flags, st.integers(0, 65_535))


KINDS = {
    "perfect network": Kind(network_of(Profile()), traffic()),
    "network with a delay": Kind(network_of(PLAIN), traffic()),
    "bad network": Kind(network_of(BAD), traffic()),
    "network with every clause": Kind(network_of(EVERYTHING), traffic()),
    "network with traces": Kind(network_of(TRACED), traffic()),
    "network with faults": Kind(faulty_network, traffic()),
    "network that understands TCP": Kind(understanding_network, connections()),
    "client": Kind(client, conversation(client)),
    "server": Kind(server, conversation(server)),
}


# --- a driver --------------------------------------------------------------------------------------------------------


def begin(kind: Kind) -> tuple[Node, Output]:
    """Return a new node, and what came of its start where it has one."""
    node = kind.build()
    return node, node.start(START) if isinstance(node, Host) else Output()


def play(node: Node, inputs: list[Input], deadlines: int = 50) -> Iterator[tuple[Instant, Output]]:
    """Do to a node what a driver would, and go on for so many deadlines more; yield what comes of each input."""
    for now, arrived in inputs:
        while (due := node.deadline()) is not None and due <= now:
            yield due, node.advance(due)
        if arrived is not None:
            yield now, node.receive(arrived, now)
    for _ in range(deadlines):
        if (due := node.deadline()) is not None:
            yield due, node.advance(due)
