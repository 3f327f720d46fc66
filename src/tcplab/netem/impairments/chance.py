"""What strikes some packets and spares the others."""

from tcplab.netem.impairments.draws import Stream


class Struck:
    """Counts packets that were struck, and their runs: places in a row."""

    __slots__ = ("_before", "_run", "_squares", "packets", "runs")

    def __init__(self) -> None:
        self.packets = 0
        self.runs = 0
        self._before = -1
        self._run = 0
        self._squares = 0  # of the lengths of runs that have ended

    def add(self, place: int) -> None:
        """Count the packet at this place."""
        self.packets += 1
        if place - 1 == self._before:
            self._run += 1
        else:
            self._squares += self._run**2
            self.runs += 1
            self._run = 1
        self._before = place

    def squares(self) -> int:
        """Return the sum of the squares of the lengths of all runs."""
        return self._squares + self._run**2


class Chance:
    """Strikes each packet with the same probability; by itself, unless the draws correlate."""

    __slots__ = ("_draws", "_probability", "struck")

    def __init__(self, probability: float, draws: Stream) -> None:
        self.struck = Struck()
        self._probability = probability
        self._draws = draws

    def strikes(self, place: int) -> float | None:
        """Return the draw that struck the packet at this place, ``None`` if it is spared."""
        if not self._probability:
            return None
        draw = self._draws.at(place)
        if draw >= self._probability:
            return None
        self.struck.add(place)
        return draw


class Reordering:
    """Sends one packet at once, ahead of all others, after at least ``gap`` - 1 that are delayed."""

    __slots__ = ("_chance", "_delayed", "_gap", "asked")

    def __init__(self, probability: float, gap: int, draws: Stream) -> None:
        self.asked = 0
        self._chance = Chance(probability, draws)
        self._gap = gap
        self._delayed = 0

    @property
    def struck(self) -> Struck:
        """The packets that were sent at once."""
        return self._chance.struck

    def strikes(self, place: int) -> float | None:
        """Return the draw that sends the packet at this place at once, ``None`` where it is delayed."""
        self.asked += 1
        if self._delayed < self._gap - 1:
            self._delayed += 1
            return None
        draw = self._chance.strikes(place)
        self._delayed = self._delayed + 1 if draw is None else 0
        return draw
