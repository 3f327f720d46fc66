"""A web server that is not ours, on the lab's TCP; and what the documents show."""

import asyncio
import contextlib
import hashlib
import io
import re
from pathlib import Path

import pytest
from aiohttp import web

import tcplab
from examples import http_over_tcplab
from tcplab.netem.events import PacketDropped
from tcplab.observe.journal import Journal
from tests.runtime.streams import CLIENT, SERVER, now, states
from tests.support.loops import in_virtual_time

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = re.compile(r"([\d,]+) octets in ([\d.]+) s of the lab's time; (\d+) packets lost, (\d+) sent again\n")


def said_by(program: str) -> str:
    """Return what a program prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program, "program", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


@pytest.mark.parametrize("seed", [1, 2, 3])
@in_virtual_time
async def test_a_page_of_one_megabyte_comes_whole_through_five_per_cent_loss(seed: int) -> None:
    journal = Journal()
    lab = tcplab.Lab(delay=0.01, loss=0.05, seed=seed, observers=[journal])

    async with lab, await tcplab.create_server(web.Server(http_over_tcplab.answer), 80):
        digest, page = await http_over_tcplab.fetch(SERVER, "/")

    assert len(page) == 1_000_000
    assert hashlib.sha256(page).digest() == hashlib.sha256(http_over_tcplab.PAGE).digest()
    assert hashlib.sha256(page).hexdigest() == digest
    assert len(journal.of(PacketDropped)) > 20
    assert now() < 120


async def put_page(pause: float) -> float:
    """Send the page to a server that reads a hundredth of it at a time; return when all of it was handed over."""

    async def digest(request: web.BaseRequest) -> web.Response:
        heard = hashlib.sha256()
        async for chunk in request.content.iter_chunked(10_000):
            heard.update(chunk)
            await asyncio.sleep(pause)
        return web.Response(text=heard.hexdigest())

    body = http_over_tcplab.PAGE
    async with tcplab.Lab(delay=0.01) as lab, await tcplab.create_server(web.Server(digest), 80):
        reader, writer = await tcplab.connect(SERVER, 80)
        writer.write(f"PUT / HTTP/1.1\r\nHost: lab\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        for start in range(0, len(body), 10_000):
            writer.write(body[start : start + 10_000])
            await writer.drain()
        handed_over = now()
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(64) == hashlib.sha256(body).hexdigest().encode()
        writer.close()
        await asyncio.sleep(5_000)
        assert states(lab.host(CLIENT)) == states(lab.host(SERVER)) == []
    return handed_over


def test_a_server_that_reads_slowly_holds_up_whoever_sends() -> None:
    # Of the hundred pauses those do not count that follow what the buffers of both sides hold.
    assert tcplab.run(put_page(0.05)) > tcplab.run(put_page(0)) + 20 * 0.05


def test_the_example_says_what_it_did_and_says_it_again() -> None:
    program = (ROOT / "examples" / "http_over_tcplab.py").read_text(encoding="utf-8")

    told = said_by(program)

    assert (found := EXAMPLE.fullmatch(told))
    assert found[1] == "1,000,000"
    assert int(found[3]) > 20
    assert said_by(program) == told


def test_the_document_shows_what_happens() -> None:
    document = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```", document, re.DOTALL | re.MULTILINE)

    printed = said_by(program).splitlines()

    for line in printed:
        assert f"`{line}`" in document
    assert len(printed) == 3


def test_every_name_that_the_package_offers_is_there_and_documented() -> None:
    for name in tcplab.__all__:
        assert getattr(tcplab, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        tcplab.nothing  # noqa: B018
