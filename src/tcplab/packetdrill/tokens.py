"""From text to words: the lexical rules of packetdrill's language."""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from tcplab.packetdrill.source import Place, ScriptError

TokenKind = Literal[
    "option", "address", "float", "hex", "integer", "word", "string", "command", "code", "ellipsis", "symbol", "end"
]

_RULES: Final = re.compile(
    r"""
      (?P<blank> [ \t\r\n]+ | //[^\n]* | /\*.*?\*/ )
    | (?P<option> --[A-Za-z0-9_]+ )
    | (?P<address> [0-9]+\.[0-9]+\.[0-9]+\.[0-9]+ )
    | (?P<float> -?[0-9]*\.[0-9]+ )
    | (?P<hex> 0x[0-9A-Fa-f]+ )
    | (?P<word> -?[0-9]+(?![A-Za-z0-9_]) | [A-Za-z0-9_]+ )
    | (?P<string> "(?:\\.|[^"\\\n])*" )
    | (?P<command> `(?:\\.|[^`\\])*` )
    | (?P<code> %\{.*?\}% )
    | (?P<ellipsis> \.\.\. )
    | (?P<symbol> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_INTEGER: Final = re.compile(r"-?[0-9]+")
_OPENERS: Final = {'"': "string", "`": "command", "%{": "code", "/*": "comment"}


class Token(NamedTuple):
    """One word."""

    kind: TokenKind
    text: str
    place: Place

    def __str__(self) -> str:
        """Return the word as error messages name it."""
        return "the end of the script" if self.kind == "end" else repr(self.text)


def tokens(text: str, file: str) -> Iterator[Token]:
    """Yield the words of a script, at last one of kind ``end``.

    Raises:
        ScriptError: a string, command, code or comment is not closed.
    """
    line, begins = 1, 0
    for match in _RULES.finditer(text):
        found, start = match[0], match.start()
        kind = match.lastgroup
        if kind != "blank":
            place = Place(file, line, start - begins + 1, len(found.partition("\n")[0]))
            if kind == "symbol":
                _refuse_unclosed(text, start, place)
            yield Token(_kind(kind, found), found, place)
        if "\n" in found:
            line += found.count("\n")
            begins = start + found.rindex("\n") + 1
    yield Token("end", "", Place(file, line, len(text) - begins + 1))


def _refuse_unclosed(text: str, start: int, place: Place) -> None:
    for opener, what in _OPENERS.items():
        if text.startswith(opener, start):
            raise ScriptError(place, f"the {what} that begins here is not closed")


def _kind(group: str | None, text: str) -> TokenKind:
    match group:
        case "word":
            return "integer" if _INTEGER.fullmatch(text) else "word"
        case "option" | "address" | "float" | "hex" | "string" | "command" | "code" | "ellipsis":
            return group
        case _:
            return "symbol"
