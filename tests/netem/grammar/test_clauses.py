"""Profiles as text: what is taken, and which word is at fault where something is not."""

import pytest

from tcplab.netem.grammar import GrammarError
from tcplab.netem.profile import Profile
from tcplab.units import MILLISECOND, SECOND, Duration

MS = MILLISECOND


def test_no_clause_is_a_perfect_link() -> None:
    assert Profile.parse(" \n") == Profile()


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("delay 100ms", Profile(delay=Duration(100 * MS))),
        ("latency 100ms 20ms", Profile(delay=Duration(100 * MS), jitter=Duration(20 * MS))),
        ("loss 1%", Profile(loss=0.01)),
        ("drop random 0.3", Profile(loss=0.003)),
        ("duplicate 0.1%", Profile(duplicate=0.001)),
        ("rate 5mbit", Profile(rate=5_000_000)),
        ("limit 200", Profile(limit=200)),
        ("drop 1,3,15", Profile(drop_list=frozenset({1, 3, 15}))),
        ("droplist 7", Profile(drop_list=frozenset({7}))),
        ("delaylist 1:10ms,3:1s", Profile(delay_list={1: Duration(10 * MS), 3: SECOND})),
        ("copylist 2:0s", Profile(copy_list={2: Duration(0)})),
    ],
)
def test_a_clause_sets_its_fields(text: str, profile: Profile) -> None:
    assert Profile.parse(text) == profile


def test_clauses_stand_in_any_order_and_in_any_case() -> None:
    assert Profile.parse("LOSS 1% Delay 100MS\n  drop 3,4\tlimit 5") == Profile(
        delay=Duration(100 * MS), loss=0.01, limit=5, drop_list=frozenset({3, 4})
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("delay 100ms los 1%", "'los' at column 13: there is no such clause; did you mean 'loss'?"),
        ("xyzzy", "'xyzzy' at column 1: there is no such clause"),
        ("100ms", "'100ms' at column 1: there is no such clause"),
        ("delay", "at the end of 'delay': TIME is missing"),
        ("delay loss 1%", "'loss' at column 7: TIME must be a time such as 100ms (units: s, ms, us, ns)"),
        ("delay 100", "'100' at column 7: TIME needs a unit: 100s, 100ms, 100us or 100ns"),
        ("delay 1s 2", "'2' at column 10: JITTER needs a unit: 2s, 2ms, 2us or 2ns"),
        ("loss 101%", "'101%' at column 6: PERCENT must be from 0% to 100%"),
        ("loss -1", "'-1' at column 6: PERCENT must be from 0% to 100%"),
        ("loss 1% drop 2%", "'drop' at column 9: a profile has one clause of this kind, and has 'loss' already"),
        ("rate 50%", "'50%' at column 6: RATE cannot be a share of a device: there is none; say it in bits, such as "),
        ("limit 0", "'0' at column 7: PACKETS must be 1 or more"),
        ("limit x", "'x' at column 7: PACKETS must be a whole number such as 3"),
        ("drop 1,0", "'1,0' at column 6: LIST must be places of packets, 1 for the first, such as 1,3,15"),
        ("delaylist 1:5", "'1:5' at column 11: LIST of packet 1 needs a unit: 5s, 5ms, 5us or 5ns"),
    ],
)
def test_an_error_names_the_word_at_fault(text: str, complaint: str) -> None:
    with pytest.raises(GrammarError) as raised:
        Profile.parse(text)

    assert str(raised.value).startswith(complaint)
    assert raised.value.text[raised.value.position :].startswith(raised.value.word)
