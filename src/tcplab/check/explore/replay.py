"""Plays a way through the graph once more, with hosts that live through it, and tells observers of it.

Here nothing is frozen: the hosts run from the beginning to the end, packets have identities, and each move takes a
moment. So a replay shows what was found as it would have been seen, and that it does happen.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from tcplab.check.explore.bounds import SIDES, TICK, Bounds, Side
from tcplab.check.explore.endpoint import WAIT, settle
from tcplab.check.explore.model import Kind, Model, Move
from tcplab.check.explore.subject import CHOICES, Subject
from tcplab.netem.events import LinkName, PacketDropped, PacketDuplicated, PacketForwarded
from tcplab.node import Event, Observer, Output, Packet, PacketReceived, PacketSent
from tcplab.observe.journal import Journal
from tcplab.units import MILLISECOND, START, Duration, Instant

NETWORK: Final = "netem"
PACE: Final = MILLISECOND
"""How long a move takes: far less than a tick, in which the graph lets a run of them happen at one instant."""


class _Held(NamedTuple):
    to: int
    packet: Packet


class Replay:
    """Hosts and a network that do what they are told, move by move.

    Attributes:
        hosts: the client and the server.
        now: the instant.
    """

    def __init__(
        self,
        model: Model,
        observer: Observer,
        make: Callable[[Side, Bounds], Subject] = Subject,
        *,
        start: Instant = START,
        pace: Duration = PACE,
    ) -> None:
        """Begin anew.

        Args:
            model: the graph that the moves are from.
            observer: is told of everything.
            make: makes the hosts, as for the model.
            start: the instant at which to begin.
            pace: how long each move takes but a tick.
        """
        self.now = start
        self.hosts = tuple(make(side, model.bounds) for side in SIDES)
        self._pace = pace
        self._segments = model.segments
        self._lifetime = model.bounds.msl * TICK
        self._observer = observer
        self._queues: tuple[list[Packet], list[Packet]] = ([], [])
        self._held: list[_Held] = []
        self._copies = 0
        for index, host in enumerate(self.hosts):
            self._carry(index, host.start(start))

    def apply(self, move: Move) -> None:
        """Let a move happen."""
        to = move.to
        if move.kind is not Kind.TICK:
            self.now += self._pace
        match move.kind:
            case Kind.CALL:
                host = self.hosts[to]
                self._carry(to, host.call(host.script.call(CHOICES[WAIT - 1 - move.what]), self.now))
            case Kind.TICK:
                self._tick()
            case Kind.DELIVER:
                self._arrive(to, self._first(move))
            case Kind.LOSE:
                self._tell_network(PacketDropped(self._first(move), _link(to), "loss"))
            case Kind.HOLD:
                self._held.append(_Held(to, self._first(move)))
            case Kind.COPY:
                self._copies += 1
                copy = replace(self._queues[to][0], copy=self._copies)
                self._held.append(_Held(to, copy))
                self._tell_network(PacketDuplicated(copy, _link(to)))
            case Kind.DELIVER_LATE:
                self._arrive(to, self._late(move))

    def _first(self, move: Move) -> Packet:
        """Take the first packet on its way to an end."""
        packet = self._queues[move.to].pop(0)
        assert packet.segment == self._segments.known[move.what].segment, "the replay went another way"
        return packet

    def _late(self, move: Move) -> Packet:
        segment = self._segments.known[move.what].segment
        for held in self._held:
            age = (self.now - held.packet.born) // TICK
            if (held.to, held.packet.segment, age) == (move.to, segment, move.age):
                self._held.remove(held)
                return held.packet
        raise AssertionError("the replay went another way: nobody holds that packet")

    def _tick(self) -> None:
        self.now += TICK
        for held in [held for held in self._held if self.now - held.packet.born >= self._lifetime]:
            self._held.remove(held)
            self._tell_network(PacketDropped(held.packet, _link(held.to), "expired"))
        for index in range(len(self.hosts)):
            self._carry(index, Output())

    def _arrive(self, to: int, packet: Packet) -> None:
        self._tell_network(PacketForwarded(packet, _link(to), self.now - packet.born))
        self._observer.observe(SIDES[to], PacketReceived(packet), self.now)
        self._carry(to, self.hosts[to].receive(packet, self.now))

    def _carry(self, index: int, output: Output) -> None:
        """Let a host do what is due at once, tell of it, and take its packets on their way."""
        output = settle(self.hosts[index], output, self.now)
        for packet in output.packets:
            self._queues[1 - index].append(packet)
            self._observer.observe(SIDES[index], PacketSent(packet), self.now)
        for event in output.events:
            self._observer.observe(SIDES[index], event, self.now)

    def _tell_network(self, event: Event) -> None:
        self._observer.observe(NETWORK, event, self.now)


def replay(model: Model, moves: Iterable[Move], make: Callable[[Side, Bounds], Subject] = Subject) -> Journal:
    """Return the journal of a way through the graph, from its beginning to its end, or to where the engine raises.

    Args:
        model: the graph.
        moves: the way.
        make: makes the hosts, as for the model.
    """
    journal = Journal()
    again = Replay(model, journal, make)
    for move in moves:
        try:
            again.apply(move)
        except Exception:
            if move.breach is None:
                raise
            break
    return journal


def _link(to: int) -> LinkName:
    return LinkName(f"{SIDES[1 - to]}>{SIDES[to]}")
