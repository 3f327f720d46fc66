"""The driver of real time, in a loop whose time leaps from timer to timer: every instant below is exact."""

import asyncio
from typing import cast

import pytest

from tcplab.netem.network import Network
from tcplab.node import Node, Observer, Output, Packet, PacketDiscarded, PacketReceived, PacketSent
from tcplab.port import ClockDisturbed, LinkUp, PortError, TimerLagged
from tcplab.runtime.clock import EPOCH, Clock
from tcplab.runtime.loop import Driver
from tcplab.tcp.app import InvalidCall
from tcplab.units import MILLISECOND, MINUTE, SECOND, Duration, Instant
from tests.netem.packets import CLIENT, SERVER, packet
from tests.runtime.nodes import Broken, Choosy, Noted, Notes, Scripted, TestPort
from tests.support.loops import LeapingLoop, in_leaping_time, in_loop

NOON = EPOCH  # when the loop's time is 0


def loop() -> LeapingLoop:
    return cast(LeapingLoop, asyncio.get_running_loop())


def drive(node: Node, port: TestPort, *observers: Observer, lifetime: Duration | None = None) -> Driver:
    return Driver("node", node, port, observers, clock=loop().clock(), lifetime=lifetime)


@in_leaping_time
async def test_a_node_is_woken_at_its_deadlines_and_not_between() -> None:
    node, notes = Scripted([NOON + 3 * SECOND, NOON + 240 * SECOND]), Notes()

    async with drive(node, TestPort(), notes):
        await asyncio.sleep(300)

    assert node.inputs == [("waking", NOON + 3 * SECOND), ("waking", NOON + 240 * SECOND)]
    assert notes.told == [
        (NOON + 3 * SECOND, TimerLagged(Duration(0))),
        (NOON + 240 * SECOND, TimerLagged(Duration(0))),
    ]


@in_leaping_time
async def test_a_deadline_that_comes_nearer_is_kept() -> None:
    def hurry(_: Packet, now: Instant) -> Output:
        node.due.append(now + 1)
        return Output()

    node, port = Scripted([NOON + 100 * SECOND], on_packet=hurry), TestPort()

    async with drive(node, port):
        await asyncio.sleep(5)
        port.deliver([packet(1)], None)
        await asyncio.sleep(5)

    assert node.inputs == [("packet 1", NOON + 5 * SECOND), ("waking", NOON + 5 * SECOND + 1)]


@in_leaping_time
async def test_a_deadline_that_is_put_off_wakes_nobody_early() -> None:
    node = Scripted([NOON + 10 * SECOND])
    port = TestPort()

    async with drive(node, port):
        node.due = [NOON + 20 * SECOND]
        port.deliver([packet(1, Instant(NOON))], None)
        await asyncio.sleep(30)

    assert node.inputs == [("packet 1", NOON), ("waking", NOON + 20 * SECOND)]


@in_leaping_time
async def test_a_late_timer_is_told_and_goes_before_what_came_later() -> None:
    node, notes = Scripted([NOON + SECOND]), Notes()
    port = TestPort()

    async with drive(node, port, notes):
        await asyncio.sleep(0.5)
        loop().leap(0.75)  # the loop is kept from its timers
        port.deliver([packet(1)], None)
        await asyncio.sleep(0.5)

    late = NOON + 1_250 * MILLISECOND
    assert node.inputs == [("waking", late), ("packet 1", late)]
    assert notes.told[0] == (late, TimerLagged(250 * MILLISECOND))


@in_leaping_time
async def test_scaled_time_wakes_a_node_sooner() -> None:
    here = loop()
    clock = Clock(10, steady=here.nanoseconds, awake=here.nanoseconds, wall=lambda: EPOCH + here.nanoseconds())
    node = Scripted([NOON + 240 * SECOND])

    async with Driver("node", node, TestPort(), clock=clock):
        await asyncio.sleep(23.9)
        assert node.inputs == []
        await asyncio.sleep(0.2)

    assert node.inputs == [("waking", NOON + 240 * SECOND)]


@in_leaping_time
async def test_observers_are_told_of_the_packet_then_the_nodes_events_then_what_came_out() -> None:
    answer = packet(2, NOON, SERVER, CLIENT)
    node, notes, port = Scripted(on_packet=lambda *_: Output([answer], [Noted()])), Notes(), TestPort()

    async with drive(node, port, notes):
        port.deliver([packet(1, NOON)], None)

    assert notes.kinds() == ["PacketReceived", "Noted", "PacketSent"]
    assert notes.told[0] == (NOON, PacketReceived(packet(1, NOON)))
    assert notes.told[2] == (NOON, PacketSent(answer))


@in_leaping_time
async def test_an_observer_may_come_and_go_while_the_driver_runs() -> None:
    node, port, stays, guest = Scripted(), TestPort(), Notes(), Notes()

    async with drive(node, port, stays) as driver:
        for number, change in enumerate((driver.attach, driver.detach, driver.detach), start=1):
            port.deliver([packet(number, NOON)], None)
            change(guest)
        port.deliver([packet(4, NOON)], None)

    assert [event for _, event in stays.told] == [PacketReceived(packet(number, NOON)) for number in (1, 2, 3, 4)]
    assert [event for _, event in guest.told] == [PacketReceived(packet(2, NOON))]


@in_leaping_time
async def test_an_observer_is_spared_what_it_does_not_heed() -> None:
    node = Scripted(on_packet=lambda *_: Output([packet(2, NOON, SERVER, CLIENT)], [Noted()]))
    all_of_it, sent, noted, none = Notes(), Choosy(PacketSent, LinkUp), Choosy(Noted), Choosy()
    port = TestPort()

    async with drive(node, port, sent, noted, none) as driver:
        port.deliver([packet(1, NOON)], None)
        port.tell(LinkUp(0))
        driver.attach(all_of_it)
        port.deliver([packet(3, NOON)], None)

    assert sent.kinds() == ["PacketSent", "LinkUp", "PacketSent"]
    assert noted.kinds() == ["Noted", "Noted"]
    assert none.kinds() == []
    assert all_of_it.kinds() == ["PacketReceived", "Noted", "PacketSent"]


@in_leaping_time
async def test_what_one_turn_brings_forth_leaves_as_one_batch() -> None:
    node = Scripted(
        [NOON + SECOND],
        on_packet=lambda came, now: Output([packet(100 + came.id, now)]),
        on_waking=lambda now: Output([packet(200, now), packet(201, now)]),
    )
    port = TestPort()

    async with drive(node, port):
        port.deliver([packet(1), packet(2)], None)
        port.deliver([packet(3)], None)
        assert port.sent == []
        await asyncio.sleep(0)
        assert [[each.id for each in batch] for batch in port.sent] == [[101, 102, 103]]
        await asyncio.sleep(2)

    assert [[each.id for each in batch] for batch in port.sent] == [[101, 102, 103], [200, 201]]


@in_leaping_time
async def test_packets_older_than_the_lifetime_never_reach_the_node() -> None:
    node, notes, port = Scripted(), Notes(), TestPort()
    lifetime = 2 * MINUTE

    async with drive(node, port, notes, lifetime=lifetime):
        await asyncio.sleep(130)
        now = NOON + 130 * SECOND
        packets = [packet(1, now - lifetime - 1), packet(2, now - lifetime)]
        packets += [packet(3, now + lifetime), packet(4, now + lifetime + 1)]  # clocks that disagree
        port.deliver(packets, None)

    assert node.inputs == [("packet 2", now), ("packet 3", now)]
    assert notes.told[0] == (now, PacketDiscarded(packets[0], "expired"))
    assert notes.kinds() == ["PacketDiscarded", "PacketReceived", "PacketReceived", "PacketDiscarded"]


@in_leaping_time
async def test_the_network_learns_who_sent_a_packet() -> None:
    notes, port = Notes(), TestPort()

    async with drive(Network({}, seed=1), port, notes):
        port.deliver([packet(1, NOON)], "server")
        port.deliver([packet(2, NOON)], "client")

    assert [event.reason for _, event in notes.told if isinstance(event, PacketDiscarded)] == ["spoofed_source"]
    assert [each.id for batch in port.sent for each in batch] == [2]


@in_leaping_time
async def test_a_command_is_done_at_once_and_its_refusal_is_the_callers() -> None:
    node, port = Scripted(), TestPort()

    def refuse(_: Instant) -> Output:
        raise InvalidCall("no such connection")

    async with drive(node, port) as driver:
        with pytest.raises(InvalidCall):
            driver.do(refuse)
        driver.do(lambda now: Output([packet(5, now)]))
        await asyncio.sleep(0)
        assert [[each.id for each in batch] for batch in port.sent] == [[5]]


@in_leaping_time
async def test_stopping_lets_go_of_what_is_left_and_closes_the_port() -> None:
    port = TestPort()

    async with drive(Scripted([NOON + SECOND]), port) as driver:
        driver.do(lambda now: Output([packet(1, now)]))
        driver.stop()
        driver.stop()
        await driver.done()

    assert [[each.id for each in batch] for batch in port.sent] == [[1]]
    assert port.closed == 1


@in_leaping_time
async def test_after_the_end_nothing_reaches_the_node() -> None:
    node, port = Scripted([NOON + SECOND]), TestPort()
    async with drive(node, port):
        pass

    port.deliver([packet(1, NOON)], None)
    await asyncio.sleep(5)

    assert node.inputs == []


def fail(*_: object) -> Output:
    raise ZeroDivisionError("a bug")


@in_leaping_time
async def test_an_error_of_the_node_ends_the_driver_and_not_the_port() -> None:
    port = TestPort()

    async with drive(Scripted(on_packet=fail), port) as driver:
        port.deliver([packet(1, NOON)], None)
        with pytest.raises(ZeroDivisionError):
            await driver.done()
        port.deliver([packet(2, NOON)], None)

    assert port.sent == []


@in_leaping_time
async def test_an_error_of_an_observer_ends_the_driver() -> None:
    port = TestPort()

    async with drive(Scripted(), port, Broken()) as driver:
        port.tell(LinkUp(0))
        with pytest.raises(OSError, match="disk full"):
            await driver.done()


@in_leaping_time
async def test_a_port_that_is_lost_for_good_ends_the_driver() -> None:
    port = TestPort()

    async with drive(Scripted(), port) as driver:
        port.lose(PortError("address 10.0.1.1 is in use"))
        with pytest.raises(PortError, match=r"10\.0\.1\.1 is in use"):
            await driver.done()


@in_leaping_time
async def test_a_port_that_breaks_ends_the_driver() -> None:
    port = TestPort()

    async with drive(Scripted(), port) as driver:
        port.breaks(RuntimeError("a bug of the port"))
        with pytest.raises(RuntimeError, match="a bug of the port"):
            await asyncio.wait_for(driver.done(), 1)


@in_leaping_time
async def test_a_port_that_cannot_be_opened_is_closed() -> None:
    port = TestPort(PortError("no such virtual host"))

    with pytest.raises(PortError, match="no such virtual host"):
        async with drive(Scripted(), port):
            pytest.fail("the driver was entered")

    assert port.closed == 1


@in_leaping_time
async def test_a_machine_that_slept_is_noticed_within_a_second_and_what_was_due_is_done() -> None:
    here = loop()
    slept = 0

    def steady() -> int:
        return here.nanoseconds() + slept

    clock = Clock(steady=steady, awake=here.nanoseconds, wall=lambda: EPOCH + steady())
    node, notes = Scripted([NOON + 600 * SECOND]), Notes()
    async with Driver("node", node, TestPort(), (notes,), clock=clock):
        await asyncio.sleep(10.5)
        slept = 3_600 * SECOND
        await asyncio.sleep(1)

    woken = NOON + 3_611 * SECOND
    assert node.inputs == [("waking", woken)]
    assert notes.told == [
        (woken, TimerLagged(3_011 * SECOND)),
        (woken, ClockDisturbed("slept", 3_600 * SECOND)),
    ]


@in_loop
async def test_the_services_loop_counts_time_in_less_than_milliseconds() -> None:
    here = asyncio.get_running_loop()

    async def late(wait: float) -> float:
        began = here.time()
        await asyncio.sleep(wait)
        return here.time() - began - wait

    lags = [await late(0.0002) for _ in range(100)]

    # The machine may be busy, but not all the time; epoll, which counts milliseconds, would be 0.8 late each time.
    assert -0.000_001 < min(lags) < 0.000_5
