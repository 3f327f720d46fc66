"""What is wrong with a text, and with which of its words."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_LINE_LIMIT: Final = 160  # characters of a text that one line of a display shows


class GrammarError(ValueError):
    """A text that says nothing we know; ``str()`` is one line that names the word at fault and the way out.

    Attributes:
        text: the whole text.
        position: where the word at fault begins in it, 0 for the first character; its length where a word is missing.
        word: the word at fault, empty where one is missing.
        fault: what is wrong with it.
        nearest: the known word that it looks like, empty if there is none.
    """

    def __init__(self, text: str, position: int, word: str, fault: str, nearest: str = "") -> None:
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(f"{_where(text, position, word)}: {fault}{hint}")
        self.text = text
        self.position = position
        self.word = word
        self.fault = fault
        self.nearest = nearest

    def display(self) -> str:
        """Return three lines for people: the text, carets under the word at fault, and what is wrong with it."""
        line_start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[line_start:].partition("\n")[0]
        column = self.position - line_start
        cut = max(0, column + len(self.word) - _LINE_LIMIT)
        shown = "".join(letter if letter.isprintable() else " " for letter in line[cut : cut + _LINE_LIMIT])
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        return f"{shown}\n{' ' * (column - cut)}{'^' * max(1, len(self.word))}\n{self.fault}{hint}"


def _where(text: str, position: int, word: str) -> str:
    if not word:
        return f"at the end of {text!r}" if text else "empty text"
    column = position - text.rfind("\n", 0, position)
    line = f"line {text.count(chr(10), 0, position) + 1}, " if "\n" in text.rstrip() else ""
    return f"{word!r} at {line}column {column}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that looks most like ``word``, empty if none does."""
    found = get_close_matches(word.lower(), list(known), n=1, cutoff=0.5)
    return found[0] if found else ""
