"""Makes the impairments of a link out of its profile, and keeps those whose settings did not change."""

from collections.abc import Callable, Hashable
from typing import Any, Final, NamedTuple, TypeVar

from tcplab.netem.events import LinkName
from tcplab.netem.impairments.chance import Chance, Reordering, Struck
from tcplab.netem.impairments.delay import Delay, Moments, TracedDelay
from tcplab.netem.impairments.draws import Draws, Stream, stream
from tcplab.netem.impairments.line import Line, TracedLine
from tcplab.netem.impairments.loss import FourStateLoss, GilbertLoss
from tcplab.netem.impairments.slots import Slots
from tcplab.netem.loss_models import Bursts, FourStates, GilbertElliott
from tcplab.netem.profile import Profile

T = TypeVar("T")
Loss = Chance | FourStateLoss | GilbertLoss

_OF_COPY: Final = " of copy"


class Way(NamedTuple):
    """What packets, or the copies that duplication made of them, go through; ``None`` for what was not asked for."""

    loss: Loss
    corrupt: Chance | None
    bits: Draws
    reorder: Reordering | None
    delay: Delay


class Parts(NamedTuple):
    """The impairments of a link; ``None`` for what was not asked for."""

    packets: Way
    copies: Way
    duplicate: Chance
    delay_trace: TracedDelay | None
    line: Line | TracedLine | None
    slots: Slots | None
    marked: Struck
    listed: Struck
    held: Struck
    followed: Struck
    delays: Moments
    loss_since: int
    """The place after which the losses count."""
    duplicate_since: int
    corrupt_since: int


class Maker:
    """Makes parts; one that was made of the same settings as before goes on as it is, with its state and its counts."""

    def __init__(self, link: LinkName, seed: int) -> None:
        self._link = link
        self._seed = seed
        self._line = Line()
        self._kept: dict[str, tuple[Hashable, Any, int]] = {}

    def make(self, profile: Profile, packets: int) -> Parts:
        """Return the parts for a profile; ``packets`` is the place of the link's last packet."""
        losses = (profile.loss, profile.loss_model, profile.ecn, self._mode(profile, "loss"))
        delays = (profile.delay, profile.jitter, profile.distribution, self._mode(profile, "delay"))
        duplicate = (profile.duplicate, self._mode(profile, "duplicate"))
        trace, slot = profile.delay_trace, profile.slot
        seed = self._seed_of(profile)
        return Parts(
            self._way(profile, "", losses, delays, packets),
            self._way(profile, _OF_COPY, losses, delays, packets),
            self._keep("duplicate", duplicate, packets, lambda: self._chance("duplicate", "", profile)),
            None if trace is None else self._keep("delay trace", trace, packets, lambda: TracedDelay(trace)),
            self._line_of(profile, packets),
            None if slot is None else self._keep(
                "slot", (slot, seed), packets, lambda: Slots(slot, Draws(seed, self._link, "slot"))
            ),
            self._keep("marks", losses, packets, Struck),
            self._keep("drop list", profile.drop_list, packets, Struck),
            self._keep("delay list", tuple(profile.delay_list.items()), packets, Struck),
            self._keep("copy list", tuple(profile.copy_list.items()), packets, Struck),
            self._keep("delays", (delays, trace), packets, Moments),
            self._since("loss"),
            self._since("duplicate"),
            self._since("corrupt"),
        )  # fmt: skip

    def _way(self, profile: Profile, suffix: str, losses: Hashable, delays: Hashable, packets: int) -> Way:
        seed = self._seed_of(profile)
        corrupt = (profile.corrupt, self._mode(profile, "corrupt"))
        reorder = (profile.reorder, profile.gap, self._mode(profile, "reorder"))
        chance = self._keep(f"corrupt{suffix}", corrupt, packets, lambda: self._chance("corrupt", suffix, profile))
        reordering = self._keep(
            f"reorder{suffix}",
            reorder,
            packets,
            lambda: Reordering(profile.reorder, profile.gap, self._stream("reorder", "reorder", suffix, profile)),
        )
        return Way(
            self._keep(f"loss{suffix}", losses, packets, lambda: self._loss(profile, suffix)),
            chance if profile.corrupt else None,
            self._keep(f"bits{suffix}", seed, packets, lambda: Draws(seed, self._link, f"corrupt bit{suffix}")),
            reordering if profile.reorder else None,
            self._keep(
                f"delay{suffix}",
                delays,
                packets,
                lambda: Delay(
                    profile.delay,
                    profile.jitter,
                    profile.distribution,
                    self._stream("delay", "jitter", suffix, profile),
                ),
            ),
        )

    def _keep(self, name: str, settings: Hashable, packets: int, make: Callable[[], T]) -> T:
        kept = self._kept.get(name)
        if kept is None or kept[0] != settings:
            kept = self._kept[name] = (settings, make(), packets)
        part: T = kept[1]
        return part

    def _since(self, name: str) -> int:
        return self._kept[name][2]

    def _seed_of(self, profile: Profile) -> int:
        return self._seed if profile.seed is None else profile.seed

    def _mode(self, profile: Profile, name: str) -> Hashable:
        """Return what decides the draws of a clause besides its own numbers."""
        correlation = getattr(profile, f"{name}_correlation")
        return self._seed_of(profile), correlation, profile.corr_mode if correlation else None

    def _stream(self, name: str, purpose: str, suffix: str, profile: Profile) -> Stream:
        correlation = getattr(profile, f"{name}_correlation")
        return stream(self._seed_of(profile), self._link, f"{purpose}{suffix}", correlation, profile.corr_mode)

    def _chance(self, name: str, suffix: str, profile: Profile) -> Chance:
        return Chance(getattr(profile, name), self._stream(name, name, suffix, profile))

    def _loss(self, profile: Profile, suffix: str) -> Loss:
        seed, model = self._seed_of(profile), profile.loss_model
        if isinstance(model, Bursts):
            model = model.model()
        draws = Draws(seed, self._link, f"loss{suffix}")
        match model:
            case FourStates():
                return FourStateLoss(model, draws)
            case GilbertElliott():
                return GilbertLoss(model, draws, Draws(seed, self._link, f"loss state{suffix}"))
            case None:
                return self._chance("loss", suffix, profile)

    def _line_of(self, profile: Profile, packets: int) -> Line | TracedLine | None:
        trace = profile.rate_trace
        if trace is not None:
            return self._keep("rate trace", trace, packets, lambda: TracedLine(trace))
        self._line.set(profile.rate, profile.packet_overhead, profile.cell_size, profile.cell_overhead)
        return None if profile.rate is None else self._line
