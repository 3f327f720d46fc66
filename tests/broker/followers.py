"""Networks that follow the log of configurations at a real broker; nothing passes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tcplab.netem.network import Network
from tcplab.netem.notices import ConfigurationApplied
from tcplab.runtime.follower import Follower
from tcplab.runtime.loop import Driver
from tests.broker.ports import CLOCK, HASTY, Watcher
from tests.runtime.nodes import TestPort
from tests.support.labs import Lab


@dataclass
class Shard:
    """A network that follows the log; nothing passes it."""

    network: Network
    follower: Follower
    watcher: Watcher
    said: list[str]

    def applied(self) -> list[int]:
        return [told.revision for told in self.watcher.of(ConfigurationApplied)]


@asynccontextmanager
async def following(lab: Lab, number: int = 1, port: int | None = None) -> AsyncIterator[Shard]:
    network, watcher, said = Network({}, seed=1), Watcher(), list[str]()
    driver = Driver(f"netem-{number}", network, TestPort(), [watcher], clock=CLOCK)
    broker = lab.broker("netem", port=port)
    follower = Follower(broker, number, network, driver, clock=CLOCK, say=said.append, limits=HASTY)
    try:
        await follower.begin(10)
        async with driver:
            yield Shard(network, follower, watcher, said)
    finally:
        await follower.port.close()


async def until_revision(shard: Shard, revision: int) -> None:
    await shard.watcher.until(lambda: shard.network.configuration.revision == revision)
