"""Lets a running network go by what the log of configurations says."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from tcplab.netem.network import Network
from tcplab.node import Event
from tcplab.port import LinkDown, LinkUp, PortError
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.control import ControlPort
from tcplab.runtime.amqp.standing import AmqpLimits
from tcplab.runtime.amqp.topology import REPORT
from tcplab.runtime.clock import Clock
from tcplab.runtime.loop import Driver
from tcplab.runtime.records import MalformedRecord, load
from tcplab.runtime.reports import ASK, report

Say = Callable[[str], None]
"""Takes a line for people."""


class Follower:
    """Applies each snapshot between two packets, and reports what came of it."""

    def __init__(
        self,
        broker: Broker,
        shard: int,
        network: Network,
        driver: Driver,
        *,
        clock: Clock,
        say: Say,
        limits: AmqpLimits | None = None,
    ) -> None:
        """Nothing is followed yet.

        Args:
            broker: where the log is, and the user to be.
            shard: of the network.
            network: what the driver drives.
            driver: whose loop this is.
            clock: the lab's time.
            say: told what is wrong with a snapshot.
            limits: bounds of the connection.
        """
        self.port: Final = ControlPort(broker, shard, on_snapshot=self._apply, on_said=self._hear, limits=limits)
        self._network = network
        self._driver = driver
        self._clock = clock
        self._say = say
        self._base = {name: str(profile) for name, profile in network.profiles().items()}
        self._trouble = ""

    async def begin(self, patience: float) -> None:
        """Follow from now on; return once what stands was applied, or the broker did not tell it for so long.

        Args:
            patience: real seconds.
        """
        self.port.open(self._tell)
        try:
            async with asyncio.timeout(patience):
                await self.port.current()
        except TimeoutError:
            self._say(f"{self._driver.name}: the configuration's log is not to be had; begins without it")
        except PortError as error:
            self._say(f"{self._driver.name}: {error}; goes on without the configuration's log")

    def _tell(self, event: Event) -> None:
        """Say what befalls the connection; the data path's own is the one that health goes by."""
        match event:
            case LinkUp(reconnects=reconnects) if reconnects:
                self._say(f"{self._driver.name}: control: the broker answers again (times lost: {reconnects})")
            case LinkDown(reason=reason):
                self._say(f"{self._driver.name}: control: {reason}")

    def _apply(self, body: bytes) -> None:
        """Go by a snapshot; one that is there already, as after every reconnection, disturbs nothing."""
        try:
            configuration = load(body).configuration
            if configuration != self._network.configuration:
                self._driver.do(partial(self._network.configure, configuration))
            self._trouble = ""
        except MalformedRecord as error:
            self._trouble = f"a record of the configuration's log is malformed: {error}"
        except ValueError as error:
            self._trouble = f"the configuration does not fit this network: {error}"
        if self._trouble:
            self._say(f"{self._driver.name}: {self._trouble}; goes on as before")
        self._report()

    def _hear(self, kind: str, _body: bytes) -> None:
        if kind == ASK:
            self._report()

    def _report(self) -> None:
        told = report(self._driver.name, self._network, self._base, self._clock.now(), self._trouble)
        self.port.publish(f"{REPORT}.{self._driver.name}", told.model_dump_json().encode())
