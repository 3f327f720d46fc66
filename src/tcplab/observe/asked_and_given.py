"""What links and faults were asked for, and what they gave, as metrics of the network."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from tcplab.netem.events import LinkName
from tcplab.netem.faults import RULES
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.netem.realised import Realised
from tcplab.netem.standing import Done
from tcplab.observe.metric import LINK, PREFIX, Key, Metric
from tcplab.units import in_seconds

Items = list[tuple[Key, float]]

_BOUNDS: Final = ("low", "high")
_OCTETS: Final = 1 / 8  # in a bit
_IN_PACKETS: Final = ("mark", "droplist", "delaylist", "copylist")
"""Measures of which nothing says how much they should be, or which are exact: how often they struck is all."""


def _gauge(name: str, help_text: str, labels: Sequence[str] = ("link",), known: tuple[Key, ...] = (LINK,)) -> Metric:
    return Metric(PREFIX + name, "gauge", "the network", help_text, tuple(labels), known)


class Measure(NamedTuple):
    """One measure of links, as :class:`tcplab.netem.realised.Realised` calls it, and its metrics."""

    name: str
    configured: Metric
    realised: Metric
    bounds: Metric | None
    """``None`` where the realised value is exact, or no bound is known."""
    unasked: float
    """What stands for the configured value where nobody asked for any."""
    unit: float = 1
    """By what the measure's value is multiplied."""


def _measure(
    name: str, unit_name: str, what: str, *, bounded: bool = True, unasked: float = 0.0, unit: float = 1
) -> Measure:
    ending = f"{name}_{unit_name}"
    since = "since it was last set; NaN before there was anything to measure."
    bounds = _gauge(
        f"netem_realised_{name}_bounds_{unit_name}",
        f"Between which the true value of netem_realised_{ending} lies, 95 times in 100.",
        ("link", "bound"),
        tuple((LINK, bound) for bound in _BOUNDS),
    )
    return Measure(
        name,
        _gauge(f"netem_configured_{ending}", f"{what} asked for{'' if unasked == 0 else '; NaN where none was'}."),
        _gauge(f"netem_realised_{ending}", f"{what} given, {since}"),
        bounds if bounded else None,
        unasked,
        unit,
    )


_share = partial(_measure, unit_name="ratio")

LOSS: Final = _share("loss", what="Share of packets to lose, on average,")
BURST: Final = _measure("burst", "segments", "Mean length of losses in a row", unasked=math.nan)
DUPLICATE: Final = _share("duplicate", what="Share of packets to duplicate")
CORRUPT: Final = _share("corrupt", what="Share of packets to corrupt")
REORDER: Final = _share("reorder", what="Share of packets to send ahead of others, by the gap between them,")
DELAY: Final = _measure("delay", "seconds", "Mean delay, without what the line takes,")
JITTER: Final = _measure("jitter", "seconds", "Jitter, +- (given: by the standard deviation of delays),", bounded=False)
RATE: Final = _measure(
    "rate", "bytes_per_second", "Octets of IP packets a second", bounded=False, unasked=math.nan, unit=_OCTETS
)
MEASURES: Final = (LOSS, BURST, DUPLICATE, CORRUPT, REORDER, DELAY, JITTER, RATE)

_CLAUSES: Final = (*(m.name for m in MEASURES if m not in (BURST, JITTER)), *_IN_PACKETS)
CLAUSE_SEGMENTS: Final = Metric(
    PREFIX + "netem_clause_segments_total",
    "counter",
    "the network",
    "Packets that a clause of a link's profile had a say in (asked), and those that it did something to (struck); "
    "from 0 again when the clause is set anew.",
    ("link", "clause", "outcome"),
    tuple((LINK, clause, outcome) for clause in _CLAUSES for outcome in ("asked", "struck")),
)
FAULT_SEGMENTS: Final = Metric(
    PREFIX + "netem_fault_segments_total",
    "counter",
    "the network",
    "Packets that faults of a kind were about (matched), and those that they did something to (struck), healed faults "
    "included.",
    ("kind", "outcome"),
    tuple((kind, outcome) for kind in RULES for outcome in ("matched", "struck")),
)
METRICS: Final = (
    *(m for each in MEASURES for m in (each.configured, each.realised, each.bounds) if m is not None),
    CLAUSE_SEGMENTS,
    FAULT_SEGMENTS,
)


class LinkReading(NamedTuple):
    """One link between roles as it is configured, as it is now, and what it really did."""

    queue_length: int
    profile: Profile
    realised: tuple[Realised, ...] = ()


def read_links(network: Network) -> Mapping[LinkName, LinkReading]:
    """Ask a network for its links between roles; those that patterns make for single hosts tell by the API alone."""
    lengths, realised = network.queue_lengths(), network.realised()
    return {name: LinkReading(lengths[name], profile, realised[name]) for name, profile in network.profiles().items()}


def link_values(links: Mapping[LinkName, LinkReading]) -> dict[Metric, Items]:
    """Return the samples of every metric that tells what was asked of links, and what they gave."""
    values: dict[Metric, Items] = {metric: [] for metric in METRICS if metric is not FAULT_SEGMENTS}
    for name, link in links.items():
        found = {each.measure: each for each in link.realised}
        for measure in MEASURES:
            _add(values, measure, name, link.profile, found.get(measure.name))
        for clause in _CLAUSES:
            done = found.get(clause)
            values[CLAUSE_SEGMENTS] += [
                ((name, clause, "asked"), 0 if done is None else done.n),
                ((name, clause, "struck"), 0 if done is None else done.touched),
            ]
    return values


def _add(
    values: Mapping[Metric, Items], measure: Measure, link: LinkName, profile: Profile, of: Realised | None
) -> None:
    """Add what one link says of one measure."""
    asked = None if of is None else of.requested
    unit = measure.unit
    if measure is JITTER and asked:
        unit = in_seconds(profile.jitter) / asked  # people ask for the reach of a uniform spread, not its deviation
    values[measure.configured].append((link, measure.unasked if asked is None else asked * unit))
    values[measure.realised].append((link, _number(None if of is None else of.realised, unit)))
    if measure.bounds is not None:
        bounds = (None, None) if of is None else (of.low, of.high)
        values[measure.bounds] += [
            ((link, bound), _number(value, unit)) for bound, value in zip(_BOUNDS, bounds, strict=True)
        ]


def _number(value: float | None, unit: float) -> float:
    return math.nan if value is None else value * unit


def fault_values(done: Mapping[str, Done]) -> Iterable[tuple[Key, float]]:
    """Return the samples of what faults of each kind have done."""
    for kind, (matched, acted) in done.items():
        yield (kind, "matched"), matched
        yield (kind, "struck"), acted
