"""docs/faults.md: what it tells people to write can be read, and does what it says."""

import re
from pathlib import Path

import pytest

from tcplab.netem.changes import parse_line, parse_lines
from tcplab.netem.configuration import Configuration
from tcplab.netem.flows import STATES
from tcplab.netem.match import FLAGS
from tcplab.netem.roles import DEFAULT_ROLES, Roles
from tcplab.netem.strike import ACTIONS
from tcplab.units import START

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "faults.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```faults\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
EXAMPLES = [
    found[1] for line in DOCUMENT.splitlines() if (found := re.match(rf"\| `((?:{'|'.join(ACTIONS)}) [^`]*)` \|", line))
]


def test_there_are_lines_and_examples_to_try() -> None:
    assert len(BLOCKS) == 4
    assert len(EXAMPLES) == 15
    assert {example.split()[0] for example in EXAMPLES} == set(ACTIONS)


@pytest.mark.parametrize("text", BLOCKS)
def test_every_block_is_a_configuration_that_the_lab_can_have(text: str) -> None:
    configuration = Configuration.parse(text, START)

    configuration.check(Roles(DEFAULT_ROLES))
    assert len(parse_lines(text)) == len([line for line in text.splitlines() if line.strip()])
    assert Configuration.parse(str(configuration)) == configuration


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_a_rule_that_the_lab_can_have(text: str) -> None:
    change = parse_line(text)

    change.check(Roles(DEFAULT_ROLES))
    assert parse_line(str(change)) == change


def test_all_flags_are_named() -> None:
    assert f"`{' '.join(FLAGS)}`" in DOCUMENT
    assert set(re.findall(r"\b[A-Z]+(?:_[A-Z0-9]+)+\b", DOCUMENT)) <= set(STATES)
