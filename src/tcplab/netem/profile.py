"""What one link does to the packets on it, as a value."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, get_args

from tcplab.netem.grammar.clauses import no_traces, read_fields
from tcplab.netem.grammar.printer import write_profile
from tcplab.netem.linux import share_given
from tcplab.netem.loss_models import LossModel
from tcplab.netem.traces import DelayTrace, RateTrace, TraceReader
from tcplab.netem.values import CorrelationMode, Distribution, Slot
from tcplab.units import Duration

_NONE: Final = Duration(0)
LIMIT_DEFAULT: Final = 1_000  # packets, as tc netem has it

_DURATIONS: Final = ("delay", "jitter")
_SHARES: Final = ("loss", "duplicate", "corrupt", "reorder")
_CORRELATIONS: Final = ("delay_correlation", *(f"{name}_correlation" for name in _SHARES))
_TIMES_BY_PACKET: Final = ("delay_list", "copy_list")
_SEEDS: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings of one link. The default is a perfect link: no delay, no loss, no bound on its rate.

    ``Profile.parse("delay 100ms 20ms loss 1%")`` makes one of text, ``str()`` gives the text back: docs/netem.md.

    The three lists name packets by their place among all that were ever let onto the link, the first being 1;
    they strike exactly where they are told to, whatever chance decides beside them. Correlations are 0..1, of what
    befalls a packet with what befell the one before it.

    Attributes:
        delay: how long each packet is under way, nanoseconds.
        jitter: how far the delay varies, nanoseconds: evenly to either side, or the standard deviation of the
            distribution. The sum is never below 0.
        delay_correlation: of one delay with the one before.
        distribution: how delays spread.
        delay_trace: delays that were recorded, on top of ``delay``.
        loss: the probability that a packet is lost, 0..1.
        loss_correlation: of one loss with the one before.
        loss_model: losses that come in bursts, instead of ``loss``.
        ecn: mark packets of an ECN-capable transport instead of losing them (RFC 3168).
        duplicate: the probability that a packet is doubled, 0..1. Where loss and duplication both strike, one packet
            goes on, as in tc.
        duplicate_correlation: of one duplication with the one before.
        corrupt: the probability that a bit of a packet is flipped, 0..1.
        corrupt_correlation: of one corruption with the one before.
        reorder: the probability that a packet is sent at once, ahead of all that wait, 0..1.
        reorder_correlation: of one such decision with the one before.
        gap: one packet at most of so many is sent at once.
        rate: bits a second of IP packets (headers counted), ``None`` for no bound. Packets pass one after the other,
            each behind the one before it, so that jitter alone reorders none.
        packet_overhead: octets that a packet takes on the line besides, or less where below 0.
        cell_size: octets of the cells into which packets are cut on the line, 0 for none.
        cell_overhead: octets that a cell takes besides.
        rate_trace: when packets may pass, as it was recorded, instead of ``rate``.
        slot: times at which packets may leave, ``None`` for any time.
        limit: how many packets the queue holds; what comes on top is dropped.
        seed: what the link's chance is drawn from, instead of the network's seed; ``None`` for that one.
        corr_mode: whether correlations are as asked for (exact), or as Linux has them.
        drop_list: packets to drop.
        delay_list: packets to hold back after they have passed the line, and for how long.
        copy_list: packets of which a copy follows, and how long after the packet itself; it follows a lost one too.
    """

    delay: Duration = _NONE
    jitter: Duration = _NONE
    loss: float = 0.0
    duplicate: float = 0.0
    rate: int | None = None
    limit: int = LIMIT_DEFAULT
    drop_list: frozenset[int] = frozenset()
    # Not in the hash, since a dictionary has none; equality looks at them.
    delay_list: Mapping[int, Duration] = field(default_factory=dict, hash=False)
    copy_list: Mapping[int, Duration] = field(default_factory=dict, hash=False)
    delay_correlation: float = 0.0
    distribution: Distribution = "uniform"
    delay_trace: DelayTrace | None = None
    loss_correlation: float = 0.0
    loss_model: LossModel | None = None
    ecn: bool = False
    duplicate_correlation: float = 0.0
    corrupt: float = 0.0
    corrupt_correlation: float = 0.0
    reorder: float = 0.0
    reorder_correlation: float = 0.0
    gap: int = 1
    packet_overhead: int = 0
    cell_size: int = 0
    cell_overhead: int = 0
    rate_trace: RateTrace | None = None
    slot: Slot | None = None
    seed: int | None = None
    corr_mode: CorrelationMode = "exact"

    def __post_init__(self) -> None:
        """Refuse values that no link could have, and keep copies of the lists.

        Raises:
            ValueError: names the field, what it must be, and what it is.
        """
        for name in _DURATIONS:
            _check(_is_count(getattr(self, name), 0), name, "whole nanoseconds, 0 or more", getattr(self, name))
        for name in (*_SHARES, *_CORRELATIONS):
            _check(_is_probability(getattr(self, name)), name, "a probability of 0..1", getattr(self, name))
        _check(self.rate is None or _is_count(self.rate, 1), "rate", "whole bits a second, 1 or more", self.rate)
        _check(_is_count(self.limit, 1), "limit", "a number of packets, 1 or more", self.limit)
        _check(_is_count(self.gap, 1), "gap", "a number of packets, 1 or more", self.gap)
        _check(_is_count(self.cell_size, 0), "cell_size", "a number of octets, 0 for no cells", self.cell_size)
        seed = self.seed
        _check(seed is None or (_is_count(seed, 0) and seed < _SEEDS), "seed", "a number of 64 bits, 0 or more", seed)
        for name, kind in (("distribution", Distribution), ("corr_mode", CorrelationMode)):
            _check(getattr(self, name) in get_args(kind), name, f"one of {get_args(kind)}", getattr(self, name))
        self._check_lists()
        self._check_together()

    def _check_lists(self) -> None:
        for place in self.drop_list:
            _check(_is_count(place, 1), "drop_list", "places of packets, 1 for the first", place)
        for name in _TIMES_BY_PACKET:
            for place, duration in getattr(self, name).items():
                _check(_is_count(place, 1), name, "places of packets, 1 for the first", place)
                _check(_is_count(duration, 0), f"{name}[{place}]", "whole nanoseconds, 0 or more", duration)
            object.__setattr__(self, name, dict(getattr(self, name)))
        object.__setattr__(self, "drop_list", frozenset(self.drop_list))

    def _check_together(self) -> None:
        lossy = self.loss > 0 or self.loss_model is not None
        for name, holds, wanted in (
            ("distribution", self.jitter > 0 or self.distribution == "uniform", "uniform where there is no jitter"),
            ("loss", self.loss_model is None or not self.loss, "0 where there is a loss_model"),
            ("ecn", lossy or not self.ecn, "False where nothing is lost"),
            ("reorder", self.has_delay or not self.reorder, "0 where there is no delay"),
            ("gap", self.reorder > 0 or self.gap == 1, "1 where nothing is reordered"),
            ("rate", self.rate_trace is None or self.rate is None, "None where there is a rate_trace"),
            ("packet_overhead", self.rate is not None or not self.packet_overhead, "0 where there is no rate"),
            ("cell_size", self.rate is not None or not self.cell_size, "0 where there is no rate"),
            ("cell_overhead", self.cell_size > 0 or not self.cell_overhead, "0 where there are no cells"),
        ):
            _check(holds, name, wanted, getattr(self, name))

    @property
    def has_delay(self) -> bool:
        """Whether packets wait at all, so that some may be sent ahead of others."""
        return self.delay > 0 or self.jitter > 0 or self.delay_trace is not None

    @classmethod
    def parse(cls, text: str, traces: TraceReader = no_traces) -> Self:
        """Return the profile that a text in the grammar of docs/netem.md describes; an empty one is a perfect link.

        ``traces`` gives the contents of the files that ``trace delay`` and ``trace rate`` name; without it there are
        none.

        Raises:
            GrammarError: names the word at fault, and what may stand there; a ValueError.
        """
        return cls(**read_fields(text, traces))

    def __str__(self) -> str:
        """Return the profile in the grammar: what :meth:`parse` makes the same profile of."""
        return write_profile(self)

    def traces(self) -> Mapping[str, str]:
        """Return the trace files that the profile is made of, by the names that ``str`` gives: for :meth:`parse`."""
        return {trace.name: trace.text() for trace in (self.delay_trace, self.rate_trace) if trace is not None}

    def mean_loss(self) -> float:
        """Return the share of packets that is to be lost in the long run."""
        return self.loss if self.loss_model is None else self.loss_model.share()

    def mean_burst(self) -> float | None:
        """Return how many packets are to be lost in a row on average, ``None`` where nobody can say."""
        if self.loss_model is not None:
            return self.loss_model.burst()
        if self.corr_mode == "linux" and self.loss_correlation:
            return None
        goes_on = self.loss_correlation + (1 - self.loss_correlation) * self.loss
        return 1 / (1 - goes_on) if goes_on < 1 else math.inf

    def warnings(self) -> tuple[str, ...]:
        """Return what people should know of the profile, a line each; nothing for most."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        if self.corr_mode == "linux":
            if self.delay_correlation and self.jitter:
                yield "delay: as Linux has it, delays will not correlate at all"
            for name in _SHARES:
                asked, correlation = getattr(self, name), getattr(self, f"{name}_correlation")
                if asked and correlation:
                    given = share_given(asked, correlation)
                    yield f"{name}: as Linux has it, {_percent(asked)} correlated by {_percent(correlation)} will " + (
                        f"strike {_percent(given)} of the packets" if given >= 0.00005 else "strike next to no packet"
                    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def is_plain(profile: Profile) -> bool:
    """Return whether a link with this profile does nothing but delay all packets equally, within a limit."""
    return profile == Profile(delay=profile.delay, limit=profile.limit)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1  # not NaN either


def _check(holds: bool, name: str, wanted: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}; it is {value!r}")
