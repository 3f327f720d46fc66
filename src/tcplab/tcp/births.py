"""How connections come to be."""

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.connection import Connection
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.isn import Isn
from tcplab.tcp.timestamps import Offset
from tcplab.units import Instant
from tcplab.wire.seq import SeqNumber


class Births:
    """Makes the connections of a host.

    Attributes:
        clock_offset: where the timestamp clock of a 4-tuple starts.
        config: what connections go by that have no settings of their own.
    """

    __slots__ = ("_isn", "clock_offset", "config")

    def __init__(self, config: TcpConfig, isn: Isn, clock_offset: Offset) -> None:
        self.config = config
        self._isn = isn
        self.clock_offset = clock_offset

    def give(
        self, name: ConnectionId, config: TcpConfig | None, now: Instant, iss: SeqNumber | None, token: int = 0
    ) -> Connection:
        """Return a connection in CLOSED.

        Args:
            name: its 4-tuple.
            config: its settings, the host's by default.
            now: when it begins.
            iss: its initial send sequence number; ``None`` for the generator's.
            token: what the application calls its OPEN.
        """
        settings = self.config if config is None else config
        offset = self.clock_offset(name) if settings.timestamps else 0
        return Connection(name, settings, self._isn(name, now) if iss is None else iss, token, offset)
