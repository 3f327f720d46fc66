"""A script as values: what is written, before anybody knows whether it holds."""

from dataclasses import dataclass
from typing import Literal

from tcplab.packetdrill.source import Place
from tcplab.units import Duration
from tcplab.wire.segment import Flags, Options

TimeKind = Literal["absolute", "relative", "absolute_range", "relative_range", "any"]


@dataclass(frozen=True, slots=True)
class When:
    """The time of an event: nanoseconds since the script began, or since the event before.

    ``start`` and ``end`` differ for a range alone; ``any`` has neither.
    """

    kind: TimeKind
    start: Duration
    end: Duration
    place: Place


@dataclass(frozen=True, slots=True)
class Ports:
    """Source and destination port, where a packet names them."""

    source: int
    target: int


@dataclass(frozen=True, slots=True)
class PacketSpec:
    """A segment that the script sends (``inbound``), or expects the host to send.

    Numbers are as the script has them: those of a segment with SYN absolute, all others relative to the ISNs.
    ``window``, ``ecn`` and ``ports`` are ``None`` where the script is silent, ``ack`` where ACK is not set;
    ``options`` is ``None`` for ``<...>``, which admits any.
    """

    inbound: bool
    flags: Flags
    seq: int
    length: int
    ack: int | None
    window: int | None
    urgent: int
    options: Options | None
    ecn: int | None
    ports: Ports | None


# --- expressions of system calls -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dots:
    """``...``: whatever it takes."""

    place: Place


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal or hexadecimal number."""

    value: int
    place: Place


@dataclass(frozen=True, slots=True)
class Word:
    """A name, such as ``SOCK_STREAM``."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class String:
    """A quoted string, without its quotes; or an IPv4 address."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Union:
    """``A|B``."""

    parts: tuple["Expression", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Invocation:
    """``name(arguments)`` within an argument, such as ``htons(80)``."""

    name: str
    arguments: tuple["Expression", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Array:
    """``[a, b]``: what an argument points to."""

    items: tuple["Expression", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Struct:
    """``{a, b}`` or ``{x = a, y = b}``."""

    items: tuple["Expression", ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Field:
    """``name = value`` within a structure."""

    name: "Expression"
    value: "Expression"
    place: Place


Expression = Dots | Number | Word | String | Union | Invocation | Array | Struct | Field


@dataclass(frozen=True, slots=True)
class SyscallSpec:
    """A system call and what it is to return.

    Attributes:
        name: of the call.
        arguments: as written.
        result: as written; ``...`` admits any.
        errno: the symbol of the error, such as ``EAGAIN``.
        ends: when a call that blocks returns, counted as the event's time is; ``None`` for one that returns at once.
        place: of the name.
    """

    name: str
    arguments: tuple[Expression, ...]
    result: Expression
    errno: str | None
    ends: Duration | None
    place: Place


@dataclass(frozen=True, slots=True)
class CodeSpec:
    """``%{ … }%``: assertions on the state of the connection."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """A shell command in backticks."""

    text: str
    place: Place


Action = PacketSpec | SyscallSpec | CodeSpec | CommandSpec


@dataclass(frozen=True, slots=True)
class Event:
    """What happens or is expected at one time; ``place`` is that of the action's first word."""

    when: When
    action: Action
    place: Place


@dataclass(frozen=True, slots=True)
class Option:
    """``--name=value`` ahead of the events; ``value`` is ``None`` where there is none."""

    name: str
    value: str | None
    place: Place


@dataclass(frozen=True, slots=True)
class Script:
    """A whole script, and its text."""

    file: str
    options: tuple[Option, ...]
    events: tuple[Event, ...]
    text: str
