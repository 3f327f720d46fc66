"""Losses that come in bursts: models as values, with the averages that follow from them.

The two chains are those of tc netem's ``loss state`` and ``loss gemodel`` (S. Salsano, F. Ludovici, A. Ordine,
"Definition of a general and intuitive loss model for packet networks and its implementation in the Netem module in the
Linux kernel", 2009); ``loss burst`` says the same in the two numbers that people know.
"""

import math
from dataclasses import dataclass
from typing import Final

ROUNDING: Final = 1e-12
"""How far beyond 1 the sum of two probabilities may be, since 0.7 + 0.3 need not be 1."""


def _check_shares(model: object, **shares: float) -> None:
    for name, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:  # not NaN either
            raise ValueError(f"{name} of {type(model).__name__} must be a probability of 0..1; it is {share!r}")


@dataclass(frozen=True, slots=True)
class FourStates:
    """Four states, one step for each packet, which is lost where the step leads to state 3 or 4.

    State 1: good, in a gap between bursts. 2: good, within a burst. 3: lost, within a burst. 4: lost alone, in a gap;
    it leads back to state 1 at once. It begins in state 1.

    Attributes:
        p13: from the gap into a burst.
        p31: from the burst into the gap.
        p32: from a lost packet of a burst to a good one.
        p23: from a good packet of a burst to a lost one.
        p14: to a packet that is lost alone.
    """

    p13: float
    p31: float
    p32: float = 0.0
    p23: float = 1.0
    p14: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what are no probabilities.

        Raises:
            ValueError: names them and what is wrong.
        """
        _check_shares(self, p13=self.p13, p31=self.p31, p32=self.p32, p23=self.p23, p14=self.p14)
        for names, total in (("p13 and p14", self.p13 + self.p14), ("p31 and p32", self.p31 + self.p32)):
            if total > 1 + ROUNDING:
                raise ValueError(f"{names} of FourStates must not be above 1 together; they are {total!r}")

    def share(self) -> float:
        """Return the share of packets that are lost in the long run."""
        return self._in_the_long_run()[0]

    def burst(self) -> float:
        """Return how many packets are lost in a row, on average; 0 if none ever is, infinity if it does not end."""
        share, begins = self._in_the_long_run()
        return share / begins if begins else (math.inf if share else 0.0)

    def _in_the_long_run(self) -> tuple[float, float]:
        """Return the share of packets that are lost, and of those that are the first lost ones in a row."""
        p13, p31, p32, p23, p14 = self.p13, self.p31, self.p32, self.p23, self.p14
        if p13 and not p31:  # a burst never ends
            if not p32:
                return 1.0, 0.0
            lost = p23 / (p23 + p32)
            return lost, (1 - lost) * p23
        if p13 and p32 and not p23:  # nothing leads away from state 2
            return 0.0, 0.0
        burst = p13 / p31 if p13 else 0.0
        within = burst * p32 / p23 if burst and p32 else 0.0
        gap = 1 / (1 + p14 + burst + within)
        return gap * (burst + p14), gap * (p13 + p14 + within * p23)


@dataclass(frozen=True, slots=True)
class GilbertElliott:
    """A good state and a bad one, each with a probability of loss; a packet meets the state, which then may change.

    Attributes:
        p: from the good state to the bad one.
        r: from the bad state to the good one.
        bad: the probability of loss in the bad state, 1-h in tc's words.
        good: the probability of loss in the good state, 1-k in tc's words.
    """

    p: float
    r: float
    bad: float = 1.0
    good: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what are no probabilities.

        Raises:
            ValueError: names it and what is wrong.
        """
        _check_shares(self, p=self.p, r=self.r, bad=self.bad, good=self.good)

    def share(self) -> float:
        """Return the share of packets that are lost in the long run; it begins in the good state."""
        is_bad = self._is_bad()
        return is_bad * self.bad + (1 - is_bad) * self.good

    def burst(self) -> float:
        """Return how many packets are lost in a row, on average; 0 if none ever is, infinity if it does not end."""
        is_bad, share = self._is_bad(), self.share()
        after_bad = (1 - self.r) * self.bad + self.r * self.good
        after_good = self.p * self.bad + (1 - self.p) * self.good
        begins = share - is_bad * self.bad * after_bad - (1 - is_bad) * self.good * after_good
        return share / begins if begins > 1e-15 else (math.inf if share else 0.0)

    def _is_bad(self) -> float:
        return self.p / (self.p + self.r) if self.p else 0.0


@dataclass(frozen=True, slots=True)
class Bursts:
    """Losses by the two numbers that people know.

    Attributes:
        average: the share of packets that are lost, 0..1.
        length: how many are lost in a row, on average, 1 or more.
    """

    average: float
    length: float

    def __post_init__(self) -> None:
        """Refuse numbers that no losses have.

        Raises:
            ValueError: names it and what is wrong.
        """
        _check_shares(self, average=self.average)
        if not 1 <= self.length < math.inf:
            raise ValueError(f"length of Bursts must be 1 packet or more; it is {self.length!r}")
        if self.average > self.length / (self.length + 1):
            least = f"{self.average / (1 - self.average):.4g}" if self.average < 1 else "infinitely many"
            raise ValueError(f"length of Bursts must be {least} packets or more where so many are lost")

    def model(self) -> GilbertElliott:
        """Return the chain that has this average and this length: all are lost in its bad state, none in the good."""
        r = 1 / self.length
        return GilbertElliott(min(1.0, self.average * r / (1 - self.average)), r)

    def share(self) -> float:
        """Return the share of packets that are lost."""
        return self.average

    def burst(self) -> float:
        """Return how many packets are lost in a row, on average; 0 if none ever is."""
        return self.length if self.average else 0.0


LossModel = FourStates | GilbertElliott | Bursts
