"""Control under load: a thousand changes while thousands of segments pass. None is lost, and none is half applied."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from tcplab.netem.configuration import Configuration
from tcplab.netem.events import PacketDelayed
from tcplab.netem.network import Network
from tcplab.netem.notices import ConfigurationApplied
from tcplab.runtime.follower import Follower
from tcplab.runtime.loop import Driver
from tests.broker.ports import CLOCK, HASTY, Watcher, client_end, fresh, make, network_end, open_port, server_end
from tests.lab.service import TEXT, Service, service
from tests.netem.packets import SERVER
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

CHANGES = 1_000
WRITERS = 8
BURST = 20  # packets each way, every 20 ms: 2,000 a second
EVERY = 0.02


async def change(lab: Service, writer: int) -> list[int]:
    """Make changes as fast as they are taken; return the revisions that they were accepted as.

    Each sets both directions at once: there to an odd number of milliseconds, back to the next.
    """
    accepted = []
    for number in range(writer, CHANGES, WRITERS):
        delay = 2 * (number % 20) + 1
        lines = f"link client>server delay {delay}ms\nlink server>client delay {delay + 1}ms\n"
        answer = await lab.http.patch("/network", content=lines, headers=TEXT | {"Lab-By": f"writer {writer}"})
        assert answer.status_code == 200, answer.text
        accepted.append(answer.json()["revision"])
    return accepted


@in_loop
async def test_a_thousand_changes_under_load(amqp_lab: Lab) -> None:
    network, at_network, end = Network({}, seed=1), Watcher(), network_end(amqp_lab)
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(service(amqp_lab))
        port = make(amqp_lab, "netem", end)
        driver = Driver("netem-1", network, port, (at_network,), clock=CLOCK)
        follower = Follower(amqp_lab.broker("netem"), 1, network, driver, clock=CLOCK, say=pytest.fail, limits=HASTY)
        stack.push_async_callback(follower.port.close)
        await follower.begin(10)
        await stack.enter_async_context(driver)
        server, at_server = await stack.enter_async_context(open_port(amqp_lab, "server", server_end()))
        client, at_client = await stack.enter_async_context(open_port(amqp_lab, "client", client_end()))

        changing = asyncio.gather(*(change(lab, writer) for writer in range(WRITERS)))
        began, sent = asyncio.get_running_loop().time(), 0
        while not changing.done():
            client.send([fresh(sent + number) for number in range(BURST)])
            server.send([fresh(sent + number, SERVER, client_end().address) for number in range(BURST)])
            sent += BURST
            await asyncio.sleep(max(0.0, began + sent / BURST * EVERY - asyncio.get_running_loop().time()))
        took = asyncio.get_running_loop().time() - began
        accepted = [revision for revisions in await changing for revision in revisions]
        last = lab.desk.record
        await at_network.until(lambda: network.configuration.revision == last.revision)
        await at_server.until_packets(sent)
        await at_client.until_packets(sent)
        remembered = lab.desk.history()

    print(f"{CHANGES / took:.0f} changes/s beside {2 * sent / took:.0f} segments/s")
    applied = [told.revision for told in at_network.of(ConfigurationApplied)]
    assert sorted(accepted) == list(range(1, CHANGES + 1)), "each was accepted once"
    assert applied == sorted(set(applied)), "revisions rose"
    assert applied == list(range(1, CHANGES + 1)), "none was lost"
    assert network.configuration == last.configuration
    assert {record.revision for record in remembered} >= set(range(2, CHANGES + 1))
    assert misjudged(at_network, {record.revision: record.configuration for record in remembered}) == Counter()
    assert len(at_network.of(PacketDelayed)) > sent


def misjudged(at_network: Watcher, snapshots: dict[int, Configuration]) -> Counter[str]:
    """Count the packets that were judged by anything but the snapshot that stood when they came."""
    wrong: Counter[str] = Counter()
    delays: dict[str, int] = {}
    for event in at_network.events:
        match event:
            case ConfigurationApplied(revision=revision):
                delays = {str(where): profile.delay for where, profile in snapshots[revision].links.items()}
            case PacketDelayed(link=link, delay=found):
                wrong[link] += found != delays[link]
    return +wrong
