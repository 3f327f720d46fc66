from dataclasses import replace
from typing import Any

import pytest

from tcplab.netem.profile import Profile
from tcplab.units import MILLISECOND, Duration


def test_the_default_is_a_perfect_link_with_the_queue_of_tc() -> None:
    profile = Profile()

    assert (profile.delay, profile.jitter, profile.loss, profile.duplicate, profile.rate) == (0, 0, 0, 0, None)
    assert profile.limit == 1_000
    assert not profile.drop_list
    assert not profile.delay_list
    assert not profile.copy_list


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("delay", -1, "delay must be whole nanoseconds, 0 or more; it is -1"),
        ("delay", 1.5, "delay must be whole nanoseconds, 0 or more; it is 1.5"),
        ("jitter", -1, "jitter must be whole nanoseconds, 0 or more; it is -1"),
        ("loss", 1.01, "loss must be a probability of 0..1; it is 1.01"),
        ("loss", float("nan"), "loss must be a probability of 0..1; it is nan"),
        ("duplicate", -0.1, "duplicate must be a probability of 0..1; it is -0.1"),
        ("duplicate", "1%", "duplicate must be a probability of 0..1; it is '1%'"),
        ("rate", 0, "rate must be whole bits a second, 1 or more; it is 0"),
        ("rate", 1e6, "rate must be whole bits a second, 1 or more; it is 1000000.0"),
        ("limit", 0, "limit must be a number of packets, 1 or more; it is 0"),
        ("limit", True, "limit must be a number of packets, 1 or more; it is True"),
        ("drop_list", frozenset({0}), "drop_list must be places of packets, 1 for the first; it is 0"),
        ("delay_list", {0: 1}, "delay_list must be places of packets, 1 for the first; it is 0"),
        ("delay_list", {3: -1}, "delay_list[3] must be whole nanoseconds, 0 or more; it is -1"),
        ("copy_list", {2: 0.5}, "copy_list[2] must be whole nanoseconds, 0 or more; it is 0.5"),
    ],
)
def test_a_wrong_value_gives_one_line_that_names_the_field(field: str, value: Any, wanted: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the whole text is compared
        replace(Profile(), **{field: value})

    assert str(raised.value) == wanted


def test_bounds_themselves_are_taken() -> None:
    profile = Profile(loss=1, duplicate=1.0, rate=1, limit=1, drop_list=frozenset({1}), copy_list={1: Duration(0)})

    assert profile.loss == 1


def test_a_profile_does_not_change_when_what_it_was_made_of_does() -> None:
    extra = {1: MILLISECOND}
    profile = Profile(delay_list=extra)

    extra[2] = MILLISECOND

    assert profile.delay_list == {1: MILLISECOND}


def test_profiles_are_values() -> None:
    one, same = (Profile(delay=MILLISECOND, copy_list={1: MILLISECOND}) for _ in range(2))

    assert one == same
    assert hash(one) == hash(same)
    assert one != replace(one, copy_list={1: 2 * MILLISECOND})
