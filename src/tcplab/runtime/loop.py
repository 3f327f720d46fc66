"""The driver of real time: one asyncio loop, one node, one port."""

import asyncio
import selectors
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Final, Self

from tcplab.netem.network import Network
from tcplab.node import (
    Event,
    Node,
    Observer,
    Output,
    Packet,
    PacketDiscarded,
    PacketReceived,
    PacketSent,
    Selective,
    was_let_in,
)
from tcplab.port import Port, TimerLagged
from tcplab.runtime.clock import Clock
from tcplab.tcp.config import MSL_DEFAULT
from tcplab.units import START, Duration, Instant

Act = Callable[[Instant], Output]
"""Something to do to the node besides delivering packets, such as ``host.start``."""

_Observe = Callable[[str, Event, Instant], None]

CLOCK_INTERVAL: Final = 1.0  # real seconds between two looks at the machine's clocks


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop whose timers are as exact as the machine's; for what waits for a handful of sockets.

    Linux's epoll counts milliseconds, and asyncio rounds up to the next. With select it counts microseconds; there no
    socket may have a number of 1,024 or more.
    """
    return asyncio.SelectorEventLoop(selectors.SelectSelector() if sys.platform == "linux" else None)


class Driver:
    """Carries packets between a port and a node, wakes the node at its deadline, tells observers.

    All packets that one turn of the loop brings forth leave together, at the end of the turn. Observers are told of
    each input: the packet that came, the node's own events, what came out (in virtual time, the last two the other way
    round). An error of the node, of an observer or of the port ends the driver: :meth:`done` raises it.

    Use it as a context: entering opens the port, leaving closes it::

        async with driver:
            driver.do(host.start)
            await driver.done()
    """

    def __init__(
        self,
        name: str,
        node: Node,
        port: Port,
        observers: Sequence[Observer] = (),
        *,
        clock: Clock,
        lifetime: Duration | None = MSL_DEFAULT,
        watch_clocks: bool = True,
    ) -> None:
        """Join the three; nothing happens before the driver is entered.

        Args:
            name: what the node is called when observers are told.
            node: a host or a network; nobody else may touch it while the driver runs.
            port: where its packets come from and go to.
            observers: told of every event, or of what they heed, in this order.
            clock: the lab's time.
            lifetime: packets older than this by their ``born`` are discarded at the door; ``None`` lets all in.
            watch_clocks: whether to look at the machine's clocks now and then; not where the loop's time is virtual.
        """
        self.name: Final = name
        self._node = node
        self._network = node if isinstance(node, Network) else None
        self._port = port
        self._observers = tuple(observers)
        self._audiences: dict[type[Event], tuple[_Observe, ...]] = {}
        self._clock = clock
        self._lifetime = lifetime
        self._packets: list[Packet] = []
        self._due: Instant | None = None
        self._wakes: Instant = START
        self._watch_clocks = watch_clocks
        self._timer: asyncio.TimerHandle | None = None
        self._clock_timer: asyncio.TimerHandle | None = None
        self._turn_ends = False
        self._open = False

    async def __aenter__(self) -> Self:
        """Open the port.

        Raises:
            PortError: the port cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        self._end: asyncio.Future[None] = self._loop.create_future()
        self._open = True
        try:
            await self._port.open(self._deliver, self.tell)
        except BaseException:
            self._open = False
            await self._port.close()
            raise
        self._watch = self._loop.create_task(self._watch_port())
        if self._watch_clocks:
            self._look_at_clocks()
        self._end_turn_soon()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the port; what the node has brought forth leaves first."""
        if self._open and not self._failed():
            self._send()
        self._open = False
        for handle in (self._timer, self._clock_timer):
            if handle is not None:
                handle.cancel()
        self._watch.cancel()
        await asyncio.wait((self._watch,))
        await self._port.close()

    def do(self, act: Act) -> None:
        """Do something to the node now, as a command or a configuration does; for the loop's own thread.

        Raises:
            Exception: whatever ``act`` raises, such as ``InvalidCall``; the node goes on.
        """
        now = self._catch_up()
        self._absorb(act(now), now)
        self._end_turn_soon()

    def tell(self, event: Event) -> None:
        """Tell the observers of an event that happened beside the node, at the port as a rule."""
        try:
            self._tell((event,), self._clock.now())
        except Exception as error:
            self._fail(error)

    def attach(self, observer: Observer) -> None:
        """Tell one more observer of everything from now on, after the others; for the loop's own thread."""
        self._observers = (*self._observers, observer)
        self._audiences.clear()

    def detach(self, observer: Observer) -> None:
        """Tell an observer of nothing more; one that is not there is no matter."""
        self._observers = tuple(each for each in self._observers if each is not observer)
        self._audiences.clear()

    def stop(self) -> None:
        """Let :meth:`done` return; may be called more than once."""
        if not self._end.done():
            self._end.set_result(None)

    async def done(self) -> None:
        """Wait until :meth:`stop` was called.

        Raises:
            PortError: the port is lost for good.
            Exception: what the node, an observer or the port raised.
        """
        await asyncio.shield(self._end)

    # --- inputs ------------------------------------------------------------------------------------------------------

    def _deliver(self, packets: Sequence[Packet], sender: str | None) -> None:
        self._input(lambda now: self._take(packets, sender, now))

    def _wake(self) -> None:
        self._timer = None
        self._input(lambda _: None)

    def _input(self, take: Callable[[Instant], None]) -> None:
        """Let the node do what is due and then take an input; an error must not reach the port's callbacks."""
        if not self._open or self._failed():
            return
        try:
            take(self._catch_up())
        except Exception as error:
            self._fail(error)
        self._end_turn_soon()

    def _take(self, packets: Sequence[Packet], sender: str | None, now: Instant) -> None:
        receive, lifetime, audience = self._node.receive, self._lifetime, self._audience(PacketReceived)
        if sender is not None and self._network is not None:
            receive = partial(self._network.receive, sender=sender)
        for packet in packets:
            # A packet from the future is as bad as an old one: it would never grow old.
            if lifetime is not None and not -lifetime <= now - packet.born <= lifetime:
                self._tell((PacketDiscarded(packet, "expired"),), now)
                continue
            output = receive(packet, now)
            if audience and was_let_in(output):
                event = PacketReceived(packet)
                for observe in audience:
                    observe(self.name, event, now)
            self._absorb(output, now)

    def _catch_up(self) -> Instant:
        """Do what is due before anything else happens to the node; return the time."""
        now = self._clock.now()
        if self._due is not None and self._due <= now:
            lag = now - self._due
            self._due = None
            self._tell((TimerLagged(lag),), now)
            self._absorb(self._node.advance(now), now)
        return now

    def _absorb(self, output: Output, now: Instant) -> None:
        if output.events:
            self._tell(output.events, now)
        if packets := output.packets:
            self._packets += packets
            audience = self._audience(PacketSent)
            for packet in packets if audience else ():  # an event that nobody heeds is not even made
                event = PacketSent(packet)
                for observe in audience:
                    observe(self.name, event, now)

    def _tell(self, events: Sequence[Event], now: Instant) -> None:
        for event in events:
            for observe in self._audience(type(event)):
                observe(self.name, event, now)

    def _audience(self, kind: type[Event]) -> tuple[_Observe, ...]:
        """Return who is told of events of that type."""
        audience = self._audiences.get(kind)
        if audience is None:
            heeding = (each for each in self._observers if not isinstance(each, Selective) or kind in each.heeds)
            audience = self._audiences[kind] = tuple(each.observe for each in heeding)
        return audience

    # --- the end of a turn -------------------------------------------------------------------------------------------

    def _end_turn_soon(self) -> None:
        """Send and set the timer once all that this turn of the loop has in store was taken."""
        if self._open and not self._turn_ends:
            self._turn_ends = True
            self._loop.call_soon(self._end_turn)

    def _end_turn(self) -> None:
        self._turn_ends = False
        if not self._open or self._failed():
            return
        try:
            self._send()
            self._set_timer()
        except Exception as error:
            self._fail(error)

    def _send(self) -> None:
        packets, self._packets = self._packets, []
        if packets:
            self._port.send(packets)

    def _set_timer(self) -> None:
        """Wake in time for the deadline; a timer that stands may be early, which costs less than replacing it."""
        self._due = self._node.deadline()
        if self._due is None or (self._timer is not None and self._wakes <= self._due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._wakes = self._due
        wait = self._clock.real_seconds(max(0, self._due - self._clock.now()))
        self._timer = self._loop.call_later(wait, self._wake)

    # --- what may go wrong -------------------------------------------------------------------------------------------

    def _failed(self) -> bool:
        return self._end.done() and not self._end.cancelled() and self._end.exception() is not None

    def _fail(self, error: Exception) -> None:
        if not self._end.done():
            self._end.set_exception(error)

    async def _watch_port(self) -> None:
        try:
            self._fail(await self._port.lost())
        except Exception as error:
            self._fail(error)

    def _look_at_clocks(self) -> None:
        """Notice what befell the machine's clocks, and do what a sleep has made due behind the loop's back."""
        self._input(lambda now: self._tell(self._clock.disturbances(), now))
        self._clock_timer = self._loop.call_later(CLOCK_INTERVAL, self._look_at_clocks)
