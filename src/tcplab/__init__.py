"""tcplab: a distributed laboratory for TCP's life and death (RFC 9293)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tcplab.netem.profile import Profile
    from tcplab.runtime.streams import (
        Deadlock,
        Lab,
        LabHost,
        LabServer,
        LabTransport,
        VirtualLoop,
        connect,
        create_connection,
        create_server,
        run,
        serve,
    )
    from tcplab.tcp.config import TcpConfig

__version__ = "0.1.0"

__all__ = [
    "Deadlock",
    "Lab",
    "LabHost",
    "LabServer",
    "LabTransport",
    "Profile",
    "TcpConfig",
    "VirtualLoop",
    "connect",
    "create_connection",
    "create_server",
    "run",
    "serve",
]

_ELSEWHERE = {"Profile": "tcplab.netem.profile", "TcpConfig": "tcplab.tcp.config"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: a service that needs none of them pays for none."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_ELSEWHERE.get(name, "tcplab.runtime.streams")), name)
    return value
