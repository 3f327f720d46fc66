"""Lines of text that change a configuration."""

import pytest

from tcplab.netem.changes import (
    AfterDrops,
    AfterSegments,
    At,
    Clear,
    Entry,
    Heal,
    SetFault,
    SetLink,
    parse_entry,
    parse_line,
    parse_lines,
)
from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import Fault, Setting, parse_rule
from tcplab.netem.grammar import GrammarError
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.roles import DEFAULT_ROLES, Roles
from tcplab.units import MILLISECOND, SECOND, START, Instant

THERE = Pattern("client", "server")
SPLIT = parse_rule("partition client | server")
NOW = Instant(7 * SECOND)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("link client>server delay 5ms", SetLink(THERE, Profile(delay=5 * MILLISECOND))),
        ("link client>server reset", SetLink(THERE, None)),
        ("partition client | server as split for 30s", SetFault(Setting(SPLIT, "split", 30 * SECOND))),
        ("heal split", Heal("split")),
        ("clear", Clear()),
        ("at 5s: heal split", Entry(At(5 * SECOND), Heal("split"))),
        ("after 3 drops: clear", Entry(AfterDrops(3), Clear())),
        ("after 3 drops by split: clear", Entry(AfterDrops(3, "split"), Clear())),
        ("after 10 segments on client>server: clear", Entry(AfterSegments(10, THERE), Clear())),
    ],
)
def test_a_line_is_read_and_printed(text: str, change: object) -> None:
    assert parse_line(text) == change
    assert str(change) == text


def test_lines_have_comments_and_may_be_empty() -> None:
    assert parse_lines("# first\n\n  heal a  # now\nclear\n") == (Heal("a"), Clear())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("hael split", "'hael' at column 1: no change begins so; there are link, heal, clear, partition, blackhole, "
         "flap, drop, hold, duplicate, corrupt, mark; did you mean 'heal'?"),
        ("clear all", "'all' at column 7: nothing more may stand here"),
        ("heal", "at the end of 'heal': a name is missing"),
        ("link client>server", "at the end of 'link client>server': a profile, such as delay 50ms, or reset, "
         "is missing"),
        ("link client>server delay 5", "'5' at column 26: TIME needs a unit: 5s, 5ms, 5us or 5ns"),
        ("at 5s heal split", "at the end of 'at 5s heal split': ': ' and a change are missing, "
         "as in at 5s: heal split"),
        ("at 5: clear", "'5' at column 4: the time needs a unit: 5s, 5ms, 5us or 5ns"),
        ("at 5s: haal x", "'haal' at column 8: no change begins so; there are link, heal, clear, partition, blackhole, "
         "flap, drop, hold, duplicate, corrupt, mark; did you mean 'heal'?"),
        ("after 0 drops: clear", "'0' at column 7: the count must be 1 or more"),
        ("after 3 drips: clear", "'drips' at column 9: there must be drops or segments; did you mean 'drops'?"),
        ("after 3 segments: clear", "at the end of 'after 3 segments: clear': 'on' and a direction is missing"),
        ("clear\nheal a b\n", "'b' at line 2, column 8: nothing more may stand here"),
    ],
)  # fmt: skip
def test_an_error_points_at_the_word_in_the_whole_text(text: str, error: str) -> None:
    with pytest.raises(GrammarError) as raised:
        parse_lines(text)

    assert str(raised.value) == error
    assert raised.value.text == text


def test_an_entry_needs_a_trigger() -> None:
    with pytest.raises(GrammarError, match="'heal' at column 1: no trigger begins so; there are at, after, when"):
        parse_entry("heal split")


# --- what they make of a configuration -------------------------------------------------------------------------------


def made(text: str, of: Configuration | None = None) -> Configuration:
    return (of or Configuration()).changed(parse_lines(text), NOW)


def test_lines_are_made_one_after_the_other_at_one_instant() -> None:
    configuration = made("link client>server delay 5ms\npartition client | server as split for 30s\nat 5s: heal split")

    assert configuration.links == {THERE: Profile(delay=5 * MILLISECOND)}
    assert configuration.faults == (Fault("split", SPLIT, NOW, Instant(37 * SECOND)),)
    assert configuration.timeline == (Entry(At(5 * SECOND), Heal("split"), NOW),)


def test_a_link_is_set_anew_and_reset() -> None:
    configuration = made("link client>server delay 5ms\nlink *>* loss 1%\nlink client>server delay 6ms\nlink *>* reset")

    assert configuration.links == {THERE: Profile(delay=6 * MILLISECOND)}


def test_a_fault_takes_the_place_of_one_of_its_name() -> None:
    configuration = made("blackhole *>* as a\nblackhole client>* as b\nblackhole server>* as a")

    assert [(fault.name, str(fault.rule)) for fault in configuration.faults] == [
        ("a", "blackhole server>*"), ("b", "blackhole client>*"),
    ]  # fmt: skip


def test_names_that_are_given_are_free_in_the_timeline_too() -> None:
    configuration = made("at 5s: blackhole *>*\nblackhole client>*\nblackhole server>*")

    assert str(configuration.timeline[0]) == "at 5s: blackhole *>* as blackhole-1"
    assert [fault.name for fault in configuration.faults] == ["blackhole-2", "blackhole-3"]


def test_who_heals_a_fault_takes_it_out_of_the_timeline_too() -> None:
    configuration = made("blackhole *>* as a\nat 5s: blackhole *>* as a\nat 6s: blackhole *>* as b\nheal a")

    assert configuration.faults == ()
    assert [entry.sets for entry in configuration.timeline] == ["b"]


def test_what_is_not_there_cannot_be_healed() -> None:
    with pytest.raises(ValueError, match="there is no fault 'c'; there are a, b"):
        made("blackhole *>* as b\nat 1s: blackhole *>* as a\nheal c")
    with pytest.raises(ValueError, match="there is no fault 'c'; there are none"):
        made("heal c")


def test_clear_leaves_the_revision_and_nothing_else() -> None:
    assert made("blackhole *>*\nat 5s: clear\nlink *>* delay 1s\nclear", Configuration(9)) == Configuration(9)


def test_a_configuration_is_printed_as_lines_that_make_the_same() -> None:
    configuration = made(
        "link client>server delay 5ms\npartition client | server as split for 30s\nafter 3 drops by split: heal split"
    )

    assert str(configuration) == (
        "link client>server delay 5ms\n"
        "partition client | server as split since 7s until 37s\n"
        "after 3 drops by split since 7s: heal split\n"
    )
    assert Configuration.parse(str(configuration), START) == configuration


def test_instants_in_texts_may_be_as_late_as_today() -> None:
    fault = Fault("x", SPLIT, Instant(1_763_900_000_123_456_000))

    assert Configuration.parse(str(fault)).faults == (fault,)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("blackhole *>* since noon", "'noon' at column 21: when it was set must be a time of the lab's clock such as "
         "1763900000s or 5ms"),
        ("blackhole *>* until 5", "'5' at column 21: the end of the lease must be a time of the lab's clock such as "
         "1763900000s or 5ms"),
        ("blackhole *>* for 5s until 6s", "'until' at column 22: nothing more may stand here"),
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused(text: str, error: str) -> None:
    with pytest.raises(GrammarError) as raised:
        parse_line(text)

    assert str(raised.value) == error


def test_a_lab_without_such_a_host_refuses_an_entry_for_it() -> None:
    for text in ("at 1s: blackhole 10.9.9.9>*", "after 1 segments on 10.9.9.9>*: clear"):
        with pytest.raises(ValueError, match=r"timeline, .*: '10.9.9.9' is in no role's prefix"):
            Configuration.parse(text).check(Roles(DEFAULT_ROLES))
