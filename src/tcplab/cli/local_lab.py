"""A client, a server and the network between them in one process and in real time."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from tcplab.apps.client import Client, ClientConfig
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.netem.roles import DEFAULT_ROLES, link_name
from tcplab.node import Address, Observer
from tcplab.port import Port
from tcplab.runtime.amqp import AmqpPort, Broker, Bulletin, HostEnd, NetworkEnd
from tcplab.runtime.amqp.ends import End
from tcplab.runtime.clock import Clock
from tcplab.runtime.loop import Driver
from tcplab.runtime.memory import Hub
from tcplab.runtime.station import metrics_of, serve_metrics
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host

CLIENT: Final = Address("10.0.1.1")
SERVER: Final = Address("10.0.2.1")
NODES: Final = ("netem", "server", "client")  # in the order in which they start
CLOSING_PATIENCE: Final = 3.0  # real seconds that connections may take to close at the end
CLOSING_POLL: Final = 0.05  # real seconds


@dataclass(frozen=True, slots=True)
class LocalPlan:
    """What the lab is to be: one load, one network, and where the metrics go (0: any free ports)."""

    load: ClientConfig
    server: ServerConfig
    tcp: TcpConfig
    profile: Profile
    metrics_port: int
    broker: Broker | None
    seed: int


class LocalLab:
    """The three nodes while they run."""

    def __init__(self, client: Client, drivers: Mapping[str, Driver], urls: Mapping[str, str]) -> None:
        self.urls: Final = urls
        """Where each node's metrics are served."""
        self._client = client
        self._drivers = drivers

    async def until(self, stop: asyncio.Event, seconds: float | None) -> None:
        """Wait until told to stop, the time is over, or the client has opened all that it was to open.

        Raises:
            PortError: a node has lost the broker for good.
        """
        waiting = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._finished())]
        driving = [asyncio.ensure_future(driver.done()) for driver in self._drivers.values()]
        try:
            await asyncio.wait([*waiting, *driving], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*waiting, *driving):
                task.cancel()
        for task in driving:
            if task.done():
                task.result()

    async def wind_up(self) -> None:
        """Open nothing more, and give what is under way a while to close."""
        self._client.stop()
        until = time.monotonic() + CLOSING_PATIENCE
        while self._client.under_way and time.monotonic() < until:
            await asyncio.sleep(CLOSING_POLL)

    async def _finished(self) -> None:
        while not self._client.finished:
            await asyncio.sleep(CLOSING_POLL)


@asynccontextmanager
async def running(plan: LocalPlan, clock: Clock, observer: Observer) -> AsyncIterator[LocalLab]:
    """Run a lab as long as the context lasts.

    Raises:
        PortError: the broker will not have us.
        ExpositionError: metrics cannot be served.
    """
    client = Client(plan.load, plan.seed)
    first_id = time.time_ns() // 1_000  # above whatever an earlier lab on the same broker has used
    make = partial(Host, config=plan.tcp, first_packet_id=first_id)
    server_host = make(SERVER, Server(plan.server), isn_key=secrets.token_bytes(16))
    client_host = make(CLIENT, client, isn_key=secrets.token_bytes(16))
    links = {link_name("client", "server"): plan.profile, link_name("server", "client"): plan.profile}
    network = Network(links, seed=plan.seed, lifetime=plan.tcp.msl)
    nodes: dict[str, Host | Network] = {"netem": network, "server": server_host, "client": client_host}
    ports = _ports(plan, clock)
    async with AsyncExitStack() as stack:
        drivers, urls = {}, {}
        for n, name in enumerate(NODES):
            metrics = metrics_of(name, name, nodes[name], clock, broker=plan.broker is not None)
            server = stack.enter_context(serve_metrics(metrics, clock, plan.metrics_port and plan.metrics_port + n))
            urls[name] = f"http://127.0.0.1:{server.port}/metrics"
            lifetime = None if name == "netem" else plan.tcp.msl
            drivers[name] = Driver(name, nodes[name], ports[name], [metrics, observer], clock=clock, lifetime=lifetime)
        for driver in drivers.values():
            await stack.enter_async_context(driver)
        if plan.broker is not None:
            network_driver = drivers["netem"]
            attach, detach = network_driver.attach, network_driver.detach
            bulletin = Bulletin(plan.broker, "netem", attach=attach, detach=detach, say=print)
            bulletin.start()
            stack.push_async_callback(bulletin.close)
        drivers["netem"].do(network.start)
        drivers["server"].do(server_host.start)
        drivers["client"].do(client_host.start)
        yield LocalLab(client, drivers, urls)


def _ports(plan: LocalPlan, clock: Clock) -> dict[str, Port]:
    if plan.broker is None:
        hub = Hub()
        return {
            "netem": hub.network(),
            "server": hub.host(SERVER, "server"),
            "client": hub.host(CLIENT, "client"),
        }
    ends: dict[str, End] = {
        "netem": NetworkEnd(verify=False, alone=True),
        "server": HostEnd(DEFAULT_ROLES["server"], SERVER),
        "client": HostEnd(DEFAULT_ROLES["client"], CLIENT),
    }
    lifetime = plan.tcp.msl
    return {name: AmqpPort(plan.broker, end, clock=clock, name=name, lifetime=lifetime) for name, end in ends.items()}
