"""Leases end to end: what is set with one ends when nobody renews it, whoever is dead by then."""

import asyncio

import pytest

from tcplab.netem.notices import FaultHealed
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.roles import link_name
from tcplab.units import MILLISECOND, SECOND
from tests.broker.followers import Shard, following, until_revision
from tests.broker.ports import CLOCK
from tests.lab.service import service
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

TTL = 1.0  # seconds
RENEWED_TTL = 3.0  # of those that a test renews, so that a busy machine does not come too late
WITHIN = 2 * SECOND  # of the end of its lease a fault must have healed
THERE = Pattern("client", "server")
SPLIT = "partition client | server as split"


def faults(shard: Shard) -> list[str]:
    return [fault.name for fault in shard.network.faults()]


def there(shard: Shard) -> Profile:
    return shard.network.profiles()[link_name("client", "server")]


@in_loop
async def test_a_fault_heals_when_the_heartbeats_stop(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab) as shard:
        lease = await lab.lease(RENEWED_TTL)
        await lab.change(SPLIT, lease=lease)
        await until_revision(shard, 2)
        for _ in range(8):
            await asyncio.sleep(RENEWED_TTL / 6)
            assert (await lab.http.put(f"/leases/{lease}")).status_code == 200
            assert faults(shard) == ["split"]
        end = lab.desk.record.leases[lease].until

        healed = await shard.watcher.until_told(FaultHealed)

        assert (healed.name, healed.reason) == ("split", "lease")
        assert 0 <= CLOCK.now() - end < WITHIN
        await shard.watcher.until(lambda: shard.network.configuration.faults == ())
        assert await lab.text() == ""
        assert (await lab.http.get("/leases")).json() == []
        assert lab.desk.record.what == f"{lease} has run out, split has healed"
        assert (await lab.http.put(f"/leases/{lease}")).status_code == 404


@in_loop
async def test_a_fault_heals_though_the_service_and_the_log_are_dead(amqp_lab: Lab) -> None:
    async with following(amqp_lab) as shard:
        async with service(amqp_lab) as lab:
            await lab.change(f"{SPLIT} for {TTL:g}s\nblackhole server>client as hole")
            await until_revision(shard, 1)
            (end, _) = (fault.until for fault in shard.network.faults())
        amqp_lab.management.delete("queues", amqp_lab.vhost, "configuration")

        await shard.watcher.until_told(FaultHealed)

        assert end is not None
        assert 0 <= CLOCK.now() - end < WITHIN
        assert faults(shard) == ["hole"]


@in_loop
async def test_a_shard_that_was_dead_meanwhile_begins_without_what_has_run_out(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        await lab.change(f"{SPLIT} for {TTL:g}s\nblackhole server>client as hole")

    await asyncio.sleep(TTL)
    async with following(amqp_lab) as shard:
        assert shard.network.configuration.revision == 1, "nobody has swept the log"
        assert faults(shard) == ["hole"]
    async with service(amqp_lab) as lab:
        while "split" in await lab.text():
            await asyncio.sleep(0.05)
        assert await lab.text() == "blackhole server>client as hole\n"


@in_loop
async def test_a_profile_ends_with_its_lease_and_leaves_what_was_there(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab) as shard:
        await lab.change(f"link {THERE} loss 1%")
        lease = await lab.lease(RENEWED_TTL)
        await lab.change(f"link {THERE} delay 100ms", lease=lease)
        await until_revision(shard, 3)
        assert there(shard) == Profile(delay=100 * MILLISECOND)
        await asyncio.sleep(RENEWED_TTL / 6)
        await lab.http.put(f"/leases/{lease}")
        end = lab.desk.record.leases[lease].until

        while there(shard) != Profile(loss=0.01):
            await asyncio.sleep(0.01)

        assert 0 <= CLOCK.now() - end < WITHIN
        while lab.desk.record.leases:
            await asyncio.sleep(0.01)
        assert await lab.text() == f"link {THERE} loss 1%\n"


@in_loop
async def test_a_profile_ends_with_its_lease_though_the_service_is_dead(amqp_lab: Lab) -> None:
    async with following(amqp_lab) as shard:
        async with service(amqp_lab) as lab:
            lease = await lab.lease(TTL)
            await lab.change(f"link {THERE} delay 100ms", lease=lease)
            end = lab.desk.record.leases[lease].until
            await until_revision(shard, 2)

        while there(shard) != Profile():
            await asyncio.sleep(0.01)

        assert 0 <= CLOCK.now() - end < WITHIN


@in_loop
async def test_what_is_set_anew_no_longer_ends_with_the_lease(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        lease = await lab.lease(60)
        await lab.change(f"{SPLIT}\nlink {THERE} delay 100ms\nlink *>* loss 1%", lease=lease)
        (found,) = (await lab.http.get("/leases")).json()
        assert (found["faults"], found["links"]) == (["split"], ["client>server", "*>*"])

        await lab.change(f"heal split\nlink {THERE} delay 200ms")
        (found,) = (await lab.http.get("/leases")).json()
        assert (found["faults"], found["links"]) == ([], ["*>*"])
        assert 59 < found["remaining"] <= found["ttl"] == 60

        assert (await lab.http.delete(f"/leases/{lease}")).status_code == 204
        assert await lab.text() == f"link {THERE} delay 200ms\n"


@in_loop
async def test_a_lease_that_is_released_takes_all_with_it(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab) as shard:
        await lab.change("blackhole server>client as hole")
        lease = await lab.lease(60)
        await lab.change(f"{SPLIT}\nlink {THERE} delay 100ms", lease=lease)
        await lab.http.delete(f"/leases/{lease}")
        await until_revision(shard, 4)

        assert faults(shard) == ["hole"]
        assert there(shard) == Profile()
        assert await lab.text() == "blackhole server>client as hole\n"
        assert (await lab.http.delete(f"/leases/{lease}")).status_code == 404


@pytest.mark.parametrize("ttl", [0, 0.4, 86_401, "long", None])
@in_loop
async def test_a_lease_must_last_for_a_while_and_end_some_day(amqp_lab: Lab, ttl: object) -> None:
    async with service(amqp_lab) as lab:
        answer = await lab.http.post("/leases", json={"ttl": ttl})

        assert answer.status_code == 422
        assert "ttl" in answer.json()["error"]


@in_loop
async def test_heartbeats_push_nothing_out_of_the_history(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        lease = await lab.lease(60)
        for _ in range(5):
            await lab.http.put(f"/leases/{lease}")
        await lab.change(SPLIT, lease=lease)
        await lab.http.put(f"/leases/{lease}")
        history = (await lab.http.get("/history")).json()
        all_of_it = (await lab.http.get("/history", params={"renewals": True})).json()

    assert [entry["what"] for entry in history] == [SPLIT, f"{lease} begins", "begins with nothing"]
    assert [(entry["revision"], entry["renewal"]) for entry in all_of_it] == [
        (8, True), (7, False), (6, True), (1, False), (0, False)
    ]  # fmt: skip
