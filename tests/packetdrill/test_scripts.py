"""The project's own scripts: all of them, with initial sequence numbers that wrap and with some that do not."""

from collections import Counter
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tcplab.packetdrill import Outcome, Script, Variant, parse, run
from tests.packetdrill.table.__main__ import main as table
from tests.packetdrill.table.deviations import DEVIATIONS
from tests.packetdrill.table.scripts import scripts

SCRIPTS: Final = Path(__file__).parent / "scripts"
FOLDERS: Final = sorted({path.parent for path in SCRIPTS.rglob("*.pkt")})
TOP: Final = 1 << 32
VARIANTS: Final = {
    "as-written": Variant(),
    "host-just-below-2^32": Variant(TOP - 1, 0),
    "both-just-below-2^32": Variant(TOP - 1, TOP - 1),
    "both-wrap-within-the-data": Variant(TOP - 300, TOP - 700),
    "both-pass-2^31": Variant((1 << 31) - 200, (1 << 31) - 600),
}


@cache
def read(path: Path) -> Script:
    return parse(path.read_text(encoding="utf-8"), str(path.relative_to(SCRIPTS)))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(SCRIPTS)))
def test_the_scripts_of_a_folder_pass(folder: Path, variant: Variant) -> None:
    verdicts = [run(read(path), variant) for path in sorted(folder.glob("*.pkt"))]

    wrong = [
        f"{verdict.outcome.value} {verdict.problem}; expected {verdict.problem and verdict.problem.expected}"
        f", came {verdict.problem and verdict.problem.came}"
        for verdict in verdicts
        if verdict.outcome is not Outcome.PASSED
    ]
    assert wrong == []


def test_the_deviations_from_the_letter_are_few_and_said() -> None:
    said = Counter(
        deviation for _, text in scripts() for deviation in DEVIATIONS if f"// {deviation.words[0]}\n" in text
    )

    assert [said[deviation] for deviation in DEVIATIONS] == [27, 6, 6]


def test_the_table_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(["--check"]) == 0, capsys.readouterr().err


def test_there_are_as_many_as_promised() -> None:
    by_hand = {path for path in SCRIPTS.rglob("*.pkt") if "table" not in path.parts}

    assert len(by_hand) >= 60
    assert len(by_hand) + len(dict(scripts())) == len(list(SCRIPTS.rglob("*.pkt"))) >= 150


def test_a_script_says_what_it_is_about() -> None:
    silent = [path for path in SCRIPTS.rglob("*.pkt") if not path.read_text(encoding="utf-8").startswith("// ")]

    assert silent == []
