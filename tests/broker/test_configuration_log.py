"""The log of configurations at a real broker: nothing accepted is lost, and every shard goes by the last of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from tcplab.netem.configuration import Configuration
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.port import LinkDown, LinkUp
from tcplab.runtime.amqp.log import ConfigurationLog, NotWritten
from tcplab.runtime.records import MalformedRecord, Record, dump, load
from tcplab.runtime.reports import ASK, Report
from tcplab.units import MILLISECOND
from tests.broker.followers import following, until_revision
from tests.broker.ports import CLOCK, HASTY, Watcher
from tests.support.cable import Cable
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker


def snapshot(revision: int) -> Record:
    """Return a record that can be told from every other by its delay."""
    links = {Pattern("client", "server"): Profile(delay=revision * MILLISECOND)}
    return Record(Configuration(revision, links), CLOCK.now(), "test", f"delay {revision}ms")


@dataclass
class Writer:
    """A writer of the log, and what it has heard."""

    records: list[int] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    senders: set[str] = field(default_factory=set)
    watcher: Watcher = field(default_factory=Watcher)

    def on_record(self, body: bytes) -> None:
        with suppress(MalformedRecord):
            self.records.append(load(body).revision)

    def on_report(self, body: bytes, sender: str) -> None:
        self.reports.append(Report.model_validate_json(body))
        self.senders.add(sender)


@asynccontextmanager
async def writing(lab: Lab, port: int | None = None) -> AsyncIterator[tuple[ConfigurationLog, Writer]]:
    writer = Writer()
    broker, first = lab.broker("lab", port=port), dump(Record(Configuration(), CLOCK.now(), "test", "begins"))
    log = ConfigurationLog(
        broker, standing=lambda: first, on_record=writer.on_record, on_report=writer.on_report, limits=HASTY
    )
    try:
        await log.open(writer.watcher.tell)
        yield log, writer
    finally:
        await log.close()


@in_loop
async def test_what_is_appended_reaches_every_shard_in_order(amqp_lab: Lab) -> None:
    async with (
        writing(amqp_lab) as (log, writer),
        following(amqp_lab, 1) as first, following(amqp_lab, 2) as second,
    ):  # fmt: skip
        for revision in range(1, 101):
            await log.append(dump(snapshot(revision)))
        for shard in (first, second):
            await until_revision(shard, 100)

    for shard in (first, second):
        assert shard.applied() == list(range(1, 101))
        assert shard.network.configuration == snapshot(100).configuration
        assert shard.said == []
    assert writer.records == list(range(101)), "an empty log begins with revision 0"


@in_loop
async def test_a_shard_that_comes_later_begins_with_the_last_snapshot(amqp_lab: Lab) -> None:
    async with writing(amqp_lab) as (log, _):
        for revision in range(1, 21):
            await log.append(dump(snapshot(revision)))
        async with following(amqp_lab) as shard:
            assert shard.applied() == [20], "before it has taken a packet"


@in_loop
async def test_a_lab_without_a_writer_yet_lets_a_shard_begin(amqp_lab: Lab) -> None:
    async with following(amqp_lab) as shard:
        assert (shard.applied(), shard.said) == ([], [])
        async with writing(amqp_lab) as (log, _):
            await log.append(dump(snapshot(1)))
            await until_revision(shard, 1)


@in_loop
async def test_a_writer_that_starts_anew_finds_all_that_was_kept(amqp_lab: Lab) -> None:
    async with writing(amqp_lab) as (log, _):
        for revision in range(1, 301):
            await log.append(dump(snapshot(revision)))

    async with writing(amqp_lab) as (_, heir):
        assert heir.records == list(range(301))


@in_loop
async def test_there_is_one_writer(amqp_lab: Lab) -> None:
    async with writing(amqp_lab):
        with pytest.raises(Exception, match=r"^this lab has a lab service already; stop it, or use another virtual"):
            async with writing(amqp_lab):
                pytest.fail("there were two")


@in_loop
async def test_without_a_broker_a_record_is_refused_and_with_it_written_again(amqp_lab: Lab) -> None:
    async with (
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        following(amqp_lab) as shard,
        writing(amqp_lab, cable.port) as (log, writer),
    ):
        await log.append(dump(snapshot(1)))
        await cable.cut()
        await writer.watcher.until_told(LinkDown)
        with pytest.raises(NotWritten, match="nothing was changed"):
            await log.append(dump(snapshot(2)))
        await cable.mend()
        await writer.watcher.until_told(LinkUp, 2)
        await log.append(dump(snapshot(3)))
        await until_revision(shard, 3)

        assert shard.applied() == [1, 3]
        assert writer.records[-1] == 3


@in_loop
async def test_what_was_not_confirmed_is_known_when_the_broker_is_back(amqp_lab: Lab) -> None:
    async with (
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        following(amqp_lab) as shard,
        writing(amqp_lab, cable.port) as (log, writer),
    ):
        await log.append(dump(snapshot(1)))
        appending = asyncio.create_task(log.append(dump(snapshot(2))))
        await until_revision(shard, 2)  # the broker has it, whether its word comes back or not
        await cable.cut()
        await asyncio.wait((appending,))
        await writer.watcher.until_told(LinkDown)
        await cable.mend()
        await writer.watcher.until_told(LinkUp, 2)

        assert writer.records[-1] == 2


@in_loop
async def test_a_snapshot_that_comes_again_disturbs_nothing(amqp_lab: Lab) -> None:
    async with (
        Cable(amqp_lab.found.host, amqp_lab.found.port) as cable,
        writing(amqp_lab) as (log, _),
        following(amqp_lab, port=cable.port) as shard,
    ):
        await log.append(dump(snapshot(1)))
        await until_revision(shard, 1)
        await cable.cut()
        await log.append(dump(snapshot(2)))
        await cable.mend()
        await until_revision(shard, 2)

        assert shard.applied() == [1, 2]
        assert any("control: broker" in line for line in shard.said)


@in_loop
async def test_a_record_that_is_none_is_said_and_changes_nothing(amqp_lab: Lab) -> None:
    nobody = Record(Configuration(3, {Pattern("nobody", "*"): Profile()}), CLOCK.now())
    async with writing(amqp_lab) as (log, writer), following(amqp_lab) as shard:
        await log.append(dump(snapshot(1)))
        await log.append(dump(nobody))
        await log.append(b'{"v": 2}')
        await log.append(dump(snapshot(4)))
        await until_revision(shard, 4)
        await shard_reports(writer, 4)

    assert shard.applied() == [1, 4]
    assert shard.said == [
        "netem-1: the configuration does not fit this network: links, nobody>*: 'nobody' is no role; "
        "there are client, server; goes on as before",
        "netem-1: a record of the configuration's log is malformed: at: Field required; goes on as before",
    ]
    assert [told.revision for told in writer.reports if told.trouble] == [1, 1]


async def shard_reports(writer: Writer, revision: int) -> None:
    while not any(told.revision == revision for told in writer.reports):
        await asyncio.sleep(0.01)


@in_loop
async def test_shards_report_when_they_apply_and_when_they_are_asked(amqp_lab: Lab) -> None:
    async with (
        writing(amqp_lab) as (log, writer),
        following(amqp_lab, 1), following(amqp_lab, 3),
    ):  # fmt: skip
        await log.append(dump(snapshot(1)))
        await shard_reports(writer, 1)
        writer.reports.clear()
        log.say(ASK)
        while {told.node for told in writer.reports} != {"netem-1", "netem-3"}:
            await asyncio.sleep(0.01)

    report = writer.reports[-1]
    assert report.revision == 1
    assert report.links["client>server"].profile == "delay 1ms"
    assert writer.senders == {amqp_lab.broker("netem").user}
