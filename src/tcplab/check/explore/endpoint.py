"""One end as a table that fills itself: a state and an input give a state, packets, and what that broke.

Every entry is computed by the real host, woken from its frozen state; a node gives the same outputs for the same
inputs, so that one computation does for every place in the exploration where the two meet.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from tcplab.check.explore.bounds import ADDRESSES, TICK
from tcplab.check.explore.freeze import NOW, Frozen, freeze, moment, thaw
from tcplab.check.explore.judge import Judge, Sent
from tcplab.check.explore.properties import Breach, Property
from tcplab.check.explore.subject import CHOICES, Choice, Subject
from tcplab.node import Output, Packet
from tcplab.units import Instant

_AT_ONCE: Final = 100  # how often a host may have something to do again at one and the same instant
WAIT: Final = -1
"""The input that is no packet and no call: one tick goes by."""
CALLS: Final[Mapping[Choice, int]] = {choice: WAIT - 1 - index for index, choice in enumerate(CHOICES)}
"""The inputs that are calls."""


class Step(NamedTuple):
    """What came of an input."""

    state: int
    sent: tuple[int, ...]
    breach: Breach | None


class Traits(NamedTuple):
    """What the explorer must know of a state."""

    choices: tuple[int, ...]
    """Calls that its application may make, as inputs."""
    waits: bool
    """Whether a timer runs."""
    half_closed: bool
    """Whether it may legally wait for the peer's FIN for ever."""
    spoiled: bool
    """Whether what TCP does not promise has happened."""
    at_rest: bool
    """Whether both directions are CLOSED and nothing is left to do."""


class Segments:
    """Numbers for segments, from 0."""

    def __init__(self) -> None:
        self._numbers: dict[Sent, int] = {}
        self.known: list[Sent] = []

    def number(self, sent: Sent) -> int:
        """Return the number of a segment."""
        number = self._numbers.setdefault(sent, len(self.known))
        if number == len(self.known):
            self.known.append(sent)
        return number


def settle(host: Subject, output: Output, now: Instant) -> Output:
    """Let a host do what is due at once, as with a TIME_WAIT of no time; return all that came of it."""
    packets, events = list(output.packets), list(output.events)
    for _ in range(_AT_ONCE):
        deadline = host.deadline()
        if deadline is None or deadline > now:
            return Output(packets, events)
        more = host.advance(now)
        packets += more.packets
        events += more.events
    raise AssertionError(f"the host has something to do at {now} for ever")


class Endpoint:
    """All states of one end that were met, by number; 0 is the first."""

    def __init__(self, host: Subject, judge: Judge, segments: Segments) -> None:
        """Begin with a host and a judge that are new."""
        self._segments = segments
        self._states: list[Frozen] = []
        self._numbers: dict[Frozen, int] = {}
        self._steps: dict[tuple[int, int], Step] = {}
        self.traits: list[Traits] = []
        output = settle(host, host.start(moment(NOW)), moment(NOW))
        assert not output.packets, "a host that has just started is silent"
        self._keep(host, judge, moment(NOW))

    def __len__(self) -> int:
        """Return how many states were met."""
        return len(self._states)

    def frozen(self, state: int) -> Frozen:
        """Return the host in a state."""
        host: Frozen = self._states[state].content[0]
        return host

    @property
    def computed(self) -> int:
        """How many different steps the host was asked for."""
        return len(self._steps)

    def step(self, state: int, stimulus: int) -> Step:
        """Return what an input leads to.

        Args:
            state: the number of the state.
            stimulus: the number of a segment that arrives; :data:`WAIT`; or one of the state's choices.
        """
        step = self._steps.get((state, stimulus))
        if step is None:
            step = self._steps[state, stimulus] = self._compute(state, stimulus)
        return step

    def _compute(self, state: int, stimulus: int) -> Step:
        host: Subject
        judge: Judge
        host, judge = thaw(self._states[state])
        now = moment(NOW + TICK if stimulus == WAIT else NOW)
        before = judge.before(host)
        try:
            output = settle(host, self._input(host, stimulus, now), now)
        except Exception as error:
            return Step(state, (), Breach(Property.LEGAL, f"the {host.side} raised {error!r}"))
        arrived = self._segments.known[stimulus] if stimulus >= 0 else None
        breach = judge.judge(host, output, arrived, before)
        sent = tuple(map(self._segments.number, judge.stamp(host, output, arrived, before)))
        return Step(self._keep(host, judge, now), sent, breach)

    def _input(self, host: Subject, stimulus: int, now: Instant) -> Output:
        if stimulus == WAIT:
            return Output()
        if stimulus < WAIT:
            return host.call(host.script.call(CHOICES[WAIT - 1 - stimulus]), now)
        source, target = ADDRESSES[host.peer], ADDRESSES[host.side]
        return host.receive(Packet(1, now, source, target, self._segments.known[stimulus].segment), now)

    def _keep(self, host: Subject, judge: Judge, now: Instant) -> int:
        host.settle()
        frozen = freeze((host, judge), now)
        number = self._numbers.setdefault(frozen, len(self._states))
        if number == len(self._states):
            self._states.append(frozen)
            choices = tuple(CALLS[choice] for choice in host.choices())
            waits = host.deadline() is not None
            self.traits.append(Traits(choices, waits, host.half_closed, judge.spoiled, host.at_rest))
        return number
