"""What the log of the network's configurations keeps: snapshots, each with who made it, when, and what it changed.

A record is one JSON object::

    {"v": 1, "at": 1763900000000350, "by": "workshop", "what": "set client>server loss 1%",
     "leases": {"lease-7": {"until": 1763900030000350, "ttl": 30000000, "faults": ["split"], "links": {}}},
     "configuration": {...}}

Instants are microseconds of the lab's clock; the configuration is that of :mod:`tcplab.netem.snapshot`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcplab.netem.configuration import Configuration
from tcplab.netem.grammar.errors import GrammarError
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.snapshot import InvalidConfiguration, from_json, to_json
from tcplab.netem.traces import TraceReader, among
from tcplab.units import MICROSECOND, Duration, Instant

VERSION: Final = 1


class MalformedRecord(ValueError):
    """No record of this version; one line that says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Lease:
    """What ends when nobody renews it.

    Attributes:
        until: when it runs out, in whole microseconds.
        ttl: how much longer a renewal makes it last, from then on.
        faults: names of the faults that end with it.
        links: directions whose profile ends with it, each with what it was before; ``None`` for the base.
    """

    until: Instant
    ttl: Duration
    faults: tuple[str, ...] = ()
    links: Mapping[Pattern, Profile | None] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One snapshot in the log.

    Attributes:
        configuration: what stands from then on, with its revision.
        at: when it was made, by the lab's clock.
        by: who asked for it, as they call themselves.
        what: what it changed, in words.
        leases: those that stand, by their identity.
    """

    configuration: Configuration
    at: Instant
    by: str = ""
    what: str = ""
    leases: Mapping[str, Lease] = field(default_factory=dict, hash=False)

    @property
    def revision(self) -> int:
        """Which snapshot it is, 1 for the first of a log."""
        return self.configuration.revision


class _LeaseModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    until: int
    ttl: int
    faults: list[str]
    links: dict[str, str | None]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    v: int
    at: Annotated[int, Field(ge=0)]
    by: str
    what: str
    leases: dict[str, _LeaseModel]
    configuration: dict[str, Any]


def dump(record: Record) -> bytes:
    """Return a record as the log has it."""
    fields = {
        "v": VERSION,
        "at": record.at // MICROSECOND,
        "by": record.by,
        "what": record.what,
        "leases": {name: _write(lease) for name, lease in record.leases.items()},
        "configuration": to_json(record.configuration),
    }
    return json.dumps(fields, separators=(",", ":")).encode()


def load(body: bytes) -> Record:
    """Return the record that :func:`dump` wrote.

    Raises:
        MalformedRecord: it is none, or one of another version.
    """
    try:
        model = _Model.model_validate_json(body)
        if model.v != VERSION:
            raise MalformedRecord(f"version {model.v} of records is not known here: run the same release everywhere")
        configuration = from_json(model.configuration)
        traces = among(configuration.traces())  # the timeline sets what a lease's links were before
        leases = {name: _read(lease, traces) for name, lease in model.leases.items()}
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MalformedRecord(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except InvalidConfiguration as error:
        raise MalformedRecord("; ".join(error.problems)) from None
    except GrammarError as error:
        raise MalformedRecord(f"leases: {error}") from None
    return Record(configuration, Instant(model.at * MICROSECOND), model.by, model.what, leases)


def _write(lease: Lease) -> dict[str, Any]:
    links = {str(where): None if profile is None else str(profile) for where, profile in lease.links.items()}
    return {
        "until": lease.until // MICROSECOND,
        "ttl": lease.ttl // MICROSECOND,
        "faults": list(lease.faults),
        "links": links,
    }


def _read(model: _LeaseModel, traces: TraceReader) -> Lease:
    links = {
        Pattern.parse(where): None if profile is None else Profile.parse(profile, traces)
        for where, profile in model.links.items()
    }
    return Lease(Instant(model.until * MICROSECOND), model.ttl * MICROSECOND, tuple(model.faults), links)
