"""System calls as values: from what a script has written to what the emulated sockets can do.

Whatever is not in here, be it a call, a flag or an option of a socket, is unsupported, and that is found out before
the script runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntFlag
from typing import Final

from tcplab.packetdrill.arguments import Arguments
from tcplab.packetdrill.model import Array, Dots, Expression, Number, Struct, SyscallSpec
from tcplab.packetdrill.source import ScriptError, Unsupported

O_RDWR: Final = 2
O_NONBLOCK: Final = 0o4000
MSG_DONTWAIT: Final = 0x40


class SocketOption(Enum):
    """Options that a socket knows; the value is the level and name that scripts have."""

    ERROR = ("SOL_SOCKET", "SO_ERROR")
    REUSE_ADDRESS = ("SOL_SOCKET", "SO_REUSEADDR")
    LINGER = ("SOL_SOCKET", "SO_LINGER")
    SEND_BUFFER = ("SOL_SOCKET", "SO_SNDBUF")
    RECEIVE_BUFFER = ("SOL_SOCKET", "SO_RCVBUF")
    KEEP_ALIVE = ("SOL_SOCKET", "SO_KEEPALIVE")
    KEEP_IDLE = ("IPPROTO_TCP", "TCP_KEEPIDLE")
    KEEP_INTERVAL = ("IPPROTO_TCP", "TCP_KEEPINTVL")
    KEEP_COUNT = ("IPPROTO_TCP", "TCP_KEEPCNT")
    NO_DELAY = ("IPPROTO_TCP", "TCP_NODELAY")
    MAXIMUM_SEGMENT = ("IPPROTO_TCP", "TCP_MAXSEG")
    USER_TIMEOUT = ("IPPROTO_TCP", "TCP_USER_TIMEOUT")
    CONGESTION = ("IPPROTO_TCP", "TCP_CONGESTION")


class Readiness(IntFlag):
    """What ``poll`` asks for and tells, with Linux's values."""

    POLLIN = 0x1
    POLLOUT = 0x4
    POLLERR = 0x8
    POLLHUP = 0x10
    POLLRDHUP = 0x2000


Option = int | str | tuple[int, int]
"""An option's value: a number, a name, or on/off and seconds of SO_LINGER."""


@dataclass(frozen=True, slots=True)
class Socket:
    """``socket``."""

    nonblocking: bool


@dataclass(frozen=True, slots=True)
class Bind:
    """``bind``; a port of ``None`` is the script's, which ``...`` stands for."""

    fd: int
    port: int | None


@dataclass(frozen=True, slots=True)
class Listen:
    """``listen``."""

    fd: int
    backlog: int


@dataclass(frozen=True, slots=True)
class Accept:
    """``accept`` and ``accept4``."""

    fd: int
    nonblocking: bool


@dataclass(frozen=True, slots=True)
class Connect:
    """``connect``; a port of ``None`` is the script's."""

    fd: int
    port: int | None


@dataclass(frozen=True, slots=True)
class Read:
    """``read``, ``recv`` and ``recvfrom``."""

    fd: int
    limit: int
    dont_wait: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """``write``, ``send`` and ``sendto`` to the peer."""

    fd: int
    count: int
    dont_wait: bool = False


@dataclass(frozen=True, slots=True)
class Close:
    """``close``."""

    fd: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """``shutdown`` of the sending direction."""

    fd: int


@dataclass(frozen=True, slots=True)
class GetFlags:
    """``fcntl(fd, F_GETFL)``."""

    fd: int


@dataclass(frozen=True, slots=True)
class SetFlags:
    """``fcntl(fd, F_SETFL, flags)``."""

    fd: int
    nonblocking: bool


@dataclass(frozen=True, slots=True)
class SetOption:
    """``setsockopt``."""

    fd: int
    option: SocketOption
    value: Option


@dataclass(frozen=True, slots=True)
class GetOption:
    """``getsockopt``, with the value that it is to give."""

    fd: int
    option: SocketOption
    expected: Option | None


@dataclass(frozen=True, slots=True)
class Polled:
    """One entry of ``poll``: what it asks for, and what it is to be told."""

    fd: int
    events: Readiness
    expected: Readiness


@dataclass(frozen=True, slots=True)
class Poll:
    """``poll``; a timeout in milliseconds, below 0 for ever."""

    entries: tuple[Polled, ...]
    timeout: int


AtOnce = Bind | Listen | Close | Shutdown | GetFlags | SetFlags | SetOption | GetOption
"""Calls on a descriptor that never wait."""
Call = Socket | Accept | Connect | Read | Write | Poll | AtOnce


@dataclass(frozen=True, slots=True)
class Expected:
    """What a call is to return: a value (``None`` admits any), and the error's symbol where there is one."""

    value: int | None
    errno: str | None = None

    def __str__(self) -> str:
        """Return it as scripts write it."""
        value = "..." if self.value is None else str(self.value)
        return f"{value} {self.errno}" if self.errno else value


def compiled(spec: SyscallSpec) -> Call:
    """Return the call that a script has written.

    Raises:
        ScriptError: the number or the kind of the arguments is wrong.
        Unsupported: the call, or something that it asks for.
    """
    make = _CALLS.get(spec.name)
    if make is None:
        raise Unsupported(spec.place, f"the system call {spec.name}")
    return make(Arguments(spec))


def expected(spec: SyscallSpec) -> Expected:
    """Return what a script expects a call to return.

    Raises:
        ScriptError: it is no number, or an error without -1.
    """
    result = spec.result
    if isinstance(result, Dots):
        return Expected(None, spec.errno)
    if not isinstance(result, Number):
        value = Arguments(spec).flags_of(result, {"O_RDWR": O_RDWR, "O_NONBLOCK": O_NONBLOCK, "O_RDONLY": 0})
        return Expected(value, spec.errno)
    if spec.errno is not None and result.value != -1:
        raise ScriptError(result.place, f"expected -1 before {spec.errno}, found {result.value}")
    return Expected(result.value, spec.errno)


# --- one maker for each ----------------------------------------------------------------------------------------------


def _socket(arguments: Arguments) -> Call:
    arguments.count(3)
    arguments.only(0, "AF_INET", "PF_INET")
    kind = arguments.flags(1, {"SOCK_STREAM": 1, "SOCK_NONBLOCK": O_NONBLOCK, "SOCK_CLOEXEC": 0})
    arguments.only(2, "IPPROTO_TCP", "0")
    return Socket(bool(kind & O_NONBLOCK))


def _bind(arguments: Arguments) -> Call:
    arguments.count(3)
    return Bind(arguments.number(0), arguments.port(1))


def _listen(arguments: Arguments) -> Call:
    arguments.count(2)
    return Listen(arguments.number(0), arguments.number(1))


def _accept(arguments: Arguments) -> Call:
    arguments.count(3, 4)
    flags = arguments.flags(3, {"SOCK_NONBLOCK": O_NONBLOCK, "SOCK_CLOEXEC": 0}) if len(arguments) == 4 else 0
    return Accept(arguments.number(0), bool(flags & O_NONBLOCK))


def _connect(arguments: Arguments) -> Call:
    arguments.count(3)
    return Connect(arguments.number(0), arguments.port(1))


def _read(arguments: Arguments) -> Call:
    arguments.count(3)
    arguments.buffer(1)
    return Read(arguments.number(0), arguments.number(2))


def _receive(arguments: Arguments) -> Call:
    arguments.count(4, 6)
    arguments.buffer(1)
    flags = arguments.flags(3, {"MSG_DONTWAIT": MSG_DONTWAIT})
    return Read(arguments.number(0), arguments.number(2), bool(flags & MSG_DONTWAIT))


def _write(arguments: Arguments) -> Call:
    arguments.count(3)
    arguments.buffer(1)
    return Write(arguments.number(0), arguments.number(2))


def _send(arguments: Arguments) -> Call:
    arguments.count(4, 6)
    arguments.buffer(1)
    flags = arguments.flags(3, {"MSG_DONTWAIT": MSG_DONTWAIT, "MSG_NOSIGNAL": 0})
    return Write(arguments.number(0), arguments.number(2), bool(flags & MSG_DONTWAIT))


def _close(arguments: Arguments) -> Call:
    arguments.count(1)
    return Close(arguments.number(0))


def _shutdown(arguments: Arguments) -> Call:
    arguments.count(2)
    arguments.only(1, "SHUT_WR", "1")
    return Shutdown(arguments.number(0))


def _fcntl(arguments: Arguments) -> Call:
    arguments.count(2, 3)
    fd = arguments.number(0)
    if len(arguments) == 2:
        arguments.only(1, "F_GETFL")
        return GetFlags(fd)
    arguments.only(1, "F_SETFL")
    return SetFlags(fd, bool(arguments.flags(2, {"O_RDWR": O_RDWR, "O_NONBLOCK": O_NONBLOCK}) & O_NONBLOCK))


def _set_option(arguments: Arguments) -> Call:
    arguments.count(5)
    return SetOption(arguments.number(0), _option(arguments), _option_value(arguments, arguments[3]))


def _get_option(arguments: Arguments) -> Call:
    arguments.count(5)
    value = arguments[3]
    expected_value = None if isinstance(value, Dots) else _option_value(arguments, value)
    return GetOption(arguments.number(0), _option(arguments), expected_value)


def _option(arguments: Arguments) -> SocketOption:
    level, name = arguments.word(1), arguments.word(2)
    try:
        return SocketOption(("IPPROTO_TCP" if level == "SOL_TCP" else level, name))
    except ValueError:
        raise Unsupported(arguments[2].place, f"the socket option {level}, {name}") from None


def _option_value(arguments: Arguments, value: Expression) -> Option:
    if isinstance(value, Struct):
        fields = arguments.fields(value)
        if fields.keys() == {"onoff", "linger"}:
            return arguments.number_of(fields["onoff"]), arguments.number_of(fields["linger"])
        raise Unsupported(value.place, "this structure")
    if isinstance(value, Array) and len(value.items) == 1:
        return arguments.number_of(value.items[0])
    return arguments.text_of(value)


def _poll(arguments: Arguments) -> Call:
    arguments.count(3)
    listed = arguments[0]
    if not isinstance(listed, Array):
        raise ScriptError(listed.place, "expected '[' and what to poll")
    return Poll(tuple(_polled(arguments, item) for item in listed.items), arguments.number(2))


def _polled(arguments: Arguments, item: Expression) -> Polled:
    if not isinstance(item, Struct):
        raise ScriptError(item.place, "expected {fd=…, events=…, revents=…}")
    fields = arguments.fields(item)
    known = {member.name: member.value for member in Readiness if member.name is not None}

    def readiness(name: str) -> Readiness:
        return Readiness(arguments.flags_of(fields[name], known) if name in fields else 0)

    if not {"fd", "events"} <= fields.keys() <= {"fd", "events", "revents"}:
        raise ScriptError(item.place, "expected {fd=…, events=…, revents=…}")
    return Polled(arguments.number_of(fields["fd"]), readiness("events"), readiness("revents"))


_CALLS: Final[Mapping[str, Callable[[Arguments], Call]]] = {
    "socket": _socket,
    "bind": _bind,
    "listen": _listen,
    "accept": _accept,
    "accept4": _accept,
    "connect": _connect,
    "read": _read,
    "recv": _receive,
    "recvfrom": _receive,
    "write": _write,
    "send": _send,
    "sendto": _send,
    "close": _close,
    "shutdown": _shutdown,
    "fcntl": _fcntl,
    "setsockopt": _set_option,
    "getsockopt": _get_option,
    "poll": _poll,
}
