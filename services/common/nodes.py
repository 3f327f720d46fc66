"""Joins a node with a port at the broker, a clock, and those who look on."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from services.common.process import unless_stopped
from services.common.settings import HostSettings, NodeSettings
from services.common.voice import LinkWatch, Voice, say
from tcplab.netem.network import Network
from tcplab.node import Address, Observer, Output
from tcplab.observe.journal import JournalFile
from tcplab.runtime.amqp import AmqpPort, Bulletin, HostEnd, NetworkEnd
from tcplab.runtime.clock import Clock
from tcplab.runtime.follower import Follower
from tcplab.runtime.loop import Driver
from tcplab.runtime.station import metrics_of, serve_metrics
from tcplab.tcp.app import Abort, App, Call
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.units import Instant

CLOSING_PATIENCE: Final = 5.0  # real seconds that connections may take to close once the process is told to stop
CLOSING_POLL: Final = 0.05  # real seconds
CURRENT_PATIENCE: Final = 5.0  # real seconds to wait for the configuration that stands before packets are taken
_NOT_TO_ABORT: Final = frozenset({State.CLOSED, State.LISTEN, State.TIME_WAIT})


class Workload(App, Protocol):
    """An application that can be told to begin nothing new."""

    @property
    def under_way(self) -> int:
        """How many connections it has to do with."""

    def stop(self) -> Sequence[Call]:
        """Begin nothing new; return what to call."""


async def serve_host(
    role: str,
    settings: HostSettings,
    stop: asyncio.Event,
    *,
    address: Address | None,
    workload: Callable[[Address], Workload],
) -> None:
    """Run a host until told to stop, then close its connections.

    Args:
        role: whose prefix its address is in, and its user on the broker.
        settings: of the service.
        stop: set when it is time to stop.
        address: its address; ``None`` leases a free one.
        workload: makes the application, once the address is known.

    Raises:
        PortError: the broker will not have us.
        ExpositionError: metrics cannot be served.
        Stopped: told to stop before it had begun.
    """
    clock, voice = Clock(settings.time_scale), Voice()
    end = HostEnd(settings.prefix, address)
    port = AmqpPort(settings.broker, end, clock=clock, name=role, lifetime=settings.msl)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(port.close)
        await unless_stopped(stop, port.connect(lambda event: voice.observe(role, event, clock.now())))
        app, config = workload(end.address), settings.tcp_config()
        host = Host(
            end.address, app, config,
            isn_key=secrets.token_bytes(16),
            first_packet_id=time.time_ns() // 1_000,  # above whatever an earlier process at this address has used
            port_offset=secrets.randbelow(config.last_port - config.first_port + 1),
        )  # fmt: skip
        name = f"{role}-{end.address}"
        station = Station(role, name, host, port, clock, settings)
        driver = await stack.enter_async_context(station.running(voice, stop))
        driver.do(host.start)
        await _until(stop, driver)
        await wind_up(driver, host, app)


async def serve_network(settings: NodeSettings, stop: asyncio.Event, make: Callable[[int], Network]) -> None:
    """Run a shard of the network until told to stop; what is under way is lost, as on a network that is switched off.

    Args:
        settings: of the service.
        stop: set when it is time to stop.
        make: makes the network of a seed, once it is known which shard this is.

    Raises:
        PortError: the broker will not have us.
        ExpositionError: metrics cannot be served.
        Stopped: told to stop before it had begun.
    """
    clock, voice, end = Clock(settings.time_scale), Voice(), NetworkEnd()
    port = AmqpPort(settings.broker, end, clock=clock, name="netem", lifetime=settings.msl)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(port.close)
        await unless_stopped(stop, port.connect(lambda event: voice.observe("netem", event, clock.now())))
        name, network = f"netem-{end.shard}", make(shard_seed(settings.seed, end.shard))

        async def follow(driver: Driver) -> None:
            driver.do(network.start)
            follower = Follower(settings.broker, end.shard, network, driver, clock=clock, say=say)
            stack.push_async_callback(follower.port.close)
            await follower.begin(CURRENT_PATIENCE)

        station = Station("netem", name, network, port, clock, settings)
        driver = await stack.enter_async_context(station.running(voice, stop, follow))
        bulletin = Bulletin(settings.broker, name, attach=driver.attach, detach=driver.detach, say=say)
        bulletin.start()
        stack.push_async_callback(bulletin.close)
        await _until(stop, driver)


def shard_seed(seed: int, shard: int) -> int:
    """Return what a shard draws from: shards that share a seed must not draw the same, and the first has it as it is.

    Args:
        seed: of the lab, below 2**63.
        shard: counted from 1.
    """
    return seed + (shard - 1 << 63)


@dataclass(frozen=True, slots=True)
class Station:
    """A node of a service, with its port and its clock."""

    role: str
    name: str
    node: Host | Network
    port: AmqpPort
    clock: Clock
    settings: NodeSettings

    @asynccontextmanager
    async def running(
        self, voice: Voice, stop: asyncio.Event, prepare: Callable[[Driver], Coroutine[None, None, None]] | None = None
    ) -> AsyncIterator[Driver]:
        """Serve metrics, write the journal, and drive the node, as long as the context lasts.

        ``prepare`` is done to the driver before packets are taken.
        """
        settings, watch = self.settings, LinkWatch()
        observers: list[Observer] = [watch, voice]
        async with AsyncExitStack() as stack:
            journal = None if settings.journal is None else JournalFile(settings.journal, self.name, say)
            if journal is not None:
                stack.callback(journal.close)
                observers.append(journal)
            metrics = metrics_of(
                self.role, self.name, self.node, self.clock,
                journal_lost=lambda: 0 if journal is None else journal.lost, revision=settings.revision,
            )  # fmt: skip
            where = (settings.metrics_port, settings.metrics_address)
            stack.enter_context(serve_metrics(metrics, self.clock, *where, healthy=lambda: watch.trouble))
            # The network discards what is too old by itself, and counts it among its drops.
            lifetime = None if isinstance(self.node, Network) else settings.msl
            observers.insert(0, metrics)
            driver = Driver(self.name, self.node, self.port, observers, clock=self.clock, lifetime=lifetime)
            if prepare is not None:
                await unless_stopped(stop, prepare(driver))
            await unless_stopped(stop, stack.enter_async_context(driver))
            yield driver


async def _until(stop: asyncio.Event, driver: Driver) -> None:
    """Wait until told to stop.

    Raises:
        PortError: the broker will not have us any more.
    """
    waiting, driving = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(driver.done())
    try:
        await asyncio.wait((waiting, driving), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        driving.cancel()
    if driving.done():
        driving.result()


async def wind_up(driver: Driver, host: Host, app: Workload) -> None:
    """Let connections close, and abort what has not when patience ends."""
    for call in app.stop():
        driver.do(partial(host.call, call))
    patience_ends = time.monotonic() + CLOSING_PATIENCE
    while app.under_way and time.monotonic() < patience_ends:
        await asyncio.sleep(CLOSING_POLL)
    driver.do(partial(_abort_all, host))


def _abort_all(host: Host, now: Instant) -> Output:
    """Abort what is open now; the driver has done what was due, so that nothing ends by itself meanwhile."""
    open_now = [status.connection for status in host.statuses() if status.state not in _NOT_TO_ABORT]
    outputs = [host.call(Abort(connection), now) for connection in open_now]
    return Output(
        [packet for output in outputs for packet in output.packets],
        [event for output in outputs for event in output.events],
    )
