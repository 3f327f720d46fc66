"""pika's asyncio adapter behind futures: one connection, one channel at a time, every failure in one of two ways."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Literal, Self

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.adapters.utils.nbio_interface import AbstractStreamTransport
from pika.channel import Channel

from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.failures import LinkError, Refused, Unreachable, explain
from tcplab.runtime.amqp.topology import Queue

BRING_UP_TIMEOUT: Final = 10.0  # seconds, from the name's look-up to an open connection
CLOSE_TIMEOUT: Final = 2.0  # seconds
READ_OCTETS: Final = 64 << 10  # a message of many packets comes in two reads; malloc maps what is twice as large anew

OnMessage = Callable[[pika.BasicProperties, bytes], None]

PREFETCH: Final = 100  # records of a stream that may be under way: one that is read needs a bound

# pika logs a traceback wherever a broker goes away; whoever uses a link is told in a line.
logging.getLogger("pika").setLevel(logging.CRITICAL)


class _Transport(AbstractStreamTransport):
    """pika's transport, and what it keeps to itself."""

    _MAX_RECV_BYTES: int
    _on_socket_writable: Callable[[], None]


class _Connection(AsyncioConnection):
    """pika's connection, and what it keeps to itself."""

    _transport: _Transport | None

    @property
    def unsent(self) -> int:
        """Octets that wait for the socket."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def read_more_at_once(self) -> None:
        """Read :data:`READ_OCTETS` at a time, where pika takes 4,096 and copies all it has so far for each."""
        if self._transport is not None:
            self._transport._MAX_RECV_BYTES = READ_OCTETS

    def write_now(self) -> None:
        """Write what waits for the socket, as far as it takes it; pika would in the loop's next turn but one."""
        if self._transport is not None and self.unsent:
            self._transport._on_socket_writable()

    def abort(self) -> None:
        """Close without a word to the broker."""
        if self._transport is not None:
            self._transport.abort()

    def _output_marshaled_frames(self, marshaled_frames: Sequence[bytes]) -> None:
        """Write the frames of a message in one go; pika wants a system call for each."""
        super()._output_marshaled_frames((b"".join(marshaled_frames),))  # type: ignore[misc]  # not in pika's stubs

    def give_up(self) -> None:
        """Connect no further."""
        if self._transport is not None:
            # Closed or aborted by us before the handshake is over, pika raises in a callback; an end of file it knows.
            self._transport.get_protocol().eof_received()
            self._transport.abort()
        elif not self.is_closed and not self.is_closing:
            self.close()


class Link:
    """An open connection with an open channel. Get one by :meth:`connect`."""

    def __init__(self, connection: _Connection, on_blocked: Callable[[bool], None]) -> None:
        self._connection = connection
        self._channel: Channel | None = None
        self._pending: asyncio.Future[Any] | None = None
        self._confirmation: asyncio.Future[None] | None = None
        loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[LinkError] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        connection.add_on_close_callback(self._connection_closed)
        connection.add_on_connection_blocked_callback(lambda *_: on_blocked(True))
        connection.add_on_connection_unblocked_callback(lambda *_: on_blocked(False))

    @classmethod
    async def connect(cls, broker: Broker, *, heartbeat: int, name: str, on_blocked: Callable[[bool], None]) -> Self:
        """Connect to a broker and open a channel.

        Args:
            broker: where it is.
            heartbeat: seconds between two heartbeats.
            name: what the broker's management shows of the connection.
            on_blocked: told when the broker wants no more messages for now (``True``), and when it does again.

        Raises:
            LinkError: no broker answers, or it will not have us.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()

        def fail(_: object, error: BaseException) -> None:
            if not opened.done():
                opened.set_exception(explain(error))

        def succeed(_: object) -> None:
            if not opened.done():
                opened.set_result(None)

        connection = _Connection(_parameters(broker, heartbeat, name), succeed, fail, custom_ioloop=loop)
        try:
            await opened
        except asyncio.CancelledError:
            connection.give_up()
            raise
        connection.read_more_at_once()
        link = cls(connection, on_blocked)
        try:
            await link.open_channel()
        except BaseException:
            await link.close()
            raise
        return link

    @property
    def failed(self) -> bool:
        """Whether the link is of no use any more."""
        return self._lost.done()

    @property
    def unsent(self) -> int:
        """Octets that were published and wait for the socket."""
        return self._connection.unsent

    def has_room(self, octets: int, buffer: int) -> bool:
        """Return whether so many octets may be published, where no more than ``buffer`` are to wait for the socket."""
        return not self.failed and self.unsent + octets <= buffer

    async def lost(self) -> LinkError:
        """Wait until the link has failed, and return why."""
        return await asyncio.shield(self._lost)

    async def unless_lost(self, work: Awaitable[object]) -> None:
        """Wait for something, but not on a link that fails meanwhile.

        Raises:
            LinkError: the link failed first.
        """
        waiter = asyncio.ensure_future(work)
        try:
            await asyncio.wait((waiter, self._lost), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if self._lost.done():
            raise self._lost.result()

    async def open_channel(self) -> None:
        """Open a channel: the first, or another after the broker has closed one over a refusal.

        Raises:
            LinkError: the link failed.
        """
        opened = self._expect()
        self._connection.channel(on_open_callback=self._answered)
        self._channel = await opened
        self._channel.add_on_close_callback(self._channel_closed)
        self._channel.add_on_cancel_callback(lambda _: self._fail(Unreachable("the broker has taken the queue away")))

    async def require_exchange(self, name: str) -> None:
        """Find out that an exchange is there.

        Raises:
            LinkError: it is not, or the link failed.
        """
        answer = self._expect()
        self._open_channel.exchange_declare(name, passive=True, callback=self._answered)
        await answer

    async def declare_exchange(self, name: str, kind: str) -> None:
        """Declare a durable exchange.

        Raises:
            LinkError: the broker refuses, or the link failed.
        """
        answer = self._expect()
        self._open_channel.exchange_declare(name, kind, durable=True, callback=self._answered)
        await answer

    async def delete_unused_exchange(self, name: str) -> None:
        """Delete an exchange to which nothing is bound.

        Raises:
            LinkError: something is, the broker refuses, or the link failed.
        """
        answer = self._expect()
        self._open_channel.exchange_delete(name, if_unused=True, callback=self._answered)
        await answer

    async def declare_queue(self, queue: Queue) -> None:
        """Declare a queue.

        Raises:
            LinkError: the broker refuses, or the link failed.
        """
        answer = self._expect()
        self._open_channel.queue_declare(
            queue.name,
            durable=queue.durable,
            exclusive=queue.exclusive,
            arguments=dict(queue.arguments),
            callback=self._answered,
        )
        await answer

    async def bind(self, queue: str, exchange: str, key: str = "") -> None:
        """Bind a queue to an exchange.

        Raises:
            LinkError: the broker refuses, or the link failed.
        """
        answer = self._expect()
        self._open_channel.queue_bind(queue, exchange, key, callback=self._answered)
        await answer

    async def consume(self, queue: str, on_message: OnMessage) -> None:
        """Take messages from a queue, acknowledged as they are sent out; ``on_message`` must not raise.

        Raises:
            LinkError: the broker refuses, or the link failed.
        """
        answer = self._expect()
        self._open_channel.basic_consume(
            queue,
            lambda _channel, _method, properties, body: on_message(properties, body),
            auto_ack=True,
            consumer_tag=queue,
            callback=self._answered,
        )
        await answer

    async def read_stream(self, stream: str, offset: Literal["first", "last"], on_message: OnMessage) -> None:
        """Read a stream from its first record on, or from its last chunk on; ``on_message`` must not raise.

        Raises:
            LinkError: the broker refuses, or the link failed.
        """

        def take(
            channel: Channel, method: pika.spec.Basic.Deliver, properties: pika.BasicProperties, body: bytes
        ) -> None:
            on_message(properties, body)
            channel.basic_ack(method.delivery_tag or 0)

        answer = self._expect()
        self._open_channel.basic_qos(prefetch_count=PREFETCH, callback=self._answered)
        await answer
        answer = self._expect()
        self._open_channel.basic_consume(
            stream,
            take,
            auto_ack=False,
            consumer_tag=f"{stream}.{offset}",
            arguments={"x-stream-offset": offset},
            callback=self._answered,
        )
        await answer

    async def cancel_reading(self, stream: str, offset: Literal["first", "last"]) -> None:
        """Read a stream no further.

        Raises:
            LinkError: the link failed.
        """
        answer = self._expect()
        self._open_channel.basic_cancel(f"{stream}.{offset}", callback=self._answered)
        await answer

    async def confirm(self) -> None:
        """Let the broker confirm what is published by :meth:`publish_surely` from now on.

        Raises:
            LinkError: the link failed.
        """
        answer = self._expect()
        self._open_channel.add_on_return_callback(
            lambda *_: self._fail(Unreachable("a message found no queue: somebody has taken it away"))
        )
        self._open_channel.confirm_delivery(self._confirmed, self._answered)
        await answer

    async def publish_surely(self, exchange: str, key: str, body: bytes, properties: pika.BasicProperties) -> None:
        """Publish a message, and wait until the broker has it; for channels that :meth:`confirm`, one at a time.

        Raises:
            LinkError: the link failed, or the broker could not take the message; whether it has it is not known.
        """
        self._confirmation = asyncio.get_running_loop().create_future()
        self._open_channel.basic_publish(exchange, key, body, properties, mandatory=True)
        await self.unless_lost(self._confirmation)

    def publish(self, exchange: str, key: str, body: bytes, properties: pika.BasicProperties) -> None:
        """Publish a message; the link must not have failed."""
        waits = self._connection.unsent > 0  # for a socket that takes no more for now
        self._open_channel.basic_publish(exchange, key, body, properties)
        if not waits:
            self._connection.write_now()

    async def close(self) -> None:
        """Send what was published, as far as the broker takes it within a moment, and close."""
        if self._connection.is_open:
            self._connection.close()
        await asyncio.wait((self._closed,), timeout=CLOSE_TIMEOUT)
        self._connection.abort()
        await self._closed

    # --- callbacks ---------------------------------------------------------------------------------------------------

    @property
    def _open_channel(self) -> Channel:
        assert self._channel is not None, "a link has a channel from the first"
        return self._channel

    def _expect(self) -> "asyncio.Future[Any]":
        """Return what the next answer of the broker fulfils.

        Raises:
            LinkError: the link failed.
        """
        if self._lost.done():
            raise self._lost.result()
        self._pending = asyncio.get_running_loop().create_future()
        return self._pending

    def _answered(self, answer: object) -> None:
        if self._pending is not None and not self._pending.done():
            self._pending.set_result(answer)

    def _confirmed(self, frame: pika.frame.Method[Any]) -> None:
        if isinstance(frame.method, pika.spec.Basic.Nack):
            self._fail(Unreachable("the broker could not keep a message"))
        elif self._confirmation is not None and not self._confirmation.done():
            self._confirmation.set_result(None)

    def _connection_closed(self, _: object, error: BaseException) -> None:
        self._fail(explain(error))
        self._closed.set_result(None)

    def _channel_closed(self, channel: Channel, error: Exception) -> None:
        """A refusal ends the operation that asked for it; if none did, it was of a message, and ends the link."""
        if channel is not self._channel:
            return
        explained = explain(error)
        if isinstance(explained, Refused) and self._pending is not None and not self._pending.done():
            self._pending.set_exception(explained)
        else:
            self._fail(explained)

    def _fail(self, error: LinkError) -> None:
        if not self._lost.done():
            self._lost.set_result(error)
        if self._pending is not None and not self._pending.done():
            self._pending.set_exception(error)


def _parameters(broker: Broker, heartbeat: int, name: str) -> pika.ConnectionParameters:
    return pika.ConnectionParameters(
        host=broker.host,
        port=broker.port,
        virtual_host=broker.vhost,
        credentials=pika.PlainCredentials(broker.user, broker.password),
        heartbeat=heartbeat,
        socket_timeout=BRING_UP_TIMEOUT,
        stack_timeout=BRING_UP_TIMEOUT,
        connection_attempts=1,
        ssl_options=pika.SSLOptions(ssl.create_default_context(), broker.host) if broker.tls else None,
        client_properties={"connection_name": name},
    )
