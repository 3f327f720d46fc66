"""The whole as a graph: two ends and the network between them, and every move from there.

Packets to which nothing is done arrive at the instant at which they were sent, in the order in which they were sent.
The network may do something to the first of those that are on their way to an end: lose it, make a copy of it, or
hold it back; each costs it one of its allowance. Copies, and packets that are held, arrive at any time, or never: at
the age of one MSL they die. Time goes on by a tick once no packet is left but those.
"""

from collections.abc import Callable
from enum import IntEnum
from itertools import product
from typing import Final, NamedTuple

from tcplab.check.explore.bounds import SIDES, Bounds, Side
from tcplab.check.explore.endpoint import CALLS, WAIT, Endpoint, Segments
from tcplab.check.explore.judge import Judge
from tcplab.check.explore.properties import Breach, Property
from tcplab.check.explore.subject import Subject


class Kind(IntEnum):
    """What may happen."""

    DELIVER = 0
    LOSE = 1
    COPY = 2
    HOLD = 3
    DELIVER_LATE = 4
    CALL = 5
    TICK = 6


class Move(NamedTuple):
    """One edge of the graph."""

    kind: Kind
    to: int
    """Whom the packet is for, or who calls: 0 the client, 1 the server."""
    what: int
    """The segment's number, or the call."""
    age: int
    """Of a packet that arrives late, in ticks."""
    state: int
    """Where it leads."""
    breach: Breach | None = None


Queue = tuple[int, ...]
Queues = tuple[Queue, Queue]
Held = tuple[int, int, int]
"""A packet that arrives some time or never: its age in ticks, whom it is for, its segment."""
Allowance = tuple[int, int, int]
"""How many more packets to an end may be lost, copied, held."""

_NUMBER: Final = 24  # bits for the state of an end
_MASK: Final = (1 << _NUMBER) - 1
_ENDS: Final = (0, 1)


_Channel = tuple[Queues, tuple[Held, ...], tuple[Allowance, Allowance]]


class _Place(NamedTuple):
    """A state, unpacked; pairs are for the client and the server."""

    ends: tuple[int, int]
    queues: Queues
    held: tuple[Held, ...]
    allowances: tuple[Allowance, Allowance]


class Model:
    """The graph, computed as it is walked; its states are numbers.

    Attributes:
        bounds: how far it reaches.
        reduced: whether moves that commute are taken in one order only. What one end does next, and what is done to
            the packets on their way to it, touches neither the other end's state nor the packet that the other gets
            next, since each direction has an allowance of its own. So as long as packets wait for one end, only its
            moves are followed: the other's stay as they are, and time waits for both. If no run goes on for ever,
            each run is among those followed, but for the order of moves that commute: each end takes the same steps
            and comes to the same rest.
        firsts: the states at the beginning: one for every way in which the allowance may be divided between the two
            directions.
        segments: what the numbers of segments mean.
        ends: the client and the server.
    """

    def __init__(
        self, bounds: Bounds, make: Callable[[Side, Bounds], Subject] = Subject, *, reduced: bool = True
    ) -> None:
        self.bounds = bounds
        self.reduced = reduced
        self.segments = Segments()
        client, server = SIDES
        self.ends = (
            Endpoint(make(client, bounds), Judge(bounds), self.segments),
            Endpoint(make(server, bounds), Judge(bounds), self.segments),
        )
        self._channels: list[_Channel] = []
        self._numbers: dict[_Channel, int] = {}
        self.firsts = [
            self._pack(_Place((0, 0), ((), ()), (), allowances))
            for allowances in _divisions((bounds.losses, bounds.duplicates, bounds.delays))
        ]

    def _pack(self, place: _Place) -> int:
        ends = place[0]
        channel = place[1:]
        number = self._numbers.get(channel)
        if number is None:
            number = self._numbers[channel] = len(self._channels)
            self._channels.append(channel)
        return (number << _NUMBER | ends[0]) << _NUMBER | ends[1]

    def _unpack(self, state: int) -> _Place:
        return _Place((state >> _NUMBER & _MASK, state & _MASK), *self._channels[state >> 2 * _NUMBER])

    def end_states(self, state: int) -> tuple[int, int]:
        """Return the numbers of the states that the client and the server are in."""
        return self._unpack(state).ends

    def is_rest(self, state: int) -> bool:
        """Return whether both ends are CLOSED in a state, with nothing left to do."""
        ends = self._unpack(state).ends
        return all(self.ends[to].traits[ends[to]].at_rest for to in _ENDS)

    def moves(self, state: int) -> list[Move]:
        """Return every move from a state, in an order that never changes."""
        place = self._unpack(state)
        queues = place.queues
        moves: list[Move] = []
        if queues[0] or queues[1]:
            for to in _ENDS if not self.reduced else (0,) if queues[0] else (1,):
                self._at(moves, to, place)
            return moves
        self._at(moves, 0, place)
        self._at(moves, 1, place)
        self._tick(moves, place)
        if not moves and any(self.ends[to].traits[place.ends[to]].spoiled for to in _ENDS):
            self._release(moves, place)
        return moves

    def _at(self, moves: list[Move], to: int, place: _Place) -> None:
        """Everything that may happen at one end, or to the packet that it is to get next."""
        ends, queues, held, allowances = place
        if queues[to]:
            self._first_packet(moves, to, place)
        moves += [self._input(Kind.CALL, to, call, place) for call in self.ends[to].traits[ends[to]].choices]
        for index, packet in enumerate(held):
            age, target, segment = packet
            if target == to and not (index and held[index - 1] == packet):
                rest = held[:index] + held[index + 1 :]
                after = _Place(ends, queues, rest, allowances)
                moves.append(self._input(Kind.DELIVER_LATE, to, segment, after, age))

    def _first_packet(self, moves: list[Move], to: int, place: _Place) -> None:
        """What may become of the first packet on its way to an end."""
        ends, queues, held, allowances = place
        segment = queues[to][0]
        rest = (queues[0][1:], queues[1]) if to == 0 else (queues[0], queues[1][1:])
        moves.append(self._input(Kind.DELIVER, to, segment, _Place(ends, rest, held, allowances)))
        losses, copies, delays = allowances[to]
        if losses:
            left = _with(allowances, to, (losses - 1, copies, delays))
            moves.append(Move(Kind.LOSE, to, segment, 0, self._pack(_Place(ends, rest, held, left))))
        if not (copies or delays):
            return
        more = tuple(sorted((*held, (0, to, segment))))
        if copies:
            left = _with(allowances, to, (losses, copies - 1, delays))
            moves.append(Move(Kind.COPY, to, segment, 0, self._pack(_Place(ends, queues, more, left))))
        if delays:
            left = _with(allowances, to, (losses, copies, delays - 1))
            moves.append(Move(Kind.HOLD, to, segment, 0, self._pack(_Place(ends, rest, more, left))))

    def _input(self, kind: Kind, to: int, what: int, place: _Place, age: int = 0) -> Move:
        """An end takes an input, which is not under way any more, and what it sends joins the queue to the other."""
        ends, queues, held, allowances = place
        number, sent, breach = self.ends[to].step(ends[to], what)
        if sent:
            queues = (queues[0], queues[1] + sent) if to == 0 else (queues[0] + sent, queues[1])
            if len(queues[1 - to]) > self.bounds.in_flight and breach is None:
                breach = Breach(Property.FINITE, f"{len(queues[1 - to])} packets are under way at one instant")
        ends = (number, ends[1]) if to == 0 else (ends[0], number)
        return Move(kind, to, what, age, self._pack(_Place(ends, queues, held, allowances)), breach)

    def _tick(self, moves: list[Move], place: _Place) -> None:
        """Time goes on, if there is anything to wait for."""
        ends, _, held, allowances = place
        if not (held or any(self.ends[to].traits[ends[to]].waits for to in _ENDS)):
            return
        client, server = (self.ends[to].step(ends[to], WAIT) for to in _ENDS)
        older = tuple((age + 1, to, segment) for age, to, segment in held if age + 1 < self.bounds.msl)
        queues = server.sent, client.sent
        state = self._pack(_Place((client.state, server.state), queues, older, allowances))
        breaches = [step.breach for step in (client, server) if step.breach is not None]
        breach = min(breaches, key=lambda breach: breach.excused, default=None)
        moves.append(Move(Kind.TICK, 0, WAIT, 0, state, breach))

    def _release(self, moves: list[Move], place: _Place) -> None:
        """Where the other end is gone without a word, a half-close lasts until its owner goes: so he does."""
        moves += [
            self._input(Kind.CALL, to, CALLS["release"], place)
            for to in _ENDS
            if self.ends[to].traits[place.ends[to]].half_closed
        ]


def _divisions(total: Allowance) -> list[tuple[Allowance, Allowance]]:
    """Return every way to divide an allowance between the packets to the client and those to the server."""
    losses, copies, delays = total
    return [
        (part, (losses - part[0], copies - part[1], delays - part[2]))
        for part in product(range(losses + 1), range(copies + 1), range(delays + 1))
    ]


def _with(allowances: tuple[Allowance, Allowance], to: int, left: Allowance) -> tuple[Allowance, Allowance]:
    return (left, allowances[1]) if to == 0 else (allowances[0], left)
