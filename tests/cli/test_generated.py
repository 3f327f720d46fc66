"""Generated files: up to date, and noticed when they are not."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from tcplab.check import relation
from tcplab.cli import diagram, picture

ROOT = Path(__file__).resolve().parents[2]
MAKERS = [(picture.main, "docs/ladder.svg"), (diagram.main, "docs/states.md")]

Main = Callable[[Sequence[str]], int]


@pytest.fixture(scope="module", autouse=True)
def searched_once() -> Iterator[None]:
    """The searches behind the page of states take seconds, and find the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relation, "search_all", cache(relation.search_all))
        yield


@pytest.mark.parametrize(("main", "path"), MAKERS)
def test_the_committed_file_is_what_the_command_makes(main: Main, path: str) -> None:
    assert main([str(ROOT / path), "--check"]) == 0


@pytest.mark.parametrize(("main", "path"), MAKERS)
def test_a_file_that_is_old_or_missing_is_named(
    main: Main, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / Path(path).name

    assert main([str(copy), "--check"]) == 1
    assert f"{copy}: No such file" in capsys.readouterr().err

    assert main([str(copy)]) == 0
    assert copy.read_bytes() == (ROOT / path).read_bytes()
    assert main([str(copy), "--check"]) == 0

    copy.write_text(copy.read_text(encoding="utf-8") + " ", encoding="utf-8")
    assert main([str(copy), "--check"]) == 1
    assert f"{copy} is out of date" in capsys.readouterr().err
