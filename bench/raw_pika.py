"""The bare speed of pika and the broker: client -> forwarder -> server, one process each, one message a segment.

pika's asyncio adapter, automatic acknowledgement, transient messages, no JSON and no TCP: what the lab's own speed is
held against. ``python -m bench.raw_pika amqp://user:password@host/vhost`` prints the rate; the user must be allowed to
declare queues and to publish through the default exchange.
"""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from typing import Any

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel

HEADER_OCTETS = 20  # a TCP header's, which is all there is of an acknowledgement
FORWARDER, SERVER = "bench.forwarder", "bench.server"
BURST = 100  # messages that the client publishes in one turn of its loop


async def open_channel(url: str) -> Channel:
    """Connect and open a channel."""
    opened: asyncio.Future[Channel] = asyncio.get_running_loop().create_future()
    AsyncioConnection(
        pika.URLParameters(url),
        on_open_callback=lambda connection: connection.channel(on_open_callback=opened.set_result),
        on_open_error_callback=lambda _, error: opened.set_exception(error),
    )
    return await opened


async def consume(url: str, queue: str, take: Callable[[Channel, bytes], None], report: Connection) -> None:
    """Take messages from a queue of one's own until the process is ended; report once that has begun."""
    channel = await open_channel(url)
    channel.queue_declare(queue, exclusive=True)
    channel.basic_consume(queue, lambda taken, _, __, body: take(taken, body), auto_ack=True, callback=report.send)
    await asyncio.get_running_loop().create_future()


async def forward(url: str, report: Connection) -> None:
    """Publish each message to the server."""
    await consume(url, FORWARDER, lambda channel, body: channel.basic_publish("", SERVER, body), report)


async def serve(url: str, report: Connection, count: int) -> None:
    """Count the messages, and report how many seconds went by from the first to the last."""
    times: list[float] = []

    def take(_channel: Channel, _body: bytes) -> None:
        times.append(time.perf_counter())
        if len(times) == count:
            report.send(times[-1] - times[0])

    await consume(url, SERVER, take, report)


async def send(url: str, _: Connection, count: int, octets: int) -> None:
    """Publish the messages as fast as that goes, and stay until the process is ended."""
    channel = await open_channel(url)
    for number in range(count):
        channel.basic_publish("", FORWARDER, bytes(octets))
        if number % BURST == BURST - 1:
            await asyncio.sleep(0)
    await asyncio.get_running_loop().create_future()


def run(job: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
    """Be one of the three processes."""
    asyncio.run(job(*arguments))


def measure(url: str, count: int = 50_000, octets: int = HEADER_OCTETS) -> float:
    """Return how many segments of so many octets a second went the whole way."""
    context = multiprocessing.get_context("spawn")
    heard, report = context.Pipe(duplex=False)
    jobs = ((forward, url, report), (serve, url, report, count), (send, url, report, count, octets))
    processes = []
    try:
        for job in jobs:  # each consumer says when it is ready, the last word is the server's
            processes.append(context.Process(target=run, args=job, daemon=True))
            processes[-1].start()
            assert heard.poll(300), "raw pika stands still"
            said = heard.recv()
        return (count - 1) / float(said)
    finally:
        for process in processes:
            process.kill()


if __name__ == "__main__":
    print(f"raw pika: {measure(sys.argv[1]):,.0f} segments/s")
