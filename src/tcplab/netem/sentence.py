"""The words of faults and changes, read from left to right."""

import re
from typing import Final, NoReturn

from tcplab.netem.grammar.errors import GrammarError
from tcplab.netem.grammar.units import read_count, read_time
from tcplab.netem.grammar.words import Words
from tcplab.units import MICROSECOND, MILLISECOND, NANOSECOND, SECOND, Duration, Instant

_WORD: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|\||[^\s|"]+')
_UNITS: Final = {"s": SECOND, "ms": MILLISECOND, "us": MICROSECOND, "ns": NANOSECOND}
_INSTANT: Final = re.compile(r"([0-9]{1,20})(s|ms|us|ns)")


class Sentence(Words):
    """Words of which ``|`` always is one, and so is what stands in double quotes."""

    def __init__(self, text: str) -> None:
        super().__init__(text, _WORD)

    @property
    def next(self) -> str:
        """The next word in small letters, since no word of ours depends on their size; empty at the end."""
        word = self.peek()
        return "" if word is None else word.text.lower()

    @property
    def after_next(self) -> str:
        """The word after the next, in the same way."""
        later = self._words[self._next + 1 : self._next + 2]
        return later[0].text.lower() if later else ""

    def skip(self, *words: str) -> bool:
        """Take the next word if it is one of these; return whether it was."""
        return any(self.next_is(word) for word in words)

    def expect(self, word: str, what: str) -> None:
        """Take this word; ``what`` is what an error calls it where there is none.

        Raises:
            GrammarError: it is not the next.
        """
        found = self.take(what)
        if found.text.lower() != word:
            raise self.error(found, f"there must be {word!r}: {what}", (word,))

    def duration(self, what: str, least: int = 0) -> Duration:
        """Take a time with its unit, such as ``300ms`` or ``300 ms``.

        Raises:
            GrammarError: it is none, or is shorter than ``least`` nanoseconds.
        """
        word = self.take(what)
        text = word.text
        if text.replace(".", "", 1).isdecimal() and self.next in _UNITS:
            text += self.take(what).text
        try:
            duration = read_time(text)
        except ValueError as error:
            raise self.error(word, f"{what} {error}") from None
        if duration < least:
            raise self.error(word, f"{what} is too short")
        return duration

    def instant(self, what: str) -> Instant:
        """Take an instant of the lab's clock: a time with its unit, however long ago its beginning is."""
        word = self.take(what)
        found = _INSTANT.fullmatch(word.text.lower())
        if found is None:
            raise self.error(word, f"{what} must be a time of the lab's clock such as 1763900000s or 5ms")
        return Instant(int(found[1]) * _UNITS[found[2]])

    def count(self, what: str) -> int:
        """Take a whole number, 1 or more."""
        word = self.peek()
        number = self.read(read_count, what)
        if number == 0 and word is not None:
            raise self.error(word, f"{what} must be 1 or more")
        return number

    def end(self) -> None:
        """Raise a :class:`GrammarError` if a word is left."""
        word = self.peek()
        if word is not None:
            raise self.error(word, "nothing more may stand here")

    def missing(self, what: str) -> NoReturn:
        """Raise a :class:`GrammarError`: something is missing before the next word, or at the end."""
        word = self.peek()
        if word is None:
            raise GrammarError(self.text, len(self.text.rstrip()), "", f"{what} is missing")
        raise self.error(word, f"before it, {what} is missing")
