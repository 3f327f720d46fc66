"""The ways to a real RabbitMQ, in the order in which they are tried; each starts one of its own, but for the first."""

import io
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tcplab.runtime import definitions
from tests.support import apt as debian
from tests.support.management import Management

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "rabbitmq:4.3.6-management-alpine"  # docker-compose.yml's, so that a machine pulls one
DEBIANS_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
START_SECONDS = 90
PULL_SECONDS = 240

NAMED = "a broker named by TCPLAB_AMQP_URL (an administrator's; its management at TCPLAB_MANAGEMENT_URL)"
CONTAINER = "a Docker engine that has or can pull RABBITMQ_IMAGE"
NODE = "rabbitmq-server on PATH"
APT = "root on Debian, where apt installs it"


class NoWay(Exception):
    """This way does not lead to a broker; says why."""


@dataclass(frozen=True)
class Found:
    """A broker that runs."""

    host: str
    port: int
    management_url: str
    user: str
    password: str
    how: str
    version: str

    @property
    def management(self) -> Management:
        return Management(self.management_url, self.user, self.password)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@contextmanager
def broker(folder: Path) -> Iterator[Found]:
    """Give a broker for as long as the context lasts.

    Raises:
        NoWay: none of the ways leads to one; names them all.
    """
    refusals = []
    for name, way in ((NAMED, named), (CONTAINER, container), (NODE, node), (APT, apt)):
        try:
            found, stop = way(folder)
        except NoWay as error:
            refusals.append(f"{name}: {error}")
            continue
        try:
            yield found
        finally:
            stop()
        return
    raise NoWay("there is no RabbitMQ for the broker tests. They need one of:\n  - " + "\n  - ".join(refusals))


Way = Callable[[Path], tuple[Found, Callable[[], None]]]


def named(_: Path) -> tuple[Found, Callable[[], None]]:
    url = os.environ.get("TCPLAB_AMQP_URL")
    if not url:
        raise NoWay("it is not set")
    parts = urlsplit(url)
    user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
    management = Management(os.environ.get("TCPLAB_MANAGEMENT_URL") or f"http://{parts.hostname}:15672", user, password)
    # Whoever names a broker wants that one: no other takes its place.
    try:
        tags = management.get("whoami")["tags"]
    except OSError as error:
        raise RuntimeError(f"TCPLAB_AMQP_URL: its management at {management.url} fails: {error}") from error
    if "administrator" not in tags:
        raise RuntimeError(
            f"TCPLAB_AMQP_URL: user {user!r} is no administrator there, and the tests make virtual hosts"
        )
    version = management.version() or "unknown"
    host, port = parts.hostname or "localhost", parts.port or 5672
    return Found(host, port, management.url, user, password, "named by TCPLAB_AMQP_URL", version), lambda: None


def container(_: Path) -> tuple[Found, Callable[[], None]]:
    image = os.environ.get("RABBITMQ_IMAGE") or IMAGE
    if shutil.which("docker") is None:
        raise NoWay("there is no docker")
    if _run("docker", "version", "--format", "{{.Server.Version}}", seconds=20) is None:
        raise NoWay("no engine answers")
    if _run("docker", "image", "inspect", image, seconds=20) is None:
        print(f"pulling {image}", flush=True)
        if _run("docker", "pull", "--quiet", image, seconds=PULL_SECONDS) is None:
            raise NoWay(f"{image} cannot be pulled")
    name = f"tcplab-test-{secrets.token_hex(4)}"
    port, management_port = _free_ports(2)
    created = _run(
        "docker", "create", "--rm", "--name", name, "--hostname", "rabbitmq",
        "--publish", f"127.0.0.1:{port}:5672", "--publish", f"127.0.0.1:{management_port}:15672", image,
        seconds=60,
    )  # fmt: skip
    if created is None:
        raise NoWay(f"{image} cannot be made a container")

    def stop() -> None:
        _run("docker", "rm", "--force", "--volumes", name, seconds=60)

    try:
        _run("docker", "cp", "-", f"{name}:/etc/rabbitmq", seconds=60, stdin=_lab_files())
        if _run("docker", "start", name, seconds=60) is None:
            raise NoWay(f"{image} does not start")
        return _await(port, management_port, f"in a container of {image}"), stop
    except BaseException:
        stop()
        raise


def node(folder: Path) -> tuple[Found, Callable[[], None]]:
    server = shutil.which("rabbitmq-server")
    if server is None:
        raise NoWay("it is not there")
    if DEBIANS_SERVER.exists():  # the wrapper on PATH changes the user and the environment; what is behind it does not
        server = str(DEBIANS_SERVER)
    return _node(server, folder)


def apt(folder: Path) -> tuple[Found, Callable[[], None]]:
    if not debian.available():
        raise NoWay("this is not Debian, or not root")
    if not debian.install("rabbitmq-server", folder):
        raise NoWay("apt cannot install rabbitmq-server")
    return node(folder)


def _node(server: str, folder: Path) -> tuple[Found, Callable[[], None]]:
    """Start a node with ports, a name, a cookie and a data folder of its own, and an epmd of its own."""
    port, management_port, distribution, epmd = _free_ports(4)
    home = folder / "node"
    (home / "conf.d").mkdir(parents=True)
    (home / "definitions.json").write_text(_definitions(), encoding="utf-8")
    (home / "enabled_plugins").write_text(
        "[rabbitmq_consistent_hash_exchange,rabbitmq_management].\n", encoding="utf-8"
    )
    control = str(Path(server).with_name("rabbitmqctl"))
    environment = os.environ | {
        "HOME": str(home),
        "ERL_EPMD_PORT": str(epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODENAME": f"tcplab-{secrets.token_hex(4)}@localhost",
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_CONF_ENV_FILE": str(home / "none.conf"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(home / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "none.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "data"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": str(home / "pid"),
    }
    version = re.search(r"^(\d+)\.(\d+)", _run(control, "version", seconds=60, environment=environment) or "", re.M)
    modern = version is not None and int(version[1]) >= 4
    (home / "rabbitmq.conf").write_text(_node_configuration(home, port, management_port, modern), encoding="utf-8")
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [server], env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )

    def stop() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        _run("epmd", "-port", str(epmd), "-kill", seconds=20, environment=environment)

    try:
        return _await(port, management_port, f"a private node of {server}"), stop
    except BaseException:
        stop()
        raise


def _node_configuration(home: Path, port: int, management_port: int, modern: bool) -> str:
    """Return the lab's own configuration, moved to the node's folder and ports; old nodes lack some keys."""
    lines = (ROOT / "rabbitmq" / "rabbitmq.conf").read_text("utf-8").splitlines()
    moved = ("definitions.local.path", "disk_free_limit")
    kept = [line for line in lines if not line.startswith(moved) and (modern or not line.startswith("deprecated_"))]
    own = [
        f"definitions.local.path = {home / 'definitions.json'}",
        f"listeners.tcp.1 = 127.0.0.1:{port}",
        "management.tcp.ip = 127.0.0.1",
        f"management.tcp.port = {management_port}",
    ]
    return "\n".join([*kept, *own, ""])


def _await(port: int, management_port: int, how: str) -> Found:
    management = Management(f"http://127.0.0.1:{management_port}", definitions.OPERATOR, definitions.OPERATOR)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        version = management.version()
        if version is not None:
            return Found("127.0.0.1", port, management.url, management.user, management.password, how, version)
        time.sleep(0.2)
    raise NoWay(f"{how}: it does not listen after {START_SECONDS} s")


def _definitions() -> str:
    """Return the committed definitions: those that a lab's broker gets."""
    return (ROOT / "rabbitmq" / "definitions.json").read_text("utf-8")


def _lab_files() -> bytes:
    """Return rabbitmq/ as an archive that its user in the container can read, whatever the modes are here."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("rabbitmq.conf", "enabled_plugins", "definitions.json"):
            content = (ROOT / "rabbitmq" / name).read_bytes()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def _run(
    *command: str, seconds: float, stdin: bytes | None = None, environment: dict[str, str] | None = None
) -> str | None:
    """Run a program; return what it printed, ``None`` if it failed."""
    try:
        answer = subprocess.run(
            command, input=stdin or b"", capture_output=True, timeout=seconds, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", flush=True)
        return None
    if answer.returncode:
        print(f"{' '.join(command[:3])}: {answer.stderr.decode(errors='replace').strip()}", flush=True)
        return None
    return answer.stdout.decode(errors="replace")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
