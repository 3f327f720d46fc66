"""What checkers say: valid, unknown or invalid, with the evidence."""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from tcplab.node import Event
from tcplab.observe.journal import Record


class Outcome(IntEnum):
    """What is known of a property; the worse, the greater, so that the whole is the worst of its parts."""

    VALID = 0
    """It was put to the test, and holds."""
    UNKNOWN = 1
    """The journal does not tell: nothing tested it, or what would is missing."""
    INVALID = 2
    """It is broken."""


class Finding(NamedTuple):
    """One thing that speaks against a property, or hides it."""

    outcome: Outcome
    what: str
    """A line for people."""
    n: int | None = None
    """The record of the journal that shows it."""
    node: str | None = None
    time: int | None = None
    """The record's time, nanoseconds."""

    def __str__(self) -> str:
        """Return the finding as a report prints it."""
        where = "" if self.n is None else f" (record {self.n}, {self.node} at {self.time} ns)"
        return f"{self.outcome.name.lower()}: {self.what}{where}"


def invalid(what: str, record: Record[Event] | None = None) -> Finding:
    """Return that a property is broken, as the record shows."""
    return _finding(Outcome.INVALID, what, record)


def unknown(what: str, record: Record[Event] | None = None) -> Finding:
    """Return that the journal does not tell, from the record on where there is one."""
    return _finding(Outcome.UNKNOWN, what, record)


def _finding(outcome: Outcome, what: str, record: Record[Event] | None) -> Finding:
    if record is None:
        return Finding(outcome, what)
    return Finding(outcome, what, record.n, record.node, record.time)


class Result(NamedTuple):
    """What one checker says."""

    checker: str
    judged: int
    """How many things it put to the test: connections, intervals, packets."""
    findings: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings; without any, valid if anything was judged at all."""
        return max((finding.outcome for finding in self.findings), default=self._without)

    @property
    def _without(self) -> Outcome:
        return Outcome.VALID if self.judged else Outcome.UNKNOWN

    def __str__(self) -> str:
        """Return the result as a report prints it, each finding on a line of its own."""
        head = f"  {self.checker}: {self.outcome.name.lower()}, {self.judged} judged"
        return "\n".join([head, *(f"    {finding}" for finding in self.findings)])


class Verdict(NamedTuple):
    """What all checkers say of one journal."""

    results: tuple[Result, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all results; what nobody looked at is unknown."""
        return max((result.outcome for result in self.results), default=Outcome.UNKNOWN)

    def of(self, checker: str) -> Result:
        """Return what the checker of that name says.

        Raises:
            KeyError: there was none.
        """
        for result in self.results:
            if result.checker == checker:
                return result
        raise KeyError(f"no checker {checker!r} among {', '.join(result.checker for result in self.results)}")

    def findings(self, outcome: Outcome) -> Iterable[tuple[str, Finding]]:
        """Yield every finding of that outcome, with the name of its checker."""
        for result in self.results:
            for finding in result.findings:
                if finding.outcome == outcome:
                    yield result.checker, finding

    def __str__(self) -> str:
        """Return the verdict as a report prints it: first the whole, then what each checker says."""
        idle = [result.checker for result in self.results if not result.judged]
        head = self.outcome.name.lower() + (f"; nothing to judge for {', '.join(idle)}" if idle else "")
        return "\n".join([head, *map(str, self.results)])
