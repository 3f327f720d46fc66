"""aiohttp's web server on the lab's TCP: a page of 1 MB through a network that loses one packet in twenty.

    .venv/bin/python examples/http_over_tcplab.py

The server does not know where it runs: it is given to a host of the lab as it would be to an asyncio loop. Time is
virtual, so that the same seed gives the same run in no time.
"""

import asyncio
import hashlib
from random import Random

from aiohttp import web

import tcplab
from tcplab.netem.events import PacketDropped
from tcplab.observe.journal import Journal
from tcplab.tcp.events import Retransmitted

PAGE = Random(1).randbytes(1_000_000)


async def answer(_: web.BaseRequest) -> web.Response:
    """Answer every request with the page."""
    return web.Response(body=PAGE, headers={"Digest": hashlib.sha256(PAGE).hexdigest()})


async def fetch(address: str, path: str) -> tuple[str, bytes]:
    """Fetch a page as HTTP/1.1 does it; return the digest that came with it, and the page."""
    reader, writer = await tcplab.connect(address, 80)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines if line)
    assert status == "HTTP/1.1 200 OK", status
    page = await reader.readexactly(int(headers["Content-Length"]))
    writer.close()
    await writer.wait_closed()
    return headers["Digest"], page


async def main() -> None:
    """Serve the page, fetch it, and tell what that took."""
    journal = Journal()
    lab = tcplab.Lab(delay=0.01, loss=0.05, seed=1, observers=[journal])
    async with lab, await tcplab.create_server(web.Server(answer), 80):
        digest, page = await fetch("10.0.2.1", "/")
    assert hashlib.sha256(page).hexdigest() == digest, "the page is damaged"

    lost, again = len(journal.of(PacketDropped)), len(journal.of(Retransmitted))
    took = asyncio.get_running_loop().time()
    print(f"{len(page):,} octets in {took:.2f} s of the lab's time; {lost} packets lost, {again} sent again")


if __name__ == "__main__":
    tcplab.run(main())
