"""A link that stands: made, used, and made again with growing pauses whenever the broker was gone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import NoReturn

from tcplab.node import Event
from tcplab.port import LinkBlocked, LinkDown, LinkUp, PortError, Tell
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.ends import RETRY_CLAIM
from tcplab.runtime.amqp.failures import LinkError
from tcplab.runtime.amqp.link import Link
from tcplab.runtime.amqp.troubles import hopelessness


@dataclass(frozen=True, slots=True)
class AmqpLimits:
    """Bounds of whoever stays connected. Times are real seconds, sizes octets."""

    heartbeat: int = 5
    buffer: int = 8 << 20
    """Octets that may wait for the socket; what would go beyond is dropped."""
    retry_first: float = 0.25
    retry_last: float = 5.0

    @property
    def patience(self) -> float:
        """How long a queue may be held by another before that is believed.

        A holder that died while it was cut off keeps its lock for two to three heartbeats (measured); one more attempt
        comes after the third.
        """
        return 3 * self.heartbeat + RETRY_CLAIM


Use = Callable[[Link], Awaitable[NoReturn]]
"""Uses a link until it fails, calling :meth:`StandingLink.up` as soon as it serves; raises why it failed, a
``LinkError``, or a ``PortError`` where trying again is no use."""


class StandingLink:
    """Keeps whoever uses it connected to a broker, and tells of its ups and downs."""

    def __init__(self, broker: Broker, use: Use, *, name: str, limits: AmqpLimits, rng: Random | None = None) -> None:
        """Nothing is connected yet.

        Args:
            broker: where it is, and the user to be.
            use: what to do with each link.
            name: what the broker's management shows of the connection.
            limits: bounds.
            rng: draws the jitter between attempts to connect.
        """
        self.tell: Tell = _tell_nobody
        """Told of the link's ups and downs; whoever sets it is told from then on."""
        self._broker = broker
        self._use = use
        self._name = name
        self._limits = limits
        self._backoff = _Backoff(limits, rng or Random())
        self._task: asyncio.Task[NoReturn] | None = None
        self._down_said = ""
        self._ups = 0

    def start(self) -> None:
        """Connect and stay connected, from now on; may be called again."""
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected())

    async def until(self, event: asyncio.Event) -> None:
        """Wait for an event of the use, such as that it has begun.

        Raises:
            PortError: it will never come: the broker is there, and will not have us.
        """
        assert self._task is not None, "a link is waited for after it was started"
        waiter = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((waiter, self._task), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if self._task.done():
            self._task.result()

    async def lost(self) -> PortError:
        """Wait until the broker will not have us any more, and return why."""
        assert self._task is not None, "a link is lost after it was started"
        try:
            await asyncio.shield(self._task)
        except PortError as error:
            return error

    async def close(self) -> None:
        """Disconnect; what was published leaves, as far as the broker takes it within a moment."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))

    def up(self) -> None:
        """Take note that the link serves its use."""
        self._backoff.reset()
        self._down_said = ""
        self.tell(LinkUp(self._ups))
        self._ups += 1

    def say_down(self, reason: str) -> None:
        """Tell why the link is down, once for each reason."""
        if reason != self._down_said:
            self._down_said = reason
            self.tell(LinkDown(reason))

    async def _stay_connected(self) -> NoReturn:
        """Connect, again and again.

        Raises:
            PortError: it is no use.
        """
        while True:
            try:
                await self._session()
            except (LinkError, PortError) as error:
                hopeless = hopelessness(error, self._broker)
                if hopeless is not None:
                    self.tell(LinkDown(str(hopeless), final=True))
                    raise hopeless from None
                self.say_down(f"broker {self._broker}: {error}; trying again")
            await asyncio.sleep(self._backoff.pause())

    async def _session(self) -> NoReturn:
        """Connect, and use the link until it fails.

        Raises:
            LinkError: why it failed.
            PortError: trying again is no use.
        """
        link = await Link.connect(
            self._broker,
            heartbeat=self._limits.heartbeat,
            name=self._name,
            on_blocked=lambda blocked: self.tell(LinkBlocked(blocked)),
        )
        try:
            await self._use(link)
        finally:
            await link.close()


class _Backoff:
    """Pauses that double, each cut by chance to between its half and its whole."""

    def __init__(self, limits: AmqpLimits, rng: Random) -> None:
        self._limits = limits
        self._rng = rng
        self.reset()

    def reset(self) -> None:
        self._next = self._limits.retry_first

    def pause(self) -> float:
        pause, self._next = self._next, min(2 * self._next, self._limits.retry_last)
        return pause * self._rng.uniform(0.5, 1)


def _tell_nobody(_: Event) -> None:
    """Stand in for whoever will be told."""
