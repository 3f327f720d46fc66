"""A real lab in containers: brought up under a project name and on ports of its own, asked questions, torn down."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_GRAFANA = ("rabbitmq", "netem", "server", "client", "lab", "prometheus")
PORTS = ("RABBITMQ_PORT", "RABBITMQ_MANAGEMENT_PORT", "PROMETHEUS_PORT", "GRAFANA_PORT", "LAB_PORT")
POLL = 0.25  # seconds

T = TypeVar("T")
Labels = Mapping[str, str]


def services() -> Sequence[str]:
    """Name what is brought up: Grafana too, where its image is here or named."""
    image = os.environ.get("GRAFANA_IMAGE", "grafana/grafana:13.2.3")
    here = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=False).returncode == 0
    return (*WITHOUT_GRAFANA, "grafana") if here or "GRAFANA_IMAGE" in os.environ else WITHOUT_GRAFANA


def eventually(probe: Callable[[], T | None], within: float, what: str) -> T:
    """Return what the probe finds, as soon as it finds something; fail when ``within`` seconds have passed."""
    deadline = time.monotonic() + within
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}; the last answer was {found!r}")
        time.sleep(POLL)


class Lab:
    """One Compose project; leaving it as a context removes every container, network and volume of it."""

    def __init__(self, **settings: str) -> None:
        self.project = f"tcplab-test-{uuid.uuid4().hex[:8]}"
        self.ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TCPLAB_")}
        ports = {name: str(port) for name, port in self.ports.items()}
        self.environment = inherited | ports | {"TCPLAB_PROJECT": self.project} | settings

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "5")

    # --- doing ---

    def compose(self, *words: str, **settings: str) -> str:
        """Run a Compose command on this project; what it says is told where it fails."""
        answer = subprocess.run(
            ["docker", "compose", *words],
            cwd=ROOT, env=self.environment | settings, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if answer.returncode != 0:
            raise AssertionError(
                f"docker compose {' '.join(words)}: {answer.stdout}{answer.stderr}\n{self._last_words()}"
            )
        return answer.stdout

    def up(self, *names: str, **settings: str) -> float:
        """Start services, wait until all are healthy, and return how many seconds that took."""
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120", *(names or services()), **settings)
        return time.monotonic() - began

    def crash(self, service: str) -> None:
        """Kill every process of a container from inside, as a crash does; its restart policy must bring it back."""
        self.crash_container(self.container(service)["Id"])

    def crash_container(self, container: str) -> None:
        """Kill every process of one container, likewise."""
        subprocess.run(["docker", "exec", container, "bash", "-c", "kill -9 -1"], capture_output=True, check=False)

    # --- asking ---

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return what the engine knows of each container of a service, those that ended included."""
        names = self.compose("ps", "--all", "--quiet", service).split()
        if not names:
            return []
        answer = subprocess.run(["docker", "inspect", *names], capture_output=True, text=True, check=True)
        found: list[dict[str, Any]] = json.loads(answer.stdout)
        return found

    def container(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the one container of a service."""
        (found,) = self.containers(service)
        return found

    def logs(self, service: str) -> str:
        """Return everything that a service has printed."""
        return self.compose("logs", "--no-color", "--no-log-prefix", service)

    def memory(self) -> float:
        """Return the octets that all containers use together."""
        names = self.compose("ps", "--quiet").split()
        command = ["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", *names]
        answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return sum(_octets(line.partition("/")[0].strip()) for line in answer.splitlines())

    def scrape(self, service: str) -> dict[str, float]:
        """Return what a service's /metrics says now, read within its container; empty where it does not answer."""
        return self.scrape_container(self.container(service)["Id"])

    def scrape_container(self, container: str) -> dict[str, float]:
        """Return what /metrics says in one container, likewise."""
        script = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/metrics').read().decode())"
        answer = subprocess.run(
            ["docker", "exec", container, "python", "-I", "-c", script],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        samples = (line.rpartition(" ") for line in answer.stdout.splitlines() if line and not line.startswith("#"))
        return {series: float(value) for series, _, value in samples}

    def ask(self, path: str, **query: str) -> Any:
        """Ask Prometheus's API; ``None`` where it does not answer."""
        address = f"http://127.0.0.1:{self.ports['PROMETHEUS_PORT']}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from error
        except OSError:
            return None

    def query(self, expression: str) -> list[tuple[Labels, float]]:
        """Return the series that an expression gives now."""
        data = self.ask("query", query=expression)
        return [(series["metric"], float(series["value"][1])) for series in data["result"]] if data else []

    def total(self, expression: str) -> float:
        """Return the sum over all series of an expression, 0 where there are none."""
        return sum(value for _, value in self.query(expression))

    def _last_words(self) -> str:
        """Return the end of every log, for whoever must find out why."""
        answer = subprocess.run(
            ["docker", "compose", "logs", "--no-color", "--tail", "15"],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return answer.stdout


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _octets(text: str) -> float:
    """Return the octets of what Docker writes as 12.3MiB."""
    for unit, size in (("KiB", 2**10), ("MiB", 2**20), ("GiB", 2**30), ("B", 1)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * size
    raise ValueError(text)
