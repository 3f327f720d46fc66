import asyncio
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from tcplab.node import PacketSent
from tcplab.observe import catalogue
from tcplab.observe.collector import Collector
from tcplab.observe.exposition import ExpositionError, MetricsServer, on_loop, serve
from tcplab.observe.metrics import Metrics
from tcplab.tcp.config import TcpConfig
from tcplab.units import Instant
from tcplab.wire.segment import SYN
from tests.observe.events import packet

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def collector() -> Collector:
    metrics = Metrics("client", "10.0.1.1", TcpConfig())
    metrics.observe("10.0.1.1", PacketSent(packet(SYN)), Instant(0))
    return Collector(lambda: metrics.snapshot(Instant(0)))


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    with serve(collector(), 0) as running:
        yield running


def get(port: int, path: str, accept: str = "") -> tuple[int, str, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


def test_a_scrape_gets_the_text_format(server: MetricsServer) -> None:
    status, content_type, page = get(server.port, "/metrics")

    assert status == 200
    assert content_type.startswith("text/plain; version=0.0.4")
    assert 'tcplab_segments_sent_total{kind="syn"} 1.0\n' in page
    assert "process_resident_memory_bytes" in page


def test_a_scrape_that_asks_for_it_gets_openmetrics(server: MetricsServer) -> None:
    status, content_type, page = get(server.port, "/metrics", OPENMETRICS)

    assert status == 200
    assert content_type.startswith("application/openmetrics-text")
    families = {family.name: family for family in parse_openmetrics(page)}  # type: ignore[no-untyped-call]
    assert {metric.name.removesuffix("_total").removesuffix("_info") for metric in catalogue.CATALOGUE} - set(
        families
    ) == {
        metric.name.removesuffix("_total")
        for metric in catalogue.CATALOGUE
        if metric.scope in ("the network", "the lab service")
    }
    assert page.endswith("# EOF\n")


def test_a_node_that_is_well_says_so(server: MetricsServer) -> None:
    assert get(server.port, "/healthz") == (200, "text/plain; charset=utf-8", "ok\n")


def test_a_node_in_trouble_says_what_it_is() -> None:
    with serve(collector(), 0, healthy=lambda: "the broker does not answer") as server:
        assert get(server.port, "/healthz")[::2] == (503, "the broker does not answer\n")


def test_nothing_else_is_there(server: MetricsServer) -> None:
    assert get(server.port, "/")[::2] == (404, "there are /metrics and /healthz\n")


def test_a_bug_in_a_snapshot_is_one_line() -> None:
    def broken() -> str | None:
        raise KeyError("state")

    with serve(collector(), 0, healthy=broken) as server:
        assert get(server.port, "/healthz")[::2] == (500, "KeyError: 'state'\n")


def test_a_port_in_use_is_one_clear_line(server: MetricsServer) -> None:
    with pytest.raises(ExpositionError) as refusal:
        serve(collector(), server.port)

    assert str(refusal.value) == (
        f"metrics: port {server.port} on 127.0.0.1 is in use; "
        "stop what uses it, or choose another (TCPLAB_METRICS_PORT, or --metrics-port)"
    )


def test_a_foreign_address_is_one_clear_line() -> None:
    with pytest.raises(ExpositionError, match=r"cannot listen on 203\.0\.113\.1 port 9100: Cannot assign requested"):
        serve(collector(), 9100, "203.0.113.1")


def test_the_port_is_free_again_once_the_server_is_closed() -> None:
    with serve(collector(), 0) as server:
        get(server.port, "/metrics")

    with serve(collector(), server.port) as again:
        assert get(again.port, "/healthz")[0] == 200


def test_a_client_that_hangs_up_is_no_news(server: MetricsServer, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.port)) as client:
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n" * 100)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    assert get(server.port, "/healthz")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_snapshots_are_taken_on_the_loops_thread() -> None:
    async def scrape() -> tuple[int, str]:
        loop = asyncio.get_running_loop()
        with serve(collector(), 0, healthy=on_loop(loop, lambda: threading.current_thread().name)) as server:
            return (await loop.run_in_executor(None, get, server.port, "/healthz"))[::2]

    assert asyncio.run(scrape()) == (503, f"{threading.main_thread().name}\n")


def test_what_goes_wrong_on_the_loop_is_told_outside() -> None:
    def fail() -> str | None:
        raise ValueError("no")

    async def ask() -> None:
        await asyncio.to_thread(on_loop(asyncio.get_running_loop(), fail))

    with pytest.raises(ValueError, match="no"):
        asyncio.run(ask())


def test_a_loop_that_stands_still_is_unwell() -> None:
    loop = asyncio.new_event_loop()
    with serve(collector(), 0, healthy=on_loop(loop, lambda: None, patience=0.01)) as server:
        answer = get(server.port, "/healthz")
    loop.close()

    assert answer[::2] == (503, "the node's loop has not answered for 0.01 s\n")


def test_a_loop_that_is_closed_is_unwell() -> None:
    loop = asyncio.new_event_loop()
    loop.close()

    with serve(collector(), 0, healthy=on_loop(loop, lambda: None)) as server:
        assert get(server.port, "/healthz")[::2] == (503, "the node's loop is closed\n")
