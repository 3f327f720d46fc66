"""The environment's variables: what they become, and what is said of wrong ones."""

import os
import re
from pathlib import Path

import pytest

from services.client.settings import ClientSettings
from services.common.readme import main as renew_readmes
from services.common.settings import SettingsError, load
from services.netem.settings import NetemSettings
from services.server.settings import ServerSettings
from tcplab.apps.client import CloseMix
from tcplab.netem.profile import Profile
from tcplab.tcp.config import TcpConfig
from tcplab.units import MILLISECOND, SECOND, Duration

COMPOSE = Path(__file__).resolve().parents[2] / "docker-compose.yml"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TCPLAB_")]:
        monkeypatch.delenv(name)


def fault(kind: type[ClientSettings | ServerSettings | NetemSettings]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(kind)
    return str(caught.value)


def test_without_any_variable_a_host_is_as_the_rfc_has_it() -> None:
    assert load(ClientSettings).tcp_config() == TcpConfig()
    assert load(ServerSettings).tcp_config() == TcpConfig()


def test_durations_are_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_MSL", "5")
    monkeypatch.setenv("TCPLAB_RTO_MIN", "0.2")
    monkeypatch.setenv("TCPLAB_R2", "never")

    config = load(ServerSettings).tcp_config()

    assert config.msl == 5 * SECOND
    assert config.rto_min == 200 * MILLISECOND
    assert config.r2 is None


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_MSL", "")

    assert load(ServerSettings).tcp_config() == TcpConfig()


def test_the_load_is_what_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_RATE", "0.5")
    monkeypatch.setenv("TCPLAB_OCTETS", "10000000")
    monkeypatch.setenv("TCPLAB_CLOSE_MIX", "server=2, both=1")
    monkeypatch.setenv("TCPLAB_PORT", "8080")

    config = load(ClientSettings).client_config()

    assert (config.rate, config.octets, config.port) == (0.5, 10_000_000, 8080)
    assert config.close_mix == CloseMix(client=0, server=2, both=1)


def test_a_link_is_as_both_are_but_for_its_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_LOSS", "25%")
    monkeypatch.setenv("TCPLAB_TO_CLIENT_LOSS", "0")
    monkeypatch.setenv("TCPLAB_TO_SERVER_BANDWIDTH", "1.5mbit")
    monkeypatch.setenv("TCPLAB_TO_SERVER_DROP_LIST", "1,5")
    delay, jitter = Duration(50 * MILLISECOND), Duration(10 * MILLISECOND)

    settings = load(NetemSettings)

    assert settings.profile("to_client") == Profile(delay, jitter, loss=0.0, duplicate=0.005)
    assert settings.profile("to_server") == Profile(
        delay, jitter, loss=0.25, duplicate=0.005, rate=1_500_000, drop_list=frozenset({1, 5})
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TCPLAB_MSL", "5s", "must be a plain number of seconds, without a unit"),
        ("TCPLAB_MSL", "-1", "must be a number of seconds from 0"),
        ("TCPLAB_MSL", "nan", "must be a number of seconds from 0"),
        ("TCPLAB_MSL", "0", "must be above 0"),
        ("TCPLAB_R2", "0", "must be above 0, or never"),
        ("TCPLAB_R2_SYN", "0", "must be above 0, or never"),
        ("TCPLAB_RTO_MIN", "100", "must not exceed rto_max"),
        ("TCPLAB_RATE", "0", "must be above 0"),
        ("TCPLAB_RATE", "many", "should be a valid number"),
        ("TCPLAB_MODE", "push", "should be 'echo', 'sink' or 'serve'"),
        ("TCPLAB_CLOSE_MIX", "client", "must be weights such as client=6,server=3,both=1"),
        ("TCPLAB_CLOSE_MIX", "client=0", "must hold weights of 0 or more, one of them above 0"),
        ("TCPLAB_PORT", "70000", "must be 1..65535"),
        ("TCPLAB_SERVER_ADDRESS", "server", "must be an IPv4 address"),
        ("TCPLAB_METRICS_PORT", "-1", "should be greater than or equal to 1"),
        ("TCPLAB_TIME_SCALE", "0", "should be greater than or equal to 0.01"),
        ("TCPLAB_TIME_SCALE", "20", "leaves less than 0.1 real seconds of the least retransmission timeout"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)

    line = fault(ClientSettings)

    assert line.startswith(name)
    assert said in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TCPLAB_MSL", "0", "must be above 0"),
        ("TCPLAB_LOSS", "101", "must be a percentage from 0 to 100"),
        ("TCPLAB_TO_SERVER_LOSS", "much", "must be a number"),
        ("TCPLAB_BANDWIDTH", "1mbps", "must be bits per second"),
        ("TCPLAB_TO_CLIENT_LIMIT", "0", "should be greater than or equal to 1"),
        ("TCPLAB_DROP_LIST", "0", "must be places of packets, 1 for the first"),
    ],
)
def test_a_wrong_value_of_the_network_is_named_likewise(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)

    line = fault(NetemSettings)

    assert line.startswith(f"{name}={value}: ")
    assert said in line
    assert "\n" not in line


def test_an_unknown_variable_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_CONCURENCY", "5")

    assert fault(ClientSettings) == "TCPLAB_CONCURENCY is no setting of this service: did you mean TCPLAB_CONCURRENCY?"


@pytest.mark.parametrize("kind", [ClientSettings, ServerSettings, NetemSettings])
def test_what_compose_alone_reads_is_no_mistake(
    monkeypatch: pytest.MonkeyPatch, kind: type[ClientSettings | ServerSettings | NetemSettings]
) -> None:
    names = set(re.findall(r"\$\{(TCPLAB_\w+)|(TCPLAB_OPERATOR_PASSWORD)", COMPOSE.read_text()))
    for name in ("".join(groups) for groups in names):
        monkeypatch.setenv(name, "10.0.2.9")

    assert len(names) == 6
    load(kind)


def test_everything_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_CONCURENCY", "5")
    monkeypatch.setenv("TCPLAB_MSL", "x")
    monkeypatch.setenv("TCPLAB_SEED", "y")

    lines = fault(ClientSettings).splitlines()

    assert [line.partition("=")[0].split()[0] for line in lines] == ["TCPLAB_CONCURENCY", "TCPLAB_MSL", "TCPLAB_SEED"]


def test_every_variable_is_in_the_readme_of_its_service() -> None:
    assert renew_readmes(["--check"]) == 0


def test_the_brokers_password_is_not_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_AMQP_URL", "http://client:secret@rabbitmq")

    assert "secret" not in fault(ClientSettings)
    assert "secret" not in repr(ClientSettings.model_construct(amqp_url="amqp://client:secret@rabbitmq"))
