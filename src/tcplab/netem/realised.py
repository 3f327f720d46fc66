"""What was asked of a rule, and what it really did, with the bounds between which the truth lies."""

import math
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from tcplab.netem.impairments.chance import Struck
from tcplab.netem.impairments.line import Line, TracedLine
from tcplab.netem.impairments.maker import Parts
from tcplab.netem.profile import Profile
from tcplab.units import in_seconds

Unit = Literal["share", "seconds", "packets", "bits/s"]

Z: Final = 1.959964  # standard deviations to either side that hold 95 % of a normal distribution
_NANOSECOND: Final = 1e-9  # in seconds
_SQRT_3: Final = math.sqrt(3)  # the deviation of what is spread evenly over +-1 is 1 / sqrt(3)


class Realised(NamedTuple):
    """One measure of one clause or fault."""

    rule: str
    """The clause, as verdicts name it, or the name of a fault."""
    measure: str
    """What was measured of it, such as ``loss``, ``burst``, ``delay``."""
    unit: Unit
    requested: float | None
    """What was asked for, ``None`` where nothing says how much it should be."""
    realised: float | None
    """What came of it, ``None`` before there was anything to measure."""
    low: float | None
    """The truth lies above this, 97.5 times in 100; ``None`` where no bound is known."""
    high: float | None
    n: int
    """How many packets it had a say in."""
    touched: int
    """How many packets it did something to."""

    def __str__(self) -> str:
        """Return a line for people."""
        if not self.touched:
            return f"{self.measure}: has touched no segment of {self.n:,}"
        asked = "" if self.requested is None else f"asked for {_text(self.requested, self.unit)}, "
        gave = "nothing to measure yet" if self.realised is None else f"gave {_text(self.realised, self.unit)}"
        low, high = self.low, self.high
        bounds = "" if low is None or high is None else f" ({_text(low, self.unit)} to {_text(high, self.unit)})"
        return f"{self.measure}: {asked}{gave}{bounds}, {self.touched:,} of {self.n:,} segments"


def share(rule: str, measure: str, requested: float | None, struck: Struck, n: int) -> Realised:
    """Return the share of ``n`` packets that were struck.

    The bounds are Wilson's (E. B. Wilson, JASA 22, 1927), for as many packets as would have told as much, had each been
    struck by itself: what comes in bursts tells less.
    """
    hits = struck.packets
    low, high = wilson(hits, n, _independent(struck, n)) if n else (None, None)
    return Realised(rule, measure, "share", requested, hits / n if n else None, low, high, n, hits)


def of_fault(name: str, measure: str, chance: float, matched: int, acted: int) -> Realised:
    """Return what a fault really did to the packets that it was about.

    Bounds, Wilson's, are for those whom chance has a part in: each packet is struck by itself there.
    """
    realised = acted / matched if matched else None
    if chance >= 1:
        return Realised(name, measure, "share", None, realised, None, None, matched, acted)
    low, high = wilson(acted, matched) if matched else (None, None)
    return Realised(name, measure, "share", chance, realised, low, high, matched, acted)


def wilson(hits: int, n: int, independent: float | None = None) -> tuple[float, float]:
    """Return Wilson's 95 % bounds of a share; ``independent``: how many of the n were so, all unless told."""
    size = n if independent is None else independent
    p = hits / n
    centre = p + Z * Z / (2 * size)
    reach = Z * math.sqrt(p * (1 - p) / size + Z * Z / (4 * size * size))
    scale = 1 + Z * Z / size
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)


def _independent(struck: Struck, n: int) -> float:
    """Return how many independent packets would tell as much of the share as these n, by how often runs begin and end.

    In a chain of two states that are left with probabilities a and b, what lies one packet apart correlates by
    1 - a - b, and the variance of a share is (1 + that) / (1 - that) times what it is without.
    """
    spared = n - struck.packets
    if not struck.packets or not spared:
        return n
    correlation = 1 - struck.runs / struck.packets - struck.runs / spared
    return max(1.0, n * (1 - correlation) / (1 + correlation)) if correlation > 0 else n


class Sums(NamedTuple):
    """Values that were added up, and how many there were."""

    n: int
    total: float
    squares: float

    def mean(self) -> float:
        """Return their mean; there must be some."""
        return self.total / self.n

    def deviation(self) -> float:
        """Return their standard deviation; there must be some."""
        return math.sqrt(max(0.0, self.squares / self.n - self.mean() ** 2))

    def reach(self) -> float:
        """Return how far to either side of their mean the true one lies 95 times in 100, if they are independent."""
        return Z * self.deviation() / math.sqrt(self.n)


class Passage(NamedTuple):
    """How packets left a link."""

    packets: int
    """How many were let onto it, ever."""
    left: int
    """How many left it, copies included."""
    late: int
    """How much later than they were to, all together, nanoseconds."""


def of_link(profile: Profile, rule_of_loss: str, parts: Parts, passage: Passage) -> tuple[Realised, ...]:
    """Return what the clauses of a profile really did, in the order in which they strike."""
    return tuple(_of_link(profile, rule_of_loss, parts, passage))


def _of_link(profile: Profile, rule_of_loss: str, parts: Parts, passage: Passage) -> Iterator[Realised]:
    packets, way = passage.packets, parts.packets
    if profile.duplicate:
        n = packets - parts.duplicate_since
        yield share("duplicate", "duplicate", profile.duplicate, parts.duplicate.struck, n)
    if profile.loss or profile.loss_model is not None:
        n, struck = packets - parts.loss_since, way.loss.struck
        yield share(rule_of_loss, "loss", profile.mean_loss(), struck, n)
        yield _burst(profile, rule_of_loss, struck, n)
        if profile.ecn:
            yield share("ecn", "mark", None, parts.marked, n)
    if way.corrupt is not None:
        yield share("corrupt", "corrupt", profile.corrupt, way.corrupt.struck, packets - parts.corrupt_since)
    if way.reorder is not None:
        wanted = 1 / (profile.gap - 1 + 1 / profile.reorder)
        yield share("reorder", "reorder", wanted, way.reorder.struck, way.reorder.asked)
    if profile.has_delay:
        yield from _delays(profile, parts, passage)
    if parts.line is not None:
        yield _rate(profile, parts.line)
    for rule, places, struck in (
        ("droplist", profile.drop_list, parts.listed),
        ("delaylist", profile.delay_list, parts.held),
        ("copylist", profile.copy_list, parts.followed),
    ):
        if places:
            done = struck.packets
            yield Realised(rule, rule, "packets", len(places), done, done, done, packets, done)


def _delays(profile: Profile, parts: Parts, passage: Passage) -> Iterator[Realised]:
    """Tell of the delays that the clause gave, and of how much later packets left for want of a driver in time."""
    packets, trace, delays = passage.packets, profile.delay_trace, parts.delays
    asked = (profile.delay + (0.0 if trace is None else trace.mean())) * _NANOSECOND
    late = passage.late / passage.left * _NANOSECOND if passage.left else 0.0
    if not varies(profile):
        given = profile.delay * _NANOSECOND + late if passage.left else None
        yield Realised("delay", "delay", "seconds", asked, given, given, given, packets, passage.left)
        return
    sums = Sums(delays.count, delays.total * _NANOSECOND, delays.squares * _NANOSECOND**2)
    if not sums.n:
        yield Realised("delay", "delay", "seconds", asked, None, None, None, packets, 0)
        return
    centre, reach = sums.mean() + late, sums.reach() * _slower(profile)
    low, high = (centre - reach, centre + reach) if trace is None else (None, None)  # what was recorded is no chance
    yield Realised("delay", "delay", "seconds", asked, centre, low, high, packets, sums.n)
    if trace is None:
        deviation = in_seconds(profile.jitter) / (_SQRT_3 if profile.distribution == "uniform" else 1)
        yield Realised("delay", "jitter", "seconds", deviation, sums.deviation(), None, None, packets, sums.n)


def _burst(profile: Profile, rule: str, struck: Struck, n: int) -> Realised:
    """Tell how many were lost in a row; bursts are taken as independent of each other, which those of a chain are."""
    wanted, sums = profile.mean_burst(), Sums(struck.runs, struck.packets, struck.squares())
    if not sums.n:
        return Realised(rule, "burst", "packets", wanted, None, None, None, n, 0)
    low, high = sums.mean() - sums.reach(), sums.mean() + sums.reach()
    return Realised(rule, "burst", "packets", wanted, sums.mean(), low, high, n, struck.packets)


def varies(profile: Profile) -> bool:
    """Return whether the delay clause gives one packet another delay than the next."""
    return profile.jitter > 0 or profile.delay_trace is not None


def _slower(profile: Profile) -> float:
    """Return by how much a correlation widens the bounds of the mean delay."""
    correlation = min(profile.delay_correlation, 0.999999) if profile.corr_mode == "exact" else 0.0
    return math.sqrt((1 + correlation) / (1 - correlation))


def _rate(profile: Profile, line: Line | TracedLine) -> Realised:
    """Tell what passed the line in the time in which there was something to pass: measured, not estimated."""
    trace = profile.rate_trace
    asked = profile.rate if trace is None else trace.rate()
    given = line.octets * 8 / in_seconds(line.busy) if line.busy else None
    rule = "rate" if trace is None else "trace rate"
    return Realised(rule, "rate", "bits/s", asked, given, given, given, line.packets, line.packets)


def _text(value: float, unit: Unit) -> str:
    match unit:
        case "share":
            return f"{100 * value:.4g}%"
        case "seconds":
            return f"{1_000 * value:.4g} ms"
        case "bits/s":
            return f"{value:,.0f} bit/s"
        case "packets":
            return f"{value:.4g}"
