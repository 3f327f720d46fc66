"""Texts as words, read from left to right, each knowing where it stands."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeVar

from tcplab.netem.grammar.errors import GrammarError, nearest

T = TypeVar("T")

_WORD: Final = re.compile(r"\S+")
_BEGINS_NUMBER: Final = re.compile(r"[+-]?[0-9.]")


class Word(NamedTuple):
    """One word, and where it begins in its text, 0 for the first character."""

    text: str
    at: int


class Words:
    """The words of a text, taken one after the other."""

    def __init__(self, text: str, word: re.Pattern[str] = _WORD) -> None:
        self.text = text
        self._words = [Word(found.group(), found.start()) for found in word.finditer(text)]
        self._next = 0

    @property
    def taken(self) -> int:
        """How many words were taken."""
        return self._next

    def word(self, number: int) -> Word:
        """Return a word by its number, 0 for the first."""
        return self._words[number]

    def peek(self) -> Word | None:
        """Return the next word, and leave it there; ``None`` at the end."""
        return self._words[self._next] if self._next < len(self._words) else None

    def take(self, what: str) -> Word:
        """Take the next word.

        Raises:
            GrammarError: there is none; says that ``what`` is missing.
        """
        word = self.peek()
        if word is None:
            raise GrammarError(self.text, len(self.text.rstrip()), "", f"{what} is missing")
        self._next += 1
        return word

    def next_is(self, word: str) -> bool:
        """Return whether the next word is this one, and take it if so."""
        found = self.peek() is not None and self._words[self._next].text.lower() == word
        self._next += found
        return found

    def next_is_number(self) -> bool:
        """Return whether the next word begins as a number does: then it belongs to the clause before it, as in tc."""
        word = self.peek()
        return word is not None and _BEGINS_NUMBER.match(word.text) is not None

    def read(self, read: Callable[[str], T], what: str) -> T:
        """Take the next word and return what it means.

        Raises:
            GrammarError: there is no word, or ``read`` raised ValueError over it.
        """
        word = self.take(what)
        try:
            return read(word.text)
        except ValueError as error:
            raise self.error(word, f"{what} {error}") from None

    def read_more(self, read: Callable[[str], T], *names: str) -> list[T]:
        """Take as many words as begin as numbers do, and not more than there are names; return what they mean."""
        found: list[T] = []
        for what in names:
            if not self.next_is_number():
                break
            found.append(self.read(read, what))
        return found

    def choose(self, choices: Mapping[str, T], what: str) -> T:
        """Take the next word and return what it stands for.

        Raises:
            GrammarError: it is none of the choices.
        """
        word = self.take(what)
        if word.text.lower() not in choices:
            known = ", ".join(choices)
            raise self.error(word, f"{what} must be one of {known}", choices)
        return choices[word.text.lower()]

    def error(self, word: Word, fault: str, known: Iterable[str] = ()) -> GrammarError:
        """Return an error that points at a word, and names the known word that looks most like it."""
        return GrammarError(self.text, word.at, word.text, fault, nearest(word.text, known))
