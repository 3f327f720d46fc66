"""One connection: the calls of RFC 9293, section 3.10, one public method each.

What arrives is in :mod:`tcplab.tcp.arrival`, what is sent in :mod:`tcplab.tcp.emission`; all of a
connection's variables are here. Nothing here waits, reads a clock or raises at a peer's doing.
"""

from typing import assert_never

from tcplab.node import Packet
from tcplab.tcp import emission
from tcplab.tcp.app import (
    Abort,
    AppEvent,
    Close,
    Closed,
    Configure,
    Failed,
    InvalidCall,
    OnConnection,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Receive,
    Received,
    Release,
    Send,
)
from tcplab.tcp.config import MSS_UNTOLD, TcpConfig
from tcplab.tcp.ecn import Ecn
from tcplab.tcp.effects import Effects
from tcplab.tcp.events import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectionId,
    Failure,
    Ignored,
    IllegalTransition,
    ResetReason,
    ResetReceived,
    SegmentIgnored,
    Side,
    StateChanged,
)
from tcplab.tcp.negotiation import Agreed
from tcplab.tcp.reassembly import Block, Reassembly
from tcplab.tcp.recovery import Recovery
from tcplab.tcp.rtt import RttEstimator
from tcplab.tcp.spaces import ReceiveSpace, SendSpace
from tcplab.tcp.states import CLOSED, ESTABLISHED, FIN_WAIT_2, LISTEN, TIME_WAIT, TRANSITIONS, Cause, State
from tcplab.tcp.status import Status
from tcplab.tcp.timers import KeepAlive, RetransmissionTimer
from tcplab.tcp.timestamps import Timestamps
from tcplab.units import START, Instant
from tcplab.wire.seq import SeqNumber

_SENDABLE = frozenset({ESTABLISHED, State.CLOSE_WAIT})
_RESET_ON_ABORT = frozenset({State.SYN_RECEIVED, ESTABLISHED, State.FIN_WAIT_1, FIN_WAIT_2, State.CLOSE_WAIT})
_OVER = frozenset({TIME_WAIT, CLOSED})
_CLOSED_IN_ORDER = frozenset({Cause.ACK_OF_FIN, Cause.FIN_ARRIVED})


class Connection:
    """A transmission control block and the calls on it."""

    __slots__ = (
        "accepting", "ack_at", "ack_due", "acked", "active_close", "agreed", "challenge_after", "clock_offset",
        "closing_since", "config", "due", "duplicate", "ecn", "fin_queued", "fin_sent", "fin_wait_2_at", "half_open",
        "holes", "id", "keep_alive", "largest", "local_port", "mss", "nagle", "opened", "opened_at", "passive",
        "peer_fin", "queue", "r2", "rcv", "recovery", "released", "remote", "remote_port", "rtt", "sack", "scheduled",
        "sent_at", "small_end", "snd", "state", "syn_sent_at", "timer", "timestamps", "token", "unread", "user_timeout",
        "window_step",
    )  # fmt: skip

    def __init__(
        self, connection: ConnectionId, config: TcpConfig, iss: SeqNumber, token: int = 0, clock_offset: int = 0
    ) -> None:
        """Make a connection in CLOSED.

        Args:
            connection: its name and 4-tuple.
            config: its settings.
            iss: the initial send sequence number.
            token: what the application calls its OPEN.
            clock_offset: where its timestamp clock starts.
        """
        self.id = connection
        _, self.local_port, self.remote, self.remote_port, _ = connection  # each segment wants them: quick to read here
        self.config = config
        self.state = CLOSED
        self.token = token
        self.clock_offset = clock_offset
        self.snd = SendSpace(iss)
        self.rcv = ReceiveSpace()
        # what the two SYNs have agreed on
        self.agreed: Agreed | None = None
        self.mss = MSS_UNTOLD  # octets of data that a segment to the peer may carry beside timestamps
        self.timestamps: Timestamps | None = None
        self.sack = False
        self.ecn: Ecn | None = None
        # sending
        self.queue = bytearray()  # from SND.UNA on: sent and unacknowledged, then unsent
        self.recovery: Recovery | None = None  # once the connection is open
        self.sent_at: Instant | None = None  # when data was last sent
        self.rtt = RttEstimator(config)
        self.timer = RetransmissionTimer()
        self.syn_sent_at: Instant | None = None  # while its acknowledgement would measure the round trip (MUST-18)
        self.nagle = config.nagle
        self.small_end = 0  # the position after the last segment that was not a full one
        self.user_timeout = timeout = config.user_timeout
        self.r2 = config.r2 if timeout is None else timeout  # how long something may stay unacknowledged
        # receiving
        self.unread = bytearray()  # taken in order, not yet received by the application
        self.holes: Reassembly | None = None  # what came ahead of a hole
        self.duplicate: Block | None = None  # what came twice, to be reported with the next ACK
        self.window_step = min(config.mss, config.receive_buffer // 2)  # 3.8.6.2.2: the least that is worth telling
        self.largest = 0  # octets of the largest segment taken: the peer's idea of a full one
        self.acked = 0  # the position that our last ACK told
        self.ack_due = False
        self.ack_at: Instant | None = None  # when an ACK that waits for company must be sent
        self.challenge_after = START  # until then no bare ACK that is unacceptable is answered
        self.keep_alive = KeepAlive(config) if config.keep_alive else None
        # opening and closing
        self.passive = self.opened = self.released = False
        self.fin_queued = self.fin_sent = self.active_close = False
        self.peer_fin: int | None = None  # the position at which the peer's FIN stands
        self.opened_at = START
        self.closing_since: Instant | None = None
        self.fin_wait_2_at: Instant | None = None
        # the host's
        self.due: Instant | None = None  # its deadline, as the schedule last heard of it
        self.scheduled: Instant | None = None  # the earliest wake-up that is booked for it
        self.half_open = False  # it takes a place in its listener's backlog
        self.accepting = False  # it waits, or will wait, to be accepted

    # --- calls -----------------------------------------------------------------------------------------------

    def listen(self, now: Instant, effects: Effects) -> None:
        """OPEN, passive (3.10.1)."""
        self.passive = True
        self.enter(Cause.PASSIVE_OPEN, now, effects)

    def open(self, now: Instant, effects: Effects) -> None:
        """OPEN, active (3.10.1): send a SYN."""
        self.opened_at = now
        if self.config.timestamps:
            self.timestamps = Timestamps(self.clock_offset, now)
        self.enter(Cause.ACTIVE_OPEN, now, effects)
        emission.emit_syn(self, now, effects)

    def call(self, call: OnConnection, now: Instant, effects: Effects) -> None:
        """Do what an application asks for.

        Raises:
            InvalidCall: the state forbids it.
        """
        if isinstance(call, Send):
            self.send(call.data, now, effects)
        elif isinstance(call, Receive):
            self.receive(call.limit, now, effects)
        elif isinstance(call, Close):
            self.close(now, effects)
        elif isinstance(call, Release):
            self.release(now, effects)
        elif isinstance(call, Abort):
            self.abort(now, effects)
        elif isinstance(call, Configure):
            self.configure(call, now, effects)
        else:
            assert_never(call)

    def accept(self, effects: Effects) -> None:
        """The application takes the connection: tell it what it has missed."""
        self.accepting = False
        self.tell(Opened(self.id, self.space, None), effects)
        if self.unread:
            self.tell(Readable(self.id, len(self.unread)), effects)
        if self.peer_fin is not None and self.rcv.nxt > self.peer_fin:
            self.tell(PeerClosed(self.id), effects)

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
        unread = self.unread
        data = bytes(unread) if limit >= len(unread) else bytes(unread[:limit])
        del unread[:limit]
        effects.signals.append(Received(self.id, data))
        emission.emit_window_update(self, now, effects)

    def close(self, now: Instant, effects: Effects) -> None:
        """CLOSE (3.10.4): nothing more to send; a half-close.

        Raises:
            InvalidCall: it was called before, or there is no connection.
        """
        state = self.state
        if state in _SENDABLE and not self.fin_queued:
            self.fin_queued = True
            self.begin_close(now, effects)
        elif state is LISTEN or state is State.SYN_SENT:
            self.enter(Cause.CLOSE_CALL, now, effects)
        elif self.fin_queued:
            raise self._invalid("close", "the connection is closing")
        elif state is State.SYN_RECEIVED:
            self.fin_queued = True
        else:
            raise self._invalid("close", "there is no connection")

    def release(self, now: Instant, effects: Effects) -> None:
        """The application is gone: close, bound FIN_WAIT_2, answer unread data with a reset (SHLD-3).

        Where both sides have closed nothing is left to be reset; what is unread is forgotten.
        """
        if self.state in _OVER:
            self._forget_unread()
        elif self.unread:
            self.released = True
            self._reset(ResetReason.UNREAD_DATA, now, effects)
        else:
            if not self.fin_queued:
                self.close(now, effects)
            self.released = True
            if self.state is FIN_WAIT_2:
                self.bound_fin_wait_2(now)

    def abort(self, now: Instant, effects: Effects) -> None:
        """ABORT (3.10.5): end at once, with a reset where the peer may still believe in the connection.

        Where both sides have closed that has been done; TIME_WAIT is the host's, and MUST-13 bids it stay.
        """
        if self.state in _OVER:
            self._forget_unread()
        else:
            self._reset(ResetReason.ABORT, now, effects)

    def configure(self, call: Configure, now: Instant, effects: Effects) -> None:
        """Change settings; what held data back may let it go."""
        if call.user_timeout is not None:
            self.user_timeout = self.r2 = call.user_timeout
            self.timer.bound(now, self.r2)
        if call.keep_alive is not None:
            self.keep_alive = KeepAlive(self.config) if call.keep_alive else None
            if self.keep_alive is not None and self.opened:
                self.keep_alive.heard(now)
        if call.no_delay is not None:
            self.nagle = not call.no_delay
            emission.emit(self, now, effects)

    def status(self) -> Status:
        """STATUS (3.10.6)."""
        snd, rcv = self.snd, self.rcv
        control = None if self.recovery is None else self.recovery.control
        ahead = 0 if self.holes is None else len(self.holes)
        una, nxt, taken = snd.seq(snd.una), snd.seq(snd.nxt), rcv.seq(rcv.nxt)
        windows = (None, None) if control is None else (control.cwnd, control.ssthresh)
        queued, unread = len(self.queue), len(self.unread)
        return Status(self.id, self.state, una, nxt, snd.wnd, taken, rcv.wnd, queued, unread, ahead, *windows)

    def advance(self, now: Instant, effects: Effects) -> None:
        """Do what is due (3.10.8); the host keeps TIME_WAIT's timer."""
        if self.fin_wait_2_at is not None and now >= self.fin_wait_2_at:
            self.enter(Cause.FIN_WAIT_2_TIMEOUT, now, effects)
            effects.events.append(ConnectionFailed(self.id, Failure.TIMEOUT))
            return
        if self.keep_alive is not None and self.opened and now >= self.keep_alive.deadline:
            emission.keep_alive_due(self, now, effects)
        if self.recovery is not None and (due := self.recovery.deadline) is not None and now >= due:
            emission.recovery_due(self, self.recovery, now, effects)
        if (due := self.timer.deadline) is not None and now >= due:
            emission.timer_fired(self, now, effects)
        if self.ack_at is not None and now >= self.ack_at:
            self.ack_due = True
            emission.emit(self, now, effects)

    def deadline(self) -> Instant | None:
        """Return when :meth:`advance` must be called at the latest."""
        first = self.timer.deadline
        if (due := self.ack_at) is not None and (first is None or due < first):
            first = due
        if self.recovery is not None and (due := self.recovery.deadline) is not None and (first is None or due < first):
            first = due
        if self.keep_alive is not None and self.opened and (first is None or self.keep_alive.deadline < first):
            first = self.keep_alive.deadline
        if self.fin_wait_2_at is not None and (first is None or self.fin_wait_2_at < first):
            first = self.fin_wait_2_at
        return first

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
            if old is CLOSED:
                return
            new, cause = CLOSED, Cause.ABORT_CALL
            self.fail(Failure.ABORTED, effects)
        self.state = new
        if effects.observed:
            effects.events.append(StateChanged(self.id, old, new, cause))
        if new is CLOSED or new is TIME_WAIT or new is LISTEN:
            if cause in _CLOSED_IN_ORDER:
                self._closed_in_order(now, effects)
            self._stop()
        elif new is FIN_WAIT_2 and self.released:
            self.bound_fin_wait_2(now)

    def _stop(self) -> None:
        """Nothing is to be done any more, of the connection's own accord."""
        self.timer.stop()
        if self.recovery is not None:
            self.recovery.deadline = None
        self.fin_wait_2_at = self.ack_at = self.keep_alive = None

    def begin_close(self, now: Instant, effects: Effects) -> None:
        """Act on a CLOSE once the state allows it; the FIN follows what is queued."""
        if self.state is ESTABLISHED:
            self.active_close = True
            self.enter(Cause.CLOSE_CALL, now, effects)
        emission.emit(self, now, effects)

    def bound_fin_wait_2(self, now: Instant) -> None:
        """Nobody waits for the peer's data any more, so do not wait for ever for its FIN."""
        self.fin_wait_2_at = now + self.config.fin_wait_2_timeout

    def fail(self, reason: Failure, effects: Effects) -> None:
        """Tell observers, and the application if it can have heard of it (MUST-12); what is unread is flushed."""
        self.unread.clear()
        effects.events.append(ConnectionFailed(self.id, reason))
        if self.opened:
            self.tell(Failed(self.id, reason), effects)
        elif not self.passive:
            self.tell(OpenFailed(self.token, reason), effects)

    def reset_arrived(self, reason: Failure, now: Instant, effects: Effects) -> None:
        """A reset that counts has come."""
        effects.events.append(ResetReceived(self.id))
        self.fail(reason, effects)
        from_listen = self.passive and self.state is State.SYN_RECEIVED
        self.enter(Cause.RESET_OF_PASSIVE_OPEN if from_listen else Cause.RESET_ARRIVED, now, effects)

    def tell(self, signal: AppEvent, effects: Effects) -> None:
        """Tell the application, if the connection is its own."""
        if not self.released and not self.accepting:
            effects.signals.append(signal)

    def ignore(self, packet: Packet, reason: Ignored, effects: Effects) -> bool:
        """Tell observers that a segment goes no further; return ``False``, so that it does not."""
        effects.events.append(SegmentIgnored(self.id, packet, reason))
        return False

    def _closed_in_order(self, now: Instant, effects: Effects) -> None:
        if effects.observed:
            since = now if self.closing_since is None else self.closing_since
            side: Side = "active" if self.active_close else "passive"
            effects.events.append(ConnectionClosed(self.id, side, now - since))
        self.tell(Closed(self.id), effects)

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
