"""Where the broker is, and who asks."""

from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote, urlsplit

_PORTS: Final = {"amqp": 5672, "amqps": 5671}


@dataclass(frozen=True, slots=True)
class Broker:
    """The address of a broker, a virtual host on it, and a user of that."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    tls: bool = False

    @classmethod
    def from_url(cls, url: str, vhost: str | None = None) -> Self:
        """Read ``amqp://user:password@host:port/vhost``, or ``amqps://`` for TLS.

        A virtual host in the URL goes before ``vhost``; without either it is ``/``. User and password are ``guest``
        where they are left out, as everywhere with RabbitMQ.

        Raises:
            ValueError: the URL is none; the message has no password in it.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("the broker's URL has a bad host or port; write amqp://user:password@host:5672") from None
        if parts.scheme not in _PORTS or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("the broker's URL must look like amqp://user:password@host:5672/vhost, or amqps://")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            user=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"),
            vhost=unquote(parts.path[1:]) or vhost or "/",
            tls=parts.scheme == "amqps",
        )

    def __str__(self) -> str:
        """Return where the broker is, as messages name it."""
        return f"{self.host}:{self.port}"
