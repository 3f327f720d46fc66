"""Losses, duplicates, damage and marks over 100,000 packets, against what was asked for."""

from math import sqrt

import pytest

from tcplab.netem.linux import share_given
from tcplab.netem.loss_models import Bursts, FourStates, GilbertElliott
from tcplab.netem.profile import Profile
from tests.netem.conformance import (
    SEEDS,
    SIGMAS,
    N,
    assert_correlation,
    assert_distribution,
    assert_mean,
    assert_share,
    run,
    runs,
)

pytestmark = pytest.mark.parametrize("seed", SEEDS)

STRIKES = {"loss": "lost", "duplicate": "doubled", "corrupt": "corrupted"}
BATCH = 1_000
GEOMETRIC = [("gemodel 2% 25%", 0.25), ("burst 10% 8", 1 / 8), ("state 3% 40%", 0.4)]
"""Losses in bursts, and with what chance each ends."""


@pytest.mark.parametrize("clause", STRIKES)
@pytest.mark.parametrize("percent", [0.1, 30])
def test_each_packet_is_struck_by_itself_as_often_as_asked_for(clause: str, percent: float, seed: int) -> None:
    struck = getattr(run(f"{clause} {percent}%", seed), STRIKES[clause])

    share = percent / 100
    assert_share(struck, share)
    for distance in (1, 2, 1_024):
        both = sum(one & other for one, other in zip(struck[1:], struck[1 + distance :], strict=False))
        expected = (N - distance) * share**2
        assert abs(both - expected) <= SIGMAS * sqrt(expected * (1 - share**2) * (1 + 2 * share)) + SIGMAS


@pytest.mark.parametrize("clause", STRIKES)
@pytest.mark.parametrize(("percent", "correlation"), [(1, 25), (30, 90)])
def test_a_correlation_keeps_the_share_and_is_what_was_asked_for(
    clause: str, percent: int, correlation: int, seed: int
) -> None:
    struck = getattr(run(f"{clause} {percent}% {correlation}%", seed), STRIKES[clause])[1:]

    assert_mean(struck, percent / 100, BATCH)
    assert_correlation(struck, correlation / 100)
    goes_on = (percent + (100 - percent) * correlation / 100) / 100
    assert_mean(runs(struck), 1 / (1 - goes_on))


@pytest.mark.parametrize("clause", STRIKES)
def test_as_linux_has_it_a_correlation_takes_the_share_away(clause: str, seed: int) -> None:
    struck = getattr(run(f"{clause} 10% 25% corr_mode linux", seed), STRIKES[clause])[1:]

    assert_mean(struck, share_given(0.1, 0.25), BATCH)


@pytest.mark.parametrize(
    "text",
    [
        "gemodel 2% 20% 70% 0.5%",
        "gemodel 50% 60% 30% 90%",
        "state 2% 10% 15% 40% 1%",
        "burst 20% 12.5",
        "burst 30% 1",
        *(text for text, _ in GEOMETRIC),
    ],
)
def test_losses_in_bursts_have_their_share_and_their_length(text: str, seed: int) -> None:
    lost = run(f"loss {text}", seed).lost[1:]

    model = Profile.parse(f"loss {text}").loss_model
    assert isinstance(model, FourStates | GilbertElliott | Bursts)
    assert_mean(lost, model.share(), BATCH)
    assert_mean(runs(lost), model.burst())


@pytest.mark.parametrize(("text", "leaves"), GEOMETRIC)
def test_the_lengths_of_bursts_are_geometric(text: str, leaves: float, seed: int) -> None:
    lengths = runs(run(f"loss {text}", seed).lost[1:])

    for length in range(1, 12):
        assert_share((each >= length for each in lengths), (1 - leaves) ** (length - 1), len(lengths))


def test_the_gaps_between_bursts_are_geometric_too(seed: int) -> None:
    gaps = runs([1 - lost for lost in run("loss gemodel 2% 25%", seed).lost[1:]])[1:]

    for length in (1, 10, 50, 150):
        assert_share((each >= length for each in gaps), 0.98 ** (length - 1), len(gaps))


@pytest.mark.parametrize("text", ["loss 5%", "loss burst 5% 3"])
def test_with_ecn_those_are_marked_that_would_have_been_lost_and_no_others(text: str, seed: int) -> None:
    lost, marked = run(text, seed).lost, run(f"{text} ecn", seed, ecn=1).marked

    assert lost == marked
    assert sum(run(f"{text} ecn", seed, ecn=1).lost) == 0


def test_the_bit_that_is_flipped_is_any(seed: int) -> None:
    bits = run("corrupt 50%", seed, payload=100).bits

    assert_distribution(((bit + 0.5) / length for bit, length in bits), lambda share: share)


# --- together --------------------------------------------------------------------------------------------------------


def test_loss_and_duplication_where_both_strike_one_goes_on(seed: int) -> None:
    found = run("loss 20% duplicate 30%", seed)

    assert_share(found.lost, 0.2 * 0.7)
    assert_share(found.doubled, 0.3 * 0.8)
    assert_share([1] * len(found.copies), 0.8, sum(found.doubled))


def test_correlated_loss_and_duplication_do_not_know_of_each_other(seed: int) -> None:
    alone = run("loss 20% 50%", seed).lost
    found = run("loss 20% 50% duplicate 30% 50%", seed)

    assert_mean(found.lost[1:], 0.2 * 0.7, BATCH)
    assert_mean(found.doubled[1:], 0.3 * 0.8, BATCH)
    assert not any(lost and not before for lost, before in zip(found.lost, alone, strict=True))


def test_losses_in_bursts_thin_out_the_damage_and_nothing_else(seed: int) -> None:
    found = run("loss burst 20% 5 corrupt 30%", seed)

    assert_mean(found.corrupted[1:], 0.3 * 0.8, BATCH)
    assert not any(lost and damaged for lost, damaged in zip(found.lost, found.corrupted, strict=True))


def test_damaged_copies_are_damaged_by_themselves(seed: int) -> None:
    found = run("duplicate 50% corrupt 30%", seed)

    assert_share(found.doubled, 0.5)
    assert_share(found.corrupted, 0.3)
    both = sum(one & other for one, other in zip(found.doubled, found.corrupted, strict=True))
    assert_share([1] * both, 0.3, sum(found.doubled))
