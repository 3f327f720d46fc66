"""What the lab service can be told."""

from pydantic import Field

from services.common.settings import BROKER_URL, ServiceSettings
from services.common.values import BrokerUrl, HostAddress
from tcplab.node import Address


class LabSettings(ServiceSettings):
    """Settings of the lab service."""

    amqp_url: BrokerUrl = Field(default="amqp://lab:lab@localhost:5672", repr=False, description=BROKER_URL)
    api_address: HostAddress = Field(default=Address("127.0.0.1"), description="address that the API is served on")
    api_port: int = Field(default=8080, ge=1, le=65_535, description="port that the API is served on")
