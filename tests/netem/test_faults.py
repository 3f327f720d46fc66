"""The texts of faults: what they say, and what is wrong with them."""

import pytest

from tcplab.netem.faults import Blackhole, Fault, Flap, Partition, parse_rule, read_setting
from tcplab.netem.grammar import GrammarError
from tcplab.netem.patterns import Pattern
from tcplab.netem.sentence import Sentence
from tcplab.units import MILLISECOND, SECOND, Instant

THERE = Pattern("client", "server")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("partition client | server", Partition((("client",), ("server",)))),
        ("partition 10.0.1.1 10.0.1.2 | *", Partition((("10.0.1.1", "10.0.1.2"), ("*",)))),
        ("partition 10.0.1.1 | 10.0.1.2 | server", Partition((("10.0.1.1",), ("10.0.1.2",), ("server",)))),
        ("blackhole client>server", Blackhole(THERE)),
        ("flap client>server up 2s down 500ms", Flap(THERE, 2 * SECOND, 500 * MILLISECOND)),
    ],
)
def test_a_rule_is_read_and_printed(text: str, rule: object) -> None:
    assert parse_rule(text) == rule
    assert str(rule) == text


def test_spaces_and_sizes_of_letters_do_not_matter() -> None:
    assert parse_rule("Partition client|server") == Partition((("client",), ("server",)))
    assert parse_rule("FLAP client>server UP 2 s DOWN 500 ms") == parse_rule("flap client>server up 2s down 500ms")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty text: a rule, such as partition client | server is missing"),
        ("partitoin a | b", "'partitoin' at column 1: no rule begins so; there are partition, blackhole, flap, drop, "
         "hold, duplicate, corrupt, mark; did you mean 'partition'?"),
        ("partition client", "at the end of 'partition client': '|' and another group, as in "
         "partition client | server, is missing"),
        ("partition client | | server", "'|' at column 20: before it, a member of the group is missing"),
        ("partition client |", "at the end of 'partition client |': a member of the group is missing"),
        ("partition client | client", "'client' at column 20: stands twice, and can be in one group only"),
        ("partition client | 10.0.2", "'10.0.2' at column 20: '10.0.2' is no role, no IPv4 address and not *"),
        ("blackhole client", "'client' at column 11: a direction has two sides, as in client>server, "
         "10.0.1.1>* or *>*"),
        ("blackhole client>server down", "'down' at column 25: nothing more may stand here"),
        ("flap client>server down 2s", "'down' at column 20: there must be 'up': 'up TIME down TIME'"),
        ("flap client>server up 2 down 1s", "'2' at column 23: the time up needs a unit: 2s, 2ms, 2us or 2ns"),
        ("flap client>server up 2s down 1us", "'1us' at column 31: the time down is too short"),
    ],
)  # fmt: skip
def test_an_error_points_at_the_word(text: str, error: str) -> None:
    with pytest.raises(GrammarError) as raised:
        parse_rule(text)

    assert str(raised.value) == error


def test_a_setting_has_a_name_and_a_lease() -> None:
    setting = read_setting(Sentence("partition client | server as split for 30s"))

    assert (setting.name, setting.lease) == ("split", 30 * SECOND)
    assert str(setting) == "partition client | server as split for 30s"
    assert setting.at(Instant(SECOND), ()) == Fault("split", setting.rule, Instant(SECOND), Instant(31 * SECOND))


def test_without_a_name_it_gets_the_first_free_one_of_its_kind() -> None:
    setting = read_setting(Sentence("blackhole client>server"))

    assert setting.at(Instant(0), ()).name == "blackhole-1"
    assert setting.at(Instant(0), ("blackhole-1", "blackhole-3")).name == "blackhole-2"
    assert setting.at(Instant(0), ()).until is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("blackhole *>* as a/b", "'a/b' at column 18: a name has letters, digits, '_', '.' and '-', 64 at most"),
        ("blackhole *>* as", "at the end of 'blackhole *>* as': a name is missing"),
        ("blackhole *>* for 0s", "'0s' at column 19: the lease is too short"),
        ("blackhole *>* for", "at the end of 'blackhole *>* for': the lease is missing"),
    ],
)
def test_what_is_no_name_or_lease_is_refused(text: str, error: str) -> None:
    with pytest.raises(GrammarError) as raised:
        read_setting(Sentence(text))

    assert str(raised.value) == error


def test_instants_are_kept_in_whole_microseconds() -> None:
    fault = Fault("x", Blackhole(THERE), Instant(1), Instant(1_001))

    assert (fault.since, fault.until) == (1_000, 2_000)


def test_a_fault_needs_a_name() -> None:
    with pytest.raises(ValueError, match="'' is no name for a fault"):
        Fault("", Blackhole(THERE))
