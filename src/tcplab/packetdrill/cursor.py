"""A place in the row of words, and how to go on from it."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from tcplab.packetdrill.source import Place, ScriptError
from tcplab.packetdrill.tokens import Token, TokenKind

T = TypeVar("T")
_DIGITS: Final = 20  # beyond, a number is out of every bound


class Cursor:
    """Reads words one after the other; every refusal names the word and what was expected in its place."""

    def __init__(self, words: Iterator[Token]) -> None:
        self._words = words
        self._definitions: dict[str, Token] = {}
        self.token = next(words)
        """The word that comes next."""

    @property
    def place(self) -> Place:
        """Where the next word stands."""
        return self.token.place

    def is_kind(self, *kinds: TokenKind) -> bool:
        """Return whether the next word is of one of those kinds."""
        return self.token.kind in kinds

    def is_symbol(self, text: str) -> bool:
        """Return whether the next word is that symbol."""
        return self.is_kind("symbol") and self.token.text == text

    def is_word(self, *names: str) -> bool:
        """Return whether the next word is one of those names."""
        return self.is_kind("word") and self.token.text in names

    def take(self) -> Token:
        """Return the next word and go beyond it."""
        token = self.token
        if token.kind != "end":
            self.token = next(self._words)
            defined = self._definitions.get(self.token.text) if self.token.kind == "word" else None
            if defined is not None:
                self.token = defined._replace(place=self.token.place)
        return token

    def define(self, name: str, value: Token) -> None:
        """Let a word stand for another from here on."""
        self._definitions[name] = value

    def skip(self, symbol: str) -> bool:
        """Go beyond that symbol if it comes next; return whether it did."""
        if not self.is_symbol(symbol):
            return False
        self.take()
        return True

    def expect(self, symbol: str, why: str = "") -> Token:
        """Return that symbol and go beyond it.

        Raises:
            ScriptError: something else comes.
        """
        if not self.is_symbol(symbol):
            raise self.unexpected(f"'{symbol}'{why}")
        return self.take()

    def expect_kind(self, kind: TokenKind, what: str) -> Token:
        """Return the next word, which must be of that kind.

        Raises:
            ScriptError: it is of another; ``what`` names what was expected.
        """
        if self.token.kind != kind:
            raise self.unexpected(what)
        return self.take()

    def number(self, what: str, least: int, most: int) -> int:
        """Return a whole number within bounds.

        Raises:
            ScriptError: something else comes, or it lies beyond the bounds.
        """
        token = self.token
        if token.kind not in ("integer", "hex"):
            raise self.unexpected(f"{what}, a whole number")
        value = int(token.text, 16 if token.kind == "hex" else 10) if len(token.text) <= _DIGITS else most + 1
        if not least <= value <= most:
            raise self.unexpected(f"{what} from {least} to {most}")
        self.take()
        return value

    def listed(self, item: Callable[[], T], close: str) -> tuple[T, ...]:
        """Return items between commas, up to and beyond the closing symbol."""
        if self.skip(close):
            return ()
        items = [item()]
        while self.skip(","):
            items.append(item())
        self.expect(close, " or ','")
        return tuple(items)

    def unexpected(self, what: str) -> ScriptError:
        """Return the error that the next word stands where ``what`` was expected."""
        return ScriptError(self.place, f"expected {what}, found {self.token}")
