import pytest

from tcplab.netem.impairments.chance import Chance, Reordering, Struck
from tcplab.netem.impairments.draws import Draws
from tests.netem.packets import THERE


def test_runs_are_places_in_a_row() -> None:
    struck = Struck()

    for place in (2, 3, 4, 7, 9, 10):
        struck.add(place)

    assert (struck.packets, struck.runs, struck.squares()) == (6, 3, 9 + 1 + 4)


def test_a_chance_tells_the_draw_that_struck_and_counts() -> None:
    draws = Draws(7, THERE, "loss")
    chance = Chance(0.5, draws)

    told = [chance.strikes(place) for place in range(1, 4)]

    assert told == [draws.at(1), None, draws.at(3)]  # 0.29, 0.58, 0.48
    assert chance.struck.packets == 2


def test_what_cannot_happen_draws_nothing() -> None:
    class Nothing:
        def at(self, place: int) -> float:
            raise AssertionError(f"drawn for {place}")

    assert Chance(0.0, Nothing()).strikes(1) is None


@pytest.mark.parametrize(("gap", "at_once"), [(1, [1, 2, 3, 4, 5, 6]), (2, [2, 4, 6]), (3, [3, 6])])
def test_a_certain_reordering_sends_one_at_once_after_all_but_one_of_the_gap(gap: int, at_once: list[int]) -> None:
    reordering = Reordering(1.0, gap, Draws(7, THERE, "reorder"))

    told = [place for place in range(1, 7) if reordering.strikes(place) is not None]

    assert told == at_once
    assert (reordering.asked, reordering.struck.packets) == (6, len(at_once))


def test_after_the_gap_each_packet_has_its_chance_until_one_is_sent_at_once() -> None:
    draws = Draws(7, THERE, "reorder")
    reordering = Reordering(0.3, 3, draws)

    told = [place for place in range(1, 200) if reordering.strikes(place) is not None]

    expected, delayed = [], 0
    for place in range(1, 200):
        if delayed >= 2 and draws.at(place) < 0.3:
            expected.append(place)
            delayed = 0
        else:
            delayed += 1
    assert told == expected
