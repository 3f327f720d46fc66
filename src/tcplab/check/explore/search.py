"""Walks the whole graph, nearest states first, and says whether everything in it is as it ought to be."""

from array import array
from collections.abc import Callable
from itertools import pairwise
from typing import Final, NamedTuple

from tcplab.check.explore.model import Model, Move
from tcplab.check.explore.properties import LIMITS, Breach, Property

TOLD_EVERY: Final = 20_000  # states between two words on progress


class Trace(NamedTuple):
    """A way from the beginning to where a property breaks: the shortest of those that are followed."""

    breach: Breach
    moves: tuple[Move, ...]


class Progress(NamedTuple):
    """How far a search has come."""

    depth: int
    states: int
    moves: int
    waiting: int
    """States that are known and were not looked at yet."""


class Tally(NamedTuple):
    """How many moves break a property, and the first of them."""

    moves: int
    first: Trace


class Report(NamedTuple):
    """What a search found."""

    states: int
    moves: int
    depth: int
    """How many moves the farthest state is away from the beginning."""
    rests: int
    """States from which nothing goes on: at all of them both ends are CLOSED, unless a breach says otherwise."""
    end_states: tuple[int, int]
    """How many different states the client and the server were in."""
    steps: int
    """How many different steps were computed by the engine; the other moves are made of those."""
    complete: bool
    """Whether everything within the bounds was looked at."""
    breach: Trace | None
    """The first breach, with which the search ended."""
    limits: dict[Property, Tally]
    """What happened of :data:`LIMITS`, which TCP does not rule out."""
    consequences: dict[Property, Tally]
    """What happened of :data:`CONSEQUENCES` after one of those."""


def search(
    model: Model,
    *,
    sought: Property | None = None,
    limit: int | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Report:
    """Follow every move from every state, until a property breaks or there is nothing more to follow.

    What breaks :data:`LIMITS` is counted, and followed; so is what comes of it.

    Args:
        model: the graph.
        sought: the only property of which a breach ends the search; ``None`` for all.
        limit: give up beyond so many states; the report is not ``complete`` then.
        tell: is told of the progress now and then.
    """
    return _Search(model, sought, limit, tell).run()


class _Search:
    def __init__(
        self, model: Model, sought: Property | None, limit: int | None, tell: Callable[[Progress], None]
    ) -> None:
        self._model = model
        self._sought = sought
        self._limit = limit
        self._tell = tell
        self._numbers = {state: number for number, state in enumerate(model.firsts)}  # in the order of being found
        self._came_from = array("L", range(len(model.firsts)))  # a first state from itself
        self._came_by = array("H", [0] * len(model.firsts))
        self._targets = array("L")  # of the moves from each state, in their order
        self._offsets = array("L", [0])
        self._rests = 0
        self._depth = 0
        self._limits: dict[Property, Tally] = {}
        self._consequences: dict[Property, Tally] = {}

    def run(self) -> Report:
        layer = list(self._model.firsts)
        while layer:
            following: list[int] = []
            for state in layer:
                breach = self._look(state, following)
                if breach is not None:
                    return self._report(breach, complete=False)
                if self._limit is not None and len(self._numbers) > self._limit:
                    return self._report(None, complete=False)
            if following:
                self._depth += 1
            layer = following
        return self._report(self._endless() if self._sought in (None, Property.FINITE) else None, complete=True)

    def _look(self, state: int, following: list[int]) -> Trace | None:
        """Follow the moves from a state; return what breaks with one of them."""
        number = len(self._offsets) - 1
        moves = self._model.moves(state)
        if not moves:
            self._rests += 1
            if self._sought in (None, Property.REST) and not self._model.is_rest(state):
                return self._trace(number, Breach(Property.REST, "nothing more can happen"))
        numbers = self._numbers
        for index, move in enumerate(moves):
            if move.breach is not None and (found := self._judge(number, move)) is not None:
                return found
            target = numbers.setdefault(move.state, len(numbers))
            if target == len(self._came_from):
                self._came_from.append(number)
                self._came_by.append(index)
                following.append(move.state)
            self._targets.append(target)
        self._offsets.append(len(self._targets))
        if number % TOLD_EVERY == 0:
            self._tell(Progress(self._depth, len(numbers), len(self._targets), len(numbers) - number))
        return None

    def _judge(self, number: int, move: Move) -> Trace | None:
        breach = move.breach
        assert breach is not None, "the caller has looked"
        broken = breach.broken
        if breach.excused or broken in LIMITS:
            tallies = self._consequences if breach.excused else self._limits
            known = tallies.get(broken)
            first = self._trace(number, breach, move) if known is None else known.first
            tallies[broken] = Tally(1 if known is None else known.moves + 1, first)
            ends = broken is self._sought and not breach.excused
        else:
            ends = self._sought in (None, broken)
        return self._trace(number, breach, move) if ends else None

    def _trace(self, number: int, breach: Breach, *last: Move) -> Trace:
        """Return the way to a state, and one or more moves from there."""
        ordinals: list[int] = []
        while self._came_from[number] != number:
            ordinals.append(self._came_by[number])
            number = self._came_from[number]
        state = self._model.firsts[number]
        moves: list[Move] = []
        for ordinal in reversed(ordinals):
            moves.append(self._model.moves(state)[ordinal])
            state = moves[-1].state
        return Trace(breach, (*moves, *last))

    def _endless(self) -> Trace | None:
        """Return a way into a circle of moves, if there is one: a run that goes on for ever and gets nowhere.

        No circle has a call in it, and none has a loss: both are used up. So it is an exchange without new input.
        """
        circling = self._circling()
        if not circling:
            return None
        number = circling.index(1)
        before = self._predecessors(circling)
        circle: list[int] = []
        met: set[int] = set()
        while number not in met:
            met.add(number)
            circle.append(number)
            number = before[number]
        circle = circle[circle.index(number) :]
        start = min(circle)  # of all in the circle nearest to the beginning
        position = circle.index(start)
        onward = [start, *reversed(circle[:position]), *reversed(circle[position:])]
        states = list(self._numbers)
        moves: list[Move] = []
        for here, there in pairwise(onward):
            ordinal = self._targets[self._offsets[here] : self._offsets[here + 1]].index(there)
            moves.append(self._model.moves(states[here])[ordinal])
        breach = Breach(Property.FINITE, f"the last {len(moves)} moves repeat for ever")
        return self._trace(start, breach, *moves)

    def _circling(self) -> bytearray:
        """Return for each state whether it is in a circle, or comes after one: take away what nothing leads to."""
        count = len(self._numbers)
        leading = array("L", bytes(count * array("L").itemsize))
        for target in self._targets:
            leading[target] += 1
        circling = bytearray(b"\1") * count
        free = [number for number in range(count) if not leading[number]]
        while free:
            number = free.pop()
            circling[number] = 0
            for target in self._targets[self._offsets[number] : self._offsets[number + 1]]:
                leading[target] -= 1
                if not leading[target]:
                    free.append(target)
        return circling if any(circling) else bytearray()

    def _predecessors(self, circling: bytearray) -> dict[int, int]:
        """Return for each circling state one that leads to it."""
        before: dict[int, int] = {}
        for number, circles in enumerate(circling):
            if circles:
                for target in self._targets[self._offsets[number] : self._offsets[number + 1]]:
                    before.setdefault(target, number)
        return before

    def _report(self, breach: Trace | None, *, complete: bool) -> Report:
        model = self._model
        client, server = model.ends
        return Report(
            len(self._numbers),
            len(self._targets),
            self._depth,
            self._rests,
            (len(client), len(server)),
            client.computed + server.computed,
            complete,
            breach,
            self._limits,
            self._consequences,
        )
