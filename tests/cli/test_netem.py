"""``tcplab netem`` as people run it, at a real lab service, broker and network."""

import asyncio
import json
import signal
import socket
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tcplab.netem.notices import FaultHealed
from tcplab.units import SECOND
from tests.broker.followers import following, until_revision
from tests.broker.ports import CLOCK
from tests.cli.terminal import COMMAND, piped
from tests.lab.service import Service, service
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker


async def run(lab: Service, *words: str) -> CompletedProcess[str]:
    """Run a command beside the service, which is in this process."""
    return await asyncio.to_thread(piped, "netem", *words, "--lab", lab.url)


async def done(lab: Service, *words: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    ended = await run(lab, *words)
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


@in_loop
async def test_what_is_set_is_shown_with_what_came_of_it(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab, 2):
        assert "nothing stands on top of the base" in await done(lab, "show")
        said = await done(lab, "set", "client>server", "delay", "100ms", "loss", "1%", "--by", "workshop")
        await done(lab, "partition", "client", "|", "server", "--name", "split")
        await lab.status(1)
        shown = await done(lab, "show")
        told = json.loads(await done(lab, "show", "--json"))

    assert "revision 1: link client>server delay 100ms loss 1% (workshop)" in said
    for line in (
        "link client>server delay 100ms loss 1%",
        "partition client | server as split",
        "partition: has touched no segment of 0",
        "loss: has touched no segment of 0",
        "netem-2",
    ):
        assert line in shown
    assert told["network"]["revision"] == told["status"]["shards"]["netem-2"]["revision"] == 2


@in_loop
async def test_a_trace_is_read_here_and_sent_along(amqp_lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "up.trace"
    file.write_text("1\n2\n5\n", encoding="utf-8")
    async with service(amqp_lab) as lab, following(amqp_lab, 2) as shard:
        said = await done(lab, "set", "client>server", "trace", "rate", str(file))
        await until_revision(shard, 1)
        (profile,) = shard.network.configuration.links.values()
        missing = await run(lab, "set", "client>server", "trace", "rate", str(tmp_path / "down.trace"))
        file.write_text("soon\n", encoding="utf-8")
        wrong = await run(lab, "set", "client>server", "trace", "rate", str(file))

    assert f"revision 1: link client>server trace rate {file}" in said
    assert profile.traces() == {str(file): "1\n2\n5\n"}
    assert (missing.returncode, wrong.returncode) == (2, 2)
    assert "no rate trace: No such file or directory" in missing.stderr
    assert "line 1: 'soon' is no time in whole milliseconds" in wrong.stderr


@in_loop
async def test_every_command_that_changes_is_a_line_of_the_history(amqp_lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_text("link *>* loss 1%  # and\nat 5s: link *>* reset\n", encoding="utf-8")
    async with service(amqp_lab) as lab:
        await done(lab, "blackhole", "client>server", "--name", "hole")
        await done(lab, "flap", "server>client", "up", "2s", "down", "500ms")
        await done(lab, "fault", "partition", "client", "|", "server", "as", "split")
        await done(lab, "heal", "hole", "flap-1")
        await done(lab, "apply", str(file))
        await done(lab, "set", "*>*", "reset")
        await done(lab, "clear")
        history = await done(lab, "history", "--limit", "7")

    whats = [line.split(maxsplit=3)[3].strip() for line in history.splitlines()[1:]]
    assert whats == [
        "clear",
        "link *>* reset",
        "link *>* loss 1%; at 5s: link *>* reset",
        "heal hole; heal flap-1",
        "partition client | server as split",
        "flap server>client up 2s down 500ms as flap-1",
        "blackhole client>server as hole",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("set", "client>server", "delay", "100"), 2, "needs a unit"),
        (("set", "client>server", "los", "1%"), 2, "did you mean 'loss'?"),
        (("heal", "nobody"), 2, "there is no fault 'nobody'; there are none"),
        (("partition", "client", "--for", "30"), 2, "--for 30: needs a unit: 30s, 30ms"),
        (("partition", "client", "|", "server", "--for", "1ms"), 2, "ttl"),
        (("partition", "client", "|", "server", "--for", "1s", "--hold"), 2, "choose one"),
        (("apply", "/nowhere/lines"), 2, "/nowhere/lines: No such file or directory"),
    ],
)
@in_loop
async def test_what_is_wrong_is_said_and_changes_nothing(
    amqp_lab: Lab, words: tuple[str, ...], code: int, said: str
) -> None:
    async with service(amqp_lab) as lab:
        ended = await run(lab, *words)

        assert (ended.returncode, ended.stdout) == (code, "")
        assert ended.stderr.startswith("tcplab netem: ")
        assert said in ended.stderr
        assert (await lab.text(), lab.desk.record.leases) == ("", {})


@in_loop
async def test_a_word_that_is_wrong_is_pointed_at(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        ended = await run(lab, "set", "client>server", "delay", "100ms", "los", "1%")

    _, text, carets, _ = ended.stderr.splitlines()
    assert text[carets.index("^") : carets.rindex("^") + 1] == "los"


@in_loop
async def test_for_a_while_nothing_need_run(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab) as shard:
        await done(lab, "partition", "client", "|", "server", "--for", "1500ms")
        (lease,) = lab.desk.record.leases.values()

        await shard.watcher.until_told(FaultHealed)

        assert 0 <= CLOCK.now() - lease.until < 2 * SECOND
        while lab.desk.record.leases:
            await asyncio.sleep(0.05)
        assert await lab.text() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@in_loop
async def test_what_is_held_heals_when_the_command_ends_even_by_force(amqp_lab: Lab, number: signal.Signals) -> None:
    async with service(amqp_lab) as lab, following(amqp_lab) as shard:
        words = ("netem", "partition", "client", "|", "server", "--hold", "--lab", lab.url)
        process = await asyncio.create_subprocess_exec(
            COMMAND, *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            while lab.desk.record.revision < 3:  # the lease, the fault, a heartbeat
                await asyncio.sleep(0.05)
            assert len(shard.network.faults()) == 1

            process.send_signal(number)

            killed = CLOCK.now()
            await shard.watcher.until(lambda: shard.network.faults() == ())
            healed = CLOCK.now() - killed
            _, said = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        while lab.desk.record.leases:
            await asyncio.sleep(0.05)

        assert healed < (8 * SECOND if number is signal.SIGKILL else 2 * SECOND)
        assert process.returncode == (-9 if number is signal.SIGKILL else 0)
        assert said == b"held until Ctrl-C\n"
        assert await lab.text() == ""


@in_loop
async def test_changes_are_followed_as_they_are_made(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        await lab.change("link *>* loss 1%")
        process = await asyncio.create_subprocess_exec(
            COMMAND, "netem", "watch", "--lab", lab.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        lines = [await process.stdout.readline()]
        await lab.change("link *>* reset")
        lines.append(await process.stdout.readline())
        lab.desk.dismiss()
        _, said = await process.communicate()

    assert [line.decode().split("revision ")[1] for line in lines] == ["1: link *>* loss 1%\n", "2: link *>* reset\n"]
    assert (process.returncode, said) == (1, b"tcplab netem: the lab service has ended\n")


@in_loop
async def test_a_lab_without_a_network_says_so(amqp_lab: Lab) -> None:
    async with service(amqp_lab) as lab:
        shown = await done(lab, "show")

    assert "no shard of the network answers" in shown


@pytest.mark.parametrize("words", [("show",), ("set", "*>*", "loss", "1%"), ("watch",), ("history",)])
def test_a_service_that_is_not_there_is_one_line_with_the_way_out(words: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    ended = piped("netem", *words, TCPLAB_LAB_URL=f"http://127.0.0.1:{port}")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"tcplab netem: no lab service answers at http://127.0.0.1:{port} (Connection refused); "
        "start the lab (make up), or say where it is (--lab URL, or TCPLAB_LAB_URL)\n"
    )


@in_loop
async def test_something_else_that_answers_there_is_no_lab_service() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ended = await asyncio.to_thread(piped, "netem", "show", "--lab", url)

    assert ended.returncode == 1
    assert ended.stderr == f"tcplab netem: {url}/network is no lab service: it answers with 404\n"
