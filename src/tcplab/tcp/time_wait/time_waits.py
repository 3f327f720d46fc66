"""A host's TIME_WAITs: the policy applied, the records kept, observers told, ports given back."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final, Literal

from tcplab.node import Address, Event, Packet
from tcplab.tcp.events import (
    ConnectionId,
    ResetReceived,
    SegmentIgnored,
    StateChanged,
    TimeWaitEnded,
    TimeWaitRestarted,
)
from tcplab.tcp.ports import Destination, EphemeralPorts
from tcplab.tcp.states import TRANSITIONS, Cause, State
from tcplab.tcp.time_wait.policy import Policy, Reply
from tcplab.tcp.time_wait.record import Record, Stamps
from tcplab.tcp.time_wait.records import Records
from tcplab.units import Instant
from tcplab.wire.seq import SeqNumber

EXPIRIES_AT_ONCE: Final = 1_000
"""TIME_WAITs that end in one ``advance`` at the most: a million that are due together must not hold a host up."""

Key = tuple[Address, int, int]
"""Remote address, remote port, local port."""


Reason = Literal["expired", "reused", "assassinated"]


class TimeWaits:
    """What is done with the TIME_WAITs of one host.

    What happens is told by the events that each method is given a list for, and ports are given back as they become
    free; segments are the caller's to send.
    """

    __slots__ = ("_policy", "_ports", "_records", "_reopening")

    def __init__(self, records: Records, policy: Policy | None, ports: EphemeralPorts) -> None:
        """Join the three; without a policy no connection stays in TIME_WAIT.

        Args:
            records: where they are kept; empty.
            policy: what TIME_WAIT does.
            ports: the host's, to which a local port is given back at the end.
        """
        self._records = records
        self._policy = policy
        self._ports = ports
        self._reopening: dict[Key, Record] = {}  # given up for a SYN that may be an old duplicate

    def find(self, name: ConnectionId) -> Record | None:
        """Return the record of a connection, ``None`` if it is not in TIME_WAIT."""
        record = self._records.find(name.remote, name.remote_port, name.local_port)
        return record if record is not None and record.id == name else None

    def enter(
        self,
        name: ConnectionId,
        now: Instant,
        events: list[Event],
        *,
        snd_nxt: SeqNumber,
        rcv_nxt: SeqNumber,
        rcv_wnd: int,
        rcv_shift: int = 0,
        stamps: Stamps | None = None,
    ) -> None:
        """Keep a connection that has just come to TIME_WAIT, or end it at once where the policy bids so.

        Args:
            name: the connection.
            now: when.
            events: takes what observers are to hear.
            snd_nxt: SND.NXT.
            rcv_nxt: RCV.NXT, after the peer's FIN.
            rcv_wnd: the window last told, octets.
            rcv_shift: by how much windows are shifted in segments.
            stamps: what there is of timestamps, if they were agreed on.
        """
        policy = self._policy
        stays = policy is not None and policy.stays(name.local, name.remote)
        expires = now + policy.duration if policy is not None else now
        record = Record(name, snd_nxt, rcv_nxt, rcv_wnd, now, expires, rcv_shift, stamps)
        if stays:
            self._records.enter(record)
        else:
            self._end(record, Cause.TIME_WAIT_EXPIRED, "expired", now, events)

    def advance(self, now: Instant, events: list[Event] | None) -> None:
        """End those that are due, a bounded number at a time: where more are left, they are due still.

        Args:
            now: the time.
            events: takes what observers are to hear; ``None`` if nobody observes.
        """
        for ended in self._records.expired(now, EXPIRIES_AT_ONCE):
            if events is not None:
                _tell(ended, Cause.TIME_WAIT_EXPIRED, "expired", now, events)
            name, _ = ended
            self._ports.give_back((name.remote, name.remote_port), name.local_port)

    def segment_arrives(
        self, record: Record, packet: Packet, now: Instant, events: list[Event], *, listening: bool
    ) -> tuple[Record, Reply]:
        """Do to a TIME_WAIT what the policy bids.

        Args:
            record: of the packet's 4-tuple.
            packet: what has arrived.
            now: when.
            events: takes what observers are to hear.
            listening: whether a listener would take a new connection.

        Returns:
            The record, of which :meth:`Record.ack` is to be sent if the reply says so, and the reply; where it says
            that TIME_WAIT was ``reused``, the packet is still to be dealt with, as if nothing had been there.
        """
        policy = self._policy
        assert policy is not None, "without a policy no connection stays in TIME_WAIT"
        reply = policy.segment_arrives(record, packet.segment, now, listening=listening)
        kept = record if reply.record is None else reply.record
        if reply.end == "assassinated":
            self._records.remove(record)
            events.append(ResetReceived(record.id))
            self._end(record, Cause.RESET_ARRIVED, "assassinated", now, events)
            return record, reply
        if reply.end == "reused":
            self._records.remove(record)
            if policy.returns:
                self._reopening[_key(record.id)] = record
            else:
                self._end(record, Cause.SYN_ARRIVED, "reused", now, events)
            return record, reply
        if reply.ignored is not None:
            events.append(SegmentIgnored(record.id, packet, reply.ignored))
        if reply.restart:
            kept = replace(kept, expires=now + policy.duration)
            self._records.restart(kept)
            events.append(TimeWaitRestarted(record.id))
        elif kept is not record:
            self._records.change(kept)
        return kept, reply

    def reopened(self, name: ConnectionId, now: Instant, events: list[Event], *, opened: bool) -> None:
        """Take note that a connection which began by a SYN has left SYN_RECEIVED.

        Where a TIME_WAIT was given up for it that is the end of it, unless the SYN was an old duplicate: the handshake
        has failed, and TIME_WAIT goes on, for its whole length (RFC 9293, 3.6.1, MAY-2).
        """
        record = self._reopening.pop(_key(name), None) if self._reopening else None
        if record is None:
            return
        if opened or self._policy is None:
            self._end(record, Cause.SYN_ARRIVED, "reused", now, events)
        else:
            self._records.enter(replace(record, expires=now + self._policy.duration))
            events.append(TimeWaitRestarted(record.id))

    def take(
        self, destination: Destination, candidates: Iterable[int], now: Instant, events: list[Event]
    ) -> Record | None:
        """End a TIME_WAIT for an OPEN of our own, which takes its local port over, if the policy allows that.

        Args:
            destination: where to.
            candidates: local ports, the best first.
            now: when.
            events: takes what observers are to hear.

        Returns:
            What was kept, for its port and :meth:`Record.isn_after`; ``None`` if none gives way.
        """
        delay = None if self._policy is None else self._policy.open_after(self._records.local, destination[0])
        if delay is None:
            return None
        for port in candidates:
            record = self._records.find(*destination, port)
            if record is not None and record.stamps is not None and now - record.entered > delay:
                self._records.remove(record)
                self._ports.take_again(destination, port)
                _tell((record.id, record.entered), Cause.ACTIVE_OPEN, "reused", now, events)
                return record
        return None

    def _end(self, record: Record, cause: Cause, reason: Reason, now: Instant, events: list[Event]) -> None:
        name = record.id
        _tell((name, record.entered), cause, reason, now, events)
        self._ports.give_back((name.remote, name.remote_port), name.local_port)


def _tell(ended: tuple[ConnectionId, Instant], cause: Cause, reason: Reason, now: Instant, events: list[Event]) -> None:
    name, entered = ended
    events.append(StateChanged(name, State.TIME_WAIT, TRANSITIONS[State.TIME_WAIT, cause], cause))
    events.append(TimeWaitEnded(name, reason, now - entered))


def _key(name: ConnectionId) -> Key:
    return name.remote, name.remote_port, name.local_port
