"""Runs the server: ``python -m services.server``."""

import asyncio
import sys

from services.common.nodes import serve_host
from services.common.process import run
from services.server.settings import ServerSettings
from tcplab.apps.server import Server
from tcplab.node import Address


async def serve(settings: ServerSettings, stop: asyncio.Event) -> None:
    """Answer whoever connects, until told to stop."""

    def workload(_: Address) -> Server:
        return Server(settings.server_config())

    await serve_host("server", settings, stop, address=settings.address, workload=workload)


if __name__ == "__main__":
    sys.exit(run("server", ServerSettings, serve))
