"""What mutmut has found: of each mutant what became of it, and of those that live what they change."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

from tests.mutation.equivalent import Change

MUTANTS: Final = Path("mutants")
DIED: Final = frozenset({"killed", "timeout"})
REFUSED: Final = "caught by type check"


class Verdict(NamedTuple):
    """One mutant and what became of it, in mutmut's words."""

    name: str
    status: str
    module: Path

    @property
    def function(self) -> str:
        """Where it is, such as ``arrival._check_ack`` or ``timers.KeepAlive.ask``."""
        module, _, mangled = self.name.rpartition(".")
        function = mangled.partition("__mutmut_")[0].removeprefix("x")
        plain = function.removeprefix("ǁ").replace("ǁ", ".") if "ǁ" in function else function.removeprefix("_")
        package = ".__init__" if self.module.name == "__init__.py" else ""
        return f"{module.removeprefix('tcplab.tcp.')}{package}.{plain}"

    def change(self) -> Change:
        """Return what it changes."""
        difference: str = get_diff_for_mutant(self.name, path=self.module)
        lines = difference.splitlines()
        before = tuple(_shown(line) for line in lines if line.startswith("-") and not line.startswith("---"))
        after = tuple(_shown(line) for line in lines if line.startswith("+") and not line.startswith("+++"))
        return Change(self.function, before, after)


def _shown(line: str) -> str:
    return " ".join(line[1:].split())


def verdicts() -> Iterator[Verdict]:
    """Yield every mutant of mutmut's last run."""
    for meta in sorted(MUTANTS.rglob("*.meta")):
        found: dict[str, Any] = json.loads(meta.read_text("utf-8"))
        module = meta.relative_to(MUTANTS).with_suffix("")
        for name, code in found["exit_code_by_key"].items():
            status: str = status_by_exit_code[code]
            yield Verdict(name, status, module)
