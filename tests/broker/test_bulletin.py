"""Live events: who watches is told, nobody else is; what is missed shows; what nobody watches makes no record."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pika
import pytest

from tcplab.netem.events import PacketDropped
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Event, Observer, PacketReceived, PacketSent
from tcplab.observe.journal import Record, dump
from tcplab.port import LinkDown, PortError
from tcplab.runtime.amqp import AmqpLimits, Batch, Bulletin, Feed
from tcplab.runtime.amqp.bulletin import BOOT, NEXT, NODE
from tcplab.runtime.loop import Driver
from tcplab.units import Instant
from tests.broker.asking import channel
from tests.broker.ports import CLOCK, HASTY, client_end, fresh, make, network_end, open_port
from tests.netem.packets import THERE
from tests.support.cable import Cable
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

LOSES_ALL = {THERE: Profile(loss=1.0)}


class Subscriptions:
    """Who is an observer, and waits for changes of that."""

    def __init__(self) -> None:
        self.observers: list[Observer] = []
        self._changed = asyncio.Event()

    def attach(self, observer: Observer) -> None:
        self.observers.append(observer)
        self._changed.set()

    def detach(self, observer: Observer) -> None:
        self.observers.remove(observer)
        self._changed.set()

    async def until(self, count: int) -> None:
        while len(self.observers) != count:
            self._changed.clear()
            await self._changed.wait()

    def tell(self, *events: Event) -> None:
        for observer in self.observers:
            for event in events:
                observer.observe("netem", event, CLOCK.now())


class Watching:
    """What a feed has handed on."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.told: list[Event] = []
        self._news = asyncio.Event()

    def take(self, batch: Batch) -> None:
        self.batches.append(batch)
        self._news.set()

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self._news.set()

    @property
    def events(self) -> list[Event]:
        return [record.event for batch in self.batches for record in batch.records]

    @property
    def lost(self) -> int:
        return sum(batch.lost for batch in self.batches)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds; it is looked at whenever something was handed on or told."""
        while not condition():
            self._news.clear()
            await self._news.wait()

    async def until_batches(self, count: int) -> None:
        await self.until(lambda: len(self.batches) >= count)

    async def until_events(self, count: int) -> list[Event]:
        await self.until(lambda: len(self.events) >= count)
        return self.events


@asynccontextmanager
async def bulletin(lab: Lab, *, lasts: float = 60.0) -> AsyncIterator[Subscriptions]:
    subscriptions = Subscriptions()
    made = Bulletin(
        lab.broker("netem"), "netem",
        attach=subscriptions.attach, detach=subscriptions.detach, say=print, lasts=lasts, limits=HASTY,
    )  # fmt: skip
    made.start()
    try:
        yield subscriptions
    finally:
        await made.close()


@asynccontextmanager
async def feed(
    lab: Lab, *, answered: bool = True, port: int | None = None, limits: AmqpLimits = HASTY
) -> AsyncIterator[Watching]:
    watching = Watching()
    made = Feed(lab.broker("operator", port=port), watching.take, watching.tell, limits=limits)
    made.start()
    try:
        if answered:
            await made.answered()
        yield watching
    finally:
        await made.close()


def heard(number: int) -> Event:
    return PacketReceived(fresh(number))


@in_loop
async def test_a_watcher_is_told_of_each_verdict_that_a_network_gives(amqp_lab: Lab) -> None:
    network = make(amqp_lab, "netem", network_end(amqp_lab))

    async with Driver("netem", Network(LOSES_ALL, seed=1), network, clock=CLOCK) as driver:
        live = Bulletin(amqp_lab.broker("netem"), "netem", attach=driver.attach, detach=driver.detach, say=print)
        live.start()
        async with feed(amqp_lab) as watching, open_port(amqp_lab, "client", client_end()) as (client, _):
            client.send([fresh(1), fresh(2)])
            events = await watching.until_events(4)
        await live.close()

    assert [type(event) for event in events] == [PacketReceived, PacketDropped] * 2
    assert [event.reason for event in events if isinstance(event, PacketDropped)] == ["loss", "loss"]
    assert {batch.node for batch in watching.batches} == {"netem"}
    assert watching.lost == 0


@in_loop
async def test_nobody_is_an_observer_before_anybody_watches_nor_once_the_lease_has_run_out(amqp_lab: Lab) -> None:
    async with bulletin(amqp_lab, lasts=0.2) as subscriptions:
        assert subscriptions.observers == []
        async with feed(amqp_lab):
            await subscriptions.until(1)
        await subscriptions.until(0)


@in_loop
async def test_a_lease_that_is_renewed_stands(amqp_lab: Lab) -> None:
    changes: list[str] = []
    made = Bulletin(
        amqp_lab.broker("netem"), "netem",
        attach=lambda _: changes.append("attached"), detach=lambda _: changes.append("detached"), say=print, lasts=3.0,
    )  # fmt: skip
    made.start()
    async with feed(amqp_lab) as watching:
        await watching.until_batches(1)  # before that, a renewal may find nobody to hear it
        with channel(amqp_lab.broker("operator")) as asked:
            # Ten steps are longer than a lease.
            for answers in range(len(watching.batches) + 1, len(watching.batches) + 11):
                asked.basic_publish("events", "lease", b"")
                await watching.until_batches(answers)
                await asyncio.sleep(0.35)
        assert made.watched
    await made.close()

    assert changes == ["attached", "detached"]


@in_loop
async def test_two_may_watch_and_both_are_told_everything(amqp_lab: Lab) -> None:
    async with bulletin(amqp_lab) as subscriptions, feed(amqp_lab) as one, feed(amqp_lab) as other:
        assert len(subscriptions.observers) == 1
        subscriptions.tell(heard(1), heard(2))

        assert await one.until_events(2) == await other.until_events(2)


@in_loop
async def test_what_only_the_driver_or_the_port_has_to_say_is_not_told(amqp_lab: Lab) -> None:
    told = heard(2)

    async with bulletin(amqp_lab) as subscriptions, feed(amqp_lab) as watching:
        subscriptions.tell(PacketSent(fresh(1)), LinkDown("gone"), told)

        assert await watching.until_events(1) == [told]


@in_loop
async def test_what_one_turn_brings_goes_in_messages_of_a_bounded_length(amqp_lab: Lab) -> None:
    async with bulletin(amqp_lab) as subscriptions, feed(amqp_lab) as watching:
        subscriptions.tell(*map(heard, range(600)))
        await watching.until_events(600)

    assert [len(batch.records) for batch in watching.batches if batch.records] == [256, 256, 88]
    assert [record.n for batch in watching.batches for record in batch.records] == list(range(1, 601))


def published(lab: Lab, *messages: tuple[list[int], int], body: bytes = b"", boot: str = "b") -> None:
    """Publish messages as a network does: the numbers of their records, and the number that comes next."""
    with channel(lab.broker("netem")) as asked:
        for numbers, following in messages:
            lines = [dump(Record(n, Instant(n), "netem", heard(n))) for n in numbers]
            headers: dict[str, str | int] = {NODE: "netem", BOOT: boot, NEXT: following}
            asked.basic_publish(
                "events", "journal", body or "\n".join(lines).encode(), pika.BasicProperties(headers=dict(headers))
            )


@in_loop
async def test_a_gap_is_told_even_where_nothing_follows_it(amqp_lab: Lab) -> None:
    async with bulletin(amqp_lab), feed(amqp_lab) as watching:
        published(amqp_lab, ([7, 8], 9), ([], 9), ([11], 12), ([], 15), ([15], 16))
        published(amqp_lab, ([1], 2), boot="another")
        await watching.until(lambda: len(watching.events) >= 5)

    assert [batch.lost for batch in watching.batches[1:]] == [0, 0, 2, 3, 0, 0]


@in_loop
async def test_what_is_no_record_is_told_in_a_line_and_takes_nothing_with_it(amqp_lab: Lab) -> None:
    async with bulletin(amqp_lab), feed(amqp_lab) as watching:
        published(amqp_lab, ([], 3), body=dump(Record(1, Instant(0), "netem", heard(1))).encode() + b"\nnonsense")
        with channel(amqp_lab.broker("netem")) as asked:
            asked.basic_publish("events", "journal", b"no headers")
        published(amqp_lab, ([3], 4))
        await watching.until_events(2)

    assert [batch.unreadable[:7] for batch in watching.batches[1:]] == ["no JSON", ""]


@in_loop
async def test_a_watcher_that_is_too_slow_misses_the_oldest_and_is_told_how_many(amqp_lab: Lab) -> None:
    sent, size = 3_000, 20_000
    line = dump(Record(1, Instant(0), "netem", PacketReceived(fresh(1, payload=bytes(size)))))

    async with (
        bulletin(amqp_lab),
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        feed(amqp_lab, port=cable.port, limits=AmqpLimits()) as watching,
    ):
        cable.hold()
        with channel(amqp_lab.broker("netem")) as asked:
            for n in range(1, sent + 1):
                properties = pika.BasicProperties(headers={NODE: "netem", BOOT: "b", NEXT: n + 1})
                asked.basic_publish("events", "journal", line.replace('"n":1', f'"n":{n}', 1).encode(), properties)
        cable.resume()
        await watching.until(lambda: any(record.n == sent for batch in watching.batches for record in batch.records))

    assert 0 < watching.lost < sent
    assert watching.lost + len(watching.events) == sent


@in_loop
async def test_watching_goes_on_when_the_broker_was_gone(amqp_lab: Lab) -> None:
    async with (
        bulletin(amqp_lab) as subscriptions,
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        feed(amqp_lab, port=cable.port) as watching,
    ):
        subscriptions.tell(heard(1))
        await watching.until_events(1)
        answers = len(watching.batches)
        await cable.cut()
        await watching.until(lambda: any(isinstance(event, LinkDown) for event in watching.told))
        await cable.mend()
        await watching.until(lambda: len(watching.batches) > answers)
        subscriptions.tell(heard(2))

        assert [event.packet.id for event in await watching.until_events(2) if isinstance(event, PacketReceived)] == [
            1,
            2,
        ]


@in_loop
async def test_a_virtual_host_without_a_lab_is_named(amqp_lab: Lab) -> None:
    with channel(amqp_lab.broker("operator")) as asked:
        asked.exchange_delete("events")

    async with feed(amqp_lab, answered=False) as watching:
        await watching.until(lambda: bool(watching.told))

    (down,) = (event for event in watching.told if isinstance(event, LinkDown))
    assert f"no lab is on its virtual host {amqp_lab.vhost!r}" in down.reason


@in_loop
async def test_a_network_that_may_tell_nothing_says_so_and_goes_on(amqp_lab: Lab) -> None:
    said: asyncio.Queue[str] = asyncio.Queue()
    none = Subscriptions()
    made = Bulletin(amqp_lab.broker("client"), "netem-1", attach=none.attach, detach=none.detach, say=said.put_nowait)
    made.start()

    line = await said.get()
    await made.close()

    assert line.startswith("netem-1: nobody can watch: broker ")
    assert "refused for user" in line


@in_loop
async def test_who_may_not_read_events_is_told_so(amqp_lab: Lab) -> None:
    made = Feed(amqp_lab.broker("client"), lambda _: None, lambda _: None, limits=HASTY)
    made.start()

    with pytest.raises(PortError, match=r"access to queue .* refused for user .client"):
        await made.answered()
    await made.close()
