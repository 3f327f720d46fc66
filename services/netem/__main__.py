"""Runs the network: ``python -m services.netem``."""

import asyncio
import sys

from services.common.nodes import serve_network
from services.common.process import run
from services.netem.settings import NetemSettings
from tcplab.netem.network import Network
from tcplab.netem.roles import link_name


async def serve(settings: NetemSettings, stop: asyncio.Event) -> None:
    """Carry what hosts send, as the settings ask for, until told to stop."""
    profiles = {
        link_name("client", "server"): settings.profile("to_server"),
        link_name("server", "client"): settings.profile("to_client"),
    }
    await serve_network(settings, stop, lambda seed: Network(profiles, seed=seed, lifetime=settings.msl))


if __name__ == "__main__":
    sys.exit(run("netem", NetemSettings, serve))
