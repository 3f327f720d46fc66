"""Changes as they are made, told to whoever listens."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.lab.service import Service, service
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker


async def heard(lab: Service, since: int | None = None) -> AsyncGenerator[dict[str, Any], None]:
    params = {} if since is None else {"since": since}
    async with lab.http.stream("GET", "/events", params=params) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


@in_loop
async def test_a_listener_hears_what_stands_and_every_change(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        await lab.change("link *>* loss 1%")
        events = heard(lab)
        first = await anext(events)
        for number in range(2, 6):
            await lab.change(f"link *>* loss {number}%")
        later = [await anext(events) for _ in range(4)]
        await events.aclose()

    assert (first["revision"], first["text"]) == (1, "link *>* loss 1%\n")
    assert [event["text"] for event in later] == [f"link *>* loss {number}%\n" for number in range(2, 6)]


@in_loop
async def test_one_that_was_away_hears_what_it_has_missed(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        for number in range(1, 6):
            await lab.change(f"link *>* loss {number}%")
        events = heard(lab, since=3)
        missed = [(await anext(events))["revision"] for _ in range(2)]
        await lab.change("link *>* reset")
        missed.append((await anext(events))["revision"])
        await events.aclose()

    assert missed == [4, 5, 6]


@in_loop
async def test_listening_ends_with_the_service(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        events = heard(lab)
        await anext(events)
        listening = asyncio.create_task(anext(events, None))
        lab.desk.dismiss()

        assert await listening is None
