"""Faults that understand TCP: what is done to which segments."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from tcplab.netem.grammar.units import write_time
from tcplab.netem.match import What
from tcplab.netem.match_words import read_what
from tcplab.netem.patterns import Road
from tcplab.netem.roles import Roles
from tcplab.netem.sentence import Sentence
from tcplab.units import Duration

Action = Literal["drop", "hold", "duplicate", "corrupt", "mark"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

COPIES_LIMIT: Final = 100
_AT_ONCE: Final = Duration(0)


@dataclass(frozen=True, slots=True)
class Strike:
    """Does something to segments of a kind.

    Attributes:
        action: what is done.
        what: the segments.
        time: how long they are held; with ``until``, how long after that.
        until: they are held until such a segment of the same connection comes; ``None`` where time alone decides.
        copies: how many are made of each that is duplicated.
    """

    action: Action
    what: What
    time: Duration = _AT_ONCE
    until: What | None = None
    copies: int = 1

    def __str__(self) -> str:
        """Return the words that :meth:`read` takes."""
        said = f"{self.action} {self.what}"
        if self.until is not None:
            return f"{said} until {f'{write_time(self.time)} after ' if self.time else ''}{self.until}"
        if self.action == "hold":
            return f"{said} for {write_time(self.time)}"
        return said if self.copies == 1 else f"{said} {self.copies} times"

    @property
    def needs_flows(self) -> bool:
        """Whether connections must be followed to tell what is meant."""
        return self.what.needs_flows or self.until is not None

    def strikes(self, road: Road) -> bool:
        """Return whether any packet of a road could be meant."""
        return self.what.concerns(road)

    def check(self, roles: Roles) -> None:
        """Raise a ValueError for whom the lab does not have."""
        self.what.check(roles)
        if self.until is not None:
            self.until.check(roles)

    @classmethod
    def read(cls, action: Action, words: Sentence) -> "Strike":
        """Take what stands behind the action.

        Raises:
            GrammarError: points at the word.
        """
        what = read_what(words)
        if action == "hold":
            return _read_hold(words, what)
        if action == "duplicate" and words.next.isdecimal():
            word = words.peek()
            copies = words.count("how many copies")
            if copies > COPIES_LIMIT and word is not None:
                raise words.error(word, f"no more than {COPIES_LIMIT} copies")
            words.expect("times", "'times'")
            return cls(action, what, copies=copies)
        return cls(action, what)


def _read_hold(words: Sentence, what: What) -> Strike:
    if words.skip("for"):
        return Strike("hold", what, words.duration("how long it is held", 1))
    words.expect("until", "'for TIME' or 'until [TIME after] SEGMENT'")
    time = _AT_ONCE
    if words.next[:1].isdecimal():
        time = words.duration("how long after", 1)
        words.expect("after", "'after' and a segment")
    return Strike("hold", what, time, read_what(words, counted=False))
