"""Hosts with one mistake each, for the exploration to find."""

from dataclasses import replace

from tcplab.check.explore import Subject
from tcplab.node import NOTHING, Output, Packet
from tcplab.tcp.states import State
from tcplab.units import Instant
from tcplab.wire.segment import ACK, FIN, RST


class ClosesOnAnyAck(Subject):
    """LAST_ACK closes on any ACK, not only on that of the FIN."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        segment = packet.segment
        for status in self.statuses():
            if status.state is State.LAST_ACK and segment.flags & (ACK | RST) == ACK:
                packet = replace(packet, segment=replace(segment, ack=status.snd_nxt))
        return super().receive(packet, now)


class IsDeafInTimeWait(Subject):
    """TIME_WAIT acknowledges no retransmitted FIN."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        if any(status.state is State.TIME_WAIT for status in self.statuses()):
            return NOTHING
        return super().receive(packet, now)


class HeedsResetsInTimeWait(Subject):
    """TIME_WAIT can be assassinated (RFC 1337)."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        waits = any(status.state is State.TIME_WAIT for status in self.statuses())
        if waits and packet.segment.flags & RST:
            return self.advance(now + self.config.time_wait)
        return super().receive(packet, now)


class TakesFinsOutOfOrder(Subject):
    """A FIN counts although there is a hole before it."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        segment = packet.segment
        for status in self.statuses():
            if status.state is State.ESTABLISHED and segment.flags & FIN:
                packet = replace(packet, segment=replace(segment, seq=status.rcv_nxt))
        return super().receive(packet, now)


class NeverRetransmits(Subject):
    """Nothing but TIME_WAIT has a timer."""

    def deadline(self) -> Instant | None:
        waits = all(status.state in (State.LISTEN, State.TIME_WAIT) for status in self.statuses())
        return super().deadline() if waits else None


class AnswersResets(Subject):
    """A RST is answered with a RST."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        output = super().receive(packet, now)
        segment = packet.segment
        if not segment.flags & RST:
            return output
        answer = replace(segment, sport=segment.dport, dport=segment.sport)
        return Output([*output.packets, Packet(0, now, self.address, packet.source, answer)], output.events)


class TripsOverResets(Subject):
    """A RST raises."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        if packet.segment.flags & RST:
            raise KeyError(packet.source)
        return super().receive(packet, now)
