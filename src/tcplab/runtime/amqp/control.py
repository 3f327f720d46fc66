"""How a shard of the network is controlled: it follows the log, hears what is said to all, and tells of itself.

All that goes over a connection of its own, so that a data path that is busy delays none of it.
"""

import asyncio
from collections.abc import Callable
from random import Random
from typing import NoReturn

import pika

from tcplab.port import PortError, Tell
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.link import Link
from tcplab.runtime.amqp.standing import AmqpLimits, StandingLink
from tcplab.runtime.amqp.topology import (
    CONFIGURATION,
    CONTROL,
    EMPTY_AFTER,
    EVENTS,
    configuration_stream,
    control_queue,
)

OnSnapshot = Callable[[bytes], None]
"""Takes a record of the log; the later ones count."""
OnSaid = Callable[[str, bytes], None]
"""Takes what was said to all shards: its kind, and the rest."""


class ControlPort:
    """One shard's connection for control."""

    def __init__(
        self,
        broker: Broker,
        shard: int,
        *,
        on_snapshot: OnSnapshot,
        on_said: OnSaid,
        limits: AmqpLimits | None = None,
        rng: Random | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            broker: where it is, and the user to be.
            shard: whose port this is.
            on_snapshot: must not raise.
            on_said: must not raise.
            limits: bounds.
            rng: draws the jitter between attempts to connect.
        """
        self._broker = broker
        self._shard = shard
        self._on_snapshot = on_snapshot
        self._on_said = on_said
        self._limits = limits or AmqpLimits()
        self._standing = StandingLink(
            broker, self._follow, name=f"control of shard {shard}", limits=self._limits, rng=rng
        )
        self._link: Link | None = None
        self._current = asyncio.Event()

    def open(self, tell: Tell) -> None:
        """Connect and stay connected, from now on."""
        self._standing.tell = tell
        self._standing.start()

    async def current(self) -> None:
        """Wait until what stands in the log was taken, or there seems to be nothing in it.

        Raises:
            PortError: the broker will not have us.
        """
        await self._standing.until(self._current)

    async def lost(self) -> PortError:
        """Wait until the broker will not have us any more, and return why."""
        return await self._standing.lost()

    def publish(self, key: str, body: bytes, kind: str = "") -> bool:
        """Publish to the exchange ``events``, and return whether there was a link, and room before its socket."""
        link = self._link
        if link is None or not link.has_room(len(body), self._limits.buffer):
            return False
        link.publish(EVENTS, key, body, pika.BasicProperties(type=kind, user_id=self._broker.user))
        return True

    async def close(self) -> None:
        """Send what was published, as far as the broker takes it within a moment, and disconnect."""
        await self._standing.close()

    async def _follow(self, link: Link) -> NoReturn:
        queue = control_queue(self._shard)
        await link.declare_queue(queue)
        await link.bind(queue.name, EVENTS, CONTROL)
        await link.consume(queue.name, lambda properties, body: self._on_said(properties.type or "", body))
        await link.declare_queue(configuration_stream())
        self._link = link
        empty = asyncio.get_running_loop().call_later(EMPTY_AFTER, self._current.set)
        try:
            await link.read_stream(CONFIGURATION, "last", self._take)
            self._standing.up()
            raise await link.lost()
        finally:
            empty.cancel()
            self._link = None

    def _take(self, _: pika.BasicProperties, body: bytes) -> None:
        self._on_snapshot(body)
        self._current.set()
