"""Segments per second through RabbitMQ: the three services as they are shipped, client to netem to server and back.

The client sends as fast as the windows of eight connections allow, the server reads and acknowledges; netem delays
and loses nothing. Each segment, be it data or an acknowledgement, takes the whole way: JSON, broker, netem, broker,
JSON, TCP, metrics. What the hosts' own counters say was received between two looks, over the time between, is the rate.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from math import nan
from pathlib import Path
from typing import Final, NamedTuple

from tcplab.runtime import definitions
from tests.support.ways import Found, broker

ROOT: Final = Path(__file__).resolve().parents[1]
VHOST: Final = "bench"
CONNECTIONS: Final = 8
OCTETS: Final = 1 << 30  # of each connection: more than any run sends
PERFECT: Final = {f"TCPLAB_{knob}": "0" for knob in ("DELAY", "JITTER", "LOSS", "DUPLICATE")}
LOAD: Final = {
    "TCPLAB_MODE": "sink",
    "TCPLAB_OCTETS": str(OCTETS),
    "TCPLAB_RATE": "100",
    "TCPLAB_CONCURRENCY": str(CONNECTIONS),
    "TCPLAB_TOTAL": str(CONNECTIONS),
}
LISTENS: Final = 'tcplab_connections{state="listen"} 1.0'
READY_SECONDS: Final = 30.0
WARM_UP_SECONDS: Final = 2.0
SERVICES: Final[Mapping[str, Mapping[str, str]]] = {"netem": PERFECT, "server": {}, "client": LOAD}


class Service(NamedTuple):
    """A service that runs: where its metrics are, and its process."""

    port: int
    process: int


class Look(NamedTuple):
    """The counters of both hosts at one time, and the processor time that all three have taken, seconds."""

    at: float
    segments: float
    messages: float
    processor: float


class Throughput(NamedTuple):
    """Segments a second that hosts received, and how many of them a message carried.

    ``processor`` is what a segment took of the three services' processor time, seconds: a figure with less noise than
    the rate has; not a number where the system has no /proc.
    """

    segments: float
    segments_per_message: float
    processor: float


@contextmanager
def running(found: Found) -> Iterator[Mapping[str, Service]]:
    """Run the three services in the lab on that broker."""
    ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
    services: dict[str, Service] = {}
    with ExitStack() as stack:
        for role, settings in SERVICES.items():
            environment = {
                "PATH": os.environ["PATH"],
                "TCPLAB_AMQP_URL": f"amqp://{role}:{role}@{found.host}:{found.port}/{VHOST}",
                "TCPLAB_METRICS_PORT": str(ports[role]),
                **settings,
            }
            process = subprocess.Popen(
                [sys.executable, "-m", f"services.{role}"],
                cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            services[role] = Service(ports[role], process.pid)
            stack.callback(process.wait)
            stack.callback(process.kill)
            if role == "server":
                _await(lambda: LISTENS in _metrics(ports["server"]), "the server does not listen")
        yield services


def look(services: Mapping[str, Service]) -> Look:
    """Read the hosts' counters, and the processes' clocks."""
    segments = messages = 0.0
    for role in ("client", "server"):
        for line in _metrics(services[role].port).splitlines():
            if line.startswith("tcplab_segments_received_total{"):
                segments += float(line.rsplit(" ", 1)[1])
            elif line.startswith("tcplab_broker_messages_total{") and 'direction="received"' in line:
                messages += float(line.rsplit(" ", 1)[1])
    processor = sum(_processor_seconds(service.process) for service in services.values())
    return Look(time.monotonic(), segments, messages, processor)


def measure(found: Found, seconds: float = 8.0) -> Throughput:
    """Return the lab's rate on that broker, looked at for so many seconds.

    Raises:
        TimeoutError: a service was not ready, or no segment came through, within :data:`READY_SECONDS`.
    """
    with running(found) as services:
        _await(lambda: look(services).segments > 100, "no segment came through")
        time.sleep(WARM_UP_SECONDS)
        first = look(services)
        time.sleep(seconds)
        last = look(services)
    took = Look(*(after - before for before, after in zip(first, last, strict=True)))
    return Throughput(
        took.segments / took.at, took.segments / max(took.messages, 1), took.processor / max(took.segments, 1)
    )


def _processor_seconds(process: int) -> float:
    """Return the processor time that a process has taken so far, as proc(5) has it in its 14th and 15th field."""
    file = Path(f"/proc/{process}/stat")
    if not file.exists():
        return nan
    fields = file.read_text("ascii", errors="replace").rpartition(")")[2].split()  # from the third on
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read(), "utf-8")


def _await(condition: Callable[[], bool], trouble: str) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        with suppress(OSError):  # a service that does not serve yet
            if condition():
                return
        time.sleep(0.2)
    raise TimeoutError(f"{trouble} within {READY_SECONDS:.0f} s")


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@contextmanager
def a_broker() -> Iterator[Found]:
    """Give a real RabbitMQ with a lab on it, found the way the tests find theirs, but never one that others use."""
    os.environ.pop("TCPLAB_AMQP_URL", None)
    with tempfile.TemporaryDirectory(prefix="tcplab-bench-") as folder, broker(Path(folder)) as found:
        found.management.post("definitions", body=definitions.build(VHOST))
        yield found


def operator_url(found: Found) -> str:
    """Return where, and as whom, a program that may do everything connects to that lab."""
    user = definitions.OPERATOR
    return f"amqp://{user}:{user}@{found.host}:{found.port}/{VHOST}"
