"""Reads the list of mutants that change nothing that anybody could see."""

from pathlib import Path
from typing import Final, NamedTuple

FILE: Final = Path(__file__).with_suffix(".txt")


class Change(NamedTuple):
    """What a mutant changes: in which function, and which lines into which."""

    function: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def __str__(self) -> str:
        """Return the change as the report and the list of equivalents have it."""
        lines = [f"- {line}" for line in self.before] + [f"+ {line}" for line in self.after]
        return "\n".join([self.function, *lines])


def equivalents() -> dict[Change, str]:
    """Return each listed change with the reason why it changes nothing.

    Raises:
        ValueError: an entry has no function, no line of the change, or no reason.
    """
    found: dict[Change, str] = {}
    text = "\n".join(line for line in FILE.read_text("utf-8").splitlines() if not line.startswith("#"))
    for entry in filter(None, (part.strip() for part in text.split("\n\n"))):
        function, *lines = entry.splitlines()
        before = tuple(line[2:] for line in lines if line.startswith("- "))
        after = tuple(line[2:] for line in lines if line.startswith("+ "))
        why = " ".join(line for line in lines if not line.startswith(("- ", "+ ")))
        if not (why and (before or after)):
            raise ValueError(f"{FILE.name}: an entry has a function, lines with - and +, and a reason: {entry!r}")
        found[Change(function, before, after)] = why
    return found
