"""The event loop in virtual time: it leaps where all wait, stands still for threads, and tells when it is stuck."""

import asyncio
import inspect
import os
import socket
import subprocess
import sys
import threading

import pytest

import tcplab
from tcplab.runtime.streams.virtual import TIME_LIMIT
from tests.runtime.streams import SERVER, echo, now
from tests.support.loops import in_virtual_time

MONTH = 30 * 86_400


def line_of(function: object, text: str) -> int:
    """Return the line of this file on which a function says something."""
    lines, first = inspect.getsourcelines(function)  # type: ignore[arg-type]
    return first + next(n for n, line in enumerate(lines) if text in line)


def test_a_month_passes_at_once_and_in_order() -> None:
    seen: list[tuple[str, float]] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        seen.append((name, now()))

    async def main() -> str:
        assert now() == 0
        await asyncio.gather(wait("last", MONTH), wait("first", 0.000_001), wait("second", 1))
        return "over"

    assert tcplab.run(main()) == "over"
    assert seen == [("first", 0.000_001), ("second", 1), ("last", MONTH)]


@in_virtual_time
async def test_a_timeout_goes_by_the_same_time() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3_600):
            await asyncio.sleep(7_200)

    assert now() == 3_600


@in_virtual_time
async def test_time_stands_still_while_a_thread_works() -> None:
    """The thread waits for a sign that is given in the last turn before time would pass."""
    sign = threading.Event()
    sleeper = asyncio.create_task(asyncio.sleep(1))
    working = asyncio.create_task(asyncio.to_thread(sign.wait, 30))
    for _ in range(10):
        await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(sign.set)

    assert await working
    assert now() == 0
    assert not sleeper.done()
    await sleeper
    assert now() == 1


@in_virtual_time
async def test_time_stands_still_for_whoever_asks() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, tcplab.VirtualLoop)
    here, there = socket.socketpair()
    here.setblocking(False)
    sleeper = asyncio.create_task(asyncio.sleep(1))
    thread = threading.Thread(target=lambda: there.sendall(there.recv(100)))
    thread.start()

    with here, there:
        with loop.standing_still():
            await loop.sock_sendall(here, b"from outside")
            assert await loop.sock_recv(here, 100) == b"from outside"
        assert now() == 0
        assert not sleeper.done()
        await sleeper
        assert now() == 1
        thread.join()


@in_virtual_time
async def test_what_is_there_already_comes_before_time_passes() -> None:
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    here.setblocking(False)
    with here, there:
        sleeper = asyncio.create_task(asyncio.sleep(1))
        receiving = asyncio.create_task(loop.sock_recv(here, 100))
        await asyncio.sleep(0)
        there.sendall(b"ready")
        assert await receiving == b"ready"
        assert now() == 0
        await sleeper


@in_virtual_time
async def test_a_callback_may_take_its_time() -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, tcplab.VirtualLoop)
    fired: list[float] = []
    loop.call_later(1, lambda: fired.append(now()))
    loop.call_soon(loop.leap, 5)

    await asyncio.sleep(2)

    assert fired == [5]
    assert loop.nanoseconds() == 5_000_000_000


def test_time_ends_where_floats_no_longer_tell_nanoseconds_apart() -> None:
    async def wait(seconds: float) -> float:
        await asyncio.sleep(seconds)
        await asyncio.sleep(0.000_000_001)
        return now()

    assert tcplab.run(wait(TIME_LIMIT - 1)) == TIME_LIMIT - 1 + 0.000_000_001
    with pytest.raises(OverflowError, match="97 days"):
        tcplab.run(wait(TIME_LIMIT))


# --- stuck -----------------------------------------------------------------------------------------------------------


async def wait_for_nothing() -> None:
    await asyncio.get_running_loop().create_future()


def test_a_deadlock_is_told_with_who_waits_where() -> None:
    cleaned: list[str] = []

    async def main() -> None:
        helper = asyncio.create_task(wait_for_nothing(), name="helper")
        try:
            await asyncio.sleep(5)
            await helper
        finally:
            cleaned.append("up")

    with pytest.raises(tcplab.Deadlock) as caught:
        tcplab.run(main())

    file = "test_streams_virtual.py"
    assert str(caught.value).startswith("at 5 s nothing will ever happen; waiting: ")
    assert f"in main at {file}:{line_of(main, 'await helper')}" in str(caught.value)
    assert f"helper in wait_for_nothing at {file}:{line_of(wait_for_nothing, 'await')}" in str(caught.value)
    assert cleaned == ["up"]


def test_a_clean_up_that_gets_stuck_is_cancelled_too() -> None:
    async def main() -> None:
        try:
            await wait_for_nothing()
        finally:
            await wait_for_nothing()

    with pytest.raises(tcplab.Deadlock, match=f":{line_of(main, 'await')}"):  # the first of the two is told
        tcplab.run(main())


def test_two_ends_that_wait_for_each_other_are_stuck() -> None:
    async def main() -> None:
        async with tcplab.Lab(), await tcplab.serve(echo, 7) as server:
            reader, writer = await tcplab.connect(SERVER, 7)
            try:
                await reader.read(1)
            finally:
                writer.close()
                server.abort_clients()

    with pytest.raises(tcplab.Deadlock, match=r"in main at .*; .* in echo at streams\.py"):
        tcplab.run(main())


def test_a_server_without_clients_has_nothing_to_wait_for() -> None:
    async def main() -> None:
        async with tcplab.Lab():
            await (await tcplab.serve(echo, 7)).serve_forever()

    with pytest.raises(tcplab.Deadlock, match="at 0 s"):
        tcplab.run(main())


def test_a_loop_that_runs_for_ever_is_stuck_too() -> None:
    loop = tcplab.VirtualLoop()
    try:
        with pytest.raises(tcplab.Deadlock):
            loop.run_forever()
    finally:
        loop.close()


@pytest.mark.parametrize("error", [ArithmeticError, asyncio.CancelledError])
def test_what_the_program_raises_is_its_own(error: type[BaseException]) -> None:
    async def main() -> None:
        raise error

    with pytest.raises(error):
        tcplab.run(main())


# --- the same again --------------------------------------------------------------------------------------------------

STORY = """
import asyncio, hashlib, tcplab
from tcplab.observe.journal import Journal
from tests.runtime.streams import SERVER, echo

async def ask(n):
    reader, writer = await tcplab.connect(SERVER, 7)
    writer.write(bytes([n]) * 5_000 * n)
    writer.write_eof()
    await asyncio.sleep(n / 10)
    assert await reader.read() == bytes([n]) * 5_000 * n
    writer.close()

async def main():
    journal = Journal()
    async with tcplab.Lab(delay=0.05, jitter=0.02, loss=0.1, seed={seed}, observers=[journal]):
        async with await tcplab.serve(echo, 7), asyncio.TaskGroup() as group:
            for n in range(1, 9):
                group.create_task(ask(n))
    print(len(journal.records), hashlib.sha256(repr(journal.records).encode()).hexdigest())

tcplab.run(main())
"""


def story(seed: int, hash_seed: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", STORY.replace("{seed}", str(seed))],
        env=os.environ | {"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return answer.stdout


def test_the_same_seed_gives_the_same_run_event_for_event() -> None:
    told = story(1, "1")

    assert int(told.split()[0]) > 500
    assert story(1, "2") == told
    assert story(2, "1") != told
