"""Whatever the network does, a ladder shows everything, once, in the order in which it happened."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.events import LinkName, PacketDropped, PacketDuplicated
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address, Event, Packet, PacketReceived, PacketSent
from tcplab.observe.journal import Journal, Record
from tcplab.observe.ladder import Row, ladder
from tcplab.sim.world import World
from tcplab.tcp.events import StateChanged
from tcplab.tcp.host import Host
from tcplab.tcp.states import Cause, State
from tcplab.units import MILLISECOND, SECOND, Instant

HOSTS = {"client": Address("10.0.1.1"), "server": Address("10.0.2.1")}

PROFILES = st.builds(
    Profile,
    delay=st.integers(0, 60).map(lambda count: count * MILLISECOND),
    jitter=st.integers(0, 60).map(lambda count: count * MILLISECOND),
    loss=st.sampled_from([0.0, 0.1, 0.3]),
    duplicate=st.sampled_from([0.0, 0.2]),
    delay_list=st.dictionaries(st.integers(1, 12), st.integers(0, 300).map(lambda count: count * MILLISECOND)),
    copy_list=st.dictionaries(st.integers(1, 12), st.integers(0, 9).map(lambda count: count * SECOND)),
)


def run(there: Profile, back: Profile, octets: int, seed: int) -> list[Record[Event]]:
    config = ClientConfig(HOSTS["server"], 80, octets=octets, total=1, close_mix=CloseMix(1, 1, 1))
    network = Network({LinkName("client>server"): there, LinkName("server>client"): back}, seed=seed)
    journal = Journal()
    hosts = {
        "client": Host(HOSTS["client"], Client(config, seed)),
        "server": Host(HOSTS["server"], Server(ServerConfig(80))),
    }
    World(network, hosts, [journal]).run_until_idle(Instant(1_000 * SECOND))
    return journal.records


def drawn(rows: list[Row], side: str) -> list[tuple[str, int]]:
    """Return what the rows show on a lifeline, from top to bottom."""
    found = []
    for row in rows:
        if row.kind in ("departs", "lost", "whole") and row.sender == side:
            found.append(("sent", row.flight))
        if row.kind in ("arrives", "whole") and row.sender != side:
            found.append(("received", row.flight))
    return found


def happened(records: list[Record[Event]], node: str) -> list[tuple[str, int]]:
    """Return what the journal tells of a node, packets numbered as they came into the world."""
    numbers: dict[tuple[Address, int, int], int] = {}

    def key(packet: Packet) -> tuple[Address, int, int]:
        return packet.source, packet.id, packet.copy

    found = []
    for record in records:
        event = record.event
        if isinstance(event, PacketDuplicated) or (isinstance(event, PacketSent) and record.node != "netem"):
            numbers[key(event.packet)] = len(numbers) + 1
        if record.node == node and isinstance(event, PacketSent):
            found.append(("sent", numbers[key(event.packet)]))
        if record.node == node and isinstance(event, PacketReceived):
            found.append(("received", numbers[key(event.packet)]))
    return found


@settings(max_examples=300, deadline=None)
@given(there=PROFILES, back=PROFILES, octets=st.integers(0, 6_000), seed=st.integers(0, 1_000))
def test_each_lifeline_tells_the_truth_in_order(there: Profile, back: Profile, octets: int, seed: int) -> None:
    records = run(there, back, octets, seed)

    rows = list(ladder(records))

    assert drawn(rows, "left") == happened(records, "client")
    assert drawn(rows, "right") == happened(records, "server")
    starts = [row.start for row in rows]
    assert starts == sorted(starts)
    losses = [row.flight for row in rows if row.kind in ("lost", "vanishes")]
    assert len(losses) == len(set(losses)) == sum(isinstance(record.event, PacketDropped) for record in records)


@settings(max_examples=100, deadline=None)
@given(there=PROFILES, back=PROFILES, seed=st.integers(0, 1_000))
def test_every_state_shows_on_its_lifeline(there: Profile, back: Profile, seed: int) -> None:
    records = run(there, back, 500, seed)

    _, *rows = ladder(records)

    for node in HOSTS:
        told = [
            record.event.new
            for record in records
            if isinstance(record.event, StateChanged)
            and record.node == node
            and record.event.connection.remote_port
            and record.event.cause is not Cause.PASSIVE_OPEN
        ]
        shown = [state for row in rows for state in (row.left if node == "client" else row.right)]
        assert [state for state in shown if state is not State.LISTEN] == told
