"""Timers as values that hold their deadline."""

from tcplab.tcp.config import TcpConfig
from tcplab.units import START, Duration, Instant


class RetransmissionTimer:
    """The one timer of what is unacknowledged, and of a closed window (RFC 6298, section 5; RFC 9293, 3.8.3).

    Attributes:
        deadline: when it goes off, to send again or because R2 is over; ``None`` while stopped.
        attempts: how often it went off since the peer last made progress.
    """

    __slots__ = ("_at", "_give_up", "attempts", "deadline")

    def __init__(self) -> None:
        self.deadline: Instant | None = None
        self.attempts = 0
        self._at = START
        self._give_up: Instant | None = None

    def start(self, now: Instant, rto: Duration, r2: Duration | None) -> None:
        """Run, unless it runs already (5.1)."""
        if self.deadline is None:
            self.restart(now, rto, r2)

    def restart(self, now: Instant, rto: Duration, r2: Duration | None) -> None:
        """Run from now: the peer has made progress (5.3)."""
        self.attempts = 0
        self._at = at = now + rto
        if r2 is None:
            self._give_up = None
            self.deadline = at
        else:
            self._give_up = give_up = now + r2
            self.deadline = at if rto < r2 else give_up

    def fired(self, now: Instant, rto: Duration) -> None:
        """Run again after it went off, with the backed-off timeout (5.5, 5.6)."""
        self.attempts += 1
        self._at = now + rto
        self._set()

    def put_off(self, now: Instant, rto: Duration) -> None:
        """Run from now, though the peer has made no progress: a loss probe was sent (RFC 8985, 7.3)."""
        self._at = now + rto
        self._set()

    def alive(self, r2: Duration | None) -> None:
        """Count R2 from the next probe: the peer answers, though it cannot take more yet (MUST-36)."""
        if self.deadline is not None and r2 is not None:
            self._give_up = self._at + r2
            self._set()

    def bound(self, now: Instant, r2: Duration | None) -> None:
        """Take another R2, from now on, where it runs."""
        if self.deadline is not None:
            self._give_up = None if r2 is None else now + r2
            self._set()

    def over(self, now: Instant) -> bool:
        """Return whether R2 is over."""
        return self._give_up is not None and now >= self._give_up

    def stop(self) -> None:
        """Nothing is unacknowledged (5.2)."""
        self.deadline = None

    def _set(self) -> None:
        self.deadline = self._at if self._give_up is None or self._at < self._give_up else self._give_up


class KeepAlive:
    """When to ask a silent peer whether it is alive (RFC 9293, 3.8.4).

    Attributes:
        deadline: when to ask, or to give up.
        asked: how many probes in a row were not answered.
    """

    __slots__ = ("_idle", "_interval", "_limit", "asked", "deadline")

    def __init__(self, config: TcpConfig) -> None:
        self._idle = config.keep_alive_idle
        self._interval = config.keep_alive_interval
        self._limit = config.keep_alive_probes
        self.asked = 0
        self.deadline = Instant(0)

    def heard(self, now: Instant) -> None:
        """The peer is alive."""
        self.asked = 0
        self.deadline = now + self._idle

    def ask(self, now: Instant) -> bool:
        """Count a probe; return ``False`` if so many went unanswered that the peer is believed dead (MUST-29)."""
        if self.asked >= self._limit:
            return False
        self.asked += 1
        self.deadline = now + self._interval
        return True
