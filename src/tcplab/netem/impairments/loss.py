"""Losses that depend on the losses before them: the chains of :mod:`tcplab.netem.loss_models`, at work."""

from tcplab.netem.impairments.chance import Struck
from tcplab.netem.impairments.draws import Stream
from tcplab.netem.loss_models import FourStates, GilbertElliott


class FourStateLoss:
    """Walks through the four states; each packet makes a step."""

    __slots__ = ("_draws", "_model", "_state", "struck")

    def __init__(self, model: FourStates, draws: Stream) -> None:
        self.struck = Struck()
        self._model = model
        self._draws = draws
        self._state = 1

    def strikes(self, place: int) -> float | None:
        """Return the draw that lost the packet at this place, ``None`` if it is spared."""
        draw = self._draws.at(place)
        self._state = state = self._next(draw)
        if state < 3:
            return None
        self.struck.add(place)
        return draw

    def _next(self, draw: float) -> int:
        model = self._model
        match self._state:
            case 1:
                return 4 if draw < model.p14 else 3 if draw < model.p14 + model.p13 else 1
            case 2:
                return 3 if draw < model.p23 else 2
            case 3:
                return 2 if draw < model.p32 else 1 if draw < model.p32 + model.p31 else 3
            case _:
                return 1


class GilbertLoss:
    """Loses by the state it is in, which changes behind each packet."""

    __slots__ = ("_bad", "_draws", "_model", "_steps", "struck")

    def __init__(self, model: GilbertElliott, draws: Stream, steps: Stream) -> None:
        self.struck = Struck()
        self._model = model
        self._draws = draws
        self._steps = steps
        self._bad = False

    def strikes(self, place: int) -> float | None:
        """Return the draw that lost the packet at this place, ``None`` if it is spared."""
        model, draw = self._model, self._draws.at(place)
        probability, leaves = (model.bad, model.r) if self._bad else (model.good, model.p)
        if self._steps.at(place) < leaves:
            self._bad = not self._bad
        if draw >= probability:
            return None
        self.struck.add(place)
        return draw
