"""Events as JSON objects, and back.

Generic over what events are made of: slotted dataclasses, NamedTuples, enums, NewTypes, literals, tuples, octets.
A new event needs no code here: it is registered by standing in one of the modules below.
"""

import base64
import binascii
import dataclasses
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, Final, NamedTuple

import tcplab.apps.events
import tcplab.netem.events
import tcplab.netem.notices
import tcplab.node
import tcplab.port
import tcplab.tcp.events
from tcplab.node import Event

_MODULES: Final = (
    tcplab.node,
    tcplab.port,
    tcplab.tcp.events,
    tcplab.netem.events,
    tcplab.netem.notices,
    tcplab.apps.events,
)


class Malformed(ValueError):
    """What was to be decoded is not what :func:`encode` writes; one line that names the place."""


class _Codec(NamedTuple):
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _registry() -> dict[str, type[Event]]:
    found: dict[str, type[Event]] = {}
    for module in _MODULES:
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, Event) and value.__module__ == module.__name__:
                if name in found:
                    raise TypeError(f"two events are called {name}")
                if value is not Event:
                    found[name] = value
    return found


EVENT_TYPES: Final[Mapping[str, type[Event]]] = types.MappingProxyType(_registry())
"""Every event of the lab by the name that stands in a journal."""


def encode(event: Event) -> dict[str, Any]:
    """Return the event as an object for ``json.dumps``, with its type under ``"event"``."""
    kind: Any = type(event)
    return {"event": kind.__name__, **_codec(kind).encode(event)}


def decode(value: Mapping[str, Any]) -> Event:
    """Return the event that :func:`encode` wrote.

    Raises:
        Malformed: the type is unknown, or a field is missing, unknown, or of another type.
    """
    fields = dict(value)
    name = fields.pop("event", None)
    kind: Any = EVENT_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Malformed(f"event: {name!r} is no event of the lab")
    event: Event = _codec(kind).decode(fields)
    return event


@cache
def _codec(hint: Any) -> _Codec:
    """Return how values of a type hint are written and read; raises TypeError for what no event may be made of."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, typing.NewType):
        return _codec(hint.__supertype__)
    if hint is bytes:
        return _Codec(lambda octets: base64.b64encode(octets).decode("ascii"), _octets)
    if hint in (bool, int, float, str):
        return _Codec(_same, lambda value: _checked(value, (hint,)))
    if origin is typing.Literal:
        return _Codec(_same, lambda value: _one_of(value, arguments))
    if origin in (typing.Union, types.UnionType) and len(arguments) == 2 and type(None) in arguments:
        return _optional(_codec(next(argument for argument in arguments if argument is not type(None))))
    if origin is tuple:
        return _sequence(_codec(arguments[0])) if arguments[1:] == (...,) else _tuple([_codec(a) for a in arguments])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Codec(lambda member: member.value, lambda value: _member(hint, value))
    if isinstance(hint, type) and (dataclasses.is_dataclass(hint) or hasattr(hint, "_field_defaults")):
        return _object(hint)
    raise TypeError(f"an event cannot hold {hint!r}: tcplab.observe.codec knows no way to write it")


def _object(kind: type) -> _Codec:
    """Write a dataclass or NamedTuple as an object; fields that have their default are left out."""
    hints = typing.get_type_hints(kind)
    defaults = dict(_defaults(kind))
    codecs = {name: _codec(hint) for name, hint in hints.items()}
    fields = tuple((name, codec.encode, defaults.get(name, _MISSING)) for name, codec in codecs.items())

    def encode_object(value: Any) -> dict[str, Any]:
        return {name: write(content) for name, write, default in fields if (content := getattr(value, name)) != default}

    def decode_object(value: Any) -> Any:
        _checked(value, (dict,))
        if unknown := value.keys() - codecs.keys():
            raise Malformed(f"{kind.__name__}: unknown field {min(unknown)!r}")
        if missing := codecs.keys() - value.keys() - defaults.keys():
            raise Malformed(f"{kind.__name__}: field {min(missing)!r} is missing")
        return kind(**{name: _within(name, codecs[name].decode, content) for name, content in value.items()})

    return _Codec(encode_object, decode_object)


_MISSING: Final = object()


def _defaults(kind: type) -> Iterator[tuple[str, Any]]:
    if dataclasses.is_dataclass(kind):
        for field in dataclasses.fields(kind):
            if field.default is not dataclasses.MISSING:
                yield field.name, field.default
    else:
        yield from getattr(kind, "_field_defaults").items()  # noqa: B009 - a NamedTuple's public attribute


def _optional(inner: _Codec) -> _Codec:
    return _Codec(
        lambda value: None if value is None else inner.encode(value),
        lambda value: None if value is None else inner.decode(value),
    )


def _sequence(inner: _Codec) -> _Codec:
    return _Codec(
        lambda values: [inner.encode(value) for value in values],
        lambda values: tuple(inner.decode(value) for value in _checked(values, (list,))),
    )


def _tuple(inner: Sequence[_Codec]) -> _Codec:
    def decode_tuple(values: Any) -> tuple[Any, ...]:
        if len(_checked(values, (list,))) != len(inner):
            raise Malformed(f"{len(values)} values instead of {len(inner)}")
        return tuple(codec.decode(value) for codec, value in zip(inner, values, strict=True))

    return _Codec(
        lambda values: [codec.encode(value) for codec, value in zip(inner, values, strict=True)], decode_tuple
    )


def _same(value: Any) -> Any:
    return value


def _checked(value: Any, kinds: tuple[type, ...]) -> Any:
    if type(value) not in kinds:
        raise Malformed(f"{type(value).__name__} instead of {kinds[0].__name__}")
    return value


def _one_of(value: Any, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        raise Malformed(f"{value!r} is none of {', '.join(map(str, choices))}")
    return value


def _member(kind: type[Enum], value: Any) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise Malformed(f"{value!r} is no {kind.__name__}") from None


def _octets(value: Any) -> bytes:
    try:
        return base64.b64decode(_checked(value, (str,)), validate=True)
    except binascii.Error as error:
        raise Malformed(f"not base64: {error}") from None


def _within(name: str, read: Callable[[Any], Any], content: Any) -> Any:
    try:
        return read(content)
    except Malformed as error:
        raise Malformed(f"{name}: {error}") from None
