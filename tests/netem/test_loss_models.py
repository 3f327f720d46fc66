"""The averages of the loss models, against what the chains themselves give, and against what is known by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.loss_models import Bursts, FourStates, GilbertElliott

shares = st.floats(0.01, 0.5)


@given(st.floats(0.0001, 0.5), st.floats(1, 1_000))
def test_bursts_compile_to_a_chain_with_their_average_and_length(average: float, length: float) -> None:
    model = Bursts(average, length).model()

    assert model.share() == pytest.approx(average)
    assert model.burst() == pytest.approx(length)
    assert Bursts(average, length).share() == average
    assert Bursts(average, length).burst() == length


@given(shares, shares, shares, shares, shares)
def test_four_states_have_the_share_of_their_stationary_distribution(
    p13: float, p31: float, p32: float, p23: float, p14: float
) -> None:
    model = FourStates(p13, p31, p32, p23, p14)
    state = [0.25] * 4
    for _ in range(3_000):  # the powers of the matrix, slowly
        one, two, three, four = state
        state = [
            one * (1 - p13 - p14) + three * p31 + four,
            two * (1 - p23) + three * p32,
            one * p13 + two * p23 + three * (1 - p31 - p32),
            one * p14,
        ]

    assert model.share() == pytest.approx(state[2] + state[3], abs=1e-6)
    begins = state[0] * (p13 + p14) + state[1] * p23
    assert model.burst() == pytest.approx((state[2] + state[3]) / begins, abs=1e-6)


@given(shares, shares, shares, shares)
def test_gilbert_and_elliott_have_the_share_of_their_stationary_distribution(
    p: float, r: float, bad: float, good: float
) -> None:
    model = GilbertElliott(p, r, bad, good)
    is_bad = p / (p + r)
    both = is_bad * bad * ((1 - r) * bad + r * good) + (1 - is_bad) * good * (p * bad + (1 - p) * good)

    assert model.share() == pytest.approx(is_bad * bad + (1 - is_bad) * good)
    assert model.burst() == pytest.approx(model.share() / (model.share() - both))


@pytest.mark.parametrize(
    ("model", "share", "burst"),
    [
        (FourStates(0, 1), 0, 0),
        (FourStates(0.5, 0), 1, math.inf),
        (FourStates(0, 1, p14=0.25), 0.2, 1),
        (FourStates(0.5, 0, p32=0.5, p23=0.5), 0.5, 2),
        (FourStates(0.5, 0.1, p32=0.5, p23=0), 0, 0),
        (FourStates(0.01, 0.99), 0.01, 1 / 0.99),
        (GilbertElliott(0, 1), 0, 0),
        (GilbertElliott(0, 1, good=0.2), 0.2, 1.25),
        (GilbertElliott(0.1, 0), 1, math.inf),
        (GilbertElliott(0.01, 0.1), 0.01 / 0.11, 10),
        (Bursts(0, 3), 0, 0),
    ],
)
def test_averages_that_are_known_by_hand(
    model: FourStates | GilbertElliott | Bursts, share: float, burst: float
) -> None:
    assert model.share() == pytest.approx(share)
    assert model.burst() == pytest.approx(burst)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: FourStates(1.1, 0), "p13 of FourStates must be a probability of 0..1; it is 1.1"),
        (lambda: FourStates(0.6, 0.5, p14=0.6), "p13 and p14 of FourStates must not be above 1 together; they are 1.2"),
        (lambda: FourStates(0.6, 0.5, 0.6), "p31 and p32 of FourStates must not be above 1 together; they are 1.1"),
        (lambda: GilbertElliott(0.1, math.nan), "r of GilbertElliott must be a probability of 0..1; it is nan"),
        (lambda: GilbertElliott(0.1, True), "r of GilbertElliott must be a probability of 0..1; it is True"),
        (lambda: Bursts(0.1, 0.5), "length of Bursts must be 1 packet or more; it is 0.5"),
        (lambda: Bursts(0.1, math.inf), "length of Bursts must be 1 packet or more; it is inf"),
        (lambda: Bursts(0.9, 2), "length of Bursts must be 9 packets or more where so many are lost"),
        (lambda: Bursts(1, 2), "length of Bursts must be infinitely many packets or more where so many are lost"),
    ],
)
def test_what_is_no_model_is_refused_by_name(make: object, complaint: str) -> None:
    assert callable(make)
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the whole text is compared
        make()

    assert str(raised.value) == complaint
