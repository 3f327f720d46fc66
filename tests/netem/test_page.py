"""What docs/netem.md says of the grammar is so."""

import re
from pathlib import Path

import pytest

from tcplab.netem.profile import Profile

PAGE = (Path(__file__).resolve().parents[2] / "docs/netem.md").read_text(encoding="utf-8")
FILES = {"up.trace": "0\n5\n", "slow.trace": "20 35.5\n"}


def test_the_line_of_the_page_is_a_profile_and_comes_back() -> None:
    (line,) = re.findall(r"```\n(.*)\n```", PAGE)

    profile = Profile.parse(line)

    assert Profile.parse(str(profile)) == profile
    assert set(str(profile).split()) == set(line.split())


@pytest.mark.parametrize(
    "text",
    [
        "delay 10ms 2ms 5% distribution paretonormal",
        "latency 5ms",
        "drop 10%",
        "loss random 3% 10%",
        "loss state 1% 20% 80% 10% 1%",
        "loss gemodel 1% 10% 90% 0.1%",
        "loss burst 2% 4 ecn",
        "duplicate 1% 10%",
        "corrupt 1% 10%",
        "delay 1ms reorder 25% 50% gap 5",
        "rate 5mbit 10 48 5",
        "slot 1ms 5ms packets 3 bytes 3kb",
        "limit 5",
        "droplist 1,3,15",
        "drop 1,3,15",
        "delaylist 3:10ms,7:1s",
        "copylist 2:1s",
        "trace rate up.trace",
        "trace delay slow.trace",
        "loss 1% 10% seed 7 corr_mode linux",
    ],
)
def test_every_clause_of_the_table_is_understood_and_comes_back(text: str) -> None:
    assert re.search(rf"^\|.*`[^`]*\b{text.split(maxsplit=1)[0]}\b", PAGE, re.MULTILINE)

    profile = Profile.parse(text, FILES.__getitem__)

    assert Profile.parse(str(profile), profile.traces().__getitem__) == profile
    assert profile != Profile()


@pytest.mark.parametrize(("correlation", "share"), [(25, "1.7"), (50, "0.1")])
def test_correlations_of_linux_give_what_the_page_says(correlation: int, share: str) -> None:
    (warning,) = Profile.parse(f"loss 10% {correlation}% corr_mode linux").warnings()

    assert f"`loss 10% {correlation}%` loses {share} %" in PAGE or f"`loss 10% {correlation}%` {share} %" in PAGE
    assert f"will strike {share}" in warning
