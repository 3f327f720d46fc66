"""asyncio's streams and protocols over the lab's TCP."""

from tcplab.runtime.streams.ambient import connect, create_connection, create_server, serve
from tcplab.runtime.streams.host import LabHost
from tcplab.runtime.streams.lab import Lab
from tcplab.runtime.streams.server import LabServer
from tcplab.runtime.streams.transport import LabTransport
from tcplab.runtime.streams.virtual import Deadlock, VirtualLoop, run

__all__ = [
    "Deadlock",
    "Lab",
    "LabHost",
    "LabServer",
    "LabTransport",
    "VirtualLoop",
    "connect",
    "create_connection",
    "create_server",
    "run",
    "serve",
]
