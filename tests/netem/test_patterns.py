"""Who is meant by a direction, and which of several directions goes."""

import pytest

from tcplab.netem.grammar import GrammarError
from tcplab.netem.patterns import Pattern
from tcplab.netem.roles import DEFAULT_ROLES, Roles
from tcplab.node import Address

ROAD = (Address("10.0.1.1"), "client", Address("10.0.2.1"), "server")


@pytest.mark.parametrize("text", ["client>server", "10.0.1.1>*", "*>*", "server>10.0.1.7", "*>client"])
def test_a_direction_is_printed_as_it_is_read(text: str) -> None:
    assert str(Pattern.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("client", "'client' at column 1: a direction has two sides, as in client>server, 10.0.1.1>* or *>*"),
        ("a>b>c", "'a>b>c' at column 1: a direction has two sides, as in client>server, 10.0.1.1>* or *>*"),
        ("client>", "'client>' at column 1: '' is no role, no IPv4 address and not *"),
        ("10.0.1>server", "'10.0.1>server' at column 1: '10.0.1' is no role, no IPv4 address and not *"),
        ("client>elsewhere", "'client>elsewhere' at column 1: 'elsewhere' is no role, no IPv4 address and not *"),
        ("client>server now", "'now' at column 15: nothing more may stand here"),
        ("", "empty text: a direction such as client>server is missing"),
    ],
)
def test_what_is_no_direction_is_refused_with_its_word(text: str, error: str) -> None:
    with pytest.raises(GrammarError) as raised:
        Pattern.parse(text)

    assert str(raised.value) == error


@pytest.mark.parametrize("fitting", ["client>server", "*>*", "*>server", "10.0.1.1>*", "10.0.1.1>10.0.2.1"])
def test_an_address_its_role_and_everybody_fit(fitting: str) -> None:
    assert Pattern.parse(fitting).fits(*ROAD)


@pytest.mark.parametrize("other", ["server>client", "10.0.1.2>*", "*>10.0.2.2", "client>client"])
def test_others_do_not(other: str) -> None:
    assert not Pattern.parse(other).fits(*ROAD)


def test_who_says_most_goes_and_the_source_decides_between_equals() -> None:
    rising = [
        "*>*", "*>server", "client>*", "client>server", "*>10.0.2.1", "10.0.1.1>*",
        "client>10.0.2.1", "10.0.1.1>server", "10.0.1.1>10.0.2.1",
    ]  # fmt: skip

    assert sorted(rising, key=lambda text: Pattern.parse(text).rank) == rising


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("clinet>server", "'clinet' is no role; there are client, server"),
        ("client>10.9.9.9", "'10.9.9.9' is in no role's prefix"),
    ],
)
def test_a_lab_without_such_a_host_says_so(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        Pattern.parse(text).check(Roles(DEFAULT_ROLES))
