"""What the server can be told."""

from typing import Self

from pydantic import Field, model_validator

from services.common.settings import BROKER_URL, HostSettings
from services.common.values import BrokerUrl, HostAddress, Seconds
from tcplab.apps.server import ServerConfig
from tcplab.netem.roles import DEFAULT_ROLES
from tcplab.node import Address
from tcplab.units import SECOND


class ServerSettings(HostSettings):
    """Settings of the server."""

    prefix = DEFAULT_ROLES["server"]
    amqp_url: BrokerUrl = Field(default="amqp://server:server@localhost:5672", repr=False, description=BROKER_URL)
    address: HostAddress | None = Field(default=Address("10.0.2.1"), description="its own address, one of 10.0.2.0/24")
    port: int = Field(default=80, description="port to listen on")
    backlog: int = Field(default=128, description="connections that may be half-open or unanswered at a time")
    patience: Seconds = Field(
        default=180 * SECOND,
        description="how long a connection may stand still before it is aborted, seconds",
    )
    read_rate: int | None = Field(
        default=None, description="octets per second to read, for a slow reader; else as they come"
    )

    @model_validator(mode="after")
    def _check_service(self) -> Self:
        self.server_config()
        return self

    def server_config(self) -> ServerConfig:
        """Return where to listen, and how to treat whoever comes.

        Raises:
            ValueError: names the setting and its bound.
        """
        names = ServerConfig.__dataclass_fields__.keys() & type(self).model_fields.keys()
        return ServerConfig(**{name: getattr(self, name) for name in names})
