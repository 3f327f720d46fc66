"""The environment's variables: what they become, and what is said of wrong ones."""

import os
import re
from pathlib import Path

import pytest
import yaml

from services.client.settings import ClientSettings
from services.common.readme import main as renew_readmes
from services.common.settings import ServiceSettings, SettingsError, load, variables
from services.lab.settings import LabSettings
from services.netem.settings import NetemSettings
from services.server.settings import ServerSettings
from tcplab.apps.client import CloseMix
from tcplab.netem.profile import Profile
from tcplab.tcp.config import TcpConfig
from tcplab.units import MILLISECOND, SECOND, seconds

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


def test_every_setting_of_a_tcp_but_its_ports_is_a_variable_of_both_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "MSL": "5", "RTO_INITIAL": "2", "RTO_MIN": "0.3", "RTO_MAX": "30", "R2": "50", "R2_SYN": "never",
        "FIN_WAIT_2_TIMEOUT": "7", "MSS": "536", "SEND_BUFFER": "99", "RECEIVE_BUFFER": "1000000", "USER_TIMEOUT": "90",
        "NAGLE": "off", "DELAYED_ACK": "0.2", "WINDOW_SCALING": "true", "TIMESTAMPS": "no", "SACK": "0", "ECN": "On",
        "CONGESTION": "newreno", "INITIAL_WINDOW": "4", "KEEP_ALIVE": "on", "KEEP_ALIVE_IDLE": "60",
        "KEEP_ALIVE_INTERVAL": "1.5", "KEEP_ALIVE_PROBES": "3", "SYN_COOKIES": "always",
        "CHALLENGE_ACKS_PER_SECOND": "10", "TIME_WAIT_POLICY": "linux", "TIME_WAIT_REUSE": "off",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"TCPLAB_{name}", value)

    config = load(ServerSettings).tcp_config()

    assert config == TcpConfig(
        msl=seconds(5), rto_initial=seconds(2), rto_min=seconds(0.3), rto_max=seconds(30), r2=seconds(50), r2_syn=None,
        fin_wait_2_timeout=seconds(7), mss=536, send_buffer=99, receive_buffer=1_000_000, user_timeout=seconds(90),
        nagle=False, delayed_ack=seconds(0.2), window_scaling=True, timestamps=False, sack=False, ecn=True,
        congestion="newreno", initial_window=4, keep_alive=True, keep_alive_idle=seconds(60),
        keep_alive_interval=seconds(1.5), keep_alive_probes=3, syn_cookies="always", challenge_acks_per_second=10,
        time_wait_policy="linux", time_wait_reuse=False,
    )  # fmt: skip
    assert load(ClientSettings).tcp_config() == config
    assert {name.lower() for name in given} == TcpConfig.__dataclass_fields__.keys() - {"first_port", "last_port"}


@pytest.mark.parametrize("kind", [ClientSettings, ServerSettings, NetemSettings])
def test_compose_passes_every_variable_on_but_those_that_are_the_containers_own(
    kind: type[ClientSettings | ServerSettings | NetemSettings],
) -> None:
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    service = kind.__module__.split(".")[1]
    passed = set(compose["services"][service]["environment"])

    own = {"TCPLAB_METRICS_ADDRESS", "TCPLAB_METRICS_PORT", "TCPLAB_REVISION"}  # set where the image is made
    if kind is ClientSettings:
        own.add("TCPLAB_ADDRESS")  # leased, so that clients can be scaled
    assert passed == variables(kind).keys() - own


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
    delay, jitter = 50 * MILLISECOND, 10 * MILLISECOND

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
        ("TCPLAB_RECEIVE_BUFFER", "2000000000", "must be 1..1073725440, the window at the largest scale"),
        ("TCPLAB_RECEIVE_BUFFER", "0", "should be greater than or equal to 1"),
        ("TCPLAB_USER_TIMEOUT", "0", "must be above 0"),
        ("TCPLAB_DELAYED_ACK", "0.5", "must be 0 or more, and less than half a second"),
        ("TCPLAB_DELAYED_ACK", "40ms", "must be a plain number of seconds, without a unit"),
        ("TCPLAB_NAGLE", "maybe", "must be on or off"),
        ("TCPLAB_TIME_WAIT_REUSE", "2", "must be on or off"),
        ("TCPLAB_CONGESTION", "reno", "should be 'newreno' or 'cubic'"),
        ("TCPLAB_SYN_COOKIES", "on", "should be 'off', 'when_full' or 'always'"),
        ("TCPLAB_TIME_WAIT_POLICY", "bsd", "should be 'rfc9293', 'linux', 'freebsd' or 'none'"),
        ("TCPLAB_INITIAL_WINDOW", "0", "should be greater than or equal to 1"),
        ("TCPLAB_KEEP_ALIVE_IDLE", "0", "must be above 0"),
        ("TCPLAB_KEEP_ALIVE_PROBES", "some", "should be a valid integer"),
        ("TCPLAB_CHALLENGE_ACKS_PER_SECOND", "0", "should be greater than or equal to 1"),
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


def test_a_window_beyond_its_16_bits_needs_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_RECEIVE_BUFFER", "65536")
    assert load(ClientSettings).tcp_config().receive_buffer == 65_536

    monkeypatch.setenv("TCPLAB_WINDOW_SCALING", "off")

    assert fault(ClientSettings) == (
        "TCPLAB_RECEIVE_BUFFER must be 1..65535: without window scaling a window has 16 bits"
    )


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


@pytest.mark.parametrize("kind", [ClientSettings, ServerSettings, NetemSettings, LabSettings])
def test_what_compose_alone_reads_is_no_mistake(monkeypatch: pytest.MonkeyPatch, kind: type[ServiceSettings]) -> None:
    names = set(re.findall(r"\$\{(TCPLAB_\w+)|(TCPLAB_OPERATOR_PASSWORD)", COMPOSE.read_text()))
    for name in ("".join(groups) for groups in names):
        monkeypatch.setenv(name, "10.0.2.9")

    assert len(names) == 7
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


def test_a_whole_profile_as_text_goes_before_the_single_knobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trace = tmp_path / "lte.txt"
    trace.write_text("1\n5\n", encoding="utf-8")
    monkeypatch.setenv("TCPLAB_NETEM", "delay 100ms 20ms loss burst 2% 4")
    monkeypatch.setenv("TCPLAB_TO_CLIENT_NETEM", f"trace rate {trace}")
    monkeypatch.setenv("TCPLAB_LOSS", "50")
    monkeypatch.setenv("TCPLAB_TO_SERVER_DELAY", "3")

    settings = load(NetemSettings)

    assert str(settings.profile("to_server")) == "delay 100ms 20ms loss burst 2% 4"
    assert str(settings.profile("to_client")) == f"trace rate {trace}"


def test_of_a_profile_that_is_none_the_word_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TCPLAB_NETEM", "delay 100ms los 1%")

    line = fault(NetemSettings)

    assert line.startswith(
        "TCPLAB_NETEM=delay 100ms los 1%: 'los' at column 13: there is no such clause; did you mean 'loss'?"
    )
    assert "\n" not in line
