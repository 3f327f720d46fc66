"""Addresses at a real broker: leased, fixed, in use, outside the prefix; and one network a lab."""

import asyncio

import pytest

from tcplab.node import Address
from tcplab.port import LinkDown, LinkUp
from tcplab.runtime.amqp import HostEnd
from tests.broker.ports import HASTY, Watcher, client_end, make, network_end, open_port, refusal
from tests.netem.packets import CLIENT
from tests.support.labs import Lab
from tests.support.loops import in_loop

pytestmark = pytest.mark.broker


def leasing() -> HostEnd:
    return HostEnd("10.0.1.0/24")


@in_loop
async def test_each_lease_is_the_lowest_free_address_and_is_free_again_after(amqp_lab: Lab) -> None:
    first, second, third = leasing(), leasing(), leasing()

    async with open_port(amqp_lab, "client", second_holder := HostEnd("10.0.1.0/24", Address("10.0.1.2"))):
        async with open_port(amqp_lab, "client", first), open_port(amqp_lab, "client", second):
            assert (first.address, second_holder.address, second.address) == ("10.0.1.1", "10.0.1.2", "10.0.1.3")
        async with open_port(amqp_lab, "client", third):
            assert third.address == "10.0.1.1"


@in_loop
async def test_hosts_that_start_together_get_different_addresses(amqp_lab: Lab) -> None:
    ends = [leasing() for _ in range(8)]
    ports = [make(amqp_lab, "client", end) for end in ends]

    await asyncio.gather(*(port.connect(Watcher().tell) for port in ports))
    addresses = {end.address for end in ends}
    await asyncio.gather(*(port.close() for port in ports))

    assert addresses == {f"10.0.1.{number}" for number in range(1, 9)}


@in_loop
async def test_an_address_is_leased_before_packets_are_taken(amqp_lab: Lab) -> None:
    end, watcher = leasing(), Watcher()
    port = make(amqp_lab, "client", end)

    await port.connect(watcher.tell)
    assert end.address == "10.0.1.1"
    assert watcher.of(LinkUp) == []
    await port.open(watcher.deliver, watcher.tell)
    await port.close()

    assert watcher.events == [LinkUp(0)]


@in_loop
async def test_a_fixed_address_in_use_is_refused_after_three_heartbeats(amqp_lab: Lab) -> None:
    watcher = Watcher()
    loop = asyncio.get_running_loop()

    async with open_port(amqp_lab, "client", client_end()):
        port = make(amqp_lab, "client", client_end())
        began = loop.time()
        with pytest.raises(Exception, match=r"^address 10\.0\.1\.1 is in use by another host; choose another"):
            await port.open(watcher.deliver, watcher.tell)
        waited = loop.time() - began
        await port.close()

    assert waited >= 3 * HASTY.heartbeat
    said = [event.reason for event in watcher.of(LinkDown)]
    assert said[0].startswith("queue host.10.0.1.1 is held by another connection; waiting 4 s")
    assert len(said) == 2


@in_loop
async def test_an_address_whose_holder_goes_meanwhile_is_taken_over(amqp_lab: Lab) -> None:
    watcher = Watcher()
    holder = make(amqp_lab, "client", client_end())
    await holder.open(watcher.deliver, watcher.tell)
    heir, of_heir = make(amqp_lab, "client", client_end()), Watcher()

    opening = asyncio.create_task(heir.open(of_heir.deliver, of_heir.tell))
    await of_heir.until_told(LinkDown)
    await holder.close()
    await opening
    await heir.close()

    assert of_heir.of(LinkUp) == [LinkUp(0)]


@in_loop
async def test_a_prefix_without_a_free_address_says_so(amqp_lab: Lab) -> None:
    async with (
        open_port(amqp_lab, "client", HostEnd("10.0.1.8/30")),
        open_port(amqp_lab, "client", HostEnd("10.0.1.8/30")),
    ):
        line = await refusal(make(amqp_lab, "client", HostEnd("10.0.1.8/30")))

    assert line == "no address of 10.0.1.8/30 is free; stop a host, or use a wider prefix"


@pytest.mark.parametrize("address", [None, Address("10.0.2.7")])
@in_loop
async def test_an_address_outside_the_users_prefix_is_refused(amqp_lab: Lab, address: Address | None) -> None:
    line = await refusal(make(amqp_lab, "client", HostEnd("10.0.2.0/24", address)))

    assert "access to queue 'host.10.0.2." in line
    assert "rabbitmq/definitions.json" in line
    assert "\n" not in line


@in_loop
async def test_a_host_is_not_the_network(amqp_lab: Lab) -> None:
    line = await refusal(make(amqp_lab, "client", network_end(amqp_lab)))

    assert "access to exchange 'quarantine'" in line


@in_loop
async def test_hosts_wait_for_a_lab_that_nobody_has_declared_yet(amqp_lab: Lab) -> None:
    amqp_lab.management.delete("exchanges", amqp_lab.vhost, "to-network")
    early, watcher = make(amqp_lab, "client", client_end()), Watcher()

    opening = asyncio.create_task(early.open(watcher.deliver, watcher.tell))
    down = await watcher.until_told(LinkDown)
    async with open_port(amqp_lab, "netem", network_end(amqp_lab)):
        await opening
        await early.close()

    assert "the lab has no network yet, exchange 'to-network' is missing" in down.reason
    assert CLIENT == "10.0.1.1"
