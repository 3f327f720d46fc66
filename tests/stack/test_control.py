"""The network of a running lab changed, killed and divided, in real containers."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stack.lab import Lab, eventually

pytestmark = pytest.mark.stack

NODES = ("rabbitmq", "netem", "server", "client", "lab")
COMPLETED = 'tcplab_transfers_total{outcome="completed"}'
CHANGES = 1_000
WRITERS = 4
BACK_WITHIN = 10.0  # seconds after SIGKILL that netem goes by what stands
HEALED_WITHIN = 2.0  # seconds after the end of its lease that a fault has healed


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    """A lab under a load of some 2,000 segments a second, over a link without chance."""
    link = {"TCPLAB_LOSS": "0", "TCPLAB_DUPLICATE": "0", "TCPLAB_JITTER": "0", "TCPLAB_DELAY": "0.005"}
    load = {"TCPLAB_RATE": "150", "TCPLAB_CONCURRENCY": "500", "TCPLAB_OCTETS": "3000", "TCPLAB_MSL": "1"}
    with Lab(**link, **load) as lab:
        lab.up(*NODES)
        eventually(lambda: lab.scrape("client").get(COMPLETED, 0) > 100, 60, "the load runs")
        yield lab


@pytest.fixture
def cleared(running: Lab) -> Iterator[Lab]:
    yield running
    ask(running, "DELETE", "/network")


def ask(lab: Lab, method: str, path: str, lines: str | None = None, **body: Any) -> Any:
    """Ask the lab service; what it refuses fails the test."""
    kind = "application/json" if lines is None else "text/plain"
    data = (json.dumps(body) if lines is None else lines).encode()
    address = f"http://127.0.0.1:{lab.ports['LAB_PORT']}{path}"
    given = data if method in ("PATCH", "PUT", "POST") else None
    request = urllib.request.Request(address, given, {"Content-Type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from error
    return json.loads(text) if text else None


def shards(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = ask(lab, "GET", "/status")["shards"]
    return found


def revisions(lab: Lab) -> set[int]:
    return {shard["revision"] for shard in shards(lab).values()}


def segments(lab: Lab) -> float:
    """Return how many segments netem has let go."""
    return sum(value for series, value in lab.scrape("netem").items() if 'action="forwarded"' in series)


def test_a_thousand_changes_while_segments_pass(cleared: Lab) -> None:
    lab = cleared
    first = ask(lab, "GET", "/network")["revision"]
    before, began = segments(lab), time.monotonic()

    def change(number: int) -> int:
        delay = 2 * (number % 5) + 1
        lines = f"link client>server delay {delay}ms\nlink server>client delay {delay + 1}ms\n"
        return int(ask(lab, "PATCH", "/network", lines)["revision"])

    with ThreadPoolExecutor(WRITERS) as pool:
        accepted = list(pool.map(change, range(CHANGES)))
    took = time.monotonic() - began
    passed = segments(lab) - before

    print(f"{CHANGES / took:.0f} changes/s while {passed / took:.0f} segments/s passed")
    assert sorted(accepted) == list(range(first + 1, first + CHANGES + 1))
    eventually(lambda: revisions(lab) == {first + CHANGES}, 10, "netem goes by the last")
    assert passed > 0
    assert failures(lab.scrape("client")) == {}


def test_netem_killed_in_the_middle_of_a_fault_comes_back_with_what_stands(cleared: Lab) -> None:
    lab = cleared
    stands = ask(lab, "PATCH", "/network", "link *>* delay 7ms\nblackhole 10.0.1.250>server as hole\n")
    short = ask(lab, "PATCH", "/network", "partition client | server as split for 3s\n")
    eventually(lambda: revisions(lab) == {short["revision"]}, 10, "netem goes by it")
    restarts = lab.container("netem")["RestartCount"]

    lab.crash("netem")
    killed = time.monotonic()

    def back() -> dict[str, Any] | None:
        return next((each for each in shards(lab).values() if "hole" in each["faults"]), None)

    eventually(lambda: lab.container("netem")["RestartCount"] > restarts, 10, "the policy starts it anew")
    report = eventually(back, BACK_WITHIN, "netem is back with the fault")
    took = time.monotonic() - killed

    print(f"back after {took:.1f} s")
    assert took < BACK_WITHIN
    assert report["revision"] >= stands["revision"]
    assert report["links"]["client>server"]["profile"] == "delay 7ms"
    eventually(
        lambda: {name for each in shards(lab).values() for name in each["faults"]} == {"hole"}, 5, "the lease ran out"
    )
    done = lab.scrape("client")[COMPLETED]
    eventually(lambda: lab.scrape("client")[COMPLETED] > done, 30, "transfers complete again")


def test_a_lease_that_ran_out_while_netem_was_down_does_not_come_back(cleared: Lab) -> None:
    lab = cleared
    ask(lab, "PATCH", "/network", "partition client | server as split for 2s\nblackhole 10.0.1.250>server as hole\n")
    lab.compose("stop", "lab")  # nobody sweeps the log meanwhile
    lab.compose("kill", "netem")
    time.sleep(2)

    lab.up("netem", "lab")

    report = eventually(lambda: next(iter(shards(lab).values()), None), 10, "netem is back")
    assert set(report["faults"]) == {"hole"}


def test_a_fault_heals_when_the_heartbeats_stop_though_the_lab_service_is_dead(cleared: Lab) -> None:
    lab = cleared
    lease = ask(lab, "POST", "/leases", ttl=4)
    ask(lab, "PATCH", f"/network?lease={lease['id']}", "partition client | server as split\n")
    renewed = ask(lab, "PUT", f"/leases/{lease['id']}")
    lab.compose("kill", "lab")

    done = lab.scrape("client")[COMPLETED]
    eventually(lambda: time.time() > renewed["until"], 6, "the lease has run out")
    eventually(lambda: segments(lab) > 0, 5, "netem answers")
    before = segments(lab)
    eventually(lambda: segments(lab) > before, HEALED_WITHIN, "segments pass again")
    eventually(lambda: lab.scrape("client")[COMPLETED] > done, 60, "and transfers complete")
    lab.up("lab")
    assert ask(lab, "GET", "/leases") == []


def test_three_shards_of_which_one_dies(own_lab: Lab) -> None:
    lab = own_lab
    lab.up(*NODES, TCPLAB_RATE="10", TCPLAB_LOSS="0")
    scaled = ("--scale", "netem=3", "--scale", "client=4", "netem", "client")
    lab.compose("up", "--detach", "--wait", "--no-recreate", *scaled)
    ask(lab, "PATCH", "/network", "link *>* delay 3ms\n")
    found = eventually(lambda: s if len(s := shards(lab)) == 3 else None, 20, "all three answer")
    assert set(found) == {"netem-1", "netem-2", "netem-3"}
    eventually(lambda: len(revisions(lab)) == 1, 10, "all go by the same")
    eventually(lambda: len(carrying(lab)) >= 2, 30, "the pairs are spread")

    lab.crash_container(lab.containers("netem")[0]["Id"])

    eventually(lambda: len(shards(lab)) == 3, 20, "the dead one is back")
    before = completed(lab)
    eventually(lambda: completed(lab) > before + 100, 60, "transfers complete")
    for client in lab.containers("client"):
        assert failures(lab.scrape_container(client["Id"])) == {}


def carrying(lab: Lab) -> list[str]:
    """Name the shards that have carried something."""
    return [name for name, each in shards(lab).items() if each["links"]["client>server"]["packets"]]


def completed(lab: Lab) -> float:
    return sum(lab.scrape_container(client["Id"]).get(COMPLETED, 0) for client in lab.containers("client"))


def failures(counts: dict[str, float]) -> dict[str, float]:
    return {s: v for s, v in counts.items() if s.startswith("tcplab_transfers_total") and s != COMPLETED and v}
