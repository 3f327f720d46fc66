"""What stands on the network: read, replaced, changed, cleared; refused in words; and what the shards make of it."""

import asyncio
from typing import Any

import pytest

from tcplab.port import LinkDown, LinkUp
from tcplab.runtime.amqp.topology import EVENTS
from tests.broker.asking import channel
from tests.broker.followers import following, until_revision
from tests.lab.service import TEXT, service, timeless
from tests.support.cable import Cable
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker

LINES = "link client>server delay 100ms loss 1%\npartition client | server as split\n"


@in_loop
async def test_a_new_lab_has_nothing_set(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        answer = await lab.http.get("/network")

    assert answer.json()["revision"] == 0
    assert answer.json()["text"] == ""
    assert answer.headers["etag"] == '"0"'


@in_loop
async def test_lines_of_text_are_applied_by_every_shard(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab, 1) as first, following(amqp_lab, 2) as second:
        stands = await lab.change(LINES)
        for shard in (first, second):
            await until_revision(shard, 1)

        assert stands["revision"] == 1
        assert timeless(stands["text"]) == LINES
        for shard in (first, second):
            assert timeless(str(shard.network.configuration)) == LINES
            assert [fault.name for fault in shard.network.faults()] == ["split"]


@in_loop
async def test_json_says_the_same(amqp_lab: Lab) -> None:
    change = {"links": {"client>server": "delay 100ms loss 1%"}, "faults": ["partition client | server as split"]}
    async with service(amqp_lab) as lab:
        await lab.http.patch("/network", json=change)
        assert await lab.text() == LINES

        await lab.http.patch("/network", json={"heal": ["split"], "links": {"client>server": None, "*>*": "loss 2%"}})
        assert await lab.text() == "link *>* loss 2%\n"


@in_loop
async def test_traces_go_through_the_api_the_log_and_a_restart(amqp_lab: Lab) -> None:
    change = {"links": {"client>server": "trace rate up.trace"}, "traces": {"up.trace": "1\n2\n5\n"}}
    async with service(amqp_lab) as lab:
        stands = (await lab.http.patch("/network", json=change)).json()["configuration"]
        lease = await lab.lease(60)
        await lab.change("link client>server loss 1%", lease=lease)
        unknown = await lab.http.patch("/network", content="link *>* trace rate down.trace", headers=TEXT)
    async with service(amqp_lab) as lab, following(amqp_lab, 1) as shard:
        await lab.http.delete(f"/leases/{lease}")
        again = (await lab.http.get("/network")).json()["configuration"]
        await lab.change("link server>client trace rate up.trace")
        put = (await lab.http.put("/network", json=stands)).json()
        await until_revision(shard, put["revision"])
        (profile,) = shard.network.configuration.links.values()

    assert stands["traces"] == change["traces"] == profile.traces()
    assert (again["links"], again["traces"]) == (stands["links"], stands["traces"])
    assert unknown.status_code == 422
    assert "'down.trace' was not sent along, under traces; there are up.trace" in unknown.json()["error"]


@in_loop
async def test_lines_and_the_rest_of_json_are_changed_together(amqp_lab: Lab) -> None:
    change = {"links": {"*>*": "loss 2%"}, "lines": LINES}
    async with service(amqp_lab) as lab:
        answer = await lab.http.patch("/network", json=change)

        assert answer.status_code == 200
        assert await lab.text() == f"link *>* loss 2%\n{LINES}"


@in_loop
async def test_a_replacement_leaves_nothing_of_what_stood(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        stood = (await lab.change(LINES))["configuration"]
        await lab.http.put("/network", content="blackhole server>client as hole\n", headers=TEXT)
        assert await lab.text() == "blackhole server>client as hole\n"

        await lab.http.put("/network", json=stood)
        assert await lab.text() == LINES

        cleared = await lab.http.delete("/network")
        assert (cleared.json()["revision"], await lab.text()) == (4, "")


@pytest.mark.parametrize(
    ("body", "word", "position", "said"),
    [
        ("link client>server delay 100ms los 1%", "los", 31, "did you mean 'loss'?"),
        ("link client>server delay 100", "100", 25, "needs a unit"),
        ("heal nobody", "", None, "there is no fault 'nobody'; there are none"),
        ("link client>moon loss 1%", "", None, "links, client>moon: 'moon' is no role; there are client, server"),
        ("link client>server loss 1%\npartitoin client | server", "partitoin", 27, "did you mean 'partition'?"),
    ],
)
@in_loop
async def test_a_bad_request_changes_nothing_and_says_which_word_is_wrong(
    amqp_lab: Lab, body: str, word: str, position: int | None, said: str
) -> None:
    async with service(amqp_lab) as lab:
        for method in ("PATCH", "PUT"):
            answer = await lab.http.request(method, "/network", content=body, headers=TEXT)

            found: dict[str, Any] = answer.json()
            assert answer.status_code == 422
            assert said in found["error"]
            assert "\n" not in found["error"]
            assert (found["word"], found["position"]) == (word, position)
            assert bool(found["display"]) is bool(word)
        assert lab.desk.record.revision == 0
        assert len(lab.desk.history()) == 1


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        ({"content": "{", "headers": {"Content-Type": "application/json"}}, 422, "the body is no JSON"),
        ({"json": {"lnks": {}}}, 422, "lnks"),
        ({"json": {"links": {"client>server": 7}}}, 422, "links"),
        ({"json": []}, 422, ""),
        ({"content": b"\xff", "headers": TEXT}, 422, "the body is no UTF-8"),
        ({"content": "<x/>", "headers": {"Content-Type": "text/xml"}}, 415, "must be text/plain"),
        ({"content": "#" * (1 << 20) + "#", "headers": TEXT}, 413, "more than 1048576 octets"),
        ({"content": LINES, "headers": TEXT | {"If-Match": "new"}}, 412, "If-Match must be a revision"),
        ({"content": LINES, "headers": TEXT, "params": {"lease": "mine"}}, 404, "there is no lease 'mine'"),
    ],
)
@in_loop
async def test_whatever_cannot_be_read_changes_nothing(
    amqp_lab: Lab, request_: dict[str, Any], status: int, said: str
) -> None:
    async with service(amqp_lab) as lab:
        answer = await lab.http.patch("/network", **request_)

        assert answer.status_code == status, answer.text
        assert said in answer.json()["error"]
        assert lab.desk.record.revision == 0


@in_loop
async def test_all_that_is_wrong_with_json_is_told_at_once(amqp_lab: Lab) -> None:
    wrong = {"links": {"client>server": "los 1%"}, "faults": [{"name": "a b", "rule": "partition client"}]}
    async with service(amqp_lab) as lab:
        answer = await lab.http.put("/network", json=wrong)

        assert answer.status_code == 422
        assert len(answer.json()["problems"]) == 2
        assert "did you mean 'loss'" in answer.json()["error"]
        assert "\n" not in answer.json()["error"]
        assert lab.desk.record.revision == 0


@in_loop
async def test_of_two_that_change_the_same_revision_the_second_is_told(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        read = (await lab.http.get("/network")).headers["etag"]
        first, second = await asyncio.gather(
            *(lab.http.patch("/network", content=LINES, headers=TEXT | {"If-Match": read}) for _ in range(2))
        )

        assert sorted((first.status_code, second.status_code)) == [200, 412]
        refused = first if first.status_code == 412 else second
        assert refused.json()["error"] == "revision 0 stands no more: 1 does; read it, and try again"
        assert refused.json()["revision"] == 1


@in_loop
async def test_what_was_accepted_outlives_the_service(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        await lab.http.patch("/network", content="link *>* loss 5%", headers=TEXT | {"Lab-By": "workshop"})
        await lab.change(LINES)

    async with service(amqp_lab) as heir, following(amqp_lab) as shard:
        history = (await heir.http.get("/history")).json()
        assert [(entry["revision"], entry["by"], entry["what"]) for entry in history] == [
            (2, "", "link client>server delay 100ms loss 1%; partition client | server as split"),
            (1, "workshop", "link *>* loss 5%"),
            (0, "the lab service", "begins with nothing"),
        ]
        assert (await heir.http.get("/history/1")).json()["text"] == "link *>* loss 5%\n"
        assert (await heir.http.get("/history/9")).status_code == 404
        assert shard.applied() == [2]
        assert (await heir.change("link *>* reset"))["revision"] == 3


@in_loop
async def test_without_a_broker_nothing_is_accepted_and_what_stands_is_still_told(amqp_lab: Lab) -> None:
    async with Cable(amqp_lab.found.host, amqp_lab.found.port) as cable, service(amqp_lab, cable.port) as lab:
        await lab.change(LINES)
        await cable.cut()
        await lab.watcher.until_told(LinkDown)

        refused = await lab.http.delete("/network")

        assert refused.status_code == 503
        assert "nothing was changed" in refused.json()["error"]
        assert await lab.text() == LINES
        await cable.mend()
        await lab.watcher.until_told(LinkUp, 2)
        assert (await lab.http.delete("/network")).json()["revision"] == 2


@in_loop
async def test_a_log_that_was_lost_begins_with_what_stands(amqp_lab: Lab) -> None:
    async with Cable(amqp_lab.found.host, amqp_lab.found.port) as cable, service(amqp_lab, cable.port) as lab:
        await lab.change(LINES)
        await cable.cut()
        amqp_lab.management.delete("queues", amqp_lab.vhost, "configuration")
        await cable.mend()
        await lab.watcher.until_told(LinkUp, 2)

        async with following(amqp_lab) as shard:
            assert shard.applied() == [1]


@in_loop
async def test_every_shard_says_what_it_goes_by(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab, 1) as first, following(amqp_lab, 7) as second:
        await lab.change(LINES)
        await asyncio.gather(until_revision(first, 1), until_revision(second, 1))
        status = await lab.status(2)

    assert status["revision"] == 1
    assert list(status["shards"]) == ["netem-1", "netem-7"]
    for shard in status["shards"].values():
        assert shard["revision"] == 1
        assert shard["links"]["client>server"] == {
            "base": "limit 1000",
            "profile": "delay 100ms loss 1%",
            "packets": 0,
            "queued": 0,
        }
        told = shard["faults"]["split"].pop("realised")
        assert (told["requested"], told["n"], told["line"]) == (None, 0, "partition: has touched no segment of 0")
        assert shard["faults"]["split"] == {
            "rule": "partition client | server",
            "until": None,
            "matched": 0,
            "acted": 0,
        }
        measures = {each["measure"]: each for each in shard["realised"]["client>server"]}
        assert measures["loss"]["requested"] == 0.01
        assert measures["loss"]["line"] == "loss: has touched no segment of 0"


@in_loop
async def test_a_shard_that_is_gone_is_left_out(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab, 1):
        async with following(amqp_lab, 2):
            await lab.status(2)

        assert list((await lab.status(1))["shards"]) == ["netem-1"]


@in_loop
async def test_reports_of_anybody_but_the_network_are_not_believed(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab, 1):
        with channel(amqp_lab.broker("client")) as asked:
            asked.basic_publish(EVENTS, "report.netem-9", b'{"node": "netem-9"}')
        assert list((await lab.status(1))["shards"]) == ["netem-1"]
        assert lab.said == []


@in_loop
async def test_the_page_of_the_api_asks_no_other_server(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        page = await lab.http.get("/", follow_redirects=True)
        described = (await lab.http.get("/openapi.json")).json()
        assets = [word for word in page.text.replace("'", '"').split('"') if word.startswith("/static")]
        fetched = [await lab.http.get(asset) for asset in assets]

    assert page.status_code == 200
    assert "//" not in page.text.replace("<!DOCTYPE html>", "").replace("// ", "")
    assert len(fetched) >= 2
    assert {answer.status_code for answer in fetched} == {200}
    assert set(described["paths"]) == {
        "/network", "/status", "/leases", "/leases/{name}", "/history", "/history/{revision}", "/events"
    }  # fmt: skip
