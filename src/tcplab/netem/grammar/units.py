"""Numbers with suffixes, read and written: times, percentages, rates, counts, lists of packets.

Reading raises ValueError, whose text goes on after the name of what was read: "must be a time such as 100ms". What is
written is the shortest that reads back as the same value.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from tcplab.units import MICROSECOND, MILLISECOND, NANOSECOND, SECOND, Duration

_NUMBER: Final = re.compile(r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))([A-Za-z%]*)")
_DIGITS_LIMIT: Final = 40  # characters of a number: no value needs more, and none can take long to read

_SUFFIXES: Final = {"s": SECOND, "ms": MILLISECOND, "us": MICROSECOND, "ns": NANOSECOND}
_TIMES: Final = {
    **_SUFFIXES,
    "sec": SECOND, "secs": SECOND, "msec": MILLISECOND, "msecs": MILLISECOND, "usec": MICROSECOND,
    "usecs": MICROSECOND, "nsec": NANOSECOND, "nsecs": NANOSECOND,
}  # fmt: skip
_LONGEST: Final = 1_000_000_000 * SECOND  # 30 years, and nanoseconds of it still fit into 64 bits
_PREFIXES: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
_RATES: Final = {
    f"{prefix}{binary}{unit}": (1_024 if binary else 1_000) ** power * bits
    for prefix, power in _PREFIXES.items()
    for binary in ("", "i")
    if prefix or not binary
    for unit, bits in (("bit", 1), ("bps", 8))
}
_SIZES: Final = {"b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20}
_GREATEST_RATE: Final = 1 << 60  # bits a second
_GREATEST_COUNT: Final = (1 << 64) - 1


def _split(text: str) -> tuple[Decimal, str] | None:
    found = _NUMBER.fullmatch(text)
    if found is None or len(text) > _DIGITS_LIMIT:
        return None
    return Decimal(found[1]), found[2].lower()


def read_time(text: str) -> Duration:
    """Return nanoseconds; a unit is a must, since tc means nanoseconds by a number without one, and says otherwise."""
    parts = _split(text)
    if parts is None or (parts[1] and parts[1] not in _TIMES):
        raise ValueError("must be a time such as 100ms (units: s, ms, us, ns)")
    number, unit = parts
    if not unit:
        raise ValueError(f"needs a unit: {text}s, {text}ms, {text}us or {text}ns")
    duration = number * _TIMES[unit]
    if not 0 <= duration <= _LONGEST:
        raise ValueError("must be from 0 to 30 years")
    if duration != int(duration):
        raise ValueError("must be whole nanoseconds")
    return Duration(int(duration))


def write_time(duration: int) -> str:
    """Return the time in the greatest unit of which it has a whole number."""
    unit = next(unit for unit, size in _SUFFIXES.items() if duration % size == 0)
    return f"{duration // _SUFFIXES[unit]}{unit}"


def read_milliseconds(text: str) -> Duration:
    """Return the nanoseconds that a plain number of milliseconds makes, as traces have it."""
    return read_time(f"{text}ms")


def write_milliseconds(duration: int) -> str:
    """Return nanoseconds as a plain number of milliseconds."""
    return _plain(Decimal(duration) / MILLISECOND)


def read_share(text: str) -> float:
    """Return the probability that a percentage makes, with or without its sign."""
    parts = _split(text)
    if parts is None or parts[1] not in ("", "%"):
        raise ValueError("must be a percentage such as 1%")
    if not 0 <= parts[0] <= 100:
        raise ValueError("must be from 0% to 100%")
    return float(parts[0] / 100)


def write_share(probability: float) -> str:
    """Return a probability as a percentage."""
    return f"{_plain(Decimal(repr(float(probability))) * 100)}%"


def read_rate(text: str) -> int:
    """Return bits a second."""
    parts = _split(text)
    if parts is not None and parts[1] == "%":
        raise ValueError("cannot be a share of a device: there is none; say it in bits, such as 5mbit")
    if parts is None or (parts[1] or "bit") not in _RATES:
        raise ValueError("must be a rate such as 5mbit (bit, kbit, mbit, gbit; kibit for powers of 2; bps for octets)")
    rate = parts[0] * _RATES[parts[1] or "bit"]
    if not 1 <= rate <= _GREATEST_RATE:
        raise ValueError("must be 1bit or more; no clause at all leaves the rate unbounded")
    if rate != int(rate):
        raise ValueError("must be whole bits a second")
    return int(rate)


def write_rate(rate: int) -> str:
    """Return a rate in the greatest unit of bits of which it has a whole number."""
    for prefix, power in reversed(_PREFIXES.items()):
        if rate % 1_000**power == 0:
            return f"{rate // 1_000**power}{prefix}bit"
    raise AssertionError("every whole number has a whole number of bits")


def read_count(text: str) -> int:
    """Return a whole number, 0 or more."""
    if not (text.isascii() and text.isdecimal()) or len(text) > _DIGITS_LIMIT:
        raise ValueError("must be a whole number such as 3")
    if int(text) > _GREATEST_COUNT:
        raise ValueError(f"must be {_GREATEST_COUNT} or less")
    return int(text)


def read_signed(text: str) -> int:
    """Return a whole number."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    return sign * read_count(digits)


def read_positive(text: str) -> int:
    """Return a whole number, 1 or more."""
    if (count := read_count(text)) == 0:
        raise ValueError("must be 1 or more")
    return count


def read_size(text: str) -> int:
    """Return octets; the prefixes are powers of 2, as in tc."""
    parts = _split(text)
    if parts is None or (parts[1] or "b") not in _SIZES:
        raise ValueError("must be a size such as 1500b (b, k, kb, m, mb)")
    octets = parts[0] * _SIZES[parts[1] or "b"]
    if not 1 <= octets <= _GREATEST_COUNT or octets != int(octets):
        raise ValueError("must be whole octets, 1 or more")
    return int(octets)


def write_size(octets: int) -> str:
    """Return octets in the greatest unit of which they are a whole number."""
    unit = next(unit for unit in ("mb", "kb", "b") if octets % _SIZES[unit] == 0)
    return f"{octets // _SIZES[unit]}{unit}"


def read_number(text: str) -> float:
    """Return a plain decimal number."""
    parts = _split(text)
    if parts is None or parts[1]:
        raise ValueError("must be a number such as 4 or 2.5")
    return float(parts[0])


def write_number(number: float) -> str:
    """Return a plain decimal number."""
    return _plain(Decimal(repr(float(number))))


def _plain(number: Decimal) -> str:
    """Return a number without exponent and without zeros that say nothing."""
    digits = format(number, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def read_places(text: str) -> frozenset[int]:
    """Return the places of a list such as 1,3,15."""
    return frozenset(_place(word) for word in text.split(","))


def write_places(places: Iterable[int]) -> str:
    """Return places as a list, in their order."""
    return ",".join(map(str, sorted(places)))


def read_timed_places(text: str) -> Mapping[int, Duration]:
    """Return the places and times of a list such as 1:10ms,3:1s."""
    found: dict[int, Duration] = {}
    for entry in text.split(","):
        place, colon, time = entry.partition(":")
        if not colon:
            raise ValueError("must be places and times, such as 1:10ms,3:1s")
        if _place(place) in found:
            raise ValueError(f"has the place {place} twice")
        found[_place(place)] = _time_of(place, time)
    return found


def write_timed_places(times: Mapping[int, Duration]) -> str:
    """Return places and times as a list, in the order of the places."""
    return ",".join(f"{place}:{write_time(duration)}" for place, duration in sorted(times.items()))


def _time_of(place: str, text: str) -> Duration:
    try:
        return read_time(text)
    except ValueError as error:
        raise ValueError(f"of packet {place} {error}") from None


def _place(word: str) -> int:
    if not (word.isascii() and word.isdecimal()) or len(word) > _DIGITS_LIMIT or not 0 < int(word) <= _GREATEST_COUNT:
        raise ValueError("must be places of packets, 1 for the first, such as 1,3,15")
    return int(word)
