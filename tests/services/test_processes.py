"""The services as processes: what they say of trouble, with which exit code they end, and that they end in order."""

import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from services.common.nodes import shard_seed
from tcplab.runtime.amqp.topology import SHARDS
from tests.services.process import Service, free_port
from tests.support.labs import Lab

ROLES = ["client", "server", "netem", "lab"]
IN_TIME = 10.0  # seconds within which a service must have stopped


def at(amqp_lab: Lab, role: str, password: str | None = None) -> dict[str, str]:
    """Return the settings that name a lab's broker."""
    broker = amqp_lab.broker(role)
    url = f"amqp://{broker.user}:{password or broker.password}@{broker.host}:{broker.port}"
    return {"TCPLAB_AMQP_URL": url, "TCPLAB_VHOST": amqp_lab.vhost}


def stops_in_order(service: Service) -> None:
    told = time.monotonic()
    service.terminate()

    assert service.ends() == 0, service.said
    assert time.monotonic() - told < IN_TIME
    assert service.said[-1].endswith(": stopped")


@pytest.mark.parametrize("role", ["client", "server", "netem"])
def test_wrong_settings_are_said_in_a_line_each(role: str) -> None:
    with Service(role, TCPLAB_MSL="long", TCPLAB_MSLL="5") as service:
        assert service.ends() == 2

    assert service.said == [
        f"{role}: TCPLAB_MSLL is no setting of this service: did you mean TCPLAB_MSL?",
        f"{role}: TCPLAB_MSL=long: must be a plain number of seconds, without a unit, such as 0.05 "
        "(maximum segment lifetime, seconds; TIME_WAIT lasts twice as long)",
    ]


@pytest.mark.parametrize("role", ROLES)
def test_a_late_broker_is_waited_for_with_a_word_about_it(role: str) -> None:
    nobody = f"amqp://{role}:{role}@127.0.0.1:{free_port()}"

    with Service(role, TCPLAB_AMQP_URL=nobody) as service:
        line = service.says("trying again")
        stops_in_order(service)

    assert "Connection refused" in line
    assert len(service.said) == 2, "the same trouble is said once"


@pytest.mark.parametrize("role", ROLES)
def test_a_service_stops_in_order_while_something_takes_its_connection_and_says_nothing(role: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"amqp://{role}:{role}@127.0.0.1:{silent.getsockname()[1]}"
        with Service(role, TCPLAB_AMQP_URL=url) as service:
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(8).startswith(b"AMQP")
                stops_in_order(service)

    assert service.said == [f"{role}: stopped"]


@pytest.mark.broker
@pytest.mark.parametrize("role", ROLES)
def test_wrong_credentials_are_hopeless(amqp_lab: Lab, role: str) -> None:
    with Service(role, **at(amqp_lab, role, password="wrong")) as service:
        assert service.ends() == 1

    assert len(service.said) == 1, service.said
    assert "refuses the password" in service.said[0]


def test_an_address_outside_the_prefix_is_a_wrong_setting() -> None:
    with Service("client", TCPLAB_ADDRESS="10.0.2.9") as service:
        assert service.ends() == 2

    assert [line.partition(" (")[0] for line in service.said] == [
        "client: TCPLAB_ADDRESS=10.0.2.9: must be an address of 10.0.1.0/24"
    ]


@pytest.mark.broker
def test_an_address_in_use_is_hopeless(amqp_lab: Lab) -> None:
    settings = at(amqp_lab, "server")
    with Service("server", **settings) as first:
        first.says("the broker answers")

        with Service("server", **settings) as second:
            code = second.ends()

        assert code == 1
        assert "address 10.0.2.1 is in use" in second.said[-1]
        stops_in_order(first)


@pytest.mark.broker
def test_a_port_in_use_is_hopeless(amqp_lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])

        with Service("netem", **at(amqp_lab, "netem"), TCPLAB_METRICS_PORT=port) as service:
            assert service.ends() == 1

    assert f"port {port} on 127.0.0.1 is in use" in service.said[-1]
    assert not any("Traceback" in line for line in service.said)


@pytest.mark.broker
def test_a_full_disk_under_the_journal_does_not_stop_a_host(amqp_lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "server-10.0.2.1.jsonl").symlink_to("/dev/full")

    with Service("server", **at(amqp_lab, "server"), TCPLAB_JOURNAL=str(tmp_path)) as service:
        service.says("the broker answers")
        line = service.says("No space left on device")
        lost = next(
            line for line in scrape(service).splitlines() if line.startswith("tcplab_journal_records_lost_total ")
        )
        stops_in_order(service)

    assert "goes on without a journal" in line
    assert float(lost.split()[-1]) > 0


@pytest.mark.broker
@pytest.mark.parametrize("role", ["client", "server", "netem"])
def test_a_service_is_well_while_the_broker_answers_and_stops_in_order(
    amqp_lab: Lab, role: str, tmp_path: Path
) -> None:
    with Service(role, **at(amqp_lab, role), TCPLAB_JOURNAL=str(tmp_path)) as service:
        service.says("the broker answers")

        assert health(service) == (200, "ok\n")
        assert f'role="{role}"' in scrape(service)
        stops_in_order(service)

    assert [path.name.partition("-")[0].partition(".")[0] for path in tmp_path.iterdir()] == [role]


@pytest.mark.broker
def test_the_lab_service_serves_its_api_and_metrics_and_stops_in_order(amqp_lab: Lab) -> None:
    port = free_port()
    with Service("lab", **at(amqp_lab, "lab"), TCPLAB_API_PORT=str(port)) as service:
        service.says(f"lab: serves http://127.0.0.1:{port}")

        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/network", b"link *>* loss 1%", {"Content-Type": "text/plain"}, method="PATCH"
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200
        assert health(service) == (200, "ok\n")
        figures = dict(line.rsplit(" ", 1) for line in scrape(service).splitlines() if line.startswith("tcplab_lab_"))
        stops_in_order(service)

    assert figures == {
        "tcplab_lab_revision": "1.0",
        "tcplab_lab_changes_total": "1.0",
        "tcplab_lab_leases": "0.0",
        "tcplab_lab_faults": "0.0",
    }


@pytest.mark.broker
def test_a_port_of_the_api_in_use_is_hopeless(amqp_lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])

        with Service("lab", **at(amqp_lab, "lab"), TCPLAB_API_PORT=port) as service:
            assert service.ends() == 1

    choice = "stop what uses it, or choose another (TCPLAB_API_PORT)"
    assert service.said[-1] == f"lab: api: port {port} on 127.0.0.1 is in use; {choice}"


@pytest.mark.broker
def test_a_lab_has_one_lab_service(amqp_lab: Lab) -> None:
    with Service("lab", **at(amqp_lab, "lab"), TCPLAB_API_PORT=str(free_port())) as first:
        first.says("serves")
        with Service("lab", **at(amqp_lab, "lab"), TCPLAB_API_PORT=str(free_port())) as second:
            assert second.ends() == 1

    assert "this lab has a lab service already" in second.said[-1]


@pytest.mark.broker
def test_clients_lease_addresses_of_their_own(amqp_lab: Lab) -> None:
    settings = at(amqp_lab, "client")
    with Service("client", **settings) as first, Service("client", **settings) as second:
        lines = {first.says("the broker answers"), second.says("the broker answers")}

    assert lines == {f"client-10.0.1.{number}: the broker answers" for number in (1, 2)}


@pytest.mark.broker
def test_networks_of_one_lab_are_its_shards(amqp_lab: Lab) -> None:
    settings = at(amqp_lab, "netem")
    with Service("netem", **settings) as first, Service("netem", **settings) as second:
        lines = {first.says("the broker answers"), second.says("the broker answers")}
        nodes = {line for each in (first, second) for line in scrape(each).splitlines() if "tcplab_node_info{" in line}

    assert lines == {f"netem-{number}: the broker answers" for number in (1, 2)}
    assert nodes == {f'tcplab_node_info{{node="netem-{number}",role="netem"}} 1.0' for number in (1, 2)}


def test_no_two_shards_draw_from_one_seed() -> None:
    seeds = {(seed, shard): shard_seed(seed, shard) for seed in (0, 1, 2**63 - 1) for shard in SHARDS}

    assert len(set(seeds.values())) == len(seeds)
    assert [seeds[seed, 1] for seed in (0, 1, 2**63 - 1)] == [0, 1, 2**63 - 1], "the first draws what its seed says"


def health(service: Service) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/healthz", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scrape(service: Service) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
        return text
