"""Hosts with one mistake each, which the fuzzing has to find."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from hypothesis.stateful import RuleBasedStateMachine

from tcplab.node import Output, Packet
from tcplab.tcp.events import StateChanged
from tcplab.tcp.host import Host
from tcplab.tcp.states import Cause, State
from tcplab.tcp.status import Status
from tcplab.units import Instant
from tcplab.wire.segment import ACK, FIN, RST, SYN, URG
from tests.fuzz.machines import OneHost, TwoHosts


class Trips(Host):
    """An urgent FIN raises."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        if packet.segment.flags & (FIN | URG) == FIN | URG:
            raise KeyError("urgent FIN")
        return super().receive(packet, now)


class AnswersResets(Host):
    """A reset is answered with a reset."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        output = super().receive(packet, now)
        if not packet.segment.flags & RST:
            return output
        return Output([*output.packets, replace(packet, source=packet.target, target=packet.source)], output.events)


class AnswersAcks(Host):
    """Every bare ACK is acknowledged, so that two such hosts talk for ever."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        output = super().receive(packet, now)
        segment = packet.segment
        if output.packets or segment.payload or segment.flags & (ACK | SYN | FIN | RST) != ACK:
            return output
        answer = replace(
            segment, sport=segment.dport, dport=segment.sport, seq=segment.ack, ack=segment.seq, options=segment.options
        )
        return Output([replace(packet, segment=answer, source=packet.target, target=packet.source)], output.events)


class SendsTwice(Host):
    """Whatever is sent because something arrived is sent twice."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        output = super().receive(packet, now)
        return Output([*output.packets, *output.packets], output.events)


class HoardsOctets(Host):
    """More is taken than was allowed."""

    def statuses(self) -> Iterator[Status]:
        for status in super().statuses():
            yield status._replace(unread=3 * status.unread)


class InventsTransitions(Host):
    """A FIN in FIN_WAIT_2 closes at once."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        output = super().receive(packet, now)
        return Output(output.packets, [self._changed(event) for event in output.events])

    def _changed(self, event: Any) -> Any:
        if isinstance(event, StateChanged) and (event.old, event.cause) == (State.FIN_WAIT_2, Cause.FIN_ARRIVED):
            return StateChanged(event.connection, event.old, State.CLOSED, event.cause)
        return event


class NeverForgets(Host):
    """TIME_WAIT has no end."""

    def deadline(self) -> Instant | None:
        if any(status.state is State.TIME_WAIT for status in self.statuses()):
            return None
        return super().deadline()


MISTAKES: Final[dict[type[Host], type[RuleBasedStateMachine]]] = {
    Trips: OneHost,
    AnswersResets: OneHost,
    SendsTwice: OneHost,
    HoardsOctets: OneHost,
    InventsTransitions: OneHost,
    NeverForgets: OneHost,
    AnswersAcks: TwoHosts,
}
