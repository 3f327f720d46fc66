"""The whole lab under its default load, as Prometheus sees it."""

import time
from typing import NamedTuple

import pytest

from grafana.boards.queries import panel_queries
from tests.stack.conftest import MSL
from tests.stack.lab import Lab, eventually

pytestmark = pytest.mark.stack

HEALTHY_WITHIN = 60.0  # seconds
FIRST_DATA_WITHIN = 15.0
SETTLED_WITHIN = 90.0
WINDOW = 20.0  # over which counts and rates are averaged
SCRAPES = 3.0  # until what has happened is in Prometheus
MEMORY = 1_500_000_000  # octets, of all containers together
OF_TROUBLE = {"Failures per second", "Listeners under pressure, per second"}
"""Panels whose lines lie at 0 as long as all is well."""
TIME_WAITING = 'sum(tcplab_connections{state="time_wait"})'
TRANSITIONS = "sum(tcplab_state_transitions_total)"


class Running(NamedTuple):
    """A lab that is up, how long that took, and when it was done."""

    lab: Lab
    took: float
    since: float


@pytest.fixture(scope="module")
def running(lab: Lab) -> Running:
    return Running(lab, lab.up(), time.monotonic())


def test_the_lab_is_healthy_and_shows_data_soon(running: Running) -> None:
    lab = running.lab
    assert running.took < HEALTHY_WITHIN

    left = FIRST_DATA_WITHIN - (time.monotonic() - running.since)
    eventually(lambda: lab.total(TIME_WAITING) > 0, left, "somebody is in TIME_WAIT")
    before = lab.total(TRANSITIONS)
    eventually(lambda: lab.total(TRANSITIONS) > before > 0, FIRST_DATA_WITHIN, "states change")
    print(f"healthy after {running.took:.1f} s")


def test_the_lab_fits_into_its_memory(running: Running) -> None:
    assert running.lab.memory() < MEMORY


def test_nothing_illegal_and_nothing_corrupted_happens(running: Running) -> None:
    assert running.lab.total("tcplab_illegal_transitions_total") == 0
    assert running.lab.total('tcplab_transfers_total{outcome="corrupted"}') == 0
    assert running.lab.total('tcplab_transfers_total{outcome="completed"}') > 0


@pytest.mark.parametrize(("board", "panel", "expression"), panel_queries())
def test_a_panel_shows_something(running: Running, board: str, panel: str, expression: str) -> None:
    quiet = panel in OF_TROUBLE

    eventually(
        lambda: any(value or quiet for _, value in running.lab.query(expression)),
        SETTLED_WITHIN,
        f"{board}: {panel}: {expression}",
    )


def test_time_wait_obeys_littles_law(running: Running) -> None:
    window = f"[{WINDOW:g}s]"
    entries = f'sum(rate(tcplab_state_transitions_total{{to="time_wait"}}{window}))'
    ratio = f"avg_over_time({TIME_WAITING}{window[:-1]}:1s]) / ({entries} * {2 * MSL:g})"
    settled = running.since + 2 * MSL + WINDOW + SCRAPES
    eventually(lambda: time.monotonic() > settled, 3 * WINDOW, "the first to enter TIME_WAIT left it, a window ago")

    ((_, found),) = running.lab.query(ratio)

    print(f"TIME_WAIT is {found:.3f} of close rate x 2 MSL")
    assert abs(found - 1) < 0.1


def test_every_target_is_scraped(running: Running) -> None:
    targets = {labels["job"]: value for labels, value in running.lab.query("min by (job) (up)")}

    assert targets.keys() >= {"client", "server", "netem", "lab", "rabbitmq"}
    assert set(targets.values()) == {1.0}


def test_clients_can_be_multiplied(running: Running) -> None:
    lab = running.lab

    lab.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "client=5", "client")

    names = {line.partition(":")[0] for line in lab.logs("client").splitlines() if "the broker answers" in line}
    assert names == {f"client-10.0.1.{number}" for number in range(1, 6)}
    opened = "sum by (node) (tcplab_connections_opened_total * on (instance) group_left (node) tcplab_node_info)"
    eventually(
        lambda: names <= {labels["node"] for labels, value in lab.query(opened) if value > 0},
        60, "Prometheus sees connections of all five",
    )  # fmt: skip


def test_the_services_stop_in_order(running: Running) -> None:
    lab = running.lab

    lab.compose("stop", "client", "server", "netem", "lab")

    for service in ("client", "server", "netem", "lab"):
        for container in lab.containers(service):
            assert container["State"]["ExitCode"] == 0, lab.logs(service)
        assert ": stopped" in lab.logs(service)
        assert "Traceback" not in lab.logs(service)
