"""CUBIC (RFC 9438), in whole octets and nanoseconds.

Floating point is only added and multiplied, which gives the same on every machine; a cube root would not.
"""

from typing import Final, NamedTuple

from tcplab.tcp.congestion.control import CongestionControl
from tcplab.units import SECOND, Duration, Instant

# beta_cubic = 7/10 (4.6), C = 4/10 segments per cubic second (5.1), alpha_cubic = 3 (1 - beta) / (1 + beta) (4.3)
_BETA: Final = (7, 10)
_C: Final = (4, 10)
_ALPHA: Final = (9, 17)
_FAST_CONVERGENCE: Final = (17, 20)  # (1 + beta) / 2 (4.7)
_CUBIC_SECOND: Final = SECOND**3
_NANOSECOND: Final = 1e-9  # seconds


class Epoch(NamedTuple):
    """A stage of congestion avoidance: where the cubic function lies (4.2)."""

    w_max: int
    k: int


class Curve(NamedTuple):
    """Everything that a reduction changes besides the windows (4.9.2)."""

    w_max: int
    prior: int
    epoch: Epoch | None
    elapsed: int
    seen: Instant
    w_est: int


def cube_root(value: int) -> int:
    """Return the largest integer whose cube is not above ``value``, which is 0 or more."""
    root = 1 << -(-value.bit_length() // 3)
    while root**3 > value:
        root = (2 * root + value // (root * root)) // 3
    return root


class Cubic(CongestionControl):
    """Grows with the cube of the time since the last reduction, but never slower than Reno would."""

    __slots__ = ("_c", "_elapsed", "_epoch", "_growth", "_kept", "_prior", "_w_est", "_w_est_growth", "_w_max")

    def __init__(self, mss: int, initial_window: int) -> None:
        """Begin in slow start, with ``initial_window`` octets."""
        super().__init__(mss, initial_window)
        self._c = mss * _C[0] / _C[1]  # octets per cubic second
        self._w_max = 0  # cwnd just before the last reduction, lowered by fast convergence; 0: none that counts
        self._prior = 0  # cwnd_prior
        self._epoch: Epoch | None = None
        self._elapsed = 0  # t: ns of the epoch, less those in which the window did not limit the sender (4.2)
        self._w_est = 0
        self._growth = 0  # what is left of the last step of cwnd, times cwnd
        self._w_est_growth = 0  # and of W_est
        self._kept: Curve | None = None

    def timed_out(self, flight_size: int, *, again: bool) -> None:
        """Begin anew with one segment; congestion avoidance then starts from the window that it finds (4.8)."""
        super().timed_out(flight_size, again=again)
        self._w_max = 0
        self._epoch = None

    def undo(self) -> None:
        """Take a reduction back that proved needless, and end the event (4.9)."""
        if self._before is not None and self._kept is not None:
            self._w_max, self._prior, self._epoch, self._elapsed, self._seen, self._w_est = self._kept
        super().undo()

    def resumed(self, idle: Duration, rto: Duration) -> None:
        """Send again, ``idle`` after the last time, with nothing in the network: that time does not count (4.2)."""
        super().resumed(idle, rto)
        self._seen += idle

    def _remember(self) -> None:
        super()._remember()
        self._kept = Curve(self._w_max, self._prior, self._epoch, self._elapsed, self._seen, self._w_est)

    def _threshold(self, flight_size: int) -> int:
        """Take W_max, lower than it was where the flow has to give way (4.7), and reduce by beta (4.6)."""
        cwnd = self.cwnd
        self._w_max = cwnd * _FAST_CONVERGENCE[0] // _FAST_CONVERGENCE[1] if cwnd < self._w_max else cwnd
        self._prior = cwnd
        self._epoch = None
        return flight_size * _BETA[0] // _BETA[1]

    def _avoid(self, octets: int, now: Instant, srtt: Duration) -> None:
        epoch = self._epoch
        if epoch is None:
            epoch = self._begin(now)
        self._elapsed += max(now - self._seen, 0)
        self._seen = now
        self._grow_estimate(octets)
        if self._w_cubic(epoch, self._elapsed) < self._w_est:
            self.cwnd = max(self.cwnd, self._w_est)  # the Reno-friendly region (4.3)
            return
        cwnd = self.cwnd
        target = min(self._w_cubic(epoch, self._elapsed + srtt), cwnd * 3 // 2)
        if target > cwnd:  # concave or convex (4.4, 4.5)
            step, self._growth = divmod(self._growth + (target - cwnd) * octets, cwnd)
            self.cwnd = cwnd + step

    def _begin(self, now: Instant) -> Epoch:
        """Begin an epoch: place the plateau, W_max, K after now (4.2, figure 2)."""
        cwnd = self.cwnd
        if self._w_max > cwnd:
            rise = (self._w_max - cwnd) * _C[1] * _CUBIC_SECOND // (_C[0] * self.mss)
            epoch = Epoch(self._w_max, cube_root(rise))
        else:
            epoch = Epoch(cwnd, 0)
        self._epoch = epoch
        self._elapsed = self._growth = self._w_est_growth = 0
        self._seen = now
        self._w_est = cwnd
        return epoch

    def _w_cubic(self, epoch: Epoch, elapsed: int) -> int:
        """Return the window ``elapsed`` nanoseconds into the epoch (4.2, figure 1)."""
        t = (elapsed - epoch.k) * _NANOSECOND
        return epoch.w_max + int(t * t * t * self._c)

    def _grow_estimate(self, octets: int) -> None:
        """Grow W_est, Reno's window on average; at Reno's own rate once it is where cwnd was (4.3, figure 4)."""
        alpha = _ALPHA[1] if self._w_est >= self._prior else _ALPHA[0]
        step, self._w_est_growth = divmod(self._w_est_growth + alpha * self.mss * octets, _ALPHA[1] * self.cwnd)
        self._w_est += step
