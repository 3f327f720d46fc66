"""What breaks under the lab, and what its TCPs make of it."""

import time
from collections.abc import Iterator

import pytest

from tests.stack.lab import Lab, eventually

pytestmark = pytest.mark.stack

OCTETS = 10_000_000
OUTAGE = 5.0  # seconds, as the scenario has it
RECOVERY = 120.0  # seconds that the rest of a transfer may take
NODES = ("rabbitmq", "netem", "server", "client")
COMPLETED = 'tcplab_transfers_total{outcome="completed"}'
SENT = 'tcplab_payload_bytes_total{direction="sent"}'


@pytest.fixture(scope="module")
def transfers() -> Iterator[Lab]:
    """A lab whose client does a single transfer, over a link without chance."""
    perfect = {"TCPLAB_LOSS": "0", "TCPLAB_DUPLICATE": "0", "TCPLAB_JITTER": "0", "TCPLAB_DELAY": "0.02"}
    # The client closes first: a TIME_WAIT at the server would keep the first port from the next test's client.
    load = {"TCPLAB_OCTETS": str(OCTETS), "TCPLAB_TOTAL": "1", "TCPLAB_CLOSE_MIX": "client=1", "TCPLAB_MSL": "30"}
    with Lab(**load, **perfect) as lab:
        lab.up("rabbitmq", "netem", "server")
        yield lab


def begin(lab: Lab) -> None:
    """Start a client anew, and wait until its transfer is well under way."""
    lab.up("client")
    eventually(lambda: lab.scrape("client").get(SENT, 0) > OCTETS / 10, 30, "a tenth of the transfer")
    assert lab.scrape("client")[COMPLETED] == 0, "the transfer is over before it can be disturbed"


def complete(lab: Lab) -> dict[str, float]:
    """Wait until the transfer is over, and return what the client counted."""

    def counts() -> dict[str, float] | None:
        found = lab.scrape("client")
        return found if found.get(COMPLETED) == 1 else None

    return eventually(counts, RECOVERY, "the transfer completes")


def failures(counts: dict[str, float]) -> dict[str, float]:
    return {
        series: value
        for series, value in counts.items()
        if series.startswith("tcplab_transfers_total") and series != COMPLETED and value
    }


@pytest.fixture
def fresh_client(transfers: Lab) -> Iterator[Lab]:
    yield transfers
    transfers.compose("rm", "--stop", "--force", "client")


def test_a_transfer_survives_five_seconds_without_rabbitmq(fresh_client: Lab) -> None:
    lab = fresh_client
    begin(lab)

    lab.compose("kill", "rabbitmq")
    time.sleep(OUTAGE)
    lab.compose("start", "rabbitmq")

    counts = complete(lab)
    assert failures(counts) == {}
    assert failures(lab.scrape("server")) == {}
    assert counts["tcplab_broker_reconnects_total"] >= 1
    assert "trying again" in lab.logs("client")


def test_a_transfer_survives_a_crash_of_the_network(fresh_client: Lab) -> None:
    lab = fresh_client
    begin(lab)

    lab.crash("netem")

    counts = complete(lab)
    assert failures(counts) == {}
    assert sum(value for series, value in counts.items() if series.startswith("tcplab_segments_retransmitted")) > 0


def test_a_crash_of_the_server_is_told_and_the_client_goes_on(own_lab: Lab) -> None:
    # Requests that take a second or so each, so that some are under way at any time.
    own_lab.up(*NODES, TCPLAB_OCTETS="200000", TCPLAB_LOSS="0", TCPLAB_PATIENCE="20", TCPLAB_R2="10")
    eventually(lambda: own_lab.scrape("client").get(COMPLETED, 0) > 5, 60, "the load runs")

    own_lab.crash("server")

    told = ("transfer failed: the peer sent a reset", "transfer failed: the peer did not answer")
    eventually(lambda: any(line in own_lab.logs("client") for line in told), 60, "the client says what became of it")
    before = own_lab.scrape("client")[COMPLETED]
    eventually(lambda: own_lab.scrape("client")[COMPLETED] > before + 10, 60, "new connections complete")
    assert own_lab.container("client")["RestartCount"] == 0


def test_a_client_that_starts_anew_does_not_meet_its_own_time_waits(own_lab: Lab) -> None:
    # The server closes first and remembers; an address that began at the same port again would be refused it.
    own_lab.up(*NODES, TCPLAB_CLOSE_MIX="server=1", TCPLAB_MSL="120", TCPLAB_LOSS="0", TCPLAB_RATE="20")
    eventually(lambda: own_lab.scrape("client").get(COMPLETED, 0) > 100, 60, "the server has TIME_WAITs")

    own_lab.compose("restart", "client")

    eventually(lambda: own_lab.scrape("client").get(COMPLETED, 0) > 50, 30, "connections complete as before")
    assert own_lab.scrape("server")['tcplab_connections{state="time_wait"}'] > 100


def test_settings_of_the_tcp_reach_it(own_lab: Lab) -> None:
    settings = {"TCPLAB_SYN_COOKIES": "always", "TCPLAB_TIME_WAIT_POLICY": "linux", "TCPLAB_MSL": "8"}
    own_lab.up(*NODES, TCPLAB_LOSS="0", **settings)

    eventually(
        lambda: own_lab.scrape("server").get('tcplab_syn_cookies_total{action="accepted"}', 0) > 5,
        30,
        "cookies come back to the server",
    )
    for host in ("client", "server"):
        assert own_lab.scrape(host)["tcplab_config_time_wait_seconds"] == 4
