from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.loss_models import Bursts, FourStates, GilbertElliott
from tcplab.netem.profile import Profile
from tcplab.netem.traces import DelayTrace, RateTrace
from tcplab.netem.values import Slot
from tcplab.units import MILLISECOND, Duration

times = st.integers(0, 10**15).map(Duration)
shares = st.integers(0, 10**9).map(lambda part: part / 10**9)
halves = st.integers(0, 5 * 10**8).map(lambda part: part / 10**9)
places = st.integers(1, 10**6)
octets = st.integers(-(10**6), 10**6)
models = (
    st.builds(FourStates, halves, halves, halves, shares, halves)
    | st.builds(GilbertElliott, shares, shares, shares, shares)
    | st.builds(Bursts, halves, st.floats(1, 10**6))
)
rate_traces = st.builds(RateTrace, st.just("r.txt"), st.lists(places, min_size=1).map(lambda each: tuple(sorted(each))))
delay_traces = st.builds(
    DelayTrace, st.just("d/1.txt"), st.lists(st.tuples(places.map(Duration), times), min_size=1).map(tuple)
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Draw whatever a profile can be: clauses that need others only where those are."""
    fields: dict[str, Any] = {name: draw(times) for name in ("delay", "jitter")}
    for name in ("duplicate", "corrupt", "duplicate_correlation", "corrupt_correlation", "delay_correlation"):
        fields[name] = draw(shares)
    fields["delay_trace"] = draw(st.none() | delay_traces)
    if fields["jitter"]:
        fields["distribution"] = draw(st.sampled_from(["uniform", "normal", "pareto", "paretonormal"]))
    if draw(st.booleans()):
        fields["loss_model"] = draw(models)
        fields["ecn"] = draw(st.booleans())
    else:
        fields |= {"loss": draw(shares), "loss_correlation": draw(shares)}
        fields["ecn"] = fields["loss"] > 0 and draw(st.booleans())
    if fields["delay"]:
        fields |= {"reorder": draw(shares), "reorder_correlation": draw(shares)}
    if fields.get("reorder"):
        fields["gap"] = draw(places)
    if draw(st.booleans()):
        fields |= {"rate": draw(st.integers(1, 10**12)), "packet_overhead": draw(octets)}
        fields["cell_size"] = draw(st.integers(0, 100))
        fields["cell_overhead"] = draw(octets) if fields["cell_size"] else 0
    else:
        fields["rate_trace"] = draw(st.none() | rate_traces)
    fields["slot"] = draw(st.none() | slots())
    fields |= {"limit": draw(places), "seed": draw(st.none() | st.integers(0, (1 << 64) - 1))}
    fields |= {"corr_mode": draw(st.sampled_from(["exact", "linux"])), "drop_list": draw(st.frozensets(places))}
    fields |= {name: draw(st.dictionaries(places, times)) for name in ("delay_list", "copy_list")}
    return Profile(**fields)


@st.composite
def slots(draw: st.DrawFn) -> Slot:
    least, most = sorted((draw(times), draw(times)))
    return Slot(least, most, draw(st.none() | places), draw(st.none() | places))


@given(profiles())
def test_every_profile_comes_back_as_it_went(profile: Profile) -> None:
    text = str(profile)

    again = Profile.parse(text, profile.traces().__getitem__)

    assert again == profile
    assert str(again) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", "limit 1000"),
        ("limit 1000", "limit 1000"),
        ("loss 1.0 latency 0.1s 20000us", "delay 100ms 20ms loss 1%"),
        ("drop 3,1 rate 5000kbit limit 20", "rate 5mbit limit 20 droplist 1,3"),
        ("loss state 1% 99% 0% 100% 0%", "loss state 1%"),
        ("loss state 1% 99% 0% 50%", "loss state 1% 99% 0% 50%"),
        ("loss gemodel 1% 10% 100% 0", "loss gemodel 1% 10%"),
        ("loss burst 2 4.0", "loss burst 2% 4"),
        ("slot 800000ns 800us bytes 2048 packets 3", "slot 800us packets 3 bytes 2kb"),
        ("rate 1gbit 0 0 0", "rate 1gbit"),
        ("rate 1gbit 0 48", "rate 1gbit 0 48"),
        ("corr_mode linux seed 0 loss 5% 10%", "loss 5% 10% seed 0 corr_mode linux"),
    ],
)
def test_the_text_of_a_profile_is_in_one_order_and_in_the_shortest_words(text: str, canonical: str) -> None:
    assert str(Profile.parse(text)) == canonical


def test_a_jitter_without_a_delay_is_written_with_the_delay_that_there_is() -> None:
    assert str(Profile(jitter=MILLISECOND)) == "delay 0s 1ms"
