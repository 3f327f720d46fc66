"""Timers as values that hold their deadline."""

from tcplab.units import Duration, Instant, earliest


class RetransmissionTimer:
    """The one timer of what is unacknowledged, and of a closed window (RFC 6298, section 5; RFC 9293, 3.8.3).

    Attributes:
        at: when to send again, ``None`` while stopped.
        since: since when the peer has shown no sign of progress; R2 counts from here.
        attempts: how often the timer fired since.
    """

    __slots__ = ("at", "attempts", "since")

    def __init__(self) -> None:
        self.at: Instant | None = None
        self.since = Instant(0)
        self.attempts = 0

    def start(self, now: Instant, rto: Duration) -> None:
        """Run, unless it runs already (5.1)."""
        if self.at is None:
            self.restart(now, rto)

    def restart(self, now: Instant, rto: Duration) -> None:
        """Run from now: the peer has made progress (5.3)."""
        self.at = Instant(now + rto)
        self.since = now
        self.attempts = 0

    def fired(self, now: Instant, rto: Duration) -> None:
        """Run again after it went off, with the backed-off timeout (5.5, 5.6)."""
        self.at = Instant(now + rto)
        self.attempts += 1

    def alive(self, now: Instant) -> None:
        """Count R2 from now: the peer answers, though it cannot take more yet (MUST-36)."""
        self.since = now

    def stop(self) -> None:
        """Nothing is unacknowledged (5.2)."""
        self.at = None

    def deadline(self, r2: Duration | None) -> Instant | None:
        """Return when it goes off: to send again, or because R2 is over."""
        if self.at is None or r2 is None:
            return self.at
        return earliest(self.at, Instant(self.since + r2))
