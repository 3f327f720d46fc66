"""Live objects as values: a host with everything in it becomes something that can be compared, kept and woken again.

The explorer runs the real engine, and needs its states by the hundred thousand. So it walks whatever objects it
finds, slot by slot, and writes down all of it; a field that is added to the engine is taken along without a word
here. Three things are written differently, and each must leave the engine's behaviour as it is:

- An instant is kept as its distance from now, and one that is over only as that. The engine may compare it with now;
  how long ago it was goes into events, and into the measured round trip (see below). Were the engine ever to reckon
  from it, it would be told (:class:`Over`).
- The schedule of wake-ups is not kept but booked anew, since it only says when to look; and of a timer that is stopped
  nothing is kept.
- TIME_WAITs, of which a host keeps nothing but octets, are written down as records, in the order of their end.
- What :data:`FORGOTTEN` and :data:`LIMITED` name, and why.

What comes out of :func:`thaw` is all that the next step sees, so that two states which are taken for one really do
go on alike.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass, replace
from enum import Enum
from functools import cache
from operator import attrgetter
from types import FunctionType, NoneType
from typing import Any, Final, NamedTuple, NoReturn, cast

from tcplab.check.explore.bounds import MOST_OCTETS, TICK
from tcplab.tcp.births import Births
from tcplab.tcp.challenge import ChallengeAcks
from tcplab.tcp.congestion.control import CongestionControl
from tcplab.tcp.connection import Connection
from tcplab.tcp.effects import Effects
from tcplab.tcp.flight import Flight
from tcplab.tcp.recovery import Recovery
from tcplab.tcp.rtt import RttEstimator
from tcplab.tcp.schedule import Schedule
from tcplab.tcp.scoreboard import Scoreboard, Sent
from tcplab.tcp.time_wait import Record, Records
from tcplab.tcp.timers import RetransmissionTimer
from tcplab.units import Duration, Instant

NOW: Final = cast(Instant, 1 << 60)
"""The instant at which every thawed host is; far from any other number in it, so that none is taken for another."""


def _no_offset(_: object) -> int:
    return 0


FORGOTTEN: Final[Mapping[tuple[type, str], object]] = {
    (Births, "clock_offset"): _no_offset,  # where the clock of timestamps starts, and there are none
    (Connection, "syn_sent_at"): None,  # feeds the measured round trip alone
    (ChallengeAcks, "_left"): 1_000,  # a budget that the bounds do not use up
    (ChallengeAcks, "_second"): -1,  # tells when that is given anew
    (Recovery, "_retransmissions"): None,  # is held against timestamps and D-SACKs, and there are none
    (Recovery, "_progress"): 0,  # tells when to schedule a loss probe, and without SACK there is none
    (Connection, "acked"): 0,  # decides what to delay, and nothing is delayed
    (CongestionControl, "_before"): None,  # is given back where timestamps or D-SACKs show that nothing was lost
    (Sent, "at"): 0,  # feeds the measured round trip alone
    (Sent, "nth"): 0,  # orders sendings for RACK, which SACK alone has
    (Flight, "_sendings"): 0,
    (Scoreboard, "_order"): [],
    (Scoreboard, "_done"): 0,
    (RttEstimator, "srtt"): None,  # the bounds make the smallest and the largest timeout one, so it is constant
    (RttEstimator, "rttvar"): 0,
    (RetransmissionTimer, "attempts"): 0,  # tells observers, and whether to begin with one segment, as all do here
    (Connection, "opened_at"): 0,  # for durations in events
    (Connection, "active_close"): False,  # for events
    (Connection, "due"): None,  # booked anew
    (Connection, "scheduled"): None,
    (Effects, "_packet_id"): 1,  # names packets
}
"""Fields which do not decide what the engine does, within the explorer's bounds; and what they are given instead."""

LIMITED: Final[Mapping[tuple[type, str], int]] = {
    (Recovery, "_duplicates"): 4,  # what matters is whether it is the third; else two ends could count for ever
    (CongestionControl, "cwnd"): MOST_OCTETS + 1,  # with the FIN, as much as anybody has to send
    (CongestionControl, "ssthresh"): MOST_OCTETS + 2,  # beyond any window that is kept: slow start goes on
    (Sent, "times"): 2,  # what matters is whether it was sent again
}
"""Counters that are as good as this number once they are beyond it."""

AGES: Final[Mapping[tuple[type, str], Duration]] = {
    (Connection, "sent_at"): 2 * TICK,  # beyond one timeout, a window is that of the beginning again
}
"""Instants of which it matters how long ago they were, up to so long."""

PAUSES: Final = frozenset({(Connection, "challenge_after")})
"""Instants that are 0 before there was any, which says no more than that they are over."""

_CONTAINERS: Final = frozenset({list, deque, dict, set, bytearray, Schedule, Records})
"""What is not written down slot by slot; of a schedule nothing is."""
_ATOMS: Final = frozenset({str, bytes, bool, frozenset, NoneType, FunctionType, type})
_FAR: Final = NOW >> 1  # no plain number is as large


class LostInstantError(Exception):
    """An instant became a plain number, or one that is over was reckoned from."""


class Moment(int):
    """An instant that stays one under addition, so that instants can be told from other numbers."""

    __slots__ = ()

    def __add__(self, other: int) -> "Moment":
        return Moment(int(self) + int(other))

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        difference = int(self) - int(other)
        return difference if isinstance(other, Moment) else Moment(difference)


class Over(Moment):
    """An instant of which nothing is known but that it is over."""

    __slots__ = ()

    def __add__(self, other: int) -> NoReturn:
        raise LostInstantError("the engine reckons from an instant that is over: freeze may not forget how long ago")

    __radd__ = __add__


OVER: Final = Over(0)


def moment(instant: int) -> Instant:
    """Return the instant as a :class:`Moment`."""
    return cast(Instant, Moment(instant))


class Frozen(NamedTuple):
    """A mutable object as a value: what it is, and what is in it.

    An instant to come is one too, and holds how far ahead it is. :class:`Again` stands for an object met before.
    """

    kind: type
    content: tuple[Any, ...]


class Again:
    """Marks an object that was met before; its content is the how-manieth it was."""


class _Plan(NamedTuple):
    """What objects of a class hold in slots: the names, and of which, by their places, what is written instead."""

    names: tuple[str, ...]
    values: Callable[[object], Sequence[Any]]
    """Returns what an object holds, in the order of the names."""
    forgotten: tuple[tuple[int, object], ...]
    limited: tuple[tuple[int, int], ...]
    pauses: tuple[int, ...]
    ages: tuple[tuple[int, Duration], ...]
    open: bool
    """Whether its objects have a ``__dict__``, too."""


@cache
def _plan(kind: type) -> _Plan:
    """Return what is written down of objects of a class.

    Raises:
        TypeError: they hold something in a builtin type, where it cannot be seen.
    """
    if any(base in _CONTAINERS or base.__module__ == "builtins" for base in kind.__mro__ if base is not object):
        raise TypeError(f"what a {kind.__name__} holds cannot be seen")
    names: list[str] = []
    for base in reversed(kind.__mro__):
        slots = base.__dict__.get("__slots__", ())
        names += [slots] if isinstance(slots, str) else slots
    forgotten = {name: instead for (owner, name), instead in FORGOTTEN.items() if issubclass(kind, owner)}
    limited = {name: most for (owner, name), most in LIMITED.items() if issubclass(kind, owner)}
    if unknown := (forgotten.keys() | limited.keys()) - set(names):
        raise AttributeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    return _Plan(
        tuple(names),
        _getter(names),
        tuple((names.index(name), instead) for name, instead in forgotten.items()),
        tuple((names.index(name), most) for name, most in limited.items()),
        tuple(names.index(name) for owner, name in PAUSES if issubclass(kind, owner)),
        tuple((names.index(name), most) for (owner, name), most in AGES.items() if issubclass(kind, owner)),
        any("__dict__" in base.__dict__ for base in kind.__mro__),
    )


def _getter(names: Sequence[str]) -> Callable[[object], Sequence[Any]]:
    """Return what reads all of the attributes: attrgetter returns a sequence only where there are several."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: [getattr(value, name) for name in names]


@cache
def _is_value(kind: type) -> bool:
    """Return whether what is of that type is a value already: atoms, members of enumerations, frozen dataclasses."""
    frozen = is_dataclass(kind) and getattr(kind, "__dataclass_params__").frozen  # noqa: B009
    return kind in _ATOMS or issubclass(kind, Enum) or frozen


def freeze(root: object, now: Instant) -> Frozen:
    """Return an object and all that it holds as a hashable value, as it is at ``now``.

    Raises:
        LostInstantError: somewhere in it an instant is no :class:`Moment` any more.
    """
    frozen = _Freezer(now).freeze(root)
    assert isinstance(frozen, Frozen), f"{root!r} is a value already"
    return frozen


class _Freezer:
    def __init__(self, now: Instant) -> None:
        self._now = int(now)
        self._met: dict[int, int] = {}

    def freeze(self, value: Any) -> Any:
        kind: type = type(value)
        if kind is int:
            if value >= _FAR:
                raise LostInstantError(f"{value} is near {NOW}, and a plain number")
            return value
        if kind is Moment or kind is Over:
            distance = int(value) - self._now
            return Frozen(Moment, (distance,)) if distance > 0 else OVER
        if _is_value(kind):
            return value
        if isinstance(value, tuple):
            return self._tuple(value)
        if (index := self._met.get(id(value))) is not None:
            return Frozen(Again, (index,))
        self._met[id(value)] = len(self._met)
        return Frozen(kind, tuple(self._contained(value) if kind in _CONTAINERS else self._slots(value)))

    def _tuple(self, value: tuple[Any, ...]) -> Any:
        content = tuple(self.freeze(part) for part in value)
        unchanged = all(new is old for new, old in zip(content, value, strict=True))
        return value if unchanged else Frozen(type(value), content)

    def _contained(self, value: Any) -> list[Any]:
        freeze = self.freeze
        match value:
            case bytearray():
                return [bytes(value)]
            case list() | deque():
                return [freeze(part) for part in value]
            case dict():
                return [(freeze(key), freeze(part)) for key, part in value.items()]
            case set():
                return [frozenset(freeze(part) for part in value)]
            case Records():
                return [value.local, *(freeze(_dated(record)) for record in sorted(value, key=_end))]
            case _:  # a schedule
                return []

    def _slots(self, value: Any) -> list[Any]:
        freeze = self.freeze
        kind: type = type(value)
        plan = _plan(kind)
        if kind is RetransmissionTimer and value.deadline is None:
            value = RetransmissionTimer()
        content = list(plan.values(value))
        moments = [(index, content[index], longest) for index, longest in plan.ages]
        for index, instead in plan.forgotten:
            content[index] = instead
        # what is a value already is nearly all that there is: a call for each would take twice as long
        content = [
            part if (sort := type(part)) in _ATOMS or (sort is int and part < _FAR) else freeze(part)
            for part in content
        ]
        for index, most in plan.limited:
            content[index] = min(content[index], most)
        for index in plan.pauses:
            content[index] = content[index] or OVER
        for index, instant, longest in moments:
            age = None if instant is None else Frozen(Moment, (max(int(instant) - self._now, -longest),))
            content[index] = age
        if plan.open:
            content += [(name, freeze(part)) for name, part in vars(value).items()]
        return content


def thaw(frozen: Frozen) -> Any:
    """Return a new object like the one that was frozen, its now being :data:`NOW`."""
    thawer = _Thawer()
    root = thawer.thaw(frozen)
    schedules = [value for value in thawer.met if isinstance(value, Schedule)]
    for connection in thawer.met:
        if isinstance(connection, Connection):
            for schedule in schedules:
                schedule.acted[connection] = None
    return root


def _end(record: Record) -> Instant:
    return record.expires


def _dated(record: Record) -> Record:
    """Return a record whose instants, which it keeps as octets, are moments again."""
    answered = None if record.answered is None else moment(record.answered)
    return replace(record, entered=moment(record.entered), expires=moment(record.expires), answered=answered)


class _Thawer:
    def __init__(self) -> None:
        self.met: list[Any] = []

    def thaw(self, value: Any) -> Any:
        if type(value) is not Frozen:
            return value
        kind, content = value
        if kind is Moment:
            return Moment(NOW + content[0])
        if kind is Again:
            return self.met[content[0]]
        return self._object(kind, content)

    def _object(self, kind: type, content: tuple[Any, ...]) -> Any:
        thaw = self.thaw
        if issubclass(kind, tuple):
            parts = [thaw(part) for part in content]
            return kind(parts) if kind is tuple else kind(*parts)
        if kind not in _CONTAINERS:
            return self._filled(kind, content)
        value: Any = Records(content[0]) if kind is Records else kind()
        self.met.append(value)
        match value:
            case bytearray():
                value += content[0]
            case list() | deque():
                value.extend(thaw(part) for part in content)
            case dict():
                value.update((thaw(key), thaw(part)) for key, part in content)
            case set():
                value.update(content[0])
            case Records():
                for record in content[1:]:
                    value.enter(thaw(record))
        return value

    def _filled(self, kind: Any, content: tuple[Any, ...]) -> Any:
        thaw = self.thaw
        value = kind.__new__(kind)
        self.met.append(value)
        names = _plan(kind).names
        for name, part in zip(names, content, strict=False):
            setattr(value, name, thaw(part) if type(part) is Frozen else part)
        for name, part in content[len(names) :]:
            vars(value)[name] = thaw(part)
        return value
