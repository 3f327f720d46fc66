"""Live events: what happens at a network, told through the exchange ``events`` to whoever watches.

A watcher holds a queue of its own, and says every :data:`RENEWAL` seconds that it watches: its lease stands for
:data:`LEASE_LASTS` seconds. As long as one does, the network publishes its journal, what one turn of the loop brought
as one message, and answers each renewal with how far it has come, so that a gap shows even when nothing follows it.
When the last lease has run out it stops: nobody is told anything, and nothing is made to be told.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, NoReturn

import pika

from tcplab.node import Event, Observer, PacketDiscarded, PacketReceived
from tcplab.observe.codec import EVENT_TYPES, Malformed
from tcplab.observe.journal import Record, dump, load
from tcplab.port import PortError, Tell
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.failures import NOT_FOUND, Refused, Unreachable
from tcplab.runtime.amqp.link import Link
from tcplab.runtime.amqp.standing import AmqpLimits, StandingLink
from tcplab.runtime.amqp.topology import EVENTS, JOURNAL, LEASE, watched_queue, watcher_queue
from tcplab.units import Instant

LEASE_LASTS: Final = 6.0  # seconds
RENEWAL: Final = 2.0  # seconds: two may be lost, and the lease stands
MESSAGE_RECORDS: Final = 256
CONTENT_TYPE: Final = "application/vnd.tcplab.journal+jsonl"

NODE: Final = "node"
"""Header of a message: who tells."""
BOOT: Final = "boot"
"""Header: a name that this process of the node alone has, since each begins to count anew."""
NEXT: Final = "next"
"""Header: the number that the record after the message's last will have."""

TOLD: Final = frozenset(
    kind
    for kind in EVENT_TYPES.values()
    if kind.__module__.startswith("tcplab.netem.") or kind in (PacketReceived, PacketDiscarded)
)
"""What is told: what came in, and what was decided of it; not what else the driver and the port have to say."""


class Bulletin:
    """Tells watchers what happens at a network; an observer as long as one watches, and no longer."""

    heeds: Final = TOLD

    def __init__(
        self,
        broker: Broker,
        node: str,
        *,
        attach: Callable[[Observer], None],
        detach: Callable[[Observer], None],
        say: Callable[[str], None],
        lasts: float = LEASE_LASTS,
        limits: AmqpLimits | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            broker: where it is, and the user to be.
            node: whose observer this is, by the name that watchers are told.
            attach: makes this an observer.
            detach: lets it be none.
            say: told, in a line, where nobody can ever be told anything: the node goes on without.
            lasts: how long a lease stands, seconds.
            limits: bounds; what finds no room in the buffer is not told, and leaves a gap.
        """
        self._broker = broker
        self._node = node
        self._attach, self._detach = attach, detach
        self._say = say
        self._lasts = lasts
        self._limits = limits or AmqpLimits()
        self._standing = StandingLink(broker, self._serve, name=f"{node} (events)", limits=self._limits)
        self._boot = secrets.token_hex(4)
        self._link: Link | None = None
        self._lease: asyncio.TimerHandle | None = None
        self._next = 1
        self._records: list[Record[Event]] = []

    @property
    def watched(self) -> bool:
        """Whether a lease stands."""
        return self._lease is not None

    def start(self) -> None:
        """Connect, and listen for watchers from now on."""
        self._standing.start()
        self._hopeless = asyncio.create_task(self._say_why())

    async def close(self) -> None:
        """Tell nobody anything more, and disconnect; for what was started."""
        self._end_lease()
        self._hopeless.cancel()
        await self._standing.close()

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Take what is to be told once this turn of the loop is over."""
        if type(event) not in self.heeds:
            return
        if not self._records:
            asyncio.get_running_loop().call_soon(self._publish)
        self._records.append(Record(self._next, now, node, event))
        self._next += 1

    async def _say_why(self) -> None:
        error = await self._standing.lost()
        self._say(f"{self._node}: nobody can watch: {error}")

    async def _serve(self, link: Link) -> NoReturn:
        queue = watched_queue(self._boot)
        await link.declare_queue(queue)
        await link.bind(queue.name, EVENTS, LEASE)
        await link.consume(queue.name, self._hear)
        self._link = link
        try:
            self._standing.up()
            raise await link.lost()
        finally:
            self._link = None

    def _hear(self, _properties: pika.BasicProperties, _body: bytes) -> None:
        """Begin a lease or go on with it, and answer."""
        if self._lease is None:
            self._attach(self)
        else:
            self._lease.cancel()
        self._lease = asyncio.get_running_loop().call_later(self._lasts, self._end_lease)
        self._publish(answer=True)

    def _end_lease(self) -> None:
        if self._lease is not None:
            self._lease.cancel()
            self._lease = None
            self._detach(self)

    def _publish(self, *, answer: bool = False) -> None:
        """Publish what was taken, in messages of a bounded length; an empty one, if need be, as an answer."""
        records, self._records = self._records, []
        starts = range(0, len(records), MESSAGE_RECORDS) if records or not answer else (0,)
        for start in starts:
            part = records[start : start + MESSAGE_RECORDS]
            following = part[-1].n + 1 if part else self._next
            self._send("\n".join(map(dump, part)).encode("ascii"), following)

    def _send(self, body: bytes, following: int) -> None:
        link = self._link
        if link is None or not link.has_room(len(body), self._limits.buffer):
            return
        headers: dict[str, str | int] = {NODE: self._node, BOOT: self._boot, NEXT: following}
        properties = pika.BasicProperties(
            content_type=CONTENT_TYPE, headers=dict(headers), delivery_mode=1, user_id=self._broker.user
        )
        link.publish(EVENTS, JOURNAL, body, properties)


class Batch(NamedTuple):
    """What one message told."""

    node: str
    records: Sequence[Record[Event]]
    lost: int
    """Records before these that never came."""
    unreadable: str = ""
    """What is wrong with a record that could not be read, where one could not."""


class Feed:
    """Watches the networks of a lab: renews the lease, and hands on what they tell."""

    def __init__(
        self, broker: Broker, take: Callable[[Batch], None], tell: Tell, *, limits: AmqpLimits | None = None
    ) -> None:
        """Nothing is connected yet.

        Args:
            broker: where it is, and a user who may read its events.
            take: told what each message told; an answer has no records.
            tell: told of the link's ups and downs.
            limits: bounds.
        """
        self._broker = broker
        self._take = take
        self._standing = StandingLink(broker, self._follow, name="tcplab watch", limits=limits or AmqpLimits())
        self._standing.tell = tell
        self._expected: dict[str, int] = {}
        self._answered = asyncio.Event()

    def start(self) -> None:
        """Connect, and watch from now on."""
        self._standing.start()

    async def answered(self) -> None:
        """Wait until a network has answered.

        Raises:
            PortError: none ever will: the broker is there, and will not have us.
        """
        await self._standing.until(self._answered)

    async def lost(self) -> PortError:
        """Wait until the broker will not have us any more, and return why."""
        return await self._standing.lost()

    async def close(self) -> None:
        """Watch no more; the lease runs out by itself."""
        await self._standing.close()

    async def _follow(self, link: Link) -> NoReturn:
        try:
            await link.require_exchange(EVENTS)
        except Refused as error:
            if error.code != NOT_FOUND:
                raise
            raise Unreachable(f"no lab is on its virtual host {self._broker.vhost!r}: there are no events") from None
        queue = watcher_queue(secrets.token_hex(4))
        await link.declare_queue(queue)
        await link.bind(queue.name, EVENTS, JOURNAL)
        await link.consume(queue.name, self._hear)
        self._standing.up()
        properties = pika.BasicProperties(delivery_mode=1, user_id=self._broker.user)
        while True:
            link.publish(EVENTS, LEASE, b"", properties)
            await link.unless_lost(asyncio.sleep(RENEWAL))

    def _hear(self, properties: pika.BasicProperties, body: bytes) -> None:
        headers = properties.headers or {}
        node, boot, following = headers.get(NODE), headers.get(BOOT), headers.get(NEXT)
        if not isinstance(node, str) or not isinstance(boot, str) or not isinstance(following, int):
            return  # no network's
        records: list[Record[Event]] = []
        unreadable = ""
        for line in body.splitlines():
            try:
                records.append(load(line))
            except Malformed as error:
                unreadable = str(error)
        first = records[0].n if records else following
        lost = max(0, first - self._expected.get(boot, first))
        self._expected[boot] = following
        self._answered.set()
        self._take(Batch(node, records, lost, unreadable))
