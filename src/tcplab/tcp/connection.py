"""One connection: the calls of RFC 9293, section 3.10, one public method each.

What arrives is in :mod:`tcplab.tcp.arrival`, what is sent in :mod:`tcplab.tcp.emission`; all of a
connection's variables are here. Nothing here waits, reads a clock or raises at a peer's doing.
"""

from typing import NamedTuple, assert_never

from tcplab.tcp import emission
from tcplab.tcp.app import (
    Abort,
    Close,
    Closed,
    Failed,
    InvalidCall,
    OnConnection,
    OpenFailed,
    Receive,
    Received,
    Release,
    Send,
)
from tcplab.tcp.config import MSS_UNTOLD, TcpConfig
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectionId,
    Failure,
    IllegalTransition,
    ResetReason,
    Side,
    StateChanged,
)
from tcplab.tcp.reassembly import Reassembly
from tcplab.tcp.rtt import RttEstimator
from tcplab.tcp.spaces import ReceiveSpace, SendSpace
from tcplab.tcp.states import TRANSITIONS, Cause, State
from tcplab.tcp.timers import RetransmissionTimer
from tcplab.units import Instant, earliest, elapsed
from tcplab.wire.seq import SeqNumber

_SENDABLE = frozenset({State.ESTABLISHED, State.CLOSE_WAIT})
_RESET_ON_ABORT = frozenset(
    {State.SYN_RECEIVED, State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSE_WAIT}
)
_OVER = frozenset({State.TIME_WAIT, State.CLOSED})
_CLOSED_IN_ORDER = frozenset({Cause.ACK_OF_FIN, Cause.FIN_ARRIVED})


class Status(NamedTuple):
    """What STATUS (RFC 9293, 3.10.6) tells. Sequence variables are absolute, lengths are octets."""

    connection: ConnectionId
    state: State
    snd_una: SeqNumber
    snd_nxt: SeqNumber
    snd_wnd: int
    rcv_nxt: SeqNumber
    rcv_wnd: int
    unsent_or_unacknowledged: int
    unread: int


class Connection:
    """A transmission control block and the calls on it."""

    __slots__ = (
        "ack_due",
        "active_close",
        "challenge_after",
        "closing_since",
        "config",
        "duplicate_acks",
        "fin_queued",
        "fin_sent",
        "fin_wait_2_at",
        "half_open",
        "holes",
        "id",
        "mss",
        "opened",
        "opened_at",
        "passive",
        "peer_fin",
        "queue",
        "rcv",
        "recover",
        "released",
        "rtt",
        "scheduled",
        "snd",
        "state",
        "timer",
        "timing",
        "token",
        "unread",
        "window_step",
    )

    def __init__(self, connection: ConnectionId, config: TcpConfig, iss: SeqNumber, token: int = 0) -> None:
        """Make a connection in CLOSED.

        Args:
            connection: its name and 4-tuple.
            config: settings of its host.
            iss: the initial send sequence number.
            token: what the application calls its OPEN.
        """
        self.id = connection
        self.config = config
        self.state = State.CLOSED
        self.token = token
        self.snd = SendSpace(iss)
        self.rcv = ReceiveSpace()
        self.mss = min(MSS_UNTOLD, config.mss)
        self.window_step = min(config.mss, config.receive_buffer // 2)  # 3.8.6.2.2: the least that is worth telling
        self.queue = bytearray()  # from SND.UNA on: sent and unacknowledged, then unsent
        self.unread = bytearray()  # taken in order, not yet received by the application
        self.holes: Reassembly | None = None  # what came ahead of a hole
        self.rtt = RttEstimator(config)
        self.timer = RetransmissionTimer()
        self.timing: tuple[int, Instant] | None = None  # the segment being timed: its end, when it was sent
        self.duplicate_acks = 0
        self.recover: int | None = None  # while set, what was sent before it may have holes (RFC 6582)
        self.passive = False
        self.opened = False
        self.released = False
        self.ack_due = False
        self.fin_queued = False
        self.fin_sent = False
        self.peer_fin: int | None = None  # the position at which the peer's FIN stands
        self.active_close = False
        self.challenge_after = Instant(0)  # until then no bare ACK that is unacceptable is answered
        self.opened_at = Instant(0)
        self.closing_since: Instant | None = None
        self.fin_wait_2_at: Instant | None = None
        self.scheduled: Instant | None = None  # the host's: the earliest wake-up that it has booked
        self.half_open = False  # the host's: it takes a place in its listener's backlog

    # --- calls -----------------------------------------------------------------------------------------------

    def listen(self, now: Instant, effects: Effects) -> None:
        """OPEN, passive (3.10.1)."""
        self.passive = True
        self.enter(Cause.PASSIVE_OPEN, now, effects)

    def open(self, now: Instant, effects: Effects) -> None:
        """OPEN, active (3.10.1): send a SYN."""
        self.opened_at = now
        self.enter(Cause.ACTIVE_OPEN, now, effects)
        emission.emit_syn(self, now, effects)

    def call(self, call: OnConnection, now: Instant, effects: Effects) -> None:
        """Do what an application asks for.

        Raises:
            InvalidCall: the state forbids it.
        """
        match call:
            case Send():
                self.send(call.data, now, effects)
            case Receive():
                self.receive(call.limit, now, effects)
            case Close():
                self.close(now, effects)
            case Release():
                self.release(now, effects)
            case Abort():
                self.abort(now, effects)
            case _:
                assert_never(call)

    def send(self, data: bytes, now: Instant, effects: Effects) -> None:
        """SEND (3.10.2).

        Raises:
            InvalidCall: the state forbids it, or the data exceeds the space that was told.
        """
        if self.state not in _SENDABLE or self.fin_queued:
            raise self._invalid("send", "the connection is closing" if self.fin_queued else "it is not open")
        if len(data) > self.space:
            raise self._invalid("send", f"{len(data)} octets exceed the space of {self.space}")
        self.queue += data
        emission.emit(self, now, effects)

    def receive(self, limit: int, now: Instant, effects: Effects) -> None:
        """RECEIVE (3.10.3): hand over up to ``limit`` octets, and tell the peer when that reopens its window."""
        data = bytes(self.unread[:limit])
        del self.unread[:limit]
        effects.signals.append(Received(self.id, data))
        emission.emit_window_update(self, now, effects)

    def close(self, now: Instant, effects: Effects) -> None:
        """CLOSE (3.10.4): nothing more to send; a half-close.

        Raises:
            InvalidCall: it was called before, or there is no connection.
        """
        match self.state:
            case State.LISTEN | State.SYN_SENT:
                self.enter(Cause.CLOSE_CALL, now, effects)
            case _ if self.fin_queued:
                raise self._invalid("close", "the connection is closing")
            case State.SYN_RECEIVED:
                self.fin_queued = True
            case State.ESTABLISHED | State.CLOSE_WAIT:
                self.fin_queued = True
                self.begin_close(now, effects)
            case _:
                raise self._invalid("close", "there is no connection")

    def release(self, now: Instant, effects: Effects) -> None:
        """The application is gone: close, bound FIN_WAIT_2, answer unread data with a reset (SHLD-3).

        Where both sides have closed nothing is left to be reset; what is unread is forgotten.
        """
        if self.state in _OVER:
            self._forget_unread()
            return
        if self.unread:
            self.released = True
            self._reset(ResetReason.UNREAD_DATA, now, effects)
            return
        if not self.fin_queued:
            self.close(now, effects)
        self.released = True
        if self.state is State.FIN_WAIT_2:
            self.bound_fin_wait_2(now)

    def abort(self, now: Instant, effects: Effects) -> None:
        """ABORT (3.10.5): end at once, with a reset where the peer may still believe in the connection.

        Where both sides have closed that has been done; TIME_WAIT is the host's, and MUST-13 bids it stay.
        """
        if self.state in _OVER:
            self._forget_unread()
        else:
            self._reset(ResetReason.ABORT, now, effects)

    def status(self) -> Status:
        """STATUS (3.10.6)."""
        snd, rcv = self.snd, self.rcv
        una, nxt = snd.seq(snd.una), snd.seq(snd.nxt)
        return Status(self.id, self.state, una, nxt, snd.wnd, rcv.seq, rcv.wnd, len(self.queue), len(self.unread))

    def advance(self, now: Instant, effects: Effects) -> None:
        """USER, RETRANSMISSION and FIN_WAIT_2 TIMEOUT (3.10.8), whichever is due; the host keeps TIME_WAIT's."""
        if self.fin_wait_2_at is not None and now >= self.fin_wait_2_at:
            self.enter(Cause.FIN_WAIT_2_TIMEOUT, now, effects)
            effects.events.append(ConnectionFailed(self.id, Failure.TIMEOUT))
            return
        due = self.timer.deadline
        if due is not None and now >= due:
            emission.timer_fired(self, now, effects)

    def deadline(self) -> Instant | None:
        """Return when :meth:`advance` must be called at the latest."""
        if self.fin_wait_2_at is None:
            return self.timer.deadline
        return earliest(self.fin_wait_2_at, self.timer.deadline)

    # --- what the calls, arrivals and timers share -----------------------------------------------------------

    @property
    def space(self) -> int:
        """Octets that the application may send now."""
        return self.config.send_buffer - len(self.queue)

    def enter(self, cause: Cause, now: Instant, effects: Effects) -> None:
        """Go to the state that the table names; the only writer of the state.

        A pair without a row is a bug of ours: it is told and the connection aborted.
        """
        old = self.state
        new = TRANSITIONS.get((old, cause))
        if new is None:
            effects.events.append(IllegalTransition(self.id, old, cause))
            if old is State.CLOSED:
                return
            new, cause = State.CLOSED, Cause.ABORT_CALL
            self.fail(Failure.ABORTED, effects)
        self.state = new
        effects.events.append(StateChanged(self.id, old, new, cause))
        if cause in _CLOSED_IN_ORDER and (new is State.TIME_WAIT or new is State.CLOSED):
            self._closed_in_order(now, effects)
        if new is State.CLOSED or new is State.TIME_WAIT or new is State.LISTEN:
            self.timer.stop()
            self.fin_wait_2_at = None
        elif new is State.FIN_WAIT_2 and self.released:
            self.bound_fin_wait_2(now)

    def begin_close(self, now: Instant, effects: Effects) -> None:
        """Act on a CLOSE once the state allows it; the FIN follows what is queued."""
        if self.state is State.ESTABLISHED:
            self.active_close = True
            self.enter(Cause.CLOSE_CALL, now, effects)
        emission.emit(self, now, effects)

    def bound_fin_wait_2(self, now: Instant) -> None:
        """Nobody waits for the peer's data any more, so do not wait for ever for its FIN."""
        self.fin_wait_2_at = Instant(now + self.config.fin_wait_2_timeout)

    def fail(self, reason: Failure, effects: Effects) -> None:
        """Tell observers, and the application if it can have heard of it (MUST-12); what is unread is flushed."""
        self.unread.clear()
        effects.events.append(ConnectionFailed(self.id, reason))
        if self.released:
            return
        if self.opened:
            effects.signals.append(Failed(self.id, reason))
        elif not self.passive:
            effects.signals.append(OpenFailed(self.token, reason))

    def _closed_in_order(self, now: Instant, effects: Effects) -> None:
        since = now if self.closing_since is None else self.closing_since
        side: Side = "active" if self.active_close else "passive"
        effects.events.append(ConnectionClosed(self.id, side, elapsed(since, now)))
        if not self.released:
            effects.signals.append(Closed(self.id))

    def _forget_unread(self) -> None:
        self.released = True
        self.unread.clear()

    def _reset(self, reason: ResetReason, now: Instant, effects: Effects) -> None:
        if self.state in _RESET_ON_ABORT:
            emission.emit_reset(self, reason, now, effects)
        self.enter(Cause.ABORT_CALL, now, effects)
        self.fail(Failure.ABORTED, effects)

    def _invalid(self, call: str, why: str) -> InvalidCall:
        return InvalidCall(f"{call} on {self.id} in {self.state.name}: {why}")
