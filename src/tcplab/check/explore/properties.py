"""What an exploration looks for."""

from enum import Enum
from typing import Final, NamedTuple


class Property(Enum):
    """What ought to hold; the value says it to people."""

    OLD_OCTET = "no octet of one incarnation is accepted in another"
    OLD_FIN = "no stream ends before its last octet"
    OLD_ACK = "no acknowledgement of one connection is believed in another"
    RESET_OF_FIN = "no reset answers a retransmitted FIN"
    GIVEN_UP = "no open connection is given up: what is lost is sent again, and arrives"
    LEGAL = "every transition stands in the table, and the engine never raises"
    REST = "both ends come to CLOSED: nothing waits for what never comes"
    FINITE = "without new input, every exchange comes to its end"
    STRAY_ACK = "no acknowledgement by an end without an open connection is believed in another incarnation"
    STRAY_RESET = "no reset ends a connection that it was not meant for"


LIMITS: Final = frozenset({Property.STRAY_ACK, Property.STRAY_RESET})
"""What TCP does not promise where sequence numbers overlap (RFC 1337, hazards 2 and 3): an old SYN may open one end
anew without the other, and TIME_WAIT is no cure for what such an end sends and provokes."""

CONSEQUENCES: Final = frozenset(
    {Property.OLD_OCTET, Property.OLD_FIN, Property.OLD_ACK, Property.RESET_OF_FIN, Property.GIVEN_UP}
)
"""What TCP does not promise either once one of those has happened: a connection that was reset waits no 2 MSL."""


class Breach(NamedTuple):
    """A property that does not hold, and in what way."""

    broken: Property
    what: str
    excused: bool = False
    """Whether it is a consequence of what TCP does not promise."""
