from tcplab.netem.impairments.draws import BLOCK, Draws
from tests.netem.packets import BACK, THERE


def read(draws: Draws, places: range) -> list[float]:
    return [draws.at(place) for place in places]


def test_a_draw_depends_on_its_place_and_not_on_what_was_read_before() -> None:
    in_order = read(Draws(7, THERE, "loss"), range(3 * BLOCK))

    backwards = read(Draws(7, THERE, "loss"), range(3 * BLOCK - 1, -1, -1))

    assert backwards[::-1] == in_order


def test_seed_link_and_purpose_each_give_a_stream_of_their_own_and_so_does_each_block() -> None:
    streams = [Draws(7, THERE, "loss"), Draws(8, THERE, "loss"), Draws(7, BACK, "loss"), Draws(7, THERE, "jitter")]

    firsts = [draws.at(place) for draws in streams for place in (0, BLOCK, 2 * BLOCK)]

    assert len(set(firsts)) == len(firsts)


def test_draws_are_the_same_on_every_machine() -> None:
    assert read(Draws(7, THERE, "loss"), range(1, 4)) == [0.2913028284896667, 0.5788768183040061, 0.47990134288496045]
