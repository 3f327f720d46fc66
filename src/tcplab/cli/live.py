"""A lab that runs, watched from the command line."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from tcplab.cli.recorders import Recorder
from tcplab.node import Event
from tcplab.port import LinkDown, LinkUp, PortError
from tcplab.runtime.amqp import Batch, Broker, Feed
from tcplab.runtime.amqp.topology import VHOST_DEFAULT

ANSWERS_WITHIN: Final = 5.0  # seconds
_WAY_OUT: Final = "start the lab (make up), or name its broker (--broker amqp://user:password@host:5672/vhost)"


def default_broker() -> str:
    """Return the URL of the operator at the broker that Compose publishes on loopback, by Compose's own variables."""
    port = os.environ.get("RABBITMQ_PORT") or "5672"
    password = os.environ.get("TCPLAB_OPERATOR_PASSWORD") or "operator"
    vhost = os.environ.get("TCPLAB_VHOST") or VHOST_DEFAULT
    return f"amqp://operator:{quote(password, safe='')}@127.0.0.1:{port}/{quote(vhost, safe='')}"


def watch(url: str | None, recorder: Recorder, say: Callable[[str], None]) -> None:
    """Record what the networks of a running lab tell, until the recorder is full or somebody interrupts.

    Args:
        url: of the broker, with a user who may read events; ``None`` for Compose's.
        recorder: told everything.
        say: takes lines about what is amiss meanwhile.

    Raises:
        PortError: nobody answers, or the broker will not have us.
        ValueError: the URL is none.
        Exception: whatever the recorder raises.
    """
    broker = Broker.from_url(url or default_broker(), VHOST_DEFAULT)
    asyncio.run(_Watch(broker, recorder, say).run())


class _Watch:
    """Joins a feed with a recorder."""

    def __init__(self, broker: Broker, recorder: Recorder, say: Callable[[str], None]) -> None:
        self._broker = broker
        self._recorder = recorder
        self._say = say
        self._up = False

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        feed = Feed(self._broker, self._take, self._tell)
        feed.start()
        lost = asyncio.ensure_future(feed.lost())
        answered = asyncio.ensure_future(feed.answered())
        try:
            await asyncio.wait((self._end, answered), timeout=ANSWERS_WITHIN, return_when=asyncio.FIRST_COMPLETED)
            if not self._end.done() and not answered.done():
                where = f"virtual host {self._broker.vhost!r} of broker {self._broker}"
                raise PortError(f"no network answers on {where}; {_WAY_OUT}")
            await asyncio.wait((self._end, lost), return_when=asyncio.FIRST_COMPLETED)
            if not self._end.done():
                raise lost.result()
            self._end.result()
        finally:
            lost.cancel()
            answered.cancel()
            await asyncio.gather(lost, answered, return_exceptions=True)
            await feed.close()

    def _take(self, batch: Batch) -> None:
        """Record what came; an error must not reach the feed's callbacks."""
        if self._end.done():
            return
        try:
            self._record(batch)
        except Exception as error:
            self._end.set_exception(error)
        else:
            if self._recorder.full:
                self._stop()

    def _record(self, batch: Batch) -> None:
        recorder = self._recorder
        if batch.lost:
            recorder.gap(batch.node, batch.lost)
        for record in batch.records:
            recorder.feed(record)
        recorder.pause()
        if batch.unreadable:
            self._say(f"{batch.node}: a record cannot be read: {batch.unreadable}; run the same release everywhere")

    def _tell(self, event: Event) -> None:
        match event:
            case LinkUp():
                if self._up:
                    self._say("the broker answers again; what happened meanwhile was not seen")
                self._up = True
            case LinkDown(reason=reason, final=False) if self._up:
                self._say(reason)
            case LinkDown(reason=reason, final=False) if not self._end.done():
                self._end.set_exception(PortError(f"{reason.removesuffix('; trying again')}; {_WAY_OUT}"))

    def _stop(self) -> None:
        if not self._end.done():
            self._end.set_result(None)
