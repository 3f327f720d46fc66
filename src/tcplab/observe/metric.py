"""What a metric is made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

Kind = Literal["counter", "gauge", "histogram", "info"]
Scope = Literal["every node", "hosts", "the network", "nodes on a broker", "the lab service"]

Key = str | Enum | tuple[str | Enum, ...]
"""What something is counted by; :func:`label_values` makes label values of it."""

PREFIX: Final = "tcplab_"
LINK: Final = "<link>"  # stands first in a known key for the name of each link


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric.

    Attributes:
        name: as Prometheus shows it, but for the endings of a histogram.
        help: one sentence or two.
        labels: their names.
        known: the keys that are preset to 0; without labels, the empty one.
        buckets: upper bounds of a histogram, in ``unit``; +Inf is added.
        unit: by what a counted whole number is multiplied to give the value that is shown.
    """

    name: str
    kind: Kind
    scope: Scope
    help: str
    labels: tuple[str, ...] = ()
    known: tuple[Key, ...] = ((),)
    buckets: tuple[float, ...] = ()
    unit: float = 1

    @property
    def series(self) -> frozenset[str]:
        """The names under which samples of it are stored."""
        if self.kind == "histogram":
            return frozenset(self.name + ending for ending in ("_bucket", "_count", "_sum"))
        return frozenset({self.name})


def label_values(key: Key) -> tuple[str, ...]:
    """Return the label values of a key, in the order of the metric's labels."""
    parts = key if isinstance(key, tuple) else (key,)
    return tuple(part.value if isinstance(part, Enum) else part for part in parts)


def known_keys(metric: Metric, links: Iterable[str]) -> list[Key]:
    """Return the keys to preset in a node whose network has these links."""
    keys: list[Key] = []
    for key in metric.known:
        parts = key if isinstance(key, tuple) else (key,)
        if LINK not in parts:
            keys.append(key)
        elif key == LINK:
            keys.extend(links)
        else:
            keys.extend((link, *parts[1:]) for link in links)
    return keys
