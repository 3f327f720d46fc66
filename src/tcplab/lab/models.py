"""What the lab service takes and gives, as JSON."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from tcplab.lab.desk import Desk
from tcplab.lab.drafts import is_renewal
from tcplab.netem.changes import Change as ConfigurationChange
from tcplab.netem.changes import Entry, parse_line, parse_lines
from tcplab.netem.grammar.errors import GrammarError
from tcplab.netem.snapshot import InvalidConfiguration, to_json
from tcplab.netem.traces import among
from tcplab.runtime.clock import Clock
from tcplab.runtime.records import Lease, Record
from tcplab.runtime.reports import Report

TTL_LEAST: Final = 0.5  # real seconds
TTL_MOST: Final = 86_400.0


class Change(BaseModel):
    """What is to be changed of what stands, in this order."""

    model_config = ConfigDict(extra="forbid", strict=True)

    heal: list[str] = Field(default=[], description="Names of faults that are to end.")
    links: dict[str, str | None] = Field(
        default={},
        description="By direction, such as client>server: a profile in tc's grammar, or null for what is beneath.",
    )
    faults: list[str] = Field(
        default=[], description="Faults to set, such as 'partition client | server as split for 30s'."
    )
    timeline: list[str] = Field(default=[], description="Changes to come, such as 'at 5s: heal split'.")

    lines: str = Field(default="", description="Changes as lines of text, made after all others.")
    traces: dict[str, str] = Field(
        default={}, description="The files that profiles name, such as up.trace: their contents."
    )

    def said(self, standing: Mapping[str, str]) -> tuple[ConfigurationChange | Entry, ...]:
        """Return the changes; ``standing``: traces that need not be sent along.

        Raises:
            GrammarError: points at the word, in the line that each of them makes.
        """
        links = (f"link {where} {'reset' if profile is None else profile}" for where, profile in self.links.items())
        lines = (*(f"heal {name}" for name in self.heal), *links, *self.faults, *self.timeline)
        traces = among({**standing, **self.traces})
        return (*(parse_line(line, traces) for line in lines), *parse_lines(self.lines, traces))


class LeaseRequest(BaseModel):
    """A lease that is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ttl: Annotated[
        float,
        Field(ge=TTL_LEAST, le=TTL_MOST, description="Seconds that it lasts, and that each renewal lets it last."),
    ]


class LeaseView(BaseModel):
    """A lease."""

    id: str
    ttl: float = Field(description="Seconds that a renewal lets it last.")
    remaining: float = Field(description="Seconds until it runs out.")
    until: float = Field(description="When it runs out, Unix time.")
    faults: list[str] = Field(description="Faults that end with it.")
    links: list[str] = Field(description="Directions whose profile ends with it.")


class Revision(BaseModel):
    """One entry of the history."""

    revision: int
    at: float = Field(description="When it was made, Unix time.")
    by: str = Field(description="Who asked for it, as they call themselves.")
    what: str = Field(description="What it changed.")
    renewal: bool = Field(description="Whether it only let a lease last longer.")


class Standing(Revision):
    """What stands on top of the network's base, or stood."""

    text: str = Field(description="The configuration as lines of text.")
    configuration: dict[str, Any] = Field(description="The same as JSON; instants in microseconds of the lab's clock.")
    leases: list[LeaseView]


class Status(Revision):
    """What was asked for, and what each shard of the network does."""

    shards: dict[str, Report]


class Problem(BaseModel):
    """Why a request changed nothing."""

    error: str = Field(description="One line for people.")
    word: str = Field(default="", description="The word at fault, where one is.")
    position: int | None = Field(default=None, description="Where it begins in the text, 0 for the first character.")
    nearest: str = Field(default="", description="The known word that it looks like.")
    display: str = Field(
        default="", description="Three lines for people: the text, carets under the word, what is wrong."
    )
    problems: list[str] = Field(default=[], description="All that is wrong with JSON, each with its path.")
    revision: int | None = Field(default=None, description="The revision that stands, where another was expected.")


def problem(error: Exception) -> dict[str, Any]:
    """Return an error as a problem."""
    if isinstance(error, GrammarError):
        found = Problem(
            error=str(error), word=error.word, position=error.position, nearest=error.nearest, display=error.display()
        )
    elif isinstance(error, InvalidConfiguration):
        found = Problem(error="; ".join(error.problems), problems=list(error.problems))
    else:
        found = Problem(error=str(error))
    return found.model_dump()


def revision(record: Record, clock: Clock) -> Revision:
    """Return an entry of the history."""
    return Revision(
        revision=record.revision,
        at=clock.unix_seconds(record.at),
        by=record.by,
        what=record.what,
        renewal=is_renewal(record),
    )


def standing(record: Record, clock: Clock) -> Standing:
    """Return what stands, or stood."""
    return Standing(
        **revision(record, clock).model_dump(),
        text=str(record.configuration),
        configuration=to_json(record.configuration),
        leases=leases(record.leases, clock),
    )


def status(record: Record, shards: Mapping[str, Report], clock: Clock) -> Status:
    """Return what each shard makes of what stands."""
    return Status(**revision(record, clock).model_dump(), shards=dict(shards))


def leases(standing: Mapping[str, Lease], clock: Clock) -> list[LeaseView]:
    """Return leases, in the order in which they began."""
    return [lease(name, each, clock) for name, each in standing.items()]


def lease(name: str, each: Lease, clock: Clock) -> LeaseView:
    """Return one lease."""
    return LeaseView(
        id=name,
        ttl=clock.real_seconds(each.ttl),
        remaining=max(0.0, clock.real_seconds(each.until - clock.now())),
        until=clock.unix_seconds(each.until),
        faults=list(each.faults),
        links=[str(where) for where in each.links],
    )


def find(desk: Desk, revision: int) -> Record | None:
    """Return the record of a revision, ``None`` where it is not remembered."""
    return next((record for record in desk.history() if record.revision == revision), None)
