"""The timeline of a configuration as it runs: what has happened, what is to come, and what is being counted."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tcplab.netem.changes import AfterDrops, AfterSegments, Enters, Entry
from tcplab.netem.configuration import Configuration
from tcplab.netem.events import PacketDropped
from tcplab.netem.flows import Entered
from tcplab.netem.notices import TimelineFired
from tcplab.netem.patterns import Road
from tcplab.node import Event
from tcplab.units import Instant, earliest


class Fired(NamedTuple):
    """An entry that has happened, and when."""

    entry: Entry
    at: Instant


class Timeline:
    """Each entry happens once; whoever drives it asks what has fired, and makes it so with :meth:`fire`.

    Nothing is known of what another process has counted: after a restart, entries that time triggers have happened, and
    those that something else triggers wait for it anew.
    """

    def __init__(self) -> None:
        self.configuration = Configuration()
        """What was configured, with the changes that the timeline has made to it."""
        self._fired: list[Fired] = []
        self._pending: dict[Entry, int] = {}  # with what was counted so far
        self._due: Instant | None = None

    def set(self, configuration: Configuration, now: Instant) -> None:
        """Go by this configuration; entries that stood before have happened, or have counted, what they have."""
        entries = tuple(entry.set_at(now) for entry in configuration.timeline)
        self._fired = [fired for fired in self._fired if fired.entry in entries]
        happened = {fired.entry for fired in self._fired}
        self._pending = {entry: self._pending.get(entry, 0) for entry in entries if entry not in happened}
        self._schedule()
        self.configuration = configuration
        for entry, at in self._fired:
            _, self.configuration = _changed(self.configuration, entry, at)

    @property
    def counts(self) -> bool:
        """Whether an entry waits for a number of packets."""
        return any(isinstance(entry.trigger, AfterDrops | AfterSegments) for entry in self._pending)

    @property
    def follows(self) -> bool:
        """Whether an entry waits for a state, so that connections must be followed."""
        return any(isinstance(entry.trigger, Enters) for entry in self._pending)

    def deadline(self) -> Instant | None:
        """Return when the next entry happens by time."""
        return self._due

    def due(self, now: Instant) -> list[Fired]:
        """Return what has fired by time, in the order of the times."""
        fired = [Fired(entry, entry.due) for entry in self._pending if entry.due is not None and entry.due <= now]
        return sorted(fired, key=lambda each: each.at)

    def saw(self, road: Road, events: Sequence[Event], now: Instant) -> list[Fired]:
        """Count a packet that came in on a road, and what came of it; return what that has fired."""
        fired = []
        for entry, counted in self._pending.items():
            match entry.trigger:
                case AfterDrops(count, by):
                    counted += sum(type(e) is PacketDropped and by in ("", e.rule, e.reason) for e in events)  # noqa: PLW2901
                case AfterSegments(count, where):
                    counted += where.fits(*road)  # noqa: PLW2901
                case _:
                    continue
            self._pending[entry] = counted
            if counted >= count:
                fired.append(Fired(entry, now))
        return fired

    def entered(self, entered: Sequence[Entered], now: Instant) -> list[Fired]:
        """Return what the states that ends of connections have entered have fired."""
        return [
            Fired(entry, now)
            for entry in self._pending
            if isinstance(entry.trigger, Enters) and any(map(entry.trigger.fits, entered))
        ]

    def fire(self, fired: Iterable[Fired]) -> list[Event]:
        """Make what has fired happen; tell of it."""
        told: list[Event] = []
        for each in fired:
            del self._pending[each.entry]
            self._fired.append(each)
            error, self.configuration = _changed(self.configuration, each.entry, each.at)
            told.append(TimelineFired(str(each.entry), error))
        self._schedule()
        return told

    def _schedule(self) -> None:
        self._due = earliest(*(entry.due for entry in self._pending))


def _changed(configuration: Configuration, entry: Entry, at: Instant) -> tuple[str, Configuration]:
    """Return what an entry makes of a configuration; where it cannot be made, why."""
    try:
        return "", configuration.changed((entry.change,), at)
    except ValueError as error:
        return str(error), configuration
