"""What the client can be told."""

from typing import Self

from pydantic import Field, model_validator

from services.common.settings import BROKER_URL, HostSettings
from services.common.values import BrokerUrl, HostAddress, Seconds, Weights
from tcplab.apps.client import ClientConfig, CloseMix
from tcplab.apps.frames import Mode
from tcplab.netem.roles import DEFAULT_ROLES
from tcplab.node import Address
from tcplab.units import MILLISECOND, SECOND


class ClientSettings(HostSettings):
    """Settings of the client."""

    prefix = DEFAULT_ROLES["client"]
    amqp_url: BrokerUrl = Field(default="amqp://client:client@localhost:5672", repr=False, description=BROKER_URL)
    address: HostAddress | None = Field(
        default=None, description="its own address; without it a free one of 10.0.1.0/24"
    )
    server_address: HostAddress = Field(default=Address("10.0.2.1"), description="address of the server")
    port: int = Field(default=80, description="port of the server")
    rate: float = Field(default=5.0, description="connections opened per second")
    concurrency: int = Field(default=100, description="connections that may be open, or being opened, at a time")
    octets: int = Field(
        default=1_000, description="payload of each request, octets; of each answer where the mode is serve"
    )
    mode: Mode = Field(default=Mode.ECHO, description="what to ask of the server: echo, sink or serve")
    close_mix: Weights = Field(
        default=CloseMix(client=6, server=3, both=1),
        description="how often who closes first: weights of client, server, both",
    )
    linger: Seconds = Field(
        default=500 * MILLISECOND,
        description="how long the server waits where both are to close at once, seconds",
    )
    patience: Seconds = Field(
        default=180 * SECOND,
        description="how long a connection may stand still before it is aborted, seconds",
    )
    read_rate: int | None = Field(
        default=None, description="octets per second to read, for a slow reader; else as they come"
    )
    total: int | None = Field(default=None, description="connections to open altogether; else without end")

    @model_validator(mode="after")
    def _check_load(self) -> Self:
        self.client_config()
        return self

    def client_config(self) -> ClientConfig:
        """Return the load to make.

        Raises:
            ValueError: names the setting and its bound.
        """
        names = ClientConfig.__dataclass_fields__.keys() & type(self).model_fields.keys()
        return ClientConfig(remote=self.server_address, **{name: getattr(self, name) for name in names})
