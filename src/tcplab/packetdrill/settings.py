"""``--name=value`` at the head of a script, and what a run may vary from outside."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from tcplab.packetdrill.model import Option
from tcplab.packetdrill.source import ScriptError, Unsupported
from tcplab.tcp.config import TcpConfig
from tcplab.units import MICROSECOND, MILLISECOND, MINUTE, SECOND, Duration
from tcplab.wire.packet import Address

PORT: Final = 8080
"""What ``...`` stands for in ``bind`` and ``connect``, as in packetdrill."""
HEADERS: Final = 40  # octets of IPv4's and TCP's headers without options
_UNITS: Final[Mapping[str, int]] = {"us": MICROSECOND, "ms": MILLISECOND, "s": SECOND, "min": MINUTE}
_DURATION: Final = re.compile(r"([0-9]+)(us|ms|s|min)")
_WORDS: Final[Mapping[str, bool | None]] = {"on": True, "off": False, "none": None}
_DEFAULT: Final = TcpConfig()


_FORMS: Final = {int: "a whole number, a duration such as 40ms", bool: "on, off", str: "a name", NoneType: "none"}
"""How the values of each type are written."""


def _kinds(annotation: Any) -> frozenset[type]:
    """Return the types of the values that a setting may have."""
    if get_origin(annotation) in (Union, UnionType):
        return frozenset().union(*map(_kinds, get_args(annotation)))
    if get_origin(annotation) is Literal:
        return frozenset({str})
    return frozenset({getattr(annotation, "__supertype__", annotation)})


_KINDS: Final = {name: _kinds(annotation) for name, annotation in get_type_hints(TcpConfig).items()}
_TOLERANCE: Final = 4 * MILLISECOND  # packetdrill's
_UNCHECKED: Final = Duration(0)
_LOCAL: Final = Address("192.168.0.1")  # packetdrill's private network, and RFC 5737's for documents
_REMOTE: Final = Address("192.0.2.1")


class Variant(NamedTuple):
    """What is varied from outside of a script.

    Attributes:
        local_isn: the host's first initial sequence number.
        remote_isn: what is added to the script's own.
        config: settings of the host's TCP, over which the script's ``--config`` goes.
    """

    local_isn: int = 1_000_000
    remote_isn: int = 0
    config: TcpConfig = _DEFAULT


@dataclass(frozen=True, slots=True)
class Settings:
    """What a script's options ask for.

    Attributes:
        tolerance: how far a time may be from the one that the script gives.
        tolerance_percent: the same, per cent of the time since the event before; the greater one counts.
        tick: how long the host's timestamps count; 0 leaves their values alone.
        bind_port: the host's port where the script says ``...``.
        connect_port: the port that ``connect`` connects to where the script says ``...``.
        local: the host's address.
        remote: the script's address.
        config: settings of the host's TCP.
        strict_segments: whether a segment that the script expects must come as one.
    """

    tolerance: Duration = _TOLERANCE
    tolerance_percent: float = 0.0
    tick: Duration = _UNCHECKED
    bind_port: int = PORT
    connect_port: int = PORT
    local: Address = _LOCAL
    remote: Address = _REMOTE
    config: TcpConfig = _DEFAULT
    strict_segments: bool = False


def settings(options: Sequence[Option], config: TcpConfig) -> Settings:
    """Return what a script's options ask for, over a configuration.

    Raises:
        ScriptError: a value that cannot be.
        Unsupported: an option that nobody knows here.
    """
    result = Settings(config=config)
    for option in options:
        read = _READERS.get(option.name)
        if read is None:
            raise Unsupported(option.place, f"the option --{option.name}")
        try:
            result = read(result, option.value or "")
        except (ValueError, TypeError) as error:
            raise ScriptError(option.place, f"--{option.name}={option.value}: {error}") from None
    return result


def _tolerance(result: Settings, value: str) -> Settings:
    return replace(result, tolerance=_number(value) * MICROSECOND)


def _tolerance_percent(result: Settings, value: str) -> Settings:
    return replace(result, tolerance_percent=float(value))


def _tick(result: Settings, value: str) -> Settings:
    return replace(result, tick=_number(value) * MICROSECOND)


def _bind_port(result: Settings, value: str) -> Settings:
    return replace(result, bind_port=_port(value))


def _connect_port(result: Settings, value: str) -> Settings:
    return replace(result, connect_port=_port(value))


def _local(result: Settings, value: str) -> Settings:
    return replace(result, local=Address(value))


def _remote(result: Settings, value: str) -> Settings:
    return replace(result, remote=Address(value))


def _mtu(result: Settings, value: str) -> Settings:
    return replace(result, config=replace(result.config, mss=_number(value) - HEADERS))


def _ip_version(result: Settings, value: str) -> Settings:
    if value != "ipv4":
        raise ValueError("the lab's addresses are IPv4")
    return result


def _strict_segments(result: Settings, value: str) -> Settings:
    if value:
        raise ValueError("it has no value")
    return replace(result, strict_segments=True)


def _define(result: Settings, value: str) -> Settings:
    if "=" not in value:
        raise ValueError("expected --define=name=value")
    return result


def _config(result: Settings, value: str) -> Settings:
    return replace(result, config=configured(result.config, value))


def configured(config: TcpConfig, setting: str) -> TcpConfig:
    """Return a configuration with one setting changed, as ``name=value``.

    Args:
        config: what is changed.
        setting: durations end in us, ms, s or min; switches are on or off; ``none`` is ``None``.

    Raises:
        ValueError: there is no such setting, or the value is none for it.
    """
    name, _, text = setting.partition("=")
    if name not in _KINDS:
        raise ValueError(f"the settings are {', '.join(sorted(_KINDS))}")
    kinds = _KINDS[name]
    parsed: Any = text
    if kinds == {str}:
        pass
    elif (duration := _DURATION.fullmatch(text)) is not None:
        parsed = int(duration[1]) * _UNITS[duration[2]]
    elif text in _WORDS:
        parsed = _WORDS[text]
    elif text.isdecimal():
        parsed = _number(text)
    if type(parsed) not in kinds:
        forms = " or ".join(form for kind, form in _FORMS.items() if kind in kinds)
        raise ValueError(f"{name} takes {forms}")
    change: dict[str, Any] = {name: parsed}
    return replace(config, **change)


def _number(value: str) -> int:
    if not value.isdecimal() or len(value) > 12:
        raise ValueError("expected a whole number")
    return int(value)


def _port(value: str) -> int:
    if not 1 <= (port := _number(value)) <= 0xFFFF:
        raise ValueError("expected a port, 1..65535")
    return port


_READERS: Final[Mapping[str, Callable[[Settings, str], Settings]]] = {
    "tolerance_usecs": _tolerance,
    "tolerance_percent": _tolerance_percent,
    "tcp_ts_tick_usecs": _tick,
    "bind_port": _bind_port,
    "connect_port": _connect_port,
    "local_ip": _local,
    "remote_ip": _remote,
    "mtu": _mtu,
    "ip_version": _ip_version,
    "strict_segments": _strict_segments,
    "define": _define,
    "config": _config,
}
