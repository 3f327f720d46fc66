"""A profile as text: the clauses in one order, in the shortest words that read back as the same value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tcplab.netem.grammar.units import write_places, write_rate, write_share, write_time, write_timed_places

if TYPE_CHECKING:
    from tcplab.netem.profile import Profile


def write_profile(profile: "Profile") -> str:
    """Return the clauses of a profile; of a perfect link, its limit, so that the text says something."""
    return " ".join(_clauses(profile)) or f"limit {profile.limit}"


def _clauses(profile: "Profile") -> Iterator[str]:
    if profile.delay or profile.jitter:
        jitter = f" {write_time(profile.jitter)}" if profile.jitter else ""
        yield f"delay {write_time(profile.delay)}{jitter}"
    if profile.loss:
        yield f"loss {write_share(profile.loss)}"
    if profile.duplicate:
        yield f"duplicate {write_share(profile.duplicate)}"
    if profile.rate is not None:
        yield f"rate {write_rate(profile.rate)}"
    if profile.limit != type(profile)().limit:
        yield f"limit {profile.limit}"
    if profile.drop_list:
        yield f"droplist {write_places(profile.drop_list)}"
    if profile.delay_list:
        yield f"delaylist {write_timed_places(profile.delay_list)}"
    if profile.copy_list:
        yield f"copylist {write_timed_places(profile.copy_list)}"
