"""Reads scripts: a recursive descent through packetdrill's grammar, one function per rule.

What the grammar has and this runner does not (UDP, ICMP, tunnels, AccECN) is refused as unsupported where it stands;
what the grammar does not have is an error, which names the word and what was expected in its place.
"""

from decimal import Decimal
from typing import Final

from tcplab.packetdrill.cursor import Cursor
from tcplab.packetdrill.model import (
    Action,
    Array,
    CodeSpec,
    CommandSpec,
    Dots,
    Event,
    Expression,
    Field,
    Invocation,
    Number,
    Option,
    Script,
    String,
    Struct,
    SyscallSpec,
    Union,
    When,
    Word,
)
from tcplab.packetdrill.packets import packet
from tcplab.packetdrill.source import Place, ScriptError, Unsupported
from tcplab.packetdrill.tokens import Token, tokens
from tcplab.units import SECOND, Duration

_NEVER: Final = Duration(0)
_NUMBERS: Final = (-(1 << 63), (1 << 64) - 1)


def parse(text: str, file: str) -> Script:
    """Return the script that a text holds; ``file`` is what places in it are named by.

    Raises:
        ScriptError: the text is no script; names line, column, and what was expected.
        Unsupported: it asks for what this runner does not do.
    """
    cursor = Cursor(tokens(text, file))
    try:
        return _script(cursor, text, file)
    except RecursionError:
        raise ScriptError(cursor.place, "expected less deeply nested arguments") from None


def _script(cursor: Cursor, text: str, file: str) -> Script:
    options = []
    while cursor.is_kind("option"):
        options.append(_option(cursor))
    if cursor.is_kind("command"):
        raise Unsupported(cursor.place, "a shell command")
    events = [_event(cursor)]
    while not cursor.is_kind("end", "command"):
        events.append(_event(cursor))
    if cursor.is_kind("command"):
        raise Unsupported(cursor.place, "a shell command")
    _refuse_times_that_go_back(events)
    return Script(file, tuple(options), tuple(events), text)


def _option(cursor: Cursor) -> Option:
    token = cursor.take()
    name = token.text.removeprefix("--")
    if not cursor.skip("="):
        return Option(name, None, token.place)
    value = _value(cursor).text
    if cursor.is_symbol(":"):
        raise Unsupported(token.place, "an IPv6 address")
    if not cursor.is_symbol("="):
        return Option(name, value, token.place)
    cursor.take()
    if cursor.is_kind("command"):
        raise Unsupported(cursor.place, "a shell command")
    meaning = _value(cursor)
    if name == "define":
        cursor.define(value, meaning)
    return Option(name, f"{value}={meaning.text}", token.place)


def _value(cursor: Cursor) -> Token:
    if not cursor.is_kind("integer", "hex", "float", "word", "string", "address"):
        raise cursor.unexpected("the option's value")
    return cursor.take()


# --- events ----------------------------------------------------------------------------------------------------------


def _event(cursor: Cursor) -> Event:
    when = _when(cursor)
    place = cursor.place
    action = _action(cursor, when)
    return Event(when, action, place)


def _when(cursor: Cursor) -> When:
    place = cursor.place
    if cursor.skip("*"):
        return When("any", _NEVER, _NEVER, place)
    relative = cursor.skip("+")
    start = end = _time(cursor)
    if not cursor.is_symbol("~"):
        return When("relative" if relative else "absolute", start, end, place)
    cursor.take()
    if relative:
        cursor.expect("+", ", as the range began with one")
    end_place = cursor.place
    end = _time(cursor)
    if end < start:
        raise ScriptError(end_place, "expected a time that is not before the range's beginning")
    return When("relative_range" if relative else "absolute_range", start, end, place)


def _time(cursor: Cursor) -> Duration:
    if not cursor.is_kind("float", "integer") or cursor.token.text.startswith("-"):
        raise cursor.unexpected("a time in seconds")
    return Duration(int(Decimal(cursor.take().text) * SECOND))


def _action(cursor: Cursor, when: When) -> Action:
    ends = None
    place = cursor.place
    if cursor.is_kind("ellipsis"):
        cursor.take()
        ends = _time(cursor)
        if not cursor.is_kind("word"):
            raise cursor.unexpected("a system call, as only those take time")
    if cursor.is_symbol("<") or cursor.is_symbol(">"):
        spec = packet(cursor)
        if spec.inbound:
            _refuse_unless_exact(when)
        return spec
    _refuse_unless_exact(when)
    match cursor.token.kind:
        case "code":
            return CodeSpec(cursor.take().text[2:-2], place)
        case "command":
            return CommandSpec(cursor.take().text[1:-1], place)
        case "word":
            return _syscall(cursor, ends)
        case _:
            raise cursor.unexpected("'<', '>', a system call or an assertion")


def _refuse_unless_exact(when: When) -> None:
    if when.kind not in ("absolute", "relative"):
        raise ScriptError(when.place, "expected one exact time: '*' and ranges are for segments that the host sends")


def _refuse_times_that_go_back(events: list[Event]) -> None:
    latest: Duration | None = None
    for event in events:
        if event.when.kind not in ("absolute", "absolute_range"):
            latest = None
            continue
        if latest is not None and event.when.start < latest:
            raise ScriptError(event.when.place, f"expected a time from {latest / SECOND:g} on: the event before has it")
        latest = event.when.start


# --- system calls ----------------------------------------------------------------------------------------------------


def _syscall(cursor: Cursor, ends: Duration | None) -> SyscallSpec:
    name = cursor.take()
    cursor.expect("(", " and the arguments of the system call")
    arguments = cursor.listed(lambda: _expression(cursor), ")")
    cursor.expect("=", " and the result of the system call")
    result = _expression(cursor)
    errno = None
    if cursor.is_kind("word"):
        errno = cursor.take().text
        if not cursor.is_symbol("("):
            raise cursor.unexpected(f"'(' and what {errno} means")
    if cursor.is_symbol("("):
        _note(cursor)
    return SyscallSpec(name.text, arguments, result, errno, ends, name.place)


def _note(cursor: Cursor) -> None:
    opened = cursor.take()
    words = 0
    while cursor.is_kind("word"):
        cursor.take()
        words += 1
    if not words or not cursor.skip(")"):
        raise ScriptError(opened.place, "expected words and ')' after this '('")


def _expression(cursor: Cursor) -> Expression:
    place = cursor.place
    value = _term(cursor)
    parts = [value]
    while cursor.skip("|"):
        parts.append(_term(cursor))
    if len(parts) > 1:
        value = Union(tuple(parts), place)
    if isinstance(value, Word | Invocation) and cursor.skip("="):
        return Field(value, _expression(cursor), place)
    return value


def _term(cursor: Cursor) -> Expression:
    token = cursor.token
    place = token.place
    match token.kind:
        case "ellipsis":
            cursor.take()
            return Dots(place)
        case "integer" | "hex":
            return Number(cursor.number("a number", *_NUMBERS), place)
        case "string":
            return _string(cursor)
        case "address":
            return String(cursor.take().text, place)
        case "word":
            cursor.take()
            if cursor.skip("("):
                return Invocation(token.text, cursor.listed(lambda: _expression(cursor), ")"), place)
            return Word(token.text, place)
        case "symbol" if token.text == "[":
            cursor.take()
            return Array(cursor.listed(lambda: _expression(cursor), "]"), place)
        case "symbol" if token.text == "{":
            cursor.take()
            return Struct(cursor.listed(lambda: _expression(cursor), "}"), place)
        case _:
            raise cursor.unexpected("an argument: a number, a name, a string, '...', '[' or '{'")


def _string(cursor: Cursor) -> String:
    place: Place = cursor.place
    text = ""
    while cursor.is_kind("string"):
        text += cursor.take().text[1:-1]
    if cursor.is_kind("ellipsis"):
        cursor.take()
    return String(text, place)
