from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.profile import Profile
from tcplab.units import MILLISECOND, Duration

times = st.integers(0, 10**15).map(Duration)
shares = st.integers(0, 10**9).map(lambda part: part / 10**9)
places = st.integers(1, 10**6)
profiles = st.builds(
    Profile,
    delay=times,
    jitter=times,
    loss=shares,
    duplicate=shares,
    rate=st.none() | st.integers(1, 10**12),
    limit=st.integers(1, 10**6),
    drop_list=st.frozensets(places),
    delay_list=st.dictionaries(places, times),
    copy_list=st.dictionaries(places, times),
)


@given(profiles)
def test_every_profile_comes_back_as_it_went(profile: Profile) -> None:
    assert Profile.parse(str(profile)) == profile


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", "limit 1000"),
        ("limit 1000", "limit 1000"),
        ("loss 1.0 latency 0.1s 20000us", "delay 100ms 20ms loss 1%"),
        ("drop 3,1 rate 5000kbit limit 20", "rate 5mbit limit 20 droplist 1,3"),
    ],
)
def test_the_text_of_a_profile_is_in_one_order_and_in_the_shortest_words(text: str, canonical: str) -> None:
    assert str(Profile.parse(text)) == canonical


def test_a_jitter_without_a_delay_is_written_with_the_delay_that_there_is() -> None:
    assert str(replace(Profile(), jitter=MILLISECOND)) == "delay 0s 1ms"
