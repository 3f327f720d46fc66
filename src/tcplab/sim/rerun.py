"""A network's record, run again: the same packets at the same instants must meet the same verdicts.

A network's verdicts come of its beginning, of what was set on it, and of what packets came when, and of nothing else. A
journal has all of these, so that the network of a lab that ran in real time can be run again in virtual time, event for
event, its late timers included.
"""

import json
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from tcplab.netem.network import Network
from tcplab.netem.notices import ConfigurationApplied, LinkSet, NetworkStarted
from tcplab.netem.profile import Profile
from tcplab.netem.snapshot import from_json
from tcplab.node import Event, PacketDiscarded, PacketReceived
from tcplab.observe.journal import Record
from tcplab.observe.sightings import is_of_network
from tcplab.units import Instant

NOBODY = ""
"""Stands for a sender whose packets the network turns away."""


class NotPlayable(ValueError):
    """A record cannot be run again: it sets the network to what this release does not know, or time goes back in it."""


class Difference(NamedTuple):
    """Where a run parts from its record; ``None`` where one of the two has nothing."""

    n: int
    """Of the record at which that showed."""
    time: Instant
    node: str
    recorded: Event | None
    found: Event | None


class Result(NamedTuple):
    """What came of running the networks of a journal again."""

    compared: int
    """Events of theirs that were as recorded."""
    differences: tuple[Difference, ...]
    """The first of each network; what comes after it cannot be compared."""
    begun: frozenset[str]
    """Networks whose beginning is in the journal."""
    missed: frozenset[str]
    """Networks of which something is, and the beginning is not."""


def rerun(records: Iterable[Record[Event]]) -> Result:
    """Run every network of a journal again whose beginning is in it.

    Raises:
        NotPlayable: what a network was set to cannot be read.
    """
    networks: dict[str, _Again] = {}
    missed: set[str] = set()
    compared = 0
    for record in records:
        event = record.event
        if isinstance(event, NetworkStarted):
            networks[record.node] = _Again(_network(record, event), record.time)
        again = networks.get(record.node)
        if again is None:
            missed |= {record.node} if is_of_network(event) else set()
        elif again.difference is None:
            try:
                compared += again.feed(record)
            except ValueError as error:
                raise _not_playable(record, str(error)) from None
    ended = [again for again in networks.values() if again.end() is not None]
    differences = tuple(again.difference for again in ended if again.difference is not None)
    return Result(compared, differences, frozenset(networks), frozenset(missed - networks.keys()))


class _Again:
    """A network that is run again beside its record."""

    def __init__(self, network: Network, begins: Instant) -> None:
        self.difference: Difference | None = None
        self._network = network
        self._now = begins
        self._due: deque[Event] = deque()  # what it has told, and the record has yet to
        self._last: Record[Event] | None = None

    def feed(self, record: Record[Event]) -> int:
        """Take the next record of the network; return how many events were as recorded."""
        event, now = record.event, record.time
        if not isinstance(event, PacketReceived | PacketDiscarded) and not is_of_network(event):
            return 0  # the driver's or the port's
        if now < self._now:
            raise ValueError(f"time goes back from {self._now} to {now}")
        self._now = now
        if self._due and isinstance(event, PacketReceived | PacketDiscarded | LinkSet):
            return self._parts(record, None)
        self._last = record
        match event:
            case NetworkStarted():
                self._due.extend(self._network.start(now).events)
            case PacketReceived(packet=packet):
                self._due.extend(self._network.receive(packet, now).events)
                return 0
            case PacketDiscarded(packet=packet, reason=reason):
                if reason != "spoofed_source":
                    return 0  # turned away by the driver
                self._due.extend(self._network.receive(packet, now, NOBODY).events)
            case LinkSet(link=link, profile=text):
                self._network.set(link, Profile.parse(text))
                return 1
            case ConfigurationApplied(text=text) if not self._due:
                self._due.extend(self._network.configure(from_json(json.loads(text)), now).events)
            case _ if not self._due:
                self._due.extend(self._network.advance(now).events)
        if not self._due or self._due[0] != event:
            return self._parts(record, event)
        self._due.popleft()
        return 1

    def end(self) -> Difference | None:
        """Return where the run has parted from its record, now that the record has ended."""
        if self._due and self._last is not None and self.difference is None:
            self._parts(self._last, None)
        return self.difference

    def _parts(self, record: Record[Event], recorded: Event | None) -> int:
        found = self._due[0] if self._due else None
        self.difference = Difference(record.n, record.time, record.node, recorded, found)
        return 0


def _network(record: Record[Event], beginning: NetworkStarted) -> Network:
    try:
        profiles = {name: Profile.parse(text) for name, text in beginning.links}
        return Network(profiles, roles=dict(beginning.roles), seed=beginning.seed, lifetime=beginning.lifetime)
    except ValueError as error:
        raise _not_playable(record, str(error)) from None


def _not_playable(record: Record[Event], why: str) -> NotPlayable:
    return NotPlayable(f"record {record.n} of {record.node}: {why}")
