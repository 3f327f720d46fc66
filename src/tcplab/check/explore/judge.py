"""Looks at one end after every input, and says what it broke."""

from typing import Final, NamedTuple

from tcplab.check.explore.bounds import SIDES, Bounds
from tcplab.check.explore.properties import CONSEQUENCES, LIMITS, Breach, Property
from tcplab.check.explore.subject import Subject
from tcplab.node import Output
from tcplab.tcp.events import IllegalTransition, StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.wire.segment import ACK, RST, Segment
from tcplab.wire.seq import SeqNumber, seq_diff, seq_lt

_FINISHING: Final = frozenset({State.CLOSING, State.LAST_ACK})  # it has the peer's FIN and has sent its own


class Sent(NamedTuple):
    """A segment, and the incarnations that it belongs to, counted from 1.

    Attributes:
        segment: the segment.
        sender: how many connections its sender had begun by then.
        answered: of a reset, the receiver's incarnation whose segment it answers; else 0.
        spoiled: whether its sender was.
    """

    segment: Segment
    sender: int
    answered: int
    spoiled: bool


class Judge:
    """Remembers what it must to judge one end.

    Attributes:
        synchronized: which of the peer's incarnations, counted from 0, its open connection belongs to.
        taken: those of which octets were read on connections that are over.
        spoiled: whether one of :data:`LIMITS` has happened here, or there before a packet that arrived was sent: the
            :data:`CONSEQUENCES` are excused from then on, but for nothing that did not come after it.
    """

    __slots__ = ("_bounds", "spoiled", "synchronized", "taken")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self.synchronized: int | None = None
        self.taken: frozenset[int] = frozenset()
        self.spoiled = False

    def judge(self, host: Subject, output: Output, arrived: Sent | None, una: SeqNumber | None) -> Breach | None:
        """Return what an input has broken, if anything.

        Args:
            host: the end, after the input.
            output: what came of it.
            arrived: what it was, if it was a segment.
            una: what SND.UNA was before it, if there was a connection.
        """
        self.spoiled = self.spoiled or (arrived is not None and arrived.spoiled)
        breach = self._look(host, output, arrived, una)
        if breach is None:
            return None
        excused = self.spoiled and breach.broken in CONSEQUENCES
        self.spoiled = self.spoiled or breach.broken in LIMITS
        return breach._replace(excused=excused)

    def _look(self, host: Subject, output: Output, arrived: Sent | None, una: SeqNumber | None) -> Breach | None:
        illegal = ended = None
        for event in output.events:
            if isinstance(event, IllegalTransition):
                illegal = Breach(Property.LEGAL, f"{event.state.name} has no row for {event.cause.value}")
            elif isinstance(event, StateChanged):
                if event.new is State.ESTABLISHED:
                    self._begin(host)
                ended = ended or self._judge_end(host, event, arrived)
        old_ack = None
        if arrived is not None and una is not None and self._believed_of_another(host, arrived, una):
            old_ack = Breach(Property.OLD_ACK, f"the {host.side} believed {arrived.segment}")
        return illegal or self._judge_stream(host) or ended or old_ack

    def _begin(self, host: Subject) -> None:
        """Note which incarnation of the peer a connection that has just opened belongs to."""
        if host.connection is not None:
            distance = seq_diff(host.connection.rcv.irs, self._bounds.isn(host.peer, 0))
            self.synchronized = distance // self._bounds.isn_step[SIDES.index(host.peer)]

    def _believed_of_another(self, host: Subject, arrived: Sent, una: SeqNumber) -> bool:
        """Return whether a segment of another incarnation has moved SND.UNA."""
        segment = arrived.segment
        if self.synchronized in (None, arrived.sender - 1):
            return False
        if segment.flags & (ACK | RST) != ACK or not seq_lt(una, segment.ack):
            return False
        return host.connection is None or seq_lt(una, host.connection.snd.una)

    def _judge_end(self, host: Subject, event: StateChanged, arrived: Sent | None) -> Breach | None:
        if self.synchronized is None:
            return None
        if event.cause is Cause.RETRANSMISSION_TIMEOUT:
            return Breach(Property.GIVEN_UP, f"the {host.side} gave up in {event.old.name}")
        if event.cause is not Cause.RESET_ARRIVED or arrived is None:
            return None
        what = f"the {host.side} was reset in {event.old.name}"
        if (arrived.sender - 1, arrived.answered) != (self.synchronized, host.incarnations):
            return Breach(Property.OLD_RESET, what)
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
