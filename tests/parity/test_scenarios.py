"""The same scenario in virtual time and in real time, in memory and over RabbitMQ: the same life on each host."""

import asyncio
from collections import Counter, defaultdict
from typing import NamedTuple

import pytest

from tcplab.netem.events import PacketDropped, PacketDuplicated, PacketReordered
from tcplab.netem.roles import DEFAULT_ROLES
from tcplab.node import Event, PacketSent
from tcplab.observe.journal import Journal
from tcplab.observe.ladder import ladder
from tcplab.port import Port
from tcplab.runtime.amqp import AmqpPort, HostEnd, NetworkEnd
from tcplab.runtime.clock import Clock
from tcplab.runtime.memory import Hub
from tcplab.scenarios import realtime, virtual
from tcplab.scenarios.last_ack import FAULT, last_ack
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.model import Scenario
from tcplab.tcp.events import Retransmitted, SegmentIgnored, StateChanged, TimeWaitRestarted
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND
from tests.support.labs import Lab

FAULTS: tuple[type[Event], ...] = (PacketDropped, PacketDuplicated, PacketReordered)


class Planned(NamedTuple):
    """A scenario with times that are worth waiting for, and far above what a machine needs to answer."""

    scenario: Scenario
    hits: tuple[type[Event], ...]
    """What the network must have done for the run to prove anything."""
    rules: frozenset[str]
    """Who must have dropped a packet."""


PLANS = {
    "lifecycle": Planned(lifecycle(delay=150 * MILLISECOND, msl=4 * SECOND), FAULTS, frozenset({"droplist"})),
    "lifecycle without faults": Planned(
        lifecycle(delay=150 * MILLISECOND, msl=4 * SECOND, faults=False), (), frozenset()
    ),
    "last ack": Planned(last_ack(delay=150 * MILLISECOND, msl=2 * SECOND), (PacketDropped,), frozenset({FAULT})),
}
every_plan = pytest.mark.parametrize("name", PLANS)


def paths(journal: Journal) -> dict[tuple[str, int], list[State]]:
    """Return the states of each connection of each host, in order."""
    found: dict[tuple[str, int], list[State]] = defaultdict(list)
    for record in journal.of(StateChanged):
        found[record.node, record.event.connection.incarnation].append(record.event.new)
    return found


def segments(journal: Journal, node: str) -> list[tuple[str, int]]:
    """Return what a host sent: kind and length of each segment."""
    return [(each.event.packet.segment.kind, each.event.packet.segment.length) for each in journal.of(PacketSent, node)]


def told(journal: Journal) -> tuple[Counter[tuple[str, str]], list[State], list[State]]:
    """Return what the ladder says of the segments, and its lifelines' states. Times differ, and with them the rows."""
    rows = list(ladder(journal.records))
    said = Counter((str(row.label), note) for row in rows for note in (*row.sent_notes, *row.notes, row.lost) if note)
    return said, [state for row in rows for state in row.left], [state for row in rows for state in row.right]


def compare(real: virtual.Run, planned: Planned) -> None:
    """Hold a run in real time against the same one in virtual time."""
    ideal = virtual.play(planned.scenario)

    assert real.at_rest
    assert paths(real.journal) == paths(ideal.journal)
    assert told(real.journal) == told(ideal.journal)
    for node in ideal.scripts:
        assert segments(real.journal, node) == segments(ideal.journal, node)
        assert real.scripts[node].digest_received == ideal.scripts[node].digest_received
        assert real.scripts[node].received == ideal.scripts[node].received
    for kind in (*FAULTS, Retransmitted, SegmentIgnored, TimeWaitRestarted):
        hits = len(real.journal.of(kind))
        assert hits == len(ideal.journal.of(kind)), kind
        if kind in FAULTS:
            assert (hits > 0) == (kind in planned.hits), f"{kind.__name__} proves nothing"
    for run in (real, ideal):
        assert {record.event.rule for record in run.journal.of(PacketDropped)} == planned.rules


@every_plan
def test_in_memory(name: str) -> None:
    planned = PLANS[name]
    hub = Hub()
    ports: dict[str, Port] = {name: hub.host(plan.address, name) for name, plan in planned.scenario.hosts.items()}
    ports["netem"] = hub.network()

    real = asyncio.run(realtime.play(planned.scenario, ports, clock=Clock()))

    compare(real, planned)


@pytest.mark.broker
@every_plan
def test_over_rabbitmq(amqp_lab: Lab, name: str) -> None:
    planned, scenario = PLANS[name], PLANS[name].scenario
    clock = Clock()

    def ports() -> dict[str, Port]:
        ends = {name: HostEnd(DEFAULT_ROLES[name], plan.address) for name, plan in scenario.hosts.items()}
        made: dict[str, Port] = {
            name: AmqpPort(amqp_lab.broker(name), end, clock=clock, name=name, lifetime=scenario.lifetime)
            for name, end in ends.items()
        }
        network = NetworkEnd(amqp_lab.senders())
        made["netem"] = AmqpPort(amqp_lab.broker("netem"), network, clock=clock, name="netem")
        return made

    real = asyncio.run(realtime.play(scenario, ports(), clock=clock))

    compare(real, planned)
