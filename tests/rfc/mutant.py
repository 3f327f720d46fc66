"""Named mistakes in the engine: what each breaks, and how a copy of the source is given one."""

from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "src" / "tcplab"


class StaleMutant(Exception):
    """The text that a mutant alters does not stand in the source exactly once."""


class Mutant(NamedTuple):
    """One mistake, as a piece of source and what takes its place."""

    name: str
    clauses: tuple[str, ...]
    """Each of them must have a test that fails."""
    module: str
    """The file, relative to the package."""
    old: str
    """Stands in it exactly once."""
    new: str

    def mutated(self) -> str:
        """Return the module's source with the mistake in it.

        Raises:
            StaleMutant: the source has changed, so that the mutant must be written anew.
        """
        source = (SOURCE / self.module).read_text(encoding="utf-8")
        if (count := source.count(self.old)) != 1:
            raise StaleMutant(f"{self.name}: its text stands in {self.module} {count} times, not once")
        return source.replace(self.old, self.new)
