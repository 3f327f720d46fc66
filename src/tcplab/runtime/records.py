"""What the log of the network's configurations keeps: snapshots, each with who made it, when, and what it changed.

A record is one JSON object::

    {"v": 1, "at": 1763900000000350, "by": "workshop", "what": "set client>server loss 1%",
     "leases": {"l-7": 1763900030000350}, "configuration": {...}}

Instants are microseconds of the lab's clock; the configuration is that of :mod:`tcplab.netem.snapshot`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tcplab.netem.configuration import Configuration
from tcplab.netem.snapshot import InvalidConfiguration, from_json, to_json
from tcplab.units import MICROSECOND, Instant

VERSION: Final = 1


class MalformedRecord(ValueError):
    """No record of this version; one line that says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One snapshot in the log.

    Attributes:
        configuration: what stands from then on, with its revision.
        at: when it was made, by the lab's clock.
        by: who asked for it, as they call themselves.
        what: what it changed, in words.
        leases: when each lease that stands runs out, by its identity; faults bound to one end with it.
    """

    configuration: Configuration
    at: Instant
    by: str = ""
    what: str = ""
    leases: Mapping[str, Instant] = field(default_factory=dict, hash=False)

    @property
    def revision(self) -> int:
        """Which snapshot it is, 1 for the first of a log."""
        return self.configuration.revision


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    v: int
    at: Annotated[int, Field(ge=0)]
    by: str
    what: str
    leases: dict[str, int]
    configuration: dict[str, Any]


def dump(record: Record) -> bytes:
    """Return a record as the log has it."""
    fields = {
        "v": VERSION,
        "at": record.at // MICROSECOND,
        "by": record.by,
        "what": record.what,
        "leases": {name: until // MICROSECOND for name, until in record.leases.items()},
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
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise MalformedRecord(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except InvalidConfiguration as error:
        raise MalformedRecord("; ".join(error.problems)) from None
    leases = {name: Instant(until * MICROSECOND) for name, until in model.leases.items()}
    return Record(configuration, Instant(model.at * MICROSECOND), model.by, model.what, leases)
