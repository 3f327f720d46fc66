"""``tcplab local`` as people run it."""

import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

from tcplab.cli.app import app
from tests.cli.terminal import COMMAND, on_a_terminal, piped
from tests.support.labs import Lab

METRICS = re.compile(r"(\w+): (http://127\.0\.0\.1:\d+/metrics)")
FAST = ("--metrics-port", "0", "--rate", "40", "--delay", "5", "--msl", "0.5")


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the lab in the background; give it and the addresses of its metrics."""
    process = subprocess.Popen(
        [COMMAND, "local", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        urls: dict[str, str] = {}
        while len(urls) < 3:
            line = process.stdout.readline()
            assert line, "it ended before it began"
            urls.update(METRICS.findall(line))
        yield process, urls
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def scraped(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def sample(page: str, name: str) -> float:
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(name))


def test_it_runs_for_the_time_given_and_sums_up() -> None:
    ended = piped("local", *FAST, "--duration", "3", "--loss", "2", "--duplicate", "2")

    assert (ended.returncode, ended.stderr) == (0, "")
    opened = re.search(r"connections  (\d+) opened in 3\.\d s", ended.stdout)
    done = re.search(r"transfers  (\d+) completed, 0 failed, 0 corrupted", ended.stdout)
    assert opened is not None
    assert done is not None
    assert 90 <= int(opened[1]) <= 125
    assert int(done[1]) >= int(opened[1]) - 20
    assert re.search(r"network  [1-9]\d* dropped, [1-9]\d* copied", ended.stdout)
    lines = [line for line in ended.stdout.splitlines() if "| client" in line]
    assert 2 <= len(lines) <= 3
    assert any("TIME_WAIT" in line for line in lines)


def test_every_node_serves_its_metrics_while_the_load_goes_on() -> None:
    with started(*FAST) as (process, urls):
        assert process.stdout is not None
        while "TIME_WAIT" not in process.stdout.readline():
            pass
        pages = {node: scraped(url) for node, url in urls.items()}
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        code = process.wait(timeout=10)

    assert sorted(pages) == ["client", "netem", "server"]
    for node in ("client", "server"):
        assert sample(pages[node], "tcplab_state_transitions_total") > 0
        assert sample(pages[node], 'tcplab_connections{state="time_wait"}') > 0
        assert sample(pages[node], "tcplab_illegal_transitions_total") == 0
        assert f'tcplab_node_info{{node="{node}",role="{node}"}} 1.0' in pages[node]
    assert sample(pages["netem"], "tcplab_netem_segments_total") > 0
    assert code == 0
    assert "completed, 0 failed, 0 corrupted" in rest


def test_a_total_ends_it_by_itself() -> None:
    ended = piped("local", *FAST, "--total", "5", "--mode", "serve", "--octets", "300000")

    assert ended.returncode == 0
    assert "connections  5 opened" in ended.stdout
    assert "transfers  5 completed, 0 failed" in ended.stdout


def test_on_a_terminal_it_is_a_table_until_interrupted() -> None:
    ended = on_a_terminal("local", *FAST, interrupt_on="FIN_WAIT_2")

    assert ended.code == 0
    assert ended.took < 10
    assert "Traceback" not in ended.output
    for state in ("LISTEN", "SYN_SENT", "ESTABLISHED", "CLOSING", "TIME_WAIT"):
        assert state in ended.output
    assert "completed, 0 failed, 0 corrupted" in ended.output


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = piped("local", "--metrics-port", str(port))

    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        f"tcplab local: metrics: port {port} on 127.0.0.1 is in use; "
        "stop what uses it, or choose another (TCPLAB_METRICS_PORT, or --metrics-port)"
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rate", "0"), "rate must be above 0"),
        (("--rate", "nan"), "rate must be above 0"),
        (("--concurrency", "0"), "concurrency must be 1 or more"),
        (("--octets", "-1"), "octets must be 0 or more"),
        (("--total", "0"), "total must be 1 or more"),
        (("--msl", "0"), "msl must be above 0"),
        (("--loss", "101"), "--loss"),
        (("--delay", "-1"), "--delay"),
        (("--mode", "shout"), "--mode"),
        (("--metrics-port", "70000"), "--metrics-port must be 0..65533"),
        (("--broker", "http://localhost"), "the broker's URL must look like amqp://"),
    ],
)
def test_bad_options_are_named(arguments: tuple[str, ...], words: str) -> None:
    ended = CliRunner().invoke(app, ["local", *arguments])

    assert ended.exit_code == 2
    assert words in ended.stderr


def test_a_broker_that_is_not_there_is_waited_for_with_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    ended = piped("local", "--metrics-port", "0", "--broker", f"amqp://127.0.0.1:{port}", "--duration", "2")

    assert ended.returncode == 1
    assert f"netem: broker 127.0.0.1:{port}: Connection refused; trying again" in ended.stdout
    assert ended.stderr == "tcplab local: the broker did not let the lab begin within 2 s\n"


def test_waiting_for_a_broker_can_be_interrupted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    ended = on_a_terminal(
        "local", "--metrics-port", "0", "--broker", f"amqp://127.0.0.1:{port}", interrupt_on="trying again"
    )

    assert ended.code == 0
    assert ended.took < 10


@pytest.mark.broker
def test_the_same_lab_runs_over_rabbitmq(amqp_lab: Lab) -> None:
    broker = amqp_lab.broker("operator")
    url = f"amqp://{quote(broker.user)}:{quote(broker.password)}@{broker.host}:{broker.port}/{quote(broker.vhost, '')}"

    ended = piped("local", *FAST, "--duration", "4", "--broker", url)

    assert (ended.returncode, ended.stderr) == (0, "")
    done = re.search(r"transfers  (\d+) completed, 0 failed, 0 corrupted", ended.stdout)
    assert done is not None
    assert int(done[1]) > 50
    assert ended.stdout.count("the broker answers") == 3
