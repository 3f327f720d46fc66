"""Runs the client: ``python -m services.client``."""

import asyncio
import sys
from ipaddress import IPv4Address

from services.client.settings import ClientSettings
from services.common.nodes import serve_host
from services.common.process import run
from tcplab.apps.client import Client
from tcplab.node import Address


async def serve(settings: ClientSettings, stop: asyncio.Event) -> None:
    """Make the load that the settings ask for, until told to stop."""

    def workload(address: Address) -> Client:
        # Clients that share a seed, as replicas do, must not draw the same.
        return Client(settings.client_config(), seed=settings.seed << 32 | int(IPv4Address(address)))

    await serve_host("client", settings, stop, address=settings.address, workload=workload)


if __name__ == "__main__":
    sys.exit(run("client", ClientSettings, serve))
