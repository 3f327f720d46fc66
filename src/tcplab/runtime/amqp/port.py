"""The port that RabbitMQ is: connects, claims, carries, and connects again when the broker was gone."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final, NoReturn

import pika

from tcplab.node import Address, Packet
from tcplab.port import Deliver, MessageReceived, MessageSent, PortError, Tell
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.ends import End
from tcplab.runtime.amqp.link import Link
from tcplab.runtime.amqp.standing import AmqpLimits, StandingLink
from tcplab.runtime.amqp.topology import QUARANTINE
from tcplab.runtime.clock import Clock
from tcplab.tcp.config import MSL_DEFAULT
from tcplab.units import MICROSECOND, MINUTE, Duration, Instant
from tcplab.wire.json import CONTENT_TYPE, MESSAGE_PACKETS_LIMIT, decode, encode
from tcplab.wire.malformed import MalformedSegment

SENT: Final = "sent"
"""Header of a message: when its sender published it, microseconds of the lab's clock."""
REASON: Final = "reason"
"""Header of a message in quarantine: why it is there."""

TRANSIENT: Final = 1  # AMQP's delivery mode of a message that is not written to disk
TRANSIT_LIMIT: Final = 60 * MINUTE  # beyond it, as below nothing, the sender's clock is not ours and says nothing
EXPIRATION_LIMIT: Final = 2**32 - 1  # milliseconds that RabbitMQ takes


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
        self._limits = limits or AmqpLimits()
        self._standing = StandingLink(broker, self._carry, name=name, limits=self._limits, rng=rng)
        self._expiration = _expiration(clock, lifetime)
        self._deliver: Deliver | None = None
        self._link: Link | None = None
        self._claimed = asyncio.Event()
        self._wanted = asyncio.Event()
        self._carries = asyncio.Event()

    # --- the port ----------------------------------------------------------------------------------------------------

    async def connect(self, tell: Tell) -> None:
        """Connect and claim, waiting for the broker as long as that takes; :meth:`open` does it too, if need be.

        Raises:
            PortError: the broker is there and will not have us.
        """
        self._standing.tell = tell
        self._standing.start()
        await self._standing.until(self._claimed)

    async def open(self, deliver: Deliver, tell: Tell) -> None:
        """Begin to carry.

        Raises:
            PortError: the broker is there and will not have us.
        """
        self._deliver = deliver
        self._wanted.set()
        await self.connect(tell)
        await self._standing.until(self._carries)

    def send(self, packets: Sequence[Packet]) -> None:
        """Publish packets at once; drop and tell what finds no broker, or no room before the socket."""
        for batch in _batches(packets):
            if self._link is None or self._link.failed:
                self._standing.tell(MessageSent(len(batch), 0, "dropped"))
                continue
            body = encode(batch)
            exchange, key = self._end.route(batch[0].target)
            headers = {SENT: self._clock.now() // MICROSECOND}
            sent = self._publish(exchange, key, body, headers, self._expiration)
            self._standing.tell(MessageSent(len(batch), len(body), "sent" if sent else "dropped"))

    async def lost(self) -> PortError:
        """Wait until the broker will not have us any more, and return why."""
        return await self._standing.lost()

    async def close(self) -> None:
        """Send what was published, as far as the broker takes it within a moment, and disconnect."""
        await self._standing.close()

    async def _carry(self, link: Link) -> NoReturn:
        """Claim, and carry until the link fails.

        Raises:
            LinkError: why it failed.
            PortError: the claim is hopeless.
        """
        standing = self._standing
        queue = await self._end.claim(link, self._limits.patience, standing.say_down)
        self._claimed.set()
        await link.unless_lost(self._wanted.wait())
        await link.consume(queue, self._take)
        self._link = link
        try:
            standing.up()
            self._carries.set()
            raise await link.lost()
        finally:
            self._link = None

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
        self._standing.tell(MessageReceived(len(packets), len(body), transit, outcome, rejected))
        if packets and self._deliver is not None:
            self._deliver(packets, self._end.sender(properties.user_id))

    def _transit(self, headers: Mapping[str, object]) -> Duration | None:
        sent = headers.get(SENT)
        if not isinstance(sent, int):
            return None
        transit = self._clock.now() - Instant(sent * MICROSECOND)
        return transit if 0 <= transit <= TRANSIT_LIMIT else None

    def _publish(
        self, exchange: str, key: str, body: bytes, headers: Mapping[str, str | int], expiration: str | None = None
    ) -> bool:
        """Publish a message if there is a link and room for it, and return whether it was."""
        link = self._link
        if link is None or not link.has_room(len(body), self._limits.buffer):
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
