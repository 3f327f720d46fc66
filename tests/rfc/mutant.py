"""Named mistakes in the engine: what each breaks, and how a copy of the source is given one."""

from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "src" / "tcplab"


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

    @property
    def stale(self) -> str:
        """Say that the source has changed, so that the mutant must be written anew; nothing where it fits."""
        count = self.source.count(self.old)
        return "" if count == 1 else f"{self.name}: its text stands in {self.module} {count} times, not once"

    def mutated(self) -> str:
        """Return the module's source with the mistake in it."""
        assert not self.stale, self.stale
        return self.source.replace(self.old, self.new)

    @property
    def source(self) -> str:
        """The module as it is; nothing where it is gone."""
        module = SOURCE / self.module
        return module.read_text(encoding="utf-8") if module.is_file() else ""
