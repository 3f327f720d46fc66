"""What a change makes of the record that stands: pure functions from one record to the next."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from tcplab.netem.changes import At, Change, Entry, SetFault, SetLink
from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import whole_microseconds
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.runtime.records import Lease, Record
from tcplab.units import Duration, Instant

Draft = Callable[[Record, Instant], Record]
"""Makes the next record of the one that stands, at an instant in whole microseconds.

Raises ValueError where it cannot.
"""

LEASES_LIMIT: Final = 256
WHAT_LIMIT: Final = 200  # characters of what a record says it has changed
RENEWED: Final = "is renewed"
SERVICE: Final = "the lab service"
"""Who it was, where nobody asked for it."""


class UnknownLease(ValueError):
    """There is no such lease: it was released, or has run out."""

    def __init__(self, name: str, leases: Iterable[str]) -> None:
        there = ", ".join(leases) or "none"
        super().__init__(f"there is no lease {name!r}: it was released, or has run out; there are {there}")


def patched(said: Sequence[Change | Entry], by: str, lease: str | None = None) -> Draft:
    """Make changes one after the other; with a lease, what they set ends when it does."""

    def draft(record: Record, now: Instant) -> Record:
        if lease is not None and lease not in record.leases:
            raise UnknownLease(lease, record.leases)
        free = _unbound(record, said)
        leases = dict(free.leases)
        configuration, words = free.configuration, list[str]()
        for change in said:
            before, configuration = configuration, configuration.changed((change,), now)
            words.append(_told(change, before, configuration))
        if lease is not None:
            configuration, leases[lease] = _bound(free.configuration, configuration, said, leases[lease], now)
        return _next(record, configuration, leases, now, by=by, what="; ".join(words))

    return draft


def replaced(wanted: Callable[[Instant], Configuration], by: str) -> Draft:
    """Let nothing stand but what is wanted; ``wanted`` makes it for the instant at which it begins."""

    def draft(record: Record, now: Instant) -> Record:
        configuration = wanted(now)
        return _next(record, configuration, record.leases, now, by=by, what=f"replaced by {_in_words(configuration)}")

    return draft


def leased(name: str, ttl: Duration, by: str) -> Draft:
    """Begin a lease to which nothing is bound yet."""

    def draft(record: Record, now: Instant) -> Record:
        if len(record.leases) >= LEASES_LIMIT:
            raise ValueError(f"{LEASES_LIMIT} leases stand already; release one")
        leases = {**record.leases, name: Lease(_end(now, ttl), ttl)}
        return _next(record, record.configuration, leases, now, by=by, what=f"{name} begins")

    return draft


def renewed(name: str, by: str) -> Draft:
    """Let a lease, and all that is bound to it, last from now as long as it was meant to."""

    def draft(record: Record, now: Instant) -> Record:
        lease = _standing(record, name)
        until = _end(now, lease.ttl)
        configuration = record.configuration
        faults = tuple(
            replace(fault, until=until) if fault.name in lease.faults else fault for fault in configuration.faults
        )
        others = tuple(entry for entry in configuration.timeline if not _is_end(entry, lease))
        ends = _ends(lease.links, now, until)
        configuration = replace(configuration, faults=faults, timeline=others + ends)
        leases = {**record.leases, name: replace(lease, until=until)}
        return _next(record, configuration, leases, now, by=by, what=f"{name} {RENEWED}")

    return draft


def released(name: str, by: str, what: str = "is released") -> Draft:
    """End a lease, and all that is bound to it."""

    def draft(record: Record, now: Instant) -> Record:
        lease = _standing(record, name)
        configuration = record.configuration
        faults = tuple(fault for fault in configuration.faults if fault.name not in lease.faults)
        others = tuple(entry for entry in configuration.timeline if not _is_end(entry, lease))
        configuration = replace(configuration, faults=faults, timeline=others)
        configuration = configuration.changed((SetLink(where, was) for where, was in lease.links.items()), now)
        leases = {other: each for other, each in record.leases.items() if other != name}
        return _next(record, configuration, leases, now, by=by, what=f"{name} {what}")

    return draft


def expired(record: Record, now: Instant) -> Record:
    """End every lease that has run out, and leave out every fault that the network has healed by itself meanwhile."""
    gone = [name for name, lease in record.leases.items() if lease.until <= now]
    healed = [fault.name for fault in record.configuration.faults if fault.until is not None and fault.until <= now]
    swept = record
    for name in gone:
        swept = released(name, SERVICE)(swept, now)
    faults = tuple(fault for fault in swept.configuration.faults if fault.name not in healed)
    what = ", ".join((*(f"{name} has run out" for name in gone), *(f"{name} has healed" for name in healed)))
    return _next(record, replace(swept.configuration, faults=faults), swept.leases, now, by=SERVICE, what=what)


def is_renewal(record: Record) -> bool:
    """Return whether a record only lets a lease last longer: a heartbeat, which is no news."""
    name, _, what = record.what.partition(" ")
    return what == RENEWED and name in record.leases


def due(record: Record) -> Instant | None:
    """Return when the next lease, or fault, ends."""
    ends = [lease.until for lease in record.leases.values()]
    ends += [fault.until for fault in record.configuration.faults if fault.until is not None]
    return min(ends, default=None)


def _next(
    record: Record,
    configuration: Configuration,
    leases: Mapping[str, Lease],
    now: Instant,
    *,
    by: str,
    what: str,
) -> Record:
    """Return the record that follows; leases keep of what is bound to them what still stands."""
    names = {fault.name for fault in configuration.faults}
    kept = {
        name: replace(
            lease,
            faults=tuple(fault for fault in lease.faults if fault in names),
            links={
                where: was
                for where, was in lease.links.items()
                if any(_is_end(entry, replace(lease, links={where: was})) for entry in configuration.timeline)
            },
        )
        for name, lease in leases.items()
    }
    shown = what if len(what) <= WHAT_LIMIT else f"{what[: WHAT_LIMIT - 1]}…"
    return Record(replace(configuration, revision=record.revision + 1), now, by, shown, kept)


def _bound(
    before: Configuration, configuration: Configuration, said: Sequence[Change | Entry], lease: Lease, now: Instant
) -> tuple[Configuration, Lease]:
    """Bind what was set to a lease."""
    fresh = {fault.name for fault in configuration.faults if fault not in before.faults}
    faults = tuple(
        replace(fault, until=lease.until) if fault.name in fresh else fault for fault in configuration.faults
    )
    links = {
        change.where: before.links.get(change.where)
        for change in said
        if isinstance(change, SetLink) and change.profile is not None and change.where in configuration.links
    }
    timeline = configuration.timeline + _ends(links, now, lease.until)
    bound = replace(
        lease,
        faults=tuple(dict.fromkeys((*lease.faults, *sorted(fresh)))),
        links={**lease.links, **links},
    )
    return replace(configuration, faults=faults, timeline=timeline), bound


def _unbound(record: Record, said: Sequence[Change | Entry]) -> Record:
    """Return the record with links that are about to be set anew bound to no lease; each is as its lease found it."""
    places = {change.where for change in said if isinstance(change, SetLink)}
    configuration, leases = record.configuration, {}
    for name, lease in record.leases.items():
        links = {where: was for where, was in lease.links.items() if where in places}
        ending = replace(lease, links=links)
        entries = tuple(entry for entry in configuration.timeline if not _is_end(entry, ending))
        configuration = replace(configuration, timeline=entries)
        configuration = configuration.changed((SetLink(where, was) for where, was in links.items()), record.at)
        leases[name] = replace(lease, links={w: was for w, was in lease.links.items() if w not in places})
    return replace(record, configuration=configuration, leases=leases)


def _ends(links: Mapping[Pattern, Profile | None], now: Instant, until: Instant) -> tuple[Entry, ...]:
    """Return what makes the network itself end the profiles of a lease."""
    return tuple(Entry(At(until - now), SetLink(where, was), now) for where, was in links.items())


def _is_end(entry: Entry, lease: Lease) -> bool:
    """Return whether an entry of the timeline is the end of a profile that is bound to the lease."""
    change = entry.change
    if not isinstance(change, SetLink) or change.where not in lease.links:
        return False
    return entry.due == lease.until and change.profile == lease.links[change.where]


def _told(change: Change | Entry, before: Configuration, configuration: Configuration) -> str:
    """Return a change in words, a fault with the name that it got: that is what it is healed by."""
    if not isinstance(change, SetFault) or change.setting.name:
        return str(change)
    known = {fault.name for fault in before.faults}
    (name,) = (fault.name for fault in configuration.faults if fault.name not in known)
    return str(change.setting._replace(name=name))


def _standing(record: Record, name: str) -> Lease:
    if name not in record.leases:
        raise UnknownLease(name, record.leases)
    return record.leases[name]


def _end(now: Instant, ttl: Duration) -> Instant:
    return whole_microseconds(now + ttl)


def _in_words(configuration: Configuration) -> str:
    return "; ".join(str(configuration).splitlines()) or "nothing"
