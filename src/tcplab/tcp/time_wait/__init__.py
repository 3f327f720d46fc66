"""TIME_WAIT: what becomes of a connection that closed first, by which rules, and in how few octets.

A :class:`Policy` decides what a segment does, :class:`Records` keeps, :class:`TimeWaits` is what a host has of both.
Source of the state: RFC 9293, section 3.6.1; what other stacks do is in :mod:`.linux` and :mod:`.freebsd`.
"""

from typing import Final, assert_never

from tcplab.tcp.time_wait.freebsd import MSL as FREEBSD_MSL
from tcplab.tcp.time_wait.freebsd import FreeBsd
from tcplab.tcp.time_wait.linux import TIMEWAIT_LEN, Linux
from tcplab.tcp.time_wait.policy import Policy, PolicyName, Reply
from tcplab.tcp.time_wait.record import Record, Stamps
from tcplab.tcp.time_wait.records import Records
from tcplab.tcp.time_wait.rfc9293 import Rfc9293
from tcplab.tcp.time_wait.time_waits import EXPIRIES_AT_ONCE, TimeWaits
from tcplab.units import MINUTE, Duration

__all__ = [
    "EXPIRIES_AT_ONCE",
    "POLICIES",
    "FreeBsd",
    "Linux",
    "Policy",
    "PolicyName",
    "Record",
    "Records",
    "Reply",
    "Rfc9293",
    "Stamps",
    "TimeWaits",
    "policy",
]

POLICIES: Final[tuple[PolicyName, ...]] = ("rfc9293", "linux", "freebsd", "none")
_RFC_LENGTH: Final = 4 * MINUTE  # RFC 9293: 2 MSL, and an MSL is 2 minutes


def policy(
    name: PolicyName, time_wait: Duration, *, reuse: bool | None = None, timestamps: bool = True
) -> Policy | None:
    """Return a policy by its name; ``none`` has none.

    Args:
        name: one of :data:`POLICIES`.
        time_wait: how long TIME_WAIT lasts by RFC 9293 in this lab: 2 MSL. The others last as long in proportion to it
            as they do in proportion to the RFC's 240 s, so that a lab with a short MSL compares the same.
        reuse: whether a new connection may take the place of a TIME_WAIT; ``None`` is as the stack has it when nobody
            has set anything: RFC 9293's does not, Linux' and FreeBSD's give way to a newer SYN. ``True`` lets an OPEN
            of Linux' own take one too.
        timestamps: whether the host has timestamps (RFC 7323).
    """
    match name:
        case "rfc9293":
            return Rfc9293(time_wait, bool(reuse), timestamps)
        case "linux":
            return Linux(_scaled(TIMEWAIT_LEN, time_wait), reuse is not False, bool(reuse))
        case "freebsd":
            return FreeBsd(_scaled(2 * FREEBSD_MSL, time_wait), reuse is not False)
        case "none":
            return None
        case _:
            assert_never(name)


def _scaled(length: Duration, time_wait: Duration) -> Duration:
    return Duration(length * time_wait // _RFC_LENGTH)
