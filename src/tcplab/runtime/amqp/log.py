"""The log of the network's configurations, for the one who writes it.

The log is a stream at the broker. Each record is a full snapshot; the last one stands. There is one writer at a time,
which holds the queue of the lab service and awaits the broker's confirmation of each record before the next.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Final, NoReturn

import pika

from tcplab.port import PortError, Tell
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.ends import hold
from tcplab.runtime.amqp.failures import LinkError
from tcplab.runtime.amqp.link import Link
from tcplab.runtime.amqp.standing import AmqpLimits, StandingLink
from tcplab.runtime.amqp.topology import (
    CONFIGURATION,
    CONTROL,
    EMPTY_AFTER,
    EVENTS,
    REPORT,
    configuration_stream,
    lab_queue,
)

PERSISTENT: Final = 2  # AMQP's delivery mode of a message that is written to disk
CONTENT_TYPE: Final = "application/json"

OnRecord = Callable[[bytes], None]
"""Takes a record that is in the log; each may come more than once."""
OnReport = Callable[[bytes, str], None]
"""Takes what a shard tells of itself, and the user of the broker that the shard is."""


class NotWritten(Exception):
    """A record could not be written for want of a broker; one line for people."""


class ConfigurationLog:
    """The writer's connection: reads what is there, appends, and hears the shards."""

    def __init__(
        self,
        broker: Broker,
        *,
        standing: Callable[[], bytes],
        on_record: OnRecord,
        on_report: OnReport,
        limits: AmqpLimits | None = None,
        rng: Random | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            broker: where it is, and the user to be.
            standing: returns the record that stands, with which an empty log begins.
            on_record: must not raise. Told of all records that are kept when the first connection is made, and of the
                last ones when it is made again; and of each that is appended.
            on_report: must not raise.
            limits: bounds.
            rng: draws the jitter between attempts to connect.
        """
        self._broker = broker
        self._record = standing
        self._on_record = on_record
        self._on_report = on_report
        self._limits = limits or AmqpLimits()
        self._standing = StandingLink(broker, self._serve, name="lab", limits=self._limits, rng=rng)
        self._link: Link | None = None
        self._read = False
        self._ready = asyncio.Event()
        self._writing = asyncio.Lock()

    async def open(self, tell: Tell) -> None:
        """Connect, waiting for the broker as long as that takes, read the log, and stay connected.

        Raises:
            PortError: the broker will not have us, or another lab service serves this lab.
        """
        self._standing.tell = tell
        self._standing.start()
        await self._standing.until(self._ready)

    async def lost(self) -> PortError:
        """Wait until the broker will not have us any more, and return why."""
        return await self._standing.lost()

    async def append(self, body: bytes) -> None:
        """Write a record, and return once the broker has it.

        Raises:
            NotWritten: there is no broker, or it was lost before it had confirmed: then the record may be in the log,
                and ``on_record`` is told of it when the broker is back.
        """
        async with self._writing:
            link = self._link
            if link is None or link.failed:
                raise NotWritten("the broker does not answer; nothing was changed, try again when it is back")
            try:
                await link.publish_surely(CONFIGURATION, "", body, self._properties())
            except LinkError as error:
                raise NotWritten(f"{error}; whether the change was written is known when the broker is back") from None

    def say(self, kind: str, body: bytes = b"") -> None:
        """Say something to all shards of the network; nobody hears it while there is no broker."""
        if self._link is not None and not self._link.failed:
            self._link.publish(EVENTS, CONTROL, body, pika.BasicProperties(type=kind, user_id=self._broker.user))

    async def close(self) -> None:
        """Disconnect."""
        await self._standing.close()

    async def _serve(self, link: Link) -> NoReturn:
        taken = "this lab has a lab service already; stop it, or use another virtual host (TCPLAB_VHOST)"
        await hold(link, lab_queue(), taken, self._limits.patience, self._standing.say_down)
        await link.declare_exchange(CONFIGURATION, "fanout")
        await link.declare_queue(configuration_stream())
        await link.bind(CONFIGURATION, CONFIGURATION)
        await link.bind(lab_queue().name, EVENTS, f"{REPORT}.#")
        await link.consume(lab_queue().name, self._take_report)
        await link.confirm()
        await self._catch_up(link)
        self._link = link
        try:
            self._standing.up()
            self._ready.set()
            raise await link.lost()
        finally:
            self._link = None

    async def _catch_up(self, link: Link) -> None:
        """Read what is in the log: all of it for the first time, later its end; begin it where it is empty."""
        last, caught_up, first = await self._last_offset(link), asyncio.Event(), self._record()
        if last is None:
            await link.publish_surely(CONFIGURATION, "", first, self._properties())

        def take(properties: pika.BasicProperties, body: bytes) -> None:
            self._on_record(body)
            if body == first if last is None else _offset(properties) >= last:
                caught_up.set()

        await link.read_stream(CONFIGURATION, "last" if self._read else "first", take)
        await link.unless_lost(caught_up.wait())
        self._read = True
        # What passed for empty was not, where something came before our own record: then that is to stand.
        if last is None and (standing := self._record()) != first:
            await link.publish_surely(CONFIGURATION, "", standing, self._properties())

    async def _last_offset(self, link: Link) -> int | None:
        """Return the place of the last record: since each waits for the one before it, each is a chunk of its own."""
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def take(properties: pika.BasicProperties, _: bytes) -> None:
            if not found.done():
                found.set_result(_offset(properties))

        await link.read_stream(CONFIGURATION, "last", take)
        await link.unless_lost(asyncio.wait((found,), timeout=EMPTY_AFTER))
        await link.cancel_reading(CONFIGURATION, "last")
        return found.result() if found.done() else None

    def _properties(self) -> pika.BasicProperties:
        return pika.BasicProperties(content_type=CONTENT_TYPE, delivery_mode=PERSISTENT, user_id=self._broker.user)

    def _take_report(self, properties: pika.BasicProperties, body: bytes) -> None:
        self._on_report(body, properties.user_id or "")


def _offset(properties: pika.BasicProperties) -> int:
    offset = (properties.headers or {}).get("x-stream-offset")
    return offset if isinstance(offset, int) else 0
