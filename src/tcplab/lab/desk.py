"""The lab service without HTTP: takes changes one by one, writes each into the log, and lets leases run out."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from pydantic import ValidationError

from tcplab.lab.drafts import SERVICE, Draft, due, expired, is_renewal
from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import whole_microseconds
from tcplab.netem.roles import DEFAULT_ROLES, Roles
from tcplab.port import PortError, Tell
from tcplab.runtime.amqp import Broker
from tcplab.runtime.amqp.log import ConfigurationLog, NotWritten
from tcplab.runtime.amqp.standing import AmqpLimits
from tcplab.runtime.amqp.topology import NETEM
from tcplab.runtime.clock import Clock
from tcplab.runtime.records import MalformedRecord, Record, dump, load
from tcplab.runtime.reports import ASK, Report

HISTORY_LIMIT: Final = 1_000
RETRY: Final = 0.5  # real seconds between two attempts to write that a lease has run out
SHARD_FORGOTTEN: Final = 3  # reports that a shard may leave out until it passes for gone
STATUS_PATIENCE: Final = 1.0  # real seconds
STATUS_LEAST: Final = 0.1  # real seconds
BEHIND_LIMIT: Final = 100  # changes that a listener may be behind before it is cut off


class Conflict(Exception):
    """Somebody else has changed the configuration meanwhile."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"revision {expected} stands no more: {found} does; read it, and try again")
        self.found = found


class Desk:
    """What stands, what stood before, and whoever wants to be told."""

    def __init__(
        self,
        broker: Broker,
        clock: Clock,
        *,
        say: Callable[[str], None],
        network_user: str = NETEM,
        limits: AmqpLimits | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            broker: where the log is, and the user to be.
            clock: the lab's time.
            say: told what people should know.
            network_user: the only user of the broker whose reports are believed.
            limits: bounds of the connection.
        """
        self.clock: Final = clock
        self.record = Record(Configuration(), whole_microseconds(clock.now()), SERVICE, "begins with nothing")
        """What stands."""
        self.changes = 0
        """How many records this process has written."""
        self._log = ConfigurationLog(
            broker,
            standing=lambda: dump(self.record),
            on_record=self._take_record,
            on_report=self._take_report,
            limits=limits,
        )
        self._say = say
        self._network_user = network_user
        self._roles = Roles(DEFAULT_ROLES)
        self._history: deque[Record] = deque(maxlen=HISTORY_LIMIT)
        self._lock = asyncio.Lock()
        self._changed = asyncio.Event()
        self._listeners: set[asyncio.Queue[Record | None]] = set()
        self._reports: dict[str, Report] = {}
        self._missed: dict[str, int] = {}
        self._heard = asyncio.Event()
        self._asking: list[dict[str, Report]] = []

    @asynccontextmanager
    async def running(self, tell: Tell) -> AsyncIterator[None]:
        """Read the log, and serve as long as the context lasts.

        Raises:
            PortError: the broker will not have us, or another lab service serves this lab.
        """
        try:
            await self._log.open(tell)
            self._log.say(ASK)
            sweeping = asyncio.create_task(self._sweep())
            try:
                yield
            finally:
                sweeping.cancel()
                await asyncio.wait((sweeping,))
                self.dismiss()
        finally:
            await self._log.close()

    async def lost(self) -> PortError:
        """Wait until the broker will not have us any more, and return why."""
        return await self._log.lost()

    # --- changing ----------------------------------------------------------------------------------------------------

    async def change(self, draft: Draft, expected: int | None = None) -> Record:
        """Make a change, and return the record that stands then: the broker has it.

        Args:
            draft: the change.
            expected: the revision that must stand, for it to be made.

        Raises:
            Conflict: another one stands.
            ValueError: the change cannot be made; nothing was changed.
            NotWritten: the broker does not have it, or has not said so.
        """
        async with self._lock:
            if expected is not None and expected != self.record.revision:
                raise Conflict(expected, self.record.revision)
            record = draft(self.record, whole_microseconds(self.clock.now()))
            record.configuration.check(self._roles)
            await self._log.append(dump(record))
            self._stand(record)
            self.changes += 1
            return record

    async def _sweep(self) -> None:
        """Let leases run out. The network ends what is bound to them by itself, so this may be late."""
        while True:
            self._changed.clear()
            end = due(self.record)
            if end is None:
                await self._changed.wait()
                continue
            wait = self.clock.real_seconds(max(0, end - self.clock.now()))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)
            if (end := due(self.record)) is None or end > self.clock.now():
                continue
            try:
                await self.change(expired)
            except NotWritten:
                await asyncio.sleep(RETRY)

    # --- asking ------------------------------------------------------------------------------------------------------

    def history(self) -> tuple[Record, ...]:
        """Return the records that are remembered, the last first; of renewals in a row, the last."""
        return tuple(reversed(self._history))

    async def listen(self, since: int | None = None) -> AsyncIterator[Record]:
        """Yield what stands, or what is remembered after a revision, and then every change as it is made.

        A listener that falls far behind is cut off.
        """
        listener: asyncio.Queue[Record | None] = asyncio.Queue(BEHIND_LIMIT + 1)
        known = [each for each in self._history if since is not None and each.revision > since]
        self._listeners.add(listener)
        try:
            for record in known if since is not None else [self.record]:
                yield record
            while (told := await listener.get()) is not None:
                yield told
        finally:
            self._listeners.discard(listener)

    def dismiss(self) -> None:
        """Tell nobody who listens now anything more."""
        for listener in self._listeners:
            listener.put_nowait(None)
        self._listeners.clear()

    async def status(self) -> Mapping[str, Report]:
        """Ask all shards of the network what they do, and return what each answers; who is gone is left out."""
        known, answers = set(self._reports), dict[str, Report]()
        self._asking.append(answers)
        try:
            self._log.say(ASK)
            await asyncio.sleep(STATUS_LEAST)  # for shards that nobody knows yet
            with suppress(TimeoutError):
                async with asyncio.timeout(STATUS_PATIENCE):
                    while known - answers.keys():
                        self._heard.clear()
                        await self._heard.wait()
        finally:
            self._asking = [each for each in self._asking if each is not answers]
        self._forget(known - answers.keys())
        return dict(sorted(answers.items()))

    def _forget(self, silent: set[str]) -> None:
        """Wait no more for shards that did not answer several times."""
        self._missed = {node: self._missed.get(node, 0) + 1 for node in silent}
        for node, missed in self._missed.items():
            if missed >= SHARD_FORGOTTEN:
                self._reports.pop(node, None)

    # --- what the log brings -----------------------------------------------------------------------------------------

    def _take_record(self, body: bytes) -> None:
        """Take what is in the log: all of it at first, later what we have written ourselves."""
        try:
            record = load(body)
        except MalformedRecord as error:
            self._say(f"lab: a record of the log is malformed, and left out: {error}")
            return
        if record.revision > self.record.revision or not self._history:
            self._stand(record)

    def _take_report(self, body: bytes, sender: str) -> None:
        if sender != self._network_user:
            return
        try:
            report = Report.model_validate_json(body)
        except ValidationError:
            self._say("lab: a shard's report cannot be read: run the same release everywhere")
            return
        for each in (self._reports, *self._asking):
            each[report.node] = report
        self._heard.set()

    def _stand(self, record: Record) -> None:
        if self._history and self._history[-1] == record:
            return
        self.record = record
        if self._history and is_renewal(record) and is_renewal(self._history[-1]):
            self._history.pop()  # heartbeats must not push out what somebody did
        self._history.append(record)
        self._changed.set()
        for listener in list(self._listeners):
            if listener.qsize() >= BEHIND_LIMIT:
                self._listeners.discard(listener)
                listener.put_nowait(None)
            else:
                listener.put_nowait(record)
