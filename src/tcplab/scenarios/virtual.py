"""Plays a scenario in virtual time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tcplab.apps.script import Script
from tcplab.node import Observer
from tcplab.observe.journal import Journal
from tcplab.scenarios.model import Scenario
from tcplab.sim.world import World
from tcplab.units import START, Instant


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a scenario: the journal is the truth, all else is computed from it."""

    scenario: Scenario
    journal: Journal
    scripts: Mapping[str, Script]
    ended: Instant
    at_rest: bool
    """Whether nothing was left to happen by the scenario's limit."""


def play(scenario: Scenario, observers: Sequence[Observer] = ()) -> Run:
    """Play a scenario to its end, without waiting; ``observers`` are told beside the journal."""
    journal = Journal()
    scripts = {name: scenario.make_script(name) for name in scenario.hosts}
    hosts = {name: scenario.make_host(name, script) for name, script in scripts.items()}
    network, configuration = scenario.make_network(), scenario.configuration(START)
    world = World(network, hosts, (journal, *observers), configuration=configuration)
    at_rest = world.run_until_idle(START + scenario.limit)
    return Run(scenario, journal, scripts, world.now, at_rest)
