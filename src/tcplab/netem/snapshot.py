"""A configuration as JSON, and back.

Rules and profiles stand in it as their texts; instants in whole microseconds of the lab's clock, as on the wire.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcplab.netem.changes import Entry, parse_entry
from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import Fault, parse_rule
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.traces import TraceReader, among
from tcplab.units import MICROSECOND, START, Instant

A = TypeVar("A")
T = TypeVar("T")

_SHOWN: Final = 80  # characters of somebody else's making in one line
_Microseconds = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what JavaScript's numbers hold exactly


class InvalidConfiguration(ValueError):
    """What was to be a configuration is none.

    Attributes:
        problems: a line each, which names the path and, in a text, the word.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class FaultModel(BaseModel):
    """A fault as JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(description="What it is called: letters, digits, '_', '.' and '-', 64 at most.")
    rule: str = Field(description="What it does, in the language of docs/faults.md.")
    since: _Microseconds = Field(0, description="When it was set, microseconds of the lab's clock.")
    until: _Microseconds | None = Field(None, description="When the network heals it by itself, in the same.")


class EntryModel(BaseModel):
    """An entry of the timeline as JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    entry: str = Field(description="Its trigger and its change, such as at 5s: heal split.")
    since: _Microseconds = Field(0, description="When it was set, microseconds of the lab's clock.")


class ConfigurationModel(BaseModel):
    """A configuration as JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    revision: Annotated[int, Field(ge=0, le=2**53 - 1)] = Field(0, description="Which snapshot it is.")
    links: dict[str, str] = Field({}, description="By direction, such as client>server: a profile in tc's grammar.")
    faults: list[FaultModel] = Field([], description="In the order in which they are asked.")
    timeline: list[EntryModel] = Field([], description="Changes to come, each made once.")
    traces: dict[str, str] = Field({}, description="The files that profiles name, such as up.trace: their contents.")


def to_json(configuration: Configuration) -> dict[str, Any]:
    """Return the configuration as an object for ``json.dumps``; without traces it has no field for them."""
    traces = configuration.traces()
    return {
        "revision": configuration.revision,
        "links": {str(pattern): str(profile) for pattern, profile in configuration.links.items()},
        "faults": [
            {
                "name": fault.name,
                "rule": str(fault.rule),
                "since": fault.since // MICROSECOND,
                "until": None if fault.until is None else fault.until // MICROSECOND,
            }
            for fault in configuration.faults
        ],
        "timeline": [
            {"entry": str(entry), "since": (entry.since or START) // MICROSECOND} for entry in configuration.timeline
        ],
        **({"traces": dict(traces)} if traces else {}),
    }


def from_json(value: object) -> Configuration:
    """Return the configuration that :func:`to_json` wrote, or somebody else; what is left out has its default.

    Raises:
        InvalidConfiguration: it is none; all that is wrong is told at once.
    """
    try:
        model = ConfigurationModel.model_validate(value)
    except ValidationError as error:
        raise InvalidConfiguration(tuple(_line(trouble) for trouble in error.errors(include_url=False))) from None
    reader = _Reader(among(model.traces))
    links = reader.links(model.links)
    faults = [reader.take(f"faults[{n}]", _fault, each) for n, each in enumerate(model.faults)]
    entries = [reader.take(f"timeline[{n}]", reader.entry, each) for n, each in enumerate(model.timeline)]
    reader.finish()
    try:
        return Configuration(model.revision, links, tuple(filter(None, faults)), tuple(filter(None, entries)))
    except ValueError as error:
        raise InvalidConfiguration((str(error),)) from None


class _Reader:
    """Collects what is wrong while it reads."""

    def __init__(self, traces: TraceReader) -> None:
        self._traces = traces
        self._problems: list[str] = []

    def take(self, path: str, read: Callable[[A], T], given: A) -> T | None:
        try:
            return read(given)
        except ValueError as error:
            self._problems.append(f"{path}: {error}")
            return None

    def links(self, texts: Mapping[str, str]) -> dict[Pattern, Profile]:
        links: dict[Pattern, Profile] = {}
        for key, text in texts.items():
            path = f"links[{key[:_SHOWN]!r}]"
            pattern = self.take(path, Pattern.parse, key)
            profile = self.take(path, self._profile, text)
            if pattern in links:
                self._problems.append(f"{path}: {pattern} stands there twice")
            if pattern is not None and profile is not None:
                links[pattern] = profile
        return links

    def entry(self, model: EntryModel) -> Entry:
        return parse_entry(model.entry, self._traces).set_at(Instant(model.since * MICROSECOND))

    def _profile(self, text: str) -> Profile:
        return Profile.parse(text, self._traces)

    def finish(self) -> None:
        if self._problems:
            raise InvalidConfiguration(tuple(self._problems))


def _fault(model: FaultModel) -> Fault:
    until = None if model.until is None else Instant(model.until * MICROSECOND)
    return Fault(model.name, parse_rule(model.rule), START + model.since * MICROSECOND, until)


def _line(trouble: Mapping[str, Any]) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in trouble["loc"]).lstrip(".")
    found = "" if trouble["type"] in ("missing", "extra_forbidden") else f"; it is {repr(trouble['input'])[:_SHOWN]}"
    reason = "must be an object" if trouble["type"] in ("model_type", "dict_type") else trouble["msg"]
    return f"{path or 'configuration'}: {reason[:1].lower()}{reason[1:]}{found}"
