"""A profile as text: the clauses in one order, in the shortest words that read back as the same value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tcplab.netem.grammar.units import (
    write_number,
    write_places,
    write_rate,
    write_share,
    write_size,
    write_time,
    write_timed_places,
)
from tcplab.netem.loss_models import Bursts, FourStates, GilbertElliott

if TYPE_CHECKING:
    from tcplab.netem.profile import Profile


def write_profile(profile: "Profile") -> str:
    """Return the clauses of a profile; of a perfect link, its limit, so that the text says something."""
    return " ".join(_clauses(profile)) or f"limit {profile.limit}"


def _clauses(profile: "Profile") -> Iterator[str]:
    yield from _delay(profile)
    yield from _loss(profile)
    for name in ("duplicate", "corrupt", "reorder"):
        yield from _share(name, getattr(profile, name), getattr(profile, f"{name}_correlation"))
    if profile.gap != 1:
        yield f"gap {profile.gap}"
    yield from _line(profile)
    if profile.limit != type(profile)().limit:
        yield f"limit {profile.limit}"
    if profile.drop_list:
        yield f"droplist {write_places(profile.drop_list)}"
    if profile.delay_list:
        yield f"delaylist {write_timed_places(profile.delay_list)}"
    if profile.copy_list:
        yield f"copylist {write_timed_places(profile.copy_list)}"
    if profile.seed is not None:
        yield f"seed {profile.seed}"
    if profile.corr_mode != "exact":
        yield f"corr_mode {profile.corr_mode}"


def _delay(profile: "Profile") -> Iterator[str]:
    if profile.delay or profile.jitter or profile.delay_correlation:
        words = [write_time(profile.delay)]
        if profile.jitter or profile.delay_correlation:
            words.append(write_time(profile.jitter))
        if profile.delay_correlation:
            words.append(write_share(profile.delay_correlation))
        yield f"delay {' '.join(words)}"
    if profile.distribution != "uniform":
        yield f"distribution {profile.distribution}"
    if profile.delay_trace is not None:
        yield f"trace delay {profile.delay_trace.name}"


def _loss(profile: "Profile") -> Iterator[str]:
    match profile.loss_model:
        case FourStates(p13, p31, p32, p23, p14):
            yield _chain("state", (p13, p31, p32, p23, p14), (None, 1 - p13, 0.0, 1.0, 0.0))
        case GilbertElliott(p, r, bad, good):
            yield _chain("gemodel", (p, r, bad, good), (None, 1 - p, 1.0, 0.0))
        case Bursts(average, length):
            yield f"loss burst {write_share(average)} {write_number(length)}"
        case None:
            yield from _share("loss", profile.loss, profile.loss_correlation)
    if profile.ecn:
        yield "ecn"


def _chain(kind: str, shares: tuple[float, ...], defaults: tuple[float | None, ...]) -> str:
    """Return a chain's probabilities; those at the end that are what they would be unsaid are left out."""
    said = len(shares)
    while said and shares[said - 1] == defaults[said - 1]:
        said -= 1
    return f"loss {kind} {' '.join(map(write_share, shares[:said]))}"


def _share(name: str, share: float, correlation: float) -> Iterator[str]:
    if share or correlation:
        yield f"{name} {write_share(share)}" + (f" {write_share(correlation)}" if correlation else "")


def _line(profile: "Profile") -> Iterator[str]:
    if profile.rate is not None:
        octets = [profile.packet_overhead, profile.cell_size, profile.cell_overhead]
        while octets and not octets[-1]:
            octets.pop()
        yield " ".join(["rate", write_rate(profile.rate), *map(str, octets)])
    if profile.rate_trace is not None:
        yield f"trace rate {profile.rate_trace.name}"
    if (slot := profile.slot) is not None:
        words = ["slot", write_time(slot.least)]
        if slot.most != slot.least:
            words.append(write_time(slot.most))
        if slot.packets is not None:
            words.append(f"packets {slot.packets}")
        if slot.octets is not None:
            words.append(f"bytes {write_size(slot.octets)}")
        yield " ".join(words)
