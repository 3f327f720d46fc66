"""The list of mutants that change nothing can be read, and each of its entries is about the code as it is."""

from pathlib import Path

import pytest

from tests.mutation.equivalent import Change, equivalents

ENGINE = Path(__file__).resolve().parents[2] / "src" / "tcplab" / "tcp"


@pytest.mark.parametrize("change", equivalents(), ids=lambda change: change.function)
def test_what_is_excused_is_there(change: Change) -> None:
    parts = change.function.split(".")
    [module] = [path for path in map(ENGINE.joinpath, _places(parts)) if path.is_file()]
    source = [" ".join(line.split()) for line in module.read_text(encoding="utf-8").splitlines()]

    assert [line for line in change.before if line not in source] == []


def _places(parts: list[str]) -> list[str]:
    """Return the files that the first parts of a name may mean."""
    return ["/".join(parts[:count]) + ".py" for count in range(1, len(parts))]
