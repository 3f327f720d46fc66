"""The chains, step by step, with draws that are told."""

from tcplab.netem.impairments.loss import FourStateLoss, GilbertLoss
from tcplab.netem.loss_models import FourStates, GilbertElliott


class Told:
    """Draws that are told beforehand, the first for place 1."""

    def __init__(self, *draws: float) -> None:
        self._draws = draws

    def at(self, place: int) -> float:
        return self._draws[place - 1]


def test_each_packet_makes_a_step_through_the_four_states() -> None:
    # 1 -> 4 (p14) -> 1 (always) -> 3 (p13) -> 3 -> 2 (p32) -> 2 -> 3 (p23) -> 1 (p31) -> 1
    draws = (0.05, 0.0, 0.25, 0.9, 0.15, 0.95, 0.35, 0.3, 0.31)
    loss = FourStateLoss(FourStates(p13=0.2, p31=0.3, p32=0.2, p23=0.4, p14=0.1), Told(*draws))

    told = [loss.strikes(place) for place in range(1, 10)]

    assert told == [0.05, None, 0.25, 0.9, None, None, 0.35, None, None]
    assert (loss.struck.packets, loss.struck.runs) == (4, 3)


def test_the_probabilities_leave_no_gap_at_their_bounds() -> None:
    model = FourStates(p13=0.5, p31=0.5, p32=0.25, p23=0.5, p14=0.25)
    for draw, lost in ((0.25, True), (0.75, False)):  # the first of p13, and the first of neither
        assert (FourStateLoss(model, Told(draw)).strikes(1) is not None) is lost


def test_a_packet_meets_the_state_before_it_changes() -> None:
    # Good, and turns bad behind the packet; bad: lost, and turns good; good again.
    model = GilbertElliott(p=0.5, r=0.5, bad=0.8, good=0.1)
    loss = GilbertLoss(model, Told(0.5, 0.5, 0.5, 0.05), Told(0.4, 0.4, 0.6, 0.6))

    assert [loss.strikes(place) for place in range(1, 5)] == [None, 0.5, None, 0.05]
