"""``tcplab doctor``: what the lab needs, what of it is there, and what to do about the rest."""

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

PYTHON_OLDEST: Final = (3, 11)
COMPOSE_OLDEST: Final = (2, 20)  # the first with `up --wait` that fails as soon as a service has
MEMORY_NEEDED: Final = 1_500_000_000  # octets: the whole stack, Grafana included
PATIENCE: Final = 5.0  # seconds for anything that is asked
PORTS: Final = {
    "RABBITMQ_PORT": 5672,
    "RABBITMQ_MANAGEMENT_PORT": 15672,
    "PROMETHEUS_PORT": 9090,
    "GRAFANA_PORT": 3000,
    "LAB_PORT": 8080,
}
_AMQP_GREETING: Final = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME: Final = b"\x01"
_START_LONGEST: Final = 65_536  # octets


class Finding(NamedTuple):
    """One thing that the lab needs: whether it is there, what was found, and what to do where it is not."""

    subject: str
    good: bool
    found: str
    remedy: str = ""


def command() -> None:
    """Say what of Python, RabbitMQ, tshark, Docker, ports and memory is there, and what to do about the rest."""
    findings = list(examine(os.environ))
    table = Table("", "needs", "found", "what to do", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/green]" if finding.good else "[red]--[/red]"
        table.add_row(mark, finding.subject, finding.found, finding.remedy)
    Console().print(table)
    raise typer.Exit(code=0 if all(finding.good for finding in findings) else 1)


def examine(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything in turn."""
    yield examine_python(sys.version_info[:3])
    engine = examine_engine(environment)
    yield examine_rabbitmq(environment, engine_answers=engine.good)
    yield examine_tshark(environment)
    yield engine
    yield examine_compose(environment)
    own = _published_by_the_lab(environment) if engine.good else frozenset()
    for variable, default in PORTS.items():
        yield examine_port(variable, environment.get(variable, str(default)), own)
    yield examine_memory(available_memory())


def examine_python(version: tuple[int, ...]) -> Finding:
    """Is this interpreter new enough?"""
    good = version >= PYTHON_OLDEST
    remedy = "" if good else f"install Python {_dotted(PYTHON_OLDEST)} or newer; make takes it as PYTHON=…"
    return Finding("Python", good, _dotted(version), remedy)


def examine_engine(environment: Mapping[str, str]) -> Finding:
    """Does a Docker engine answer?"""
    if shutil.which("docker", path=environment.get("PATH")) is None:
        return Finding("Docker", False, "no docker command", "install Docker Engine, Docker Desktop or the like")
    code, answer = _ask(environment, "docker", "version", "--format", "{{.Server.Version}}")
    if code == 0:
        return Finding("Docker", True, f"engine {answer}")
    if "permission denied" in answer.lower():
        return Finding("Docker", False, "the engine refuses this user", "add the user to the docker group, log in anew")
    return Finding("Docker", False, "no engine answers", "start Docker (systemctl start docker, or Docker Desktop)")


def examine_compose(environment: Mapping[str, str]) -> Finding:
    """Is Compose v2 there, and new enough?"""
    code, answer = _ask(environment, "docker", "compose", "version", "--short")
    remedy = f"install the Compose plugin of Docker, {_dotted(COMPOSE_OLDEST)} or newer"
    if code != 0:
        return Finding("Compose", False, "no docker compose", remedy)
    version = tuple(int(part) for part in answer.lstrip("v").split("-")[0].split(".")[:2] if part.isdecimal())
    good = version >= COMPOSE_OLDEST
    return Finding("Compose", good, answer, "" if good else remedy)


def examine_rabbitmq(environment: Mapping[str, str], *, engine_answers: bool) -> Finding:
    """Which RabbitMQ would the broker tests use?"""
    if url := environment.get("TCPLAB_AMQP_URL"):
        return _examine_broker(url)
    if engine_answers:
        return Finding("RabbitMQ", True, "as a container")
    if program := shutil.which("rabbitmq-server", path=environment.get("PATH")):
        return Finding("RabbitMQ", True, program)
    if _apt_may_install(environment):
        return Finding("RabbitMQ", True, "none yet; 'make test' lets apt install it")
    return Finding(
        "RabbitMQ", False, "none", "start Docker, install rabbitmq-server, or name a broker in TCPLAB_AMQP_URL"
    )


def examine_tshark(environment: Mapping[str, str]) -> Finding:
    """Is there, or can there be, what the tests read captures with?"""
    if program := shutil.which("tshark", path=environment.get("PATH")):
        return Finding("tshark", True, program)
    if _apt_may_install(environment):
        return Finding("tshark", True, "none yet; 'make test' lets apt install it")
    return Finding(
        "tshark", False, "none", "install tshark (Wireshark's command line): 'make test' reads captures with it"
    )


def _apt_may_install(environment: Mapping[str, str]) -> bool:
    return shutil.which("apt-get", path=environment.get("PATH")) is not None and os.geteuid() == 0


def _examine_broker(url: str) -> Finding:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 5672
    except ValueError as error:
        return Finding("RabbitMQ", False, str(error), "correct TCPLAB_AMQP_URL")
    if parts.scheme != "amqp" or not host:
        remedy = "give TCPLAB_AMQP_URL as amqp://user:password@host:port/vhost"
        return Finding("RabbitMQ", False, "not an address of a broker", remedy)
    try:
        version = broker_version(host, port)
    except OSError as error:
        return Finding("RabbitMQ", False, f"{host}:{port}: {error}", "start that broker, or correct TCPLAB_AMQP_URL")
    return Finding("RabbitMQ", True, f"{version} at {host}:{port}")


def broker_version(host: str, port: int) -> str:
    """Ask a broker for its version; it tells before anybody logs in (AMQP 0-9-1, connection.start).

    Raises:
        OSError: nobody answers there, or somebody who does not speak AMQP 0-9-1.
    """
    with socket.create_connection((host, port), timeout=PATIENCE) as broker, broker.makefile("rb") as answer:
        broker.sendall(_AMQP_GREETING)
        kind, size = answer.read(1), int.from_bytes(answer.read(6)[2:])
        start = answer.read(min(size, _START_LONGEST)) if kind == _METHOD_FRAME else b""
    _, found, rest = start.partition(b"\x07versionS")  # a field of the table server-properties, a long string
    if not found:
        raise ConnectionError("speaks something other than AMQP 0-9-1")
    return rest[4 : 4 + int.from_bytes(rest[:4])].decode("ascii", errors="replace")


def examine_port(variable: str, value: str, own: frozenset[int] = frozenset()) -> Finding:
    """Is the loopback port that ``variable`` names free, or held by this very lab (``own``)?"""
    subject = f"port {value}"
    if not value.isdecimal() or not 0 < int(value) < 65_536:
        return Finding(subject, False, "not a port", f"set {variable} to a number from 1 to 65535")
    port = int(value)
    if port in own:
        return Finding(subject, True, "in use by the lab itself")
    with socket.socket() as probe:
        # As servers do: a port with nothing but connections in TIME_WAIT on it is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return Finding(subject, False, error.strerror or str(error), f"set {variable} to a free port")
    return Finding(subject, True, "free")


def examine_memory(available: int | None) -> Finding:
    """Is there room for the whole stack? ``available`` is in octets."""
    if available is None:
        return Finding("memory", True, "not known on this system")
    good = available >= MEMORY_NEEDED
    remedy = "" if good else f"free some: the whole stack takes up to {MEMORY_NEEDED / 1e9:.1f} GB"
    return Finding("memory", good, f"{available / 1e9:.1f} GB available", remedy)


def available_memory() -> int | None:
    """Return the octets that a new program could have, ``None`` where the system does not tell."""
    meminfo = Path("/proc/meminfo")
    if platform.system() != "Linux" or not meminfo.exists():
        return None
    for line in meminfo.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _published_by_the_lab(environment: Mapping[str, str]) -> frozenset[int]:
    project = environment.get("TCPLAB_PROJECT", "tcplab")
    label = f"label=com.docker.compose.project={project}"
    code, answer = _ask(environment, "docker", "ps", "--filter", label, "--format", "{{.Ports}}")
    published = (part.strip() for part in answer.replace("\n", ",").split(",")) if code == 0 else ()
    return frozenset(int(part.partition("->")[0].rpartition(":")[2]) for part in published if "->" in part)


def _ask(environment: Mapping[str, str], *words: str) -> tuple[int, str]:
    program = shutil.which(words[0], path=environment.get("PATH"))
    if program is None:
        return 127, f"no {words[0]} command"
    try:
        answer = subprocess.run(
            [program, *words[1:]],
            env=dict(environment), capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return 124, f"{words[0]} did not answer in {PATIENCE:g} s"
    return answer.returncode, (answer.stdout + answer.stderr).strip()
