"""Settings from the environment: every variable known, every wrong one named in a line of its own."""

import difflib
import os
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import ClassVar, Final, Self, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.common.values import BrokerUrl, HostAddress, Seconds, SecondsOrNever, Switch
from tcplab.node import Address
from tcplab.runtime.amqp import Broker
from tcplab.runtime.amqp.topology import VHOST_DEFAULT
from tcplab.runtime.clock import SCALE_MAX, SCALE_MIN
from tcplab.tcp.config import CongestionControlName, SynCookiesMode, TcpConfig, TimeWaitPolicyName
from tcplab.units import MILLISECOND, Duration

PREFIX: Final = "TCPLAB_"
BROKER_URL: Final = "the broker and this service's user on it: amqp://user:password@host:port, or amqps:// for TLS"
OF_COMPOSE: Final = frozenset(
    {f"{PREFIX}{name}" for name in ("PROJECT", "SERVER_ADDRESS", "LAB_URL")}
    | {f"{PREFIX}{user}_PASSWORD" for user in ("CLIENT", "SERVER", "NETEM", "LAB", "OPERATOR")}
)
"""What docker-compose.yml, the maker of definitions and the command line read: no service's business, no mistake."""
SCALED_RTO_LEAST: Final = 100 * MILLISECOND  # real time: what two processes and a broker need to answer at all
S = TypeVar("S", bound="ServiceSettings")
_TCP: Final = TcpConfig()


class SettingsError(Exception):
    """The environment is wrong; one line for each variable at fault."""


class ServiceSettings(BaseSettings):
    """What every service can be told."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    amqp_url: BrokerUrl = Field(default="amqp://localhost:5672", repr=False, description=BROKER_URL)
    vhost: str = Field(default=VHOST_DEFAULT, min_length=1, description="virtual host of the lab on the broker")
    time_scale: float = Field(
        default=1.0,
        ge=float(SCALE_MIN),
        le=float(SCALE_MAX),
        description="how many seconds of the lab pass in one; the same in the whole lab",
    )
    metrics_address: HostAddress = Field(
        default=Address("127.0.0.1"), description="address that /metrics and /healthz are served on"
    )
    metrics_port: int = Field(
        default=9100, ge=1, le=65_535, description="port that /metrics and /healthz are served on"
    )
    revision: str = Field(default="unknown", description="source revision that runs, for tcplab_build_info")

    @property
    def broker(self) -> Broker:
        """Where the broker is, and who we are there."""
        return Broker.from_url(self.amqp_url, self.vhost)


class NodeSettings(ServiceSettings):
    """What every node of the lab can be told besides."""

    msl: Seconds = Field(
        default=_TCP.msl, description="maximum segment lifetime, seconds; TIME_WAIT lasts twice as long"
    )
    journal: Path | None = Field(default=None, description="folder to write the journal to; none is written without it")
    seed: int = Field(
        default=1, ge=0, lt=1 << 63, description="what chance is drawn from; the same seed draws the same"
    )

    @field_validator("msl")
    @classmethod
    def _check_msl(cls, msl: Duration) -> Duration:
        if msl <= 0:
            raise ValueError("must be above 0")
        return msl


class HostSettings(NodeSettings):
    """What a service with a TCP in it can be told besides."""

    prefix: ClassVar[str]
    """Where its address is."""

    rto_initial: Seconds = Field(default=_TCP.rto_initial, description="first retransmission timeout, seconds")
    rto_min: Seconds = Field(default=_TCP.rto_min, description="least retransmission timeout, seconds")
    rto_max: Seconds = Field(default=_TCP.rto_max, description="greatest retransmission timeout, seconds")
    r2: SecondsOrNever = Field(
        default=_TCP.r2, description="how long data is retransmitted before a TCP gives up; or never"
    )
    r2_syn: SecondsOrNever = Field(default=_TCP.r2_syn, description="how long a SYN is, likewise; or never")
    fin_wait_2_timeout: Seconds = Field(
        default=_TCP.fin_wait_2_timeout, description="longest FIN_WAIT_2 once the application has gone, seconds"
    )
    mss: int = Field(default=_TCP.mss, ge=1, le=65_495, description="maximum segment size, octets")
    send_buffer: int = Field(default=_TCP.send_buffer, ge=1, description="octets a connection keeps to send")
    receive_buffer: int = Field(
        default=_TCP.receive_buffer,
        ge=1,
        description="octets a connection keeps unread; beyond 65,535 only with window scaling",
    )
    user_timeout: Seconds | None = Field(
        default=_TCP.user_timeout,
        description="how long data, or a SYN, may stay unacknowledged, seconds: in place of both R2, and told to the "
        "peer (RFC 5482)",
    )
    nagle: Switch = Field(
        default=_TCP.nagle,
        description="whether a small segment waits while an earlier small one is unacknowledged: on or off",
    )
    delayed_ack: Seconds = Field(
        default=_TCP.delayed_ack,
        description="how long an ACK waits for company, seconds, less than 0.5; 0 acknowledges at once",
    )
    window_scaling: Switch = Field(
        default=_TCP.window_scaling, description="window scale option (RFC 7323), if the peer has it: on or off"
    )
    timestamps: Switch = Field(
        default=_TCP.timestamps, description="timestamps option (RFC 7323), if the peer has it: on or off"
    )
    sack: Switch = Field(
        default=_TCP.sack, description="selective acknowledgements (RFC 2018), if the peer has them: on or off"
    )
    ecn: Switch = Field(
        default=_TCP.ecn, description="explicit congestion notification (RFC 3168), if the peer has it: on or off"
    )
    congestion: CongestionControlName = Field(
        default=_TCP.congestion, description="congestion control: newreno (RFC 6582) or cubic (RFC 9438)"
    )
    initial_window: int = Field(
        default=_TCP.initial_window, ge=1, description="segments sent before the first acknowledgement (RFC 6928)"
    )
    keep_alive: Switch = Field(
        default=_TCP.keep_alive, description="whether a silent peer is asked if it is alive: on or off"
    )
    keep_alive_idle: Seconds = Field(
        default=_TCP.keep_alive_idle, description="silence before the first keep-alive probe, seconds"
    )
    keep_alive_interval: Seconds = Field(
        default=_TCP.keep_alive_interval, description="from one keep-alive probe to the next, seconds"
    )
    keep_alive_probes: int = Field(
        default=_TCP.keep_alive_probes, ge=1, description="unanswered probes after which the peer is believed dead"
    )
    syn_cookies: SynCookiesMode = Field(
        default=_TCP.syn_cookies,
        description="SYN cookies (RFC 4987): off, when_full (for what the backlog has no room for), or always",
    )
    challenge_acks_per_second: int = Field(
        default=_TCP.challenge_acks_per_second, ge=1, description="challenge ACKs a host sends at most (RFC 5961)"
    )
    time_wait_policy: TimeWaitPolicyName = Field(
        default=_TCP.time_wait_policy,
        description="what TIME_WAIT makes of segments: as rfc9293, linux or freebsd has it, or none: no TIME_WAIT",
    )
    time_wait_reuse: Switch | None = Field(
        default=_TCP.time_wait_reuse,
        description="whether a new connection may take the place of a TIME_WAIT: on or off; else as the policy has it",
    )

    @field_validator("user_timeout")
    @classmethod
    def _check_user_timeout(cls, user_timeout: Duration | None) -> Duration | None:
        return None if user_timeout is None else cls._check_msl(user_timeout)

    @field_validator("address", check_fields=False)
    @classmethod
    def _check_address(cls, address: Address | None) -> Address | None:
        if address is not None and IPv4Address(address) not in IPv4Network(cls.prefix):
            raise ValueError(f"must be an address of {cls.prefix}")
        return address

    @model_validator(mode="after")
    def _check_tcp(self) -> Self:
        self.tcp_config()
        if self.time_scale > 1 and self.rto_min / self.time_scale < SCALED_RTO_LEAST:
            raise ValueError("time_scale leaves less than 0.1 real seconds of the least retransmission timeout")
        return self

    def tcp_config(self) -> TcpConfig:
        """Return the settings of the TCP.

        Raises:
            ValueError: names the setting and its bound.
        """
        names = TcpConfig.__dataclass_fields__.keys() & type(self).model_fields.keys()
        return TcpConfig(**{name: getattr(self, name) for name in names})


def load(kind: type[S]) -> S:
    """Read the settings of one service from the environment.

    Raises:
        SettingsError: a variable is unknown or has a value that will not do.
    """
    known = variables(kind).keys() | OF_COMPOSE
    lines = [_unknown(name, kind) for name in os.environ if name.startswith(PREFIX) and name not in known]
    try:
        settings = kind()
    except ValidationError as error:
        lines += [_line(kind, detail) for detail in error.errors()]
    if lines:
        raise SettingsError("\n".join(lines))
    return settings


def variables(kind: type[ServiceSettings]) -> Mapping[str, str]:
    """Return every variable of a service, with what it means."""
    return {variable(name): field.description or "" for name, field in kind.model_fields.items()}


def variable(name: str) -> str:
    """Return the environment variable that sets a field."""
    return PREFIX + name.upper()


def _unknown(name: str, kind: type[ServiceSettings]) -> str:
    known = [known.removeprefix(PREFIX) for known in variables(kind)]
    nearest = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=2)
    hint = (
        f"did you mean {' or '.join(map(variable, nearest))}?"
        if nearest
        else "the README of this service lists what there is"
    )
    return f"{name} is no setting of this service: {hint}"


def _line(kind: type[ServiceSettings], detail: ErrorDetails) -> str:
    """Return what is wrong with one variable, in one line for people."""
    fault = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if not detail["loc"]:
        # A bound that the library checks: it names the setting as the library does.
        name, _, rest = fault.partition(" ")
        return f"{variable(name)} {rest}" if name in kind.model_fields else fault
    name = str(detail["loc"][0])
    field = kind.model_fields[name]
    value = f"={detail['input']}" if field.repr else ""  # a password is nobody's business
    return f"{variable(name)}{value}: {fault} ({field.description})"
