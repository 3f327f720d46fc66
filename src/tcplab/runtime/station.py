"""What a node in real time has about it: its metrics, counted and served."""

import asyncio
from collections.abc import Callable

from tcplab.netem.network import Network
from tcplab.observe import exposition
from tcplab.observe.collector import Collector
from tcplab.observe.exposition import Healthy, MetricsServer, on_loop
from tcplab.observe.metrics import Metrics, Readings, host_readings, network_readings
from tcplab.runtime.clock import Clock
from tcplab.tcp.host import Host


def metrics_of(
    role: str,
    name: str,
    node: Host | Network,
    clock: Clock,
    *,
    broker: bool = True,
    journal_lost: Callable[[], int] = lambda: 0,
    revision: str = "unknown",
) -> Metrics:
    """Return an observer that counts what a node does.

    Args:
        role: ``client``, ``server`` or ``netem``.
        name: under which the node's driver reports its events.
        node: asked at every scrape for what events do not tell.
        clock: the lab's time.
        broker: whether the node's port is a broker's.
        journal_lost: how many records the node's journal has lost.
        revision: of the source that runs.
    """

    def readings() -> Readings:
        found = host_readings(node) if isinstance(node, Host) else network_readings(node)
        return found._replace(journal_lost=journal_lost())

    return Metrics(
        role,
        name,
        node.config if isinstance(node, Host) else None,
        links=() if isinstance(node, Host) else tuple(node.profiles()),
        broker=broker,
        readings=readings,
        time_scale=clock.scale,
        unix_seconds=clock.unix_seconds,
        revision=revision,
    )


def serve_metrics(
    metrics: Metrics, clock: Clock, port: int, address: str = "127.0.0.1", *, healthy: Healthy = lambda: None
) -> MetricsServer:
    """Serve a node's metrics and health, asked for on the thread of the running loop, until the server is closed.

    Args:
        metrics: of the node.
        clock: the lab's time.
        port: to listen on; 0 takes a free one.
        address: to listen on.
        healthy: returns what is wrong with the node, in one line, or ``None``.

    Raises:
        ExpositionError: the port is in use, or the address is not this machine's.
    """
    loop = asyncio.get_running_loop()
    collector = Collector(on_loop(loop, lambda: metrics.snapshot(clock.now())))
    return exposition.serve(collector, port, address, healthy=on_loop(loop, healthy))
