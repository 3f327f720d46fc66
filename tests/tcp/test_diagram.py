"""The state diagram says what the table says."""

import re

from tcplab.tcp.diagram import WORDS, mermaid, page, sudden_endings
from tcplab.tcp.states import TRANSITIONS, Cause, State


def test_every_row_of_the_table_is_in_the_diagram_or_in_the_table_below() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+): (.+)$", mermaid(), re.MULTILINE)
    drawn = {(State[old], State[new], words) for old, new, words in arrows}
    sudden = {(old, cause) for cause, states in sudden_endings() for old in states}

    for (old, cause), new in TRANSITIONS.items():
        if (old, cause) in sudden:
            assert new is State.CLOSED
        else:
            assert (old, new, WORDS[cause]) in drawn
    assert len(arrows) + len(sudden) == len(TRANSITIONS)


def test_every_state_and_every_cause_has_its_place() -> None:
    text = page()

    assert set(WORDS) == set(Cause)
    for state in State:
        assert state.name in text
