"""The port that RabbitMQ is: connects, claims, carries, and connects again when the broker was gone."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NoReturn

import pika

from tcplab.node import Address, Event, Packet
from tcplab.port import Deliver, LinkBlocked, LinkDown, LinkUp, MessageReceived, MessageSent, PortError, Tell
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.ends import RETRY_CLAIM, End
from tcplab.runtime.amqp.link import Link, LinkError
from tcplab.runtime.amqp.topology import QUARANTINE
from tcplab.runtime.amqp.troubles import hopelessness
from tcplab.runtime.clock import Clock
from tcplab.tcp.config import MSL_DEFAULT
from tcplab.units import MICROSECOND, MINUTE, Duration
from tcplab.wire.json import CONTENT_TYPE, MESSAGE_PACKETS_LIMIT, decode, encode
from tcplab.wire.malformed import MalformedSegment

SENT: Final = "sent"
"""Header of a message: when its sender published it, microseconds of the lab's clock."""
REASON: Final = "reason"
"""Header of a message in quarantine: why it is there."""

TRANSIENT: Final = 1  # AMQP's delivery mode of a message that is not written to disk
TRANSIT_LIMIT: Final = 60 * MINUTE  # beyond it, as below nothing, the sender's clock is not ours and says nothing
EXPIRATION_LIMIT: Final = 2**32 - 1  # milliseconds that RabbitMQ takes


@dataclass(frozen=True, slots=True)
class AmqpLimits:
    """Bounds of a port. Times are real seconds, sizes octets."""

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


class AmqpPort:
    """A port at a broker. What it claims and where it sends is its end's affair.

    Messages are transient, acknowledged as they are sent out, and never confirmed: a queue is a wire, and whatever is
    lost on it is TCP's to send again. What one call of :meth:`send` takes leaves at once, one message for each pair of
    hosts and :data:`MESSAGE_PACKETS_LIMIT` packets.
    """

    def __init__(
        self,
        broker: Broker,
        end: End,
        *,
        clock: Clock,
        name: str,
        lifetime: Duration | None = MSL_DEFAULT,
        limits: AmqpLimits | None = None,
        rng: Random | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            broker: where it is, and the user to be.
            end: a host or the network.
            clock: the lab's time, for messages' transit.
            name: what the broker's management shows of the connection.
            lifetime: after it the broker may discard a message; the receiver's driver must, in any case.
            limits: bounds.
            rng: draws the jitter between attempts to connect.
        """
        self._broker = broker
        self._end = end
        self._clock = clock
        self._name = name
        self._limits = limits or AmqpLimits()
        self._backoff = _Backoff(self._limits, rng or Random())
        self._expiration = _expiration(clock, lifetime)
        self._deliver: Deliver | None = None
        self._tell: Tell = _tell_nobody
        self._link: Link | None = None
        self._task: asyncio.Task[NoReturn] | None = None
        self._down_said = ""
        self._ups = 0
        self._claimed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._carries = asyncio.Event()

    # --- the port ----------------------------------------------------------------------------------------------------

    async def connect(self, tell: Tell) -> None:
        """Connect and claim, waiting for the broker as long as that takes; :meth:`open` does it too, if need be.

        Raises:
            PortError: the broker is there and will not have us.
        """
        self._tell = tell
        if self._task is None:
            self._task = asyncio.create_task(self._stay_connected())
        await self._unless_hopeless(self._task, self._claimed)

    async def open(self, deliver: Deliver, tell: Tell) -> None:
        """Begin to carry.

        Raises:
            PortError: the broker is there and will not have us.
        """
        self._deliver = deliver
        self._wanted.set()
        await self.connect(tell)
        assert self._task is not None
        await self._unless_hopeless(self._task, self._carries)

    def send(self, packets: Sequence[Packet]) -> None:
        """Publish packets at once; drop and tell what finds no broker, or no room before the socket."""
        for batch in _batches(packets):
            if self._link is None or self._link.failed:
                self._tell(MessageSent(len(batch), 0, "dropped"))
                continue
            body = encode(batch)
            exchange, key = self._end.route(batch[0].target)
            headers = {SENT: self._clock.now() // MICROSECOND}
            sent = self._publish(exchange, key, body, headers, self._expiration)
            self._tell(MessageSent(len(batch), len(body), "sent" if sent else "dropped"))

    async def lost(self) -> PortError:
        """Wait until the broker will not have us any more, and return why."""
        assert self._task is not None, "lost() is for an open port"
        try:
            await asyncio.shield(self._task)
        except PortError as error:
            return error

    async def close(self) -> None:
        """Send what was published, as far as the broker takes it within a moment, and disconnect."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait((self._task,))

    # --- staying connected -------------------------------------------------------------------------------------------

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
                    self._tell(LinkDown(str(hopeless), final=True))
                    raise hopeless from None
                self._say_down(f"broker {self._broker}: {error}; trying again")
            await asyncio.sleep(self._backoff.pause())

    async def _session(self) -> NoReturn:
        """Connect and carry until the link fails.

        Raises:
            LinkError: why it failed.
            PortError: the claim is hopeless.
        """
        link = await Link.connect(
            self._broker,
            heartbeat=self._limits.heartbeat,
            name=self._name,
            on_blocked=lambda blocked: self._tell(LinkBlocked(blocked)),
        )
        try:
            queue = await self._end.claim(link, self._limits.patience, self._say_down)
            self._claimed.set()
            await link.unless_lost(self._wanted.wait())
            await link.consume(queue, self._take)
            self._link = link
            self._backoff.reset()
            self._down_said = ""
            self._tell(LinkUp(self._ups))
            self._ups += 1
            self._carries.set()
            raise await link.lost()
        finally:
            self._link = None
            await link.close()

    async def _unless_hopeless(self, task: "asyncio.Task[NoReturn]", event: asyncio.Event) -> None:
        """Wait for an event, or raise what keeps it from ever coming."""
        waiter = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait((waiter, task), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if task.done():
            task.result()

    def _say_down(self, reason: str) -> None:
        """Tell why the link is down, once for each reason."""
        if reason != self._down_said:
            self._down_said = reason
            self._tell(LinkDown(reason))

    # --- messages ----------------------------------------------------------------------------------------------------

    def _take(self, properties: pika.BasicProperties, body: bytes) -> None:
        transit = self._transit(properties.headers or {})
        try:
            packets, rejected = decode(body)
        except MalformedSegment as error:
            packets, rejected = (), ((error.reason, 1),)
        if rejected:
            reasons = ", ".join(f"{reason}: {count}" for reason, count in rejected)
            self._publish(QUARANTINE, "", body, {REASON: reasons, "sender": properties.user_id or ""})
        outcome: Final = "quarantined" if rejected else "accepted"
        self._tell(MessageReceived(len(packets), len(body), transit, outcome, rejected))
        if packets and self._deliver is not None:
            self._deliver(packets, self._end.sender(properties.user_id))

    def _transit(self, headers: Mapping[str, object]) -> Duration | None:
        sent = headers.get(SENT)
        if not isinstance(sent, int):
            return None
        transit = Duration(self._clock.now() - sent * MICROSECOND)
        return transit if 0 <= transit <= TRANSIT_LIMIT else None

    def _publish(
        self, exchange: str, key: str, body: bytes, headers: Mapping[str, str | int], expiration: str | None = None
    ) -> bool:
        """Publish a message if there is a link and room for it, and return whether it was."""
        link = self._link
        if link is None or link.failed or link.unsent + len(body) > self._limits.buffer:
            return False
        properties = pika.BasicProperties(
            content_type=CONTENT_TYPE,
            headers=dict(headers),
            delivery_mode=TRANSIENT,
            expiration=expiration,
            user_id=self._broker.user,  # which the broker verifies
        )
        link.publish(exchange, key, body, properties)
        return True


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


def _batches(packets: Sequence[Packet]) -> Iterator[Sequence[Packet]]:
    """Yield what a message may carry: packets of one pair of hosts in their order, not too many."""
    pairs: dict[tuple[Address, Address], list[Packet]] = {}
    for packet in packets:
        pairs.setdefault((packet.source, packet.target), []).append(packet)
    for of_pair in pairs.values():
        for first in range(0, len(of_pair), MESSAGE_PACKETS_LIMIT):
            yield of_pair[first : first + MESSAGE_PACKETS_LIMIT]


def _expiration(clock: Clock, lifetime: Duration | None) -> str | None:
    """Return a lifetime as AMQP wants it: real milliseconds, as text."""
    if lifetime is None:
        return None
    milliseconds = max(1, round(clock.real_seconds(lifetime) * 1_000))
    return str(milliseconds) if milliseconds <= EXPIRATION_LIMIT else None


def _tell_nobody(_: Event) -> None:
    """Stand in for whoever will be told."""
