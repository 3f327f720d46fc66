"""The lab service at a real broker, asked over HTTP by means of httpx."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tcplab.lab.api import make
from tcplab.lab.desk import Desk
from tcplab.lab.server import serving
from tests.broker.ports import CLOCK, HASTY, Watcher
from tests.support.labs import Lab

TEXT = {"Content-Type": "text/plain"}


def timeless(lines: str) -> str:
    """Return lines of a configuration without when what they say was set, and when it ends."""
    return re.sub(r" (since|until) \d+\w+", "", lines)


@dataclass
class Service:
    """A lab service that runs, and a client of it."""

    desk: Desk
    url: str
    http: httpx.AsyncClient
    watcher: Watcher
    said: list[str]

    async def change(self, text: str, **query: str) -> dict[str, Any]:
        """Make changes; they must be accepted."""
        answer = await self.http.patch("/network", content=text, headers=TEXT, params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def text(self) -> str:
        """Return what stands, as lines, but for when it was set."""
        return timeless((await self.http.get("/network", headers={"Accept": "text/plain"})).text)

    async def status(self, shards: int) -> dict[str, Any]:
        """Return the status as soon as so many shards are in it."""
        while True:
            found: dict[str, Any] = (await self.http.get("/status")).json()
            if len(found["shards"]) == shards:
                return found

    async def lease(self, ttl: float) -> str:
        """Begin a lease."""
        answer = await self.http.post("/leases", json={"ttl": ttl})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


@asynccontextmanager
async def service(lab: Lab, port: int | None = None) -> AsyncIterator[Service]:
    """Run the lab service; ``port`` is that of a cable to the broker."""
    watcher, said = Watcher(), list[str]()
    desk = Desk(
        lab.broker("lab", port=port), CLOCK, say=said.append, network_user=lab.broker("netem").user, limits=HASTY
    )
    async with (
        desk.running(watcher.tell),
        serving(make(desk), "127.0.0.1", 0) as at,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{at}", timeout=20, trust_env=False) as http,
    ):
        yield Service(desk, str(http.base_url), http, watcher, said)
