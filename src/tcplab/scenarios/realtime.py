"""Plays a scenario in real time, over whatever ports it is given."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from tcplab.node import Node, Observer
from tcplab.observe.journal import Journal
from tcplab.port import Port
from tcplab.runtime.clock import Clock
from tcplab.runtime.loop import Driver
from tcplab.scenarios.model import Scenario
from tcplab.scenarios.virtual import Run

NETWORK: Final = "netem"
POLL: Final = 0.02  # real seconds between two looks at whether anything is left to happen


async def play(
    scenario: Scenario, ports: Mapping[str, Port], *, clock: Clock, observers: Sequence[Observer] = ()
) -> Run:
    """Play a scenario until nothing is left to happen, or its limit is reached.

    Args:
        scenario: what to play; its times pass in truth, so a short MSL is advisable.
        ports: of each host by its name, and of the network as ``netem``; opened and closed here.
        clock: the lab's time, which does not begin at zero.
        observers: are told beside the journal.

    Raises:
        PortError: a port cannot be opened, or is lost.
    """
    journal = Journal()
    scripts = {name: scenario.make_script(name) for name in scenario.hosts}
    hosts = {name: scenario.make_host(name, script) for name, script in scripts.items()}
    network = scenario.make_network()
    nodes: dict[str, Node] = {NETWORK: network, **hosts}
    began = clock.now()
    async with AsyncExitStack() as stack:
        drivers = {
            name: await stack.enter_async_context(
                Driver(name, node, ports[name], (journal, *observers), clock=clock, lifetime=scenario.lifetime)
            )
            for name, node in nodes.items()
        }
        drivers[NETWORK].do(network.start)
        if (configuration := scenario.configuration(clock.now())) is not None:
            drivers[NETWORK].do(partial(network.configure, configuration))
        for name, host in hosts.items():
            drivers[name].do(host.start)
        lost = [asyncio.ensure_future(driver.done()) for driver in drivers.values()]
        try:
            while not at_rest(nodes) and clock.now() < began + scenario.limit:
                await asyncio.wait(lost, timeout=POLL, return_when=asyncio.FIRST_COMPLETED)
                for each in lost:
                    if each.done():
                        each.result()
        finally:
            for each in lost:
                each.cancel()
    return Run(scenario, journal, scripts, clock.now(), at_rest(nodes))


def at_rest(nodes: Mapping[str, Node]) -> bool:
    """Return whether no node has anything left to do; whatever is on a wire and matters has a timer that guards it."""
    return all(node.deadline() is None for node in nodes.values())
