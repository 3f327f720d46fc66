"""What a service does with its connections when it is told to stop."""

import asyncio
from collections.abc import Sequence
from functools import partial

from services.common.nodes import wind_up
from tcplab.node import PacketSent
from tcplab.runtime.clock import EPOCH, Clock
from tcplab.runtime.loop import Driver
from tcplab.tcp.app import Call, Open
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import ConnectionFailed, Failure
from tcplab.tcp.host import Host
from tcplab.units import SECOND
from tests.runtime.nodes import Notes, TestPort
from tests.support.loops import in_loop
from tests.support.tcp import HOST, PEER, Recorder


class Idle(Recorder):
    """An application that has nothing under way by its own account, so that nobody waits for it."""

    @property
    def under_way(self) -> int:
        return 0

    def stop(self) -> Sequence[Call]:
        return ()


class Jumping:
    """A monotonic clock that goes on by ``step`` nanoseconds whenever it is read."""

    def __init__(self) -> None:
        self.nanoseconds = self.step = 0

    def read(self) -> int:
        self.nanoseconds += self.step
        return self.nanoseconds


@in_loop
async def test_a_connection_that_ends_by_itself_in_the_last_moment_does_no_harm() -> None:
    time, app, notes = Jumping(), Idle(), Notes()
    clock = Clock(steady=time.read, awake=lambda: 0, wall=lambda: EPOCH)
    host = Host(HOST, app, TcpConfig(r2_syn=10 * SECOND, rto_initial=60 * SECOND))

    async with Driver("node", host, TestPort(), [notes], clock=clock, lifetime=None) as driver:
        driver.do(partial(host.call, Open(PEER, 80)))
        time.nanoseconds += SECOND
        driver.do(partial(host.call, Open(PEER, 81)))
        await asyncio.sleep(0)  # the turn ends: the driver knows when the first SYN is given up
        time.step = 9 * SECOND + SECOND // 2  # which is due, and not done, when the service begins to abort

        await wind_up(driver, host, app)

    failures = [event.reason for _, event in notes.told if isinstance(event, ConnectionFailed)]
    assert failures == [Failure.TIMEOUT, Failure.ABORTED]
    assert list(host.statuses()) == []
    assert len([event for _, event in notes.told if isinstance(event, PacketSent)]) == 2, "the two SYNs"
