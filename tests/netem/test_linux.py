"""What Linux makes of a correlation, against its own draws."""

from random import Random

import pytest

from tcplab.netem.linux import share_given
from tcplab.netem.profile import Profile

N = 400_000


@pytest.mark.parametrize(("probability", "correlation"), [(0.1, 0.25), (0.3, 0.5), (0.6, 0.25), (0.4, 0.9)])
def test_the_share_is_that_of_the_recursion(probability: float, correlation: float) -> None:
    draw = Random(11).random
    last, struck = draw(), 0
    for _ in range(N):
        last = correlation * last + (1 - correlation) * draw()
        struck += last < probability

    assert share_given(probability, correlation) == pytest.approx(struck / N, abs=0.003)


def test_the_shares_that_were_measured_of_linux() -> None:
    # Over 2 million packets: 10 % with 25 % lost 1.73 %, with 50 % 0.10 %; the manual's own 0.3 % with 25 % nothing.
    assert share_given(0.1, 0.25) == pytest.approx(0.0173, abs=0.0003)
    assert share_given(0.1, 0.5) == pytest.approx(0.0010, abs=0.0002)
    assert share_given(0.003, 0.25) < 1e-6


@pytest.mark.parametrize(("probability", "correlation"), [(0.1, 0.0), (0.1, 1.0), (0.0, 0.5), (1.0, 0.5)])
def test_without_a_correlation_and_at_the_ends_the_share_is_what_was_asked_for(
    probability: float, correlation: float
) -> None:
    assert share_given(probability, correlation) == probability


def test_a_profile_warns_of_what_linux_would_make_of_it() -> None:
    profile = Profile.parse("delay 9ms 1ms 25% loss 10% 25% duplicate 0.3% 25% corrupt 5% corr_mode linux")

    assert profile.warnings() == (
        "delay: as Linux has it, delays will not correlate at all",
        "loss: as Linux has it, 10% correlated by 25% will strike 1.75% of the packets",
        "duplicate: as Linux has it, 0.3% correlated by 25% will strike next to no packet",
    )


def test_nobody_is_warned_of_what_is_exact() -> None:
    assert Profile.parse("delay 9ms 1ms 25% loss 10% 25%").warnings() == ()
