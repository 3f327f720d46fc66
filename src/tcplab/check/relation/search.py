"""Breadth first through everything that can be done to a host, collecting the transitions that it takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tcplab.check.relation.inputs import INPUTS, Arrival, Input, Wait
from tcplab.check.relation.rfc import Edge, Trigger
from tcplab.check.relation.subject import Facts, Operation, Subject, View
from tcplab.node import Output
from tcplab.tcp.events import ConnectionId, IllegalTransition, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.wire.segment import ACK, FIN, RST, SYN

TRIGGERS: Final[Mapping[Cause, Trigger]] = {
    Cause.PASSIVE_OPEN: Trigger.PASSIVE_OPEN,
    Cause.ACTIVE_OPEN: Trigger.ACTIVE_OPEN,
    Cause.SYN_ARRIVED: Trigger.RCV_SYN,
    Cause.SYN_ACK_ARRIVED: Trigger.RCV_SYN_ACK,
    Cause.ACK_OF_SYN: Trigger.RCV_ACK_OF_SYN,
    Cause.CLOSE_CALL: Trigger.CLOSE,
    Cause.FIN_SENT: Trigger.CLOSE,
    Cause.FIN_ARRIVED: Trigger.RCV_FIN,
    Cause.ACK_OF_FIN: Trigger.RCV_ACK_OF_FIN,
    Cause.RESET_ARRIVED: Trigger.RCV_RST,
    Cause.RESET_OF_PASSIVE_OPEN: Trigger.RCV_RST,
    Cause.SYN_IN_WINDOW: Trigger.RCV_SYN,
    Cause.ABORT_CALL: Trigger.ABORT,
    Cause.RETRANSMISSION_TIMEOUT: Trigger.RETRANSMISSION_TIMEOUT,
    Cause.USER_TIMEOUT: Trigger.USER_TIMEOUT,
    Cause.KEEP_ALIVE_TIMEOUT: Trigger.KEEP_ALIVE_TIMEOUT,
    Cause.FIN_WAIT_2_TIMEOUT: Trigger.DESERTED,
    Cause.TIME_WAIT_EXPIRED: Trigger.TIME_WAIT_TIMEOUT,
}
"""What the engine calls a cause, in the RFC's words."""

Way = tuple[Input, ...]


@dataclass
class Found:
    """What a search has found.

    Attributes:
        edges: each transition that was taken, with the shortest way that ends in it.
        rows: the rows of the engine's table that were used.
        faults: what must never happen: an exception, an illegal transition, a change of state that nothing tells, or
            one that is told with a cause that the input does not have; with the way to it.
        places: how many places of the host were told apart.
        inputs: how many inputs were tried there.
        met: the states in which every input was tried.
        complete: whether nothing was left to try.
    """

    edges: dict[Edge, Way] = field(default_factory=dict)
    rows: set[tuple[State, Cause]] = field(default_factory=set)
    faults: list[tuple[str, Way]] = field(default_factory=list)
    places: int = 0
    inputs: int = 0
    met: set[State] = field(default_factory=set)
    complete: bool = False


def search(make: Callable[[], Subject] = Subject, inputs: Sequence[Input] = INPUTS, *, most: int = 20_000) -> Found:
    """Try every input at every place that can be reached.

    Args:
        make: makes a host without connections.
        inputs: what is tried.
        most: how many places to look at before giving up.
    """
    found = Found()
    first = make().view(Facts())
    met = {first.key}
    places: list[_Place] = [_Place((), (), first)]
    for place in places:
        if found.places == most:
            return found
        found.places += 1
        found.met |= set(place.view.states.values()) or {State.CLOSED}
        subject = place.walk(make)
        if subject.view(place.view.facts).key != place.view.key:
            found.faults.append(("the same way does not lead to the same place", place.way))
        for step in inputs:
            operation = _operation(place.view, step)
            if operation is None:
                continue
            found.inputs += 1
            way = (*place.way, step)
            try:
                output = subject.perform(operation)
            except Exception as error:  # whatever it is, it is what the search is after
                found.faults.append((f"it raised {error!r}", way))
                subject = place.walk(make)
                continue
            view = subject.view(place.view.facts_after(step))
            _judge(place.view, view, output, way, found)
            if view.key not in met:
                met.add(view.key)
                places.append(_Place(way, (*place.operations, operation), view))
            if (view.key, view.states) != (place.view.key, place.view.states):
                subject = place.walk(make)
    found.complete = True
    return found


class _Place(NamedTuple):
    """A place of the search: the inputs that lead there, what they were on the way, and what is seen there."""

    way: Way
    operations: tuple[Operation, ...]
    view: View

    def walk(self, make: Callable[[], Subject]) -> Subject:
        subject = make()
        for operation in self.operations:
            subject.perform(operation)
        return subject


def _operation(view: View, step: Input) -> Operation | None:
    match step:
        case Arrival():
            return view.segment(step)
        case Wait():
            return view.left
        case _:
            return view.call(step)


def _judge(before: View, after: View, output: Output, way: Way, found: Found) -> None:
    """Collect the transitions that an input has led to, and see whether they are told as they were."""
    states = dict(before.states)
    flags = way[-1].flags if isinstance(way[-1], Arrival) else 0
    for event in output.events:
        if isinstance(event, IllegalTransition):
            found.faults.append((f"{event.cause.value} is illegal in {event.state.name}", way))
        if not isinstance(event, StateChanged):
            continue
        hidden = event.old is State.TIME_WAIT and _reopens(before)
        if states.get(event.connection, State.CLOSED) is not event.old and not hidden:
            found.faults.append((f"{event} does not begin where the connection is", way))
        states[event.connection] = event.new
        found.rows.add((event.old, event.cause))
        found.edges.setdefault(Edge(event.old, TRIGGERS[event.cause], event.new), way)
        if not EXPLAINED[event.cause](_Step(way[-1], flags, before, output)):
            found.faults.append((f"{event.cause.value} is told, and {way[-1]} is no such thing", way))
    hidden = _reopens(before) or _reopens(after)
    told = _seen(states, hidden)
    if told != _seen(after.states, hidden):
        found.faults.append((f"STATUS says {after.states} and the events {told}", way))


def _reopens(view: View) -> bool:
    """Return whether a TIME_WAIT may have given way to a SYN, and wait unseen until that has proved new (MAY-2)."""
    return State.SYN_RECEIVED in view.states.values()


def _seen(states: Mapping[ConnectionId, State], hidden: bool) -> dict[ConnectionId, State]:
    """Return the connections that STATUS should show."""
    unseen = {State.CLOSED, State.TIME_WAIT} if hidden else {State.CLOSED}
    return {name: state for name, state in states.items() if state not in unseen}


class _Step(NamedTuple):
    """What a cause is held against."""

    input: Input
    flags: int
    """The segment's, 0 where the input is none."""
    before: View
    output: Output

    def is_segment(self, *, having: int, lacking: int) -> bool:
        """Return whether the input is a segment with all of some flags and none of others."""
        return self.flags & (having | lacking) == having and isinstance(self.input, Arrival)

    def is_wait(self) -> bool:
        """Return whether the input is time."""
        return isinstance(self.input, Wait)

    def has_closed(self) -> bool:
        """Return whether the application has closed, now or before."""
        facts = self.before.facts
        return self.input in ("close", "release", "unlisten") or facts.closing or facts.released

    def discards(self) -> bool:
        """Return whether the application is gone and leaves something unread."""
        connection = self.before.connection
        unread = connection is not None and connection.unread > 0
        return (self.input == "release" and unread) or self.before.facts.released


EXPLAINED: Final[Mapping[Cause, Callable[[_Step], bool]]] = {
    Cause.PASSIVE_OPEN: lambda it: it.input == "listen" or it.is_segment(having=SYN, lacking=ACK | RST),
    Cause.ACTIVE_OPEN: lambda it: it.input == "open",
    Cause.SYN_ARRIVED: lambda it: it.is_segment(having=SYN, lacking=ACK | RST) or _reopens(it.before),
    Cause.SYN_ACK_ARRIVED: lambda it: it.is_segment(having=SYN | ACK, lacking=RST),
    Cause.ACK_OF_SYN: lambda it: it.is_segment(having=ACK, lacking=SYN | RST),
    Cause.CLOSE_CALL: lambda it: it.has_closed() or bool(it.flags & (SYN | RST)),  # a fork of a listener ends too
    Cause.FIN_SENT: lambda it: any(packet.segment.flags & FIN for packet in it.output.packets),
    Cause.FIN_ARRIVED: lambda it: bool(it.flags & FIN) or it.before.facts.held_fin,
    Cause.ACK_OF_FIN: lambda it: it.is_segment(having=ACK, lacking=SYN | RST),
    Cause.RESET_ARRIVED: lambda it: it.is_segment(having=RST, lacking=0),
    Cause.RESET_OF_PASSIVE_OPEN: lambda it: it.is_segment(having=RST, lacking=0),
    Cause.SYN_IN_WINDOW: lambda it: it.is_segment(having=SYN, lacking=RST),
    Cause.ABORT_CALL: lambda it: it.input == "abort" or it.discards(),
    Cause.RETRANSMISSION_TIMEOUT: _Step.is_wait,
    Cause.USER_TIMEOUT: _Step.is_wait,
    Cause.KEEP_ALIVE_TIMEOUT: _Step.is_wait,
    Cause.FIN_WAIT_2_TIMEOUT: _Step.is_wait,
    Cause.TIME_WAIT_EXPIRED: _Step.is_wait,
}
"""By what an input must be for a step to have a cause."""
