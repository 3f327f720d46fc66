"""Brokers that are absent, late, or will not have us: one line for each, waiting where that is of use."""

import asyncio
from dataclasses import replace

import pytest

from tcplab.port import LinkDown, LinkUp, PortError
from tcplab.runtime.amqp import AmqpPort, Broker
from tests.broker.ports import CLOCK, HASTY, Watcher, client_end, fresh, make, network_end, open_port, refusal
from tests.support.cable import Cable
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker


def port_at(broker: Broker) -> AmqpPort:
    return AmqpPort(broker, client_end(), clock=CLOCK, name="test", limits=HASTY)


@in_loop
async def test_a_wrong_password_is_one_line_and_no_waiting(amqp_lab: Lab) -> None:
    right = amqp_lab.broker("client")

    line = await refusal(port_at(replace(right, password="wrong")))

    assert line.startswith(f"broker {right.host}:{right.port}: it refuses the password of user '{right.user}'")
    assert "wrong" not in line


@in_loop
async def test_a_missing_virtual_host_is_one_line_with_the_way_to_make_it(amqp_lab: Lab) -> None:
    line = await refusal(port_at(amqp_lab.broker("client", vhost="nowhere")))

    assert "vhost nowhere not found" in line
    assert "python -m tcplab.runtime.definitions makes" in line


@in_loop
async def test_a_virtual_host_of_others_is_one_line(amqp_lab: Lab) -> None:
    amqp_lab.management.delete("permissions", amqp_lab.vhost, amqp_lab.broker("client").user)

    line = await refusal(port_at(amqp_lab.broker("client")))

    assert f"access to vhost '{amqp_lab.vhost}' refused for user" in line


@in_loop
async def test_a_refusal_of_a_packet_itself_ends_the_port(amqp_lab: Lab) -> None:
    may = {"configure": ".*", "read": ".*", "write": "^(network[.]1|quarantine)$"}  # all that opening the port takes
    amqp_lab.management.put("permissions", amqp_lab.vhost, amqp_lab.broker("netem").user, body=may)

    async with open_port(amqp_lab, "netem", network_end(amqp_lab)) as (port, watcher):
        port.send([fresh(1)])
        error = await port.lost()

        assert "access to exchange 'amq.default'" in str(error)
        assert watcher.of(LinkDown) == [LinkDown(str(error), final=True)]


@in_loop
async def test_a_queue_that_another_declared_otherwise_is_one_line(amqp_lab: Lab) -> None:
    queue = {"durable": True, "arguments": {"x-max-length": 5}}
    amqp_lab.management.put("queues", amqp_lab.vhost, "quarantine", body=queue)

    line = await refusal(make(amqp_lab, "netem", network_end(amqp_lab)))

    assert "inequivalent arg" in line
    assert "delete what was declared otherwise" in line


@in_loop
async def test_an_unreachable_broker_is_waited_for_and_said_once(amqp_lab: Lab) -> None:
    there = amqp_lab.broker("client")
    async with Cable(there.host, there.port) as cable:
        await cable.cut()
        port, watcher = make(amqp_lab, "client", client_end(), port=cable.port), Watcher()
        opening = asyncio.create_task(port.open(watcher.deliver, watcher.tell))
        down = await watcher.until_told(LinkDown)
        await asyncio.sleep(3 * HASTY.retry_last)  # for some more attempts
        assert not opening.done()
        await cable.mend()
        await opening
        await port.close()

    assert down.reason == f"broker 127.0.0.1:{cable.port}: Connection refused; trying again"
    assert watcher.events == [down, LinkUp(0)]


@in_loop
async def test_a_name_that_nobody_knows_yet_is_waited_for(amqp_lab: Lab) -> None:
    port, watcher = port_at(replace(amqp_lab.broker("client"), host="broker.invalid")), Watcher()

    opening = asyncio.create_task(port.open(watcher.deliver, watcher.tell))
    down = await watcher.until_told(LinkDown)
    opening.cancel()
    await port.close()

    assert down.reason.startswith(f"broker broker.invalid:{amqp_lab.found.port}: ")
    assert "trying again" in down.reason


@in_loop
async def test_something_that_does_not_speak_amqp_is_waited_for() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        broker = Broker("127.0.0.1", server.sockets[0].getsockname()[1], "client", "client", "tcplab")
        port, watcher = port_at(broker), Watcher()
        opening = asyncio.create_task(port.open(watcher.deliver, watcher.tell))
        down = await watcher.until_told(LinkDown)
        opening.cancel()
        await port.close()

    assert "does not speak AMQP, or not yet; trying again" in down.reason


@in_loop
async def test_a_port_can_be_closed_while_it_waits_and_before_it_begins() -> None:
    port = port_at(Broker("127.0.0.1", 1, "client", "client", "tcplab"))
    await port.close()
    watcher = Watcher()
    opening = asyncio.create_task(port.open(watcher.deliver, watcher.tell))
    await watcher.until_told(LinkDown)

    await port.close()

    with pytest.raises(asyncio.CancelledError):
        await opening


@in_loop
async def test_a_password_that_is_changed_ends_the_port_when_it_connects_again(amqp_lab: Lab) -> None:
    amqp_lab.management.put("users", user := f"client-{amqp_lab.vhost}", body={"password": "old", "tags": ""})
    everything = {"configure": ".*", "read": ".*", "write": ".*"}
    amqp_lab.management.put("permissions", amqp_lab.vhost, user, body=everything)
    there = replace(amqp_lab.broker("client"), user=user, password="old")
    try:
        async with Cable(there.host, there.port) as cable:
            port, watcher = port_at(replace(there, host="127.0.0.1", port=cable.port)), Watcher()
            await port.open(watcher.deliver, watcher.tell)
            amqp_lab.management.put("users", user, body={"password": "new", "tags": ""})
            await cable.cut()
            await cable.mend()
            error = await port.lost()
            await port.close()
    finally:
        amqp_lab.management.delete("users", user)

    assert isinstance(error, PortError)
    assert f"refuses the password of user '{user}'" in str(error)
    assert watcher.of(LinkDown)[-1] == LinkDown(str(error), final=True)
