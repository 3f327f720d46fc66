"""How settings are written in the environment: durations in seconds, chances in percent, lists with commas."""

import math
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, InstanceOf, PlainSerializer
from pydantic_settings import NoDecode

from tcplab.apps.client import CloseMix
from tcplab.netem.profile import Profile
from tcplab.node import Address
from tcplab.runtime.amqp import Broker
from tcplab.units import Duration, in_seconds, seconds

_RATES: Final = {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9}  # powers of ten, as in tc
_SWITCHES: Final = {
    "on": True,
    "off": False,
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "1": True,
    "0": False,
}
_ROOM_FOR_SECONDS: Final = 1e9  # seconds: 30 years, and nanoseconds of it still fit into 64 bits


def number(text: str) -> float:
    """Return the finite number that ``text`` holds.

    Raises:
        ValueError: it holds none.
    """
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def parse_seconds(value: object) -> object:
    """Return the duration that a number of seconds makes."""
    if not isinstance(value, str):
        return value
    try:
        count = float(value)
    except ValueError:
        raise ValueError("must be a plain number of seconds, without a unit, such as 0.05") from None
    if not 0 <= count <= _ROOM_FOR_SECONDS:
        raise ValueError(f"must be a number of seconds from 0 to {_ROOM_FOR_SECONDS:g}")
    return seconds(count)


def parse_seconds_or_never(value: object) -> object:
    """Return the duration that a number of seconds makes, ``None`` for the word never."""
    return None if value == "never" else parse_seconds(value)


def parse_switch(value: object) -> object:
    """Return whether something is on."""
    if not isinstance(value, str):
        return value
    if (word := value.strip().lower()) not in _SWITCHES:
        raise ValueError("must be on or off")
    return _SWITCHES[word]


def parse_percent(value: object) -> object:
    """Return the probability that a percentage makes, with or without its sign."""
    if not isinstance(value, str):
        return value
    percentage = number(value.strip().removesuffix("%"))
    if not 0 <= percentage <= 100:
        raise ValueError("must be a percentage from 0 to 100, such as 1 for one in a hundred")
    return percentage / 100


def parse_rate(value: object) -> object:
    """Return bits per second; 0 is no bound."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    unit = text[len(digits) :] or "bit"
    if unit not in _RATES:
        raise ValueError("must be bits per second, such as 1000000 or 1mbit (bit, kbit, mbit, gbit)")
    rate = number(digits) * _RATES[unit]
    if rate < 0 or rate != int(rate):
        raise ValueError("must be whole bits per second, 0 for no bound")
    return int(rate)


def parse_places(value: object) -> object:
    """Return the numbers of a list such as 1,5,9."""
    if not isinstance(value, str):
        return value
    words = [word.strip() for word in value.split(",") if word.strip()]
    if not all(word.isdecimal() and int(word) > 0 for word in words):
        raise ValueError("must be places of packets, 1 for the first, such as 1,5,9")
    return frozenset(int(word) for word in words)


def parse_profile(value: object) -> object:
    """Return the profile that a text in the grammar of docs/netem.md describes; traces are files of this machine."""
    if not isinstance(value, str):
        return value
    return Profile.parse(value, lambda name: Path(name).read_text(encoding="utf-8"))


def parse_close_mix(value: object) -> object:
    """Return the weights of a list such as client=6,server=3,both=1."""
    if not isinstance(value, str):
        return value
    weights = dict.fromkeys(CloseMix._fields, 0.0)
    for part in value.split(","):
        side, given, weight = part.partition("=")
        if side.strip() not in weights or not given:
            raise ValueError("must be weights such as client=6,server=3,both=1")
        weights[side.strip()] = number(weight)
    return CloseMix(**weights)


def parse_address(value: object) -> object:
    """Return an IPv4 address in dotted form."""
    try:
        return str(IPv4Address(value)) if isinstance(value, str) else value
    except AddressValueError:
        raise ValueError("must be an IPv4 address, such as 10.0.2.1") from None


def parse_broker_url(value: object) -> object:
    """Return a URL of a broker as it is, if it is one; what is said of another has no password in it."""
    if isinstance(value, str):
        Broker.from_url(value)
    return value


def _seconds_text(duration: int | None) -> str:
    return "never" if duration is None else f"{in_seconds(duration):g}"


Seconds = Annotated[Duration, BeforeValidator(parse_seconds), PlainSerializer(_seconds_text)]
SecondsOrNever = Annotated[Duration | None, BeforeValidator(parse_seconds_or_never), PlainSerializer(_seconds_text)]
Switch = Annotated[bool, BeforeValidator(parse_switch), PlainSerializer(lambda on: "on" if on else "off")]
Percent = Annotated[float, BeforeValidator(parse_percent), PlainSerializer(lambda ratio: f"{100 * ratio:g}")]
BitRate = Annotated[int, BeforeValidator(parse_rate)]
Places = Annotated[
    frozenset[int],
    NoDecode,
    BeforeValidator(parse_places),
    PlainSerializer(lambda places: ",".join(map(str, sorted(places)))),
]
LinkProfile = Annotated[InstanceOf[Profile], NoDecode, BeforeValidator(parse_profile), PlainSerializer(str)]
Weights = Annotated[
    CloseMix,
    NoDecode,
    BeforeValidator(parse_close_mix),
    PlainSerializer(lambda mix: ",".join(f"{side}={weight:g}" for side, weight in mix._asdict().items())),
]
BrokerUrl = Annotated[str, BeforeValidator(parse_broker_url)]
HostAddress = Annotated[Address, BeforeValidator(parse_address)]
