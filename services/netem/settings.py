"""What the network can be told."""

from typing import Any, Final, Literal

from pydantic import Field

from services.common.settings import BROKER_URL, NodeSettings, variable
from services.common.values import BitRate, BrokerUrl, LinkProfile, Percent, Places, Seconds
from tcplab.netem.profile import LIMIT_DEFAULT, Profile
from tcplab.units import MILLISECOND

Direction = Literal["to_server", "to_client"]
_KNOBS: Final = ("delay", "jitter", "loss", "duplicate", "bandwidth", "limit", "drop_list")


def _own(target: str, knob: str) -> str:
    return f"{variable(knob)} of the link towards the {target} alone"


class NetemSettings(NodeSettings):
    """Settings of the network: of both links, and, where a link is to differ, its own."""

    amqp_url: BrokerUrl = Field(default="amqp://netem:netem@localhost:5672", repr=False, description=BROKER_URL)
    netem: LinkProfile | None = Field(
        default=None,
        description="all that both links do, in the words of docs/netem.md, such as delay 100ms 20ms loss 1%; the "
        "variables below then count for nothing",
    )
    to_server_netem: LinkProfile | None = Field(default=None, description=_own("server", "netem"))
    to_client_netem: LinkProfile | None = Field(default=None, description=_own("client", "netem"))

    delay: Seconds = Field(default=50 * MILLISECOND, description="how long each packet is under way, seconds")
    jitter: Seconds = Field(default=10 * MILLISECOND, description="how far the delay varies to either side, seconds")
    loss: Percent = Field(default=0.01, description="packets lost, percent")
    duplicate: Percent = Field(default=0.005, description="packets doubled, percent")
    bandwidth: BitRate = Field(default=0, description="bits per second, such as 1mbit; 0 for no bound")
    limit: int = Field(default=LIMIT_DEFAULT, ge=1, description="packets that a link's queue holds")
    drop_list: Places = Field(
        default=frozenset(), description="packets to drop, 1 for the first of a link, such as 1,5,9"
    )

    to_server_delay: Seconds | None = Field(default=None, description=_own("server", "delay"))
    to_server_jitter: Seconds | None = Field(default=None, description=_own("server", "jitter"))
    to_server_loss: Percent | None = Field(default=None, description=_own("server", "loss"))
    to_server_duplicate: Percent | None = Field(default=None, description=_own("server", "duplicate"))
    to_server_bandwidth: BitRate | None = Field(default=None, description=_own("server", "bandwidth"))
    to_server_limit: int | None = Field(default=None, ge=1, description=_own("server", "limit"))
    to_server_drop_list: Places | None = Field(default=None, description=_own("server", "drop_list"))

    to_client_delay: Seconds | None = Field(default=None, description=_own("client", "delay"))
    to_client_jitter: Seconds | None = Field(default=None, description=_own("client", "jitter"))
    to_client_loss: Percent | None = Field(default=None, description=_own("client", "loss"))
    to_client_duplicate: Percent | None = Field(default=None, description=_own("client", "duplicate"))
    to_client_bandwidth: BitRate | None = Field(default=None, description=_own("client", "bandwidth"))
    to_client_limit: int | None = Field(default=None, ge=1, description=_own("client", "limit"))
    to_client_drop_list: Places | None = Field(default=None, description=_own("client", "drop_list"))

    def profile(self, direction: Direction) -> Profile:
        """Return what the link of a direction does: by its own text, else by that of both, else by the single knobs."""
        whole: Profile | None = getattr(self, f"{direction}_netem") or self.netem
        if whole is not None:
            return whole
        knobs: dict[str, Any] = {}
        for name in _KNOBS:
            own = getattr(self, f"{direction}_{name}")
            knobs[name] = getattr(self, name) if own is None else own
        return Profile(rate=knobs.pop("bandwidth") or None, **knobs)
