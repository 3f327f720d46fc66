"""Where something stands in a script, and the two ways in which a script can be refused."""

from typing import NamedTuple


class Place(NamedTuple):
    """A word of a script; lines and columns count from 1."""

    file: str
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        """Return the place as compilers print it, so that editors can go there."""
        return f"{self.file}:{self.line}:{self.column}"


class ScriptError(Exception):
    """A script that cannot be read.

    Attributes:
        place: the word at fault.
        message: what was expected, or what is wrong.
    """

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


class Unsupported(Exception):
    """A script that asks for what this runner does not do; it is told, and never counted as passed.

    Attributes:
        place: the word that asks for it.
        what: what is not supported.
    """

    def __init__(self, place: Place, what: str) -> None:
        super().__init__(f"{place}: {what} is not supported")
        self.place = place
        self.what = what
