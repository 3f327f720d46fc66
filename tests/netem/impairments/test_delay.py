import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from tcplab.netem.impairments.delay import CUT, Delay, Moments, TracedDelay, normal, pareto, paretonormal
from tcplab.netem.impairments.draws import Draws, MeanDraws
from tcplab.netem.traces import DelayTrace
from tcplab.units import MILLISECOND, START, Duration
from tests.netem.packets import THERE

MS = MILLISECOND
GRID = 100_000


@pytest.mark.parametrize("quantile", [normal, pareto, paretonormal])
def test_a_distribution_has_mean_0_and_deviation_1_and_rises(quantile: Callable[[float], float]) -> None:
    values = [quantile((step + 0.5) / GRID) for step in range(GRID)]

    assert sum(values) / GRID == pytest.approx(0, abs=1e-4)
    assert math.sqrt(sum(value * value for value in values) / GRID) == pytest.approx(1, abs=2e-4)
    assert values == sorted(values)


def test_distributions_are_cut_on_both_sides() -> None:
    assert (normal(0.0), normal(1 - 2**-53)) == (-CUT, CUT)
    assert pareto(1 - 2**-53) == pareto(0.99)  # 1 in 91 lies beyond iproute2's cut
    assert pareto(0.98) < pareto(0.985) < pareto(0.99)


@pytest.mark.parametrize(("draw", "value"), [(0.0, 1.0), (0.875, 2.0), (1 - 1 / 27, 3.0)])
def test_pareto_has_shape_3(draw: float, value: float) -> None:
    # Of what is above 1 a share of x**-3 is above x.
    lowest = pareto(0.0)

    assert (pareto(draw) - lowest) / (pareto(0.875) - lowest) == pytest.approx(value - 1)


def test_a_delay_without_jitter_is_its_mean_and_draws_nothing() -> None:
    delay = Delay(5 * MS, Duration(0), "uniform", Draws(7, THERE, "jitter"))

    assert [delay.of(place) for place in (1, 2)] == [5 * MS, 5 * MS]
    assert delay.draw is None


def test_a_delay_is_the_mean_and_so_many_jitters_never_below_0() -> None:
    draws = Draws(7, THERE, "jitter")
    delay = Delay(2 * MS, 3 * MS, "normal", draws)

    given = [delay.of(place) for place in range(1, 50)]

    assert given == [max(0, 2 * MS + round(normal(draws.at(place)) * 3 * MS)) for place in range(1, 50)]
    assert min(given) == 0
    assert delay.draw == draws.at(49)


def test_as_linux_has_it_a_delay_is_taken_modulo_and_forgets_the_one_before() -> None:
    draws = MeanDraws(Draws(7, THERE, "jitter"), 0.9)
    delay = Delay(Duration(1_000), Duration(1_000), "uniform", draws)

    offsets = [delay.of(place) - 1_000 for place in range(1, 4_000)]

    square = sum(offset * offset for offset in offsets)
    assert square / len(offsets) == pytest.approx(1_000**2 / 3, rel=0.05), "still spread evenly"
    assert abs(sum(one * other for one, other in pairwise(offsets)) / square) < 0.05


def test_a_traced_delay_begins_when_it_is_first_asked_and_begins_anew() -> None:
    trace = TracedDelay(DelayTrace("t", ((2 * MS, Duration(10)), (MS, Duration(20)))))
    start = START + 1_000 * MS

    given = [trace.at(start + offset) for offset in (0, 2 * MS - 1, 2 * MS, 3 * MS - 1, 3 * MS, 302 * MS)]

    assert given == [10, 10, 20, 20, 10, 20]


def test_moments_add_up() -> None:
    moments = Moments()

    for delay in (2, 3):
        moments.add(delay)

    assert (moments.count, moments.total, moments.squares) == (2, 5, 13)
