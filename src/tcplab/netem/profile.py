"""What one link does to the packets on it, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from tcplab.netem.grammar.clauses import read_fields
from tcplab.netem.grammar.printer import write_profile
from tcplab.units import Duration

_NONE: Final = Duration(0)
LIMIT_DEFAULT: Final = 1_000  # packets, as tc netem has it

_DURATIONS: Final = ("delay", "jitter")
_PROBABILITIES: Final = ("loss", "duplicate")
_TIMES_BY_PACKET: Final = ("delay_list", "copy_list")


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings of one link. The default is a perfect link: no delay, no loss, no bound on its rate.

    ``Profile.parse("delay 100ms 20ms loss 1%")`` makes one of text, ``str()`` gives the text back: docs/netem.md.

    The three lists name packets by their place among all that were ever let onto the link, the first being 1;
    they strike exactly where they are told to, whatever chance decides beside them.

    Attributes:
        delay: how long each packet is under way, nanoseconds.
        jitter: how far the delay varies, evenly, to either side, nanoseconds; the sum is never below 0.
        loss: the probability that a packet is lost, 0..1.
        duplicate: the probability that a packet is doubled, 0..1. Where loss and duplication both strike, one packet
            goes on, as in tc.
        rate: bits a second of IP packets (headers counted), ``None`` for no bound. Packets pass one after the other,
            each behind the one before it, so that jitter alone reorders none.
        limit: how many packets the queue holds; what comes on top is dropped.
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

    def __post_init__(self) -> None:
        """Refuse values that no link could have, and keep copies of the lists.

        Raises:
            ValueError: names the field, what it must be, and what it is.
        """
        for name in _DURATIONS:
            _check(_is_count(getattr(self, name), 0), name, "whole nanoseconds, 0 or more", getattr(self, name))
        for name in _PROBABILITIES:
            _check(_is_probability(getattr(self, name)), name, "a probability of 0..1", getattr(self, name))
        _check(self.rate is None or _is_count(self.rate, 1), "rate", "whole bits a second, 1 or more", self.rate)
        _check(_is_count(self.limit, 1), "limit", "a number of packets, 1 or more", self.limit)
        for place in self.drop_list:
            _check(_is_count(place, 1), "drop_list", "places of packets, 1 for the first", place)
        for name in _TIMES_BY_PACKET:
            for place, duration in getattr(self, name).items():
                _check(_is_count(place, 1), name, "places of packets, 1 for the first", place)
                _check(_is_count(duration, 0), f"{name}[{place}]", "whole nanoseconds, 0 or more", duration)
            object.__setattr__(self, name, dict(getattr(self, name)))
        object.__setattr__(self, "drop_list", frozenset(self.drop_list))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the profile that a text in the grammar of docs/netem.md describes; an empty one is a perfect link.

        Raises:
            GrammarError: names the word at fault, and what may stand there; a ValueError.
        """
        return cls(**read_fields(text))

    def __str__(self) -> str:
        """Return the profile in the grammar: what :meth:`parse` makes the same profile of."""
        return write_profile(self)


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1  # not NaN either


def _check(holds: bool, name: str, wanted: str, value: object) -> None:
    if not holds:
        raise ValueError(f"{name} must be {wanted}; it is {value!r}")
