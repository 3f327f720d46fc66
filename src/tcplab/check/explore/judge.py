"""Looks at one end after every input, and says what it broke."""

from typing import Final, NamedTuple

from tcplab.check.explore.bounds import SIDES, Bounds
from tcplab.check.explore.properties import CONSEQUENCES, LIMITS, Breach, Property
from tcplab.check.explore.subject import Subject
from tcplab.node import Output
from tcplab.tcp.events import IllegalTransition, StateChanged, TimeWaitRestarted
from tcplab.tcp.states import SYNCHRONIZED, Cause, State
from tcplab.wire.segment import ACK, RST, Segment
from tcplab.wire.seq import SeqNumber, seq_diff, seq_lt

_FINISHING: Final = frozenset({State.CLOSING, State.LAST_ACK})  # it has the peer's FIN and has sent its own
_PARTNERLESS: Final = frozenset({State.CLOSED, State.LISTEN, State.SYN_SENT})


class Sent(NamedTuple):
    """A segment, and what it belongs to; incarnations are counted from 1.

    Attributes:
        segment: the segment.
        sender: the sender's incarnation: how many connections it had begun.
        partner: the receiver's incarnation that it is meant for: the one whose ISN the sender has, or, of a reset, the
            one whose segment it answers; 0 for none.
        stray: whether its sender had no open connection, or was in TIME_WAIT and did not begin its 2 MSL anew. What is
            not stray is gone once the TIME_WAIT of either end is over.
        spoiled: whether its sender was.
    """

    segment: Segment
    sender: int
    partner: int
    stray: bool
    spoiled: bool


class Before(NamedTuple):
    """What an end was like before an input."""

    una: SeqNumber | None
    """SND.UNA of its connection, if it had one."""
    open: bool


class Judge:
    """Remembers what it must to judge one end.

    Attributes:
        synchronized: which of the peer's incarnations, counted from 0, its open connection belongs to.
        partner: which of the peer's incarnations, counted from 1, its last connection has the ISN of; 0 for none yet.
        taken: those, counted from 0, of which octets were read on connections that are over.
        spoiled: whether one of :data:`LIMITS` has happened here, or there before a packet that arrived was sent: the
            :data:`CONSEQUENCES` are excused from then on, but for nothing that did not come after it.
    """

    __slots__ = ("_bounds", "partner", "spoiled", "synchronized", "taken")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.synchronized: int | None = None
        self.partner = 0
        self.taken: frozenset[int] = frozenset()
        self.spoiled = False

    @staticmethod
    def before(host: Subject) -> Before:
        """Note what must be known of an end before it takes an input."""
        connection = host.connection
        if connection is None:
            return Before(None, False)
        return Before(connection.snd.seq(connection.snd.una), connection.state in SYNCHRONIZED)

    def judge(self, host: Subject, output: Output, arrived: Sent | None, before: Before) -> Breach | None:
        """Return what an input has broken, if anything.

        Args:
            host: the end, after the input.
            output: what came of it.
            arrived: what it was, if it was a segment.
            before: what the end was like before.
        """
        self.spoiled = self.spoiled or (arrived is not None and arrived.spoiled)
        connection = host.connection
        if connection is not None:
            opening = connection.state in _PARTNERLESS
            self.partner = 0 if opening else self._incarnation(host, connection.rcv.irs) + 1
        breach = self._look(host, output, arrived, before)
        if breach is None:
            return None
        excused = self.spoiled and breach.broken in CONSEQUENCES
        self.spoiled = self.spoiled or breach.broken in LIMITS
        return breach._replace(excused=excused)

    def stamp(self, host: Subject, output: Output, arrived: Sent | None, before: Before) -> list[Sent]:
        """Return what an end sends, with what it belongs to; the arguments are those of :meth:`judge`."""
        covered = before.open or self.before(host).open
        covered = covered or any(isinstance(event, TimeWaitRestarted) for event in output.events)
        sent: list[Sent] = []
        for packet in output.packets:
            reset = packet.segment.flags & RST
            partner = arrived.sender if reset and arrived is not None else self.partner
            sent.append(Sent(packet.segment, host.incarnations, partner, bool(reset) or not covered, self.spoiled))
        return sent

    def _incarnation(self, host: Subject, irs: SeqNumber) -> int:
        """Return which of the peer's incarnations, counted from 0, has that ISN."""
        return seq_diff(irs, self._bounds.isn(host.peer, 0)) // self._bounds.isn_step[SIDES.index(host.peer)]

    def _look(self, host: Subject, output: Output, arrived: Sent | None, before: Before) -> Breach | None:
        illegal = ended = None
        for event in output.events:
            if isinstance(event, IllegalTransition):
                illegal = Breach(Property.LEGAL, f"{event.state.name} has no row for {event.cause.value}")
            elif isinstance(event, StateChanged):
                if event.new is State.ESTABLISHED:
                    self.synchronized = self.partner - 1
                ended = ended or self._judge_end(host, event, arrived)
        believed = None
        if arrived is not None and self._is_of_another(host, arrived) and _is_believed(host, arrived.segment, before):
            broken = Property.STRAY_ACK if arrived.stray else Property.OLD_ACK
            believed = Breach(broken, f"the {host.side} believed {arrived.segment}")
        return illegal or self._judge_stream(host) or ended or believed

    def _is_of_another(self, host: Subject, arrived: Sent) -> bool:
        """Return whether a segment belongs to other incarnations than the open connection."""
        if self.synchronized is None:
            return False
        return (arrived.sender - 1, arrived.partner) != (self.synchronized, host.incarnations)

    def _judge_end(self, host: Subject, event: StateChanged, arrived: Sent | None) -> Breach | None:
        if self.synchronized is None:
            return None
        if event.cause is Cause.RETRANSMISSION_TIMEOUT:
            return Breach(Property.GIVEN_UP, f"the {host.side} gave up in {event.old.name}")
        if event.cause is not Cause.RESET_ARRIVED or arrived is None:
            return None
        what = f"the {host.side} was reset in {event.old.name}"
        if self._is_of_another(host, arrived):
            return Breach(Property.STRAY_RESET, what)
        return Breach(Property.RESET_OF_FIN, what) if event.old in _FINISHING else None

    def _judge_stream(self, host: Subject) -> Breach | None:
        script, incarnation = host.script, self.synchronized
        if incarnation is None:
            return None
        stream = self._bounds.stream(host.peer, incarnation)
        got = script.received
        if not stream.startswith(got):
            return Breach(Property.OLD_OCTET, f"the {host.side} read {got!r}, and its peer had sent {stream!r}")
        if got and incarnation in self.taken:
            return Breach(Property.OLD_OCTET, f"the {host.side} read {got!r} on a second connection")
        if script.peer_closed and got != stream:
            return Breach(Property.OLD_FIN, f"the {host.side} was told of the end after {got!r} of {stream!r}")
        if script.connection is None:
            self.synchronized = None
            if got:
                self.taken |= {incarnation}
        return None


def _is_believed(host: Subject, segment: Segment, before: Before) -> bool:
    """Return whether a segment has moved SND.UNA."""
    if before.una is None or segment.flags & (ACK | RST) != ACK or not seq_lt(before.una, segment.ack):
        return False
    return host.connection is None or seq_lt(before.una, host.connection.snd.seq(host.connection.snd.una))
