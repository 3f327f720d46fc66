import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.grammar.units import (
    read_count,
    read_milliseconds,
    read_number,
    read_places,
    read_rate,
    read_share,
    read_signed,
    read_size,
    read_time,
    read_timed_places,
    write_milliseconds,
    write_places,
    write_rate,
    write_share,
    write_size,
    write_time,
    write_timed_places,
)
from tcplab.units import MICROSECOND, MILLISECOND, SECOND


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1s", SECOND),
        ("1SEC", SECOND),
        ("2secs", 2 * SECOND),
        ("100ms", 100 * MILLISECOND),
        ("1.5Msec", 1_500 * MICROSECOND),
        (".5msecs", 500 * MICROSECOND),
        ("3us", 3 * MICROSECOND),
        ("3usec", 3 * MICROSECOND),
        ("3usecs", 3 * MICROSECOND),
        ("7ns", 7),
        ("7nsec", 7),
        ("7.nsecs", 7),
        ("0s", 0),
        ("+5ms", 5 * MILLISECOND),
    ],
)
def test_times_have_the_suffixes_of_tc_in_any_case(text: str, nanoseconds: int) -> None:
    assert read_time(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("5", "needs a unit: 5s, 5ms, 5us or 5ns"),
        ("5min", "must be a time such as 100ms"),
        ("ms", "must be a time such as 100ms"),
        ("1e3ms", "must be a time such as 100ms"),
        ("nan", "must be a time such as 100ms"),
        ("-1ms", "must be from 0 to 30 years"),
        ("1000000001s", "must be from 0 to 30 years"),
        ("0.5ns", "must be whole nanoseconds"),
        ("9" * 5_000 + "s", "must be a time such as 100ms"),
    ],
)
def test_what_is_no_time_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_time(text)


@given(st.integers(0, 10**18))
def test_times_come_back_as_they_went(nanoseconds: int) -> None:
    assert read_time(write_time(nanoseconds)) == nanoseconds


def test_times_are_written_in_the_greatest_unit_that_holds_them() -> None:
    assert [write_time(n) for n in (0, 1, 1_000, 1_500_000, 100_000_000, 1_500_000_000, 2_000_000_000)] == [
        "0s", "1ns", "1us", "1500us", "100ms", "1500ms", "2s",
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "share"), [("1%", 0.01), ("1", 0.01), ("0.3%", 0.003), ("100", 1.0), ("0", 0.0)])
def test_percentages_have_a_sign_or_none(text: str, share: float) -> None:
    assert read_share(text) == share


@pytest.mark.parametrize("text", ["", "x", "1%%", "1ms", "inf"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a percentage such as 1%"):
        read_share(text)


@given(st.just(0.0) | st.floats(1e-15, 1))
def test_shares_come_back_as_they_went(share: float) -> None:
    assert read_share(write_share(share)) == share


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("9600", 9_600),
        ("1bit", 1),
        ("5mbit", 5_000_000),
        ("1.5Kbit", 1_500),
        ("1gbit", 10**9),
        ("1tbit", 10**12),
        ("1kibit", 1_024),
        ("1Mibit", 1_048_576),
        ("1gibit", 1 << 30),
        ("100bps", 800),
        ("1KBps", 8_000),
        ("1mbps", 8_000_000),
        ("1kibps", 8_192),
    ],
)
def test_rates_have_the_suffixes_of_tc(text: str, bits: int) -> None:
    assert read_rate(text) == bits


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("50%", "cannot be a share of a device"),
        ("5mb", "must be a rate such as 5mbit"),
        ("5ibit", "must be a rate such as 5mbit"),
        ("0", "must be 1bit or more"),
        ("-1mbit", "must be 1bit or more"),
        ("0.5bit", "must be 1bit or more"),
        ("1.5bit", "must be whole bits a second"),
    ],
)
def test_what_is_no_rate_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_rate(text)


@given(st.integers(1, 10**15))
def test_rates_come_back_as_they_went(bits: int) -> None:
    assert read_rate(write_rate(bits)) == bits


@pytest.mark.parametrize("text", ["", "-1", "1.0", "²", "1" * 41])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        read_count(text)


def test_a_count_has_64_bits() -> None:
    assert read_count(str((1 << 64) - 1)) == (1 << 64) - 1
    with pytest.raises(ValueError, match="must be 18446744073709551615 or less"):
        read_count(str(1 << 64))


@pytest.mark.parametrize(
    ("text", "octets"),
    [("1500", 1_500), ("1500b", 1_500), ("2k", 2_048), ("2KB", 2_048), ("1m", 1 << 20), ("1.5mb", 3 << 19)],
)
def test_sizes_have_the_suffixes_of_tc(text: str, octets: int) -> None:
    assert read_size(text) == octets


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1gb", "must be a size such as 1500b"),
        ("x", "must be a size such as 1500b"),
        ("0", "must be whole octets, 1 or more"),
        ("1.5b", "must be whole octets, 1 or more"),
    ],
)
def test_what_is_no_size_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_size(text)


@given(st.integers(1, 10**15))
def test_sizes_come_back_as_they_went(octets: int) -> None:
    assert read_size(write_size(octets)) == octets


@given(st.integers(0, 10**15))
def test_milliseconds_come_back_as_they_went(nanoseconds: int) -> None:
    assert read_milliseconds(write_milliseconds(nanoseconds)) == nanoseconds


@pytest.mark.parametrize("text", ["5s", "5ms", "", "-1", "1e3"])
def test_what_is_no_plain_number_of_milliseconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_milliseconds(text)


@pytest.mark.parametrize(("text", "number"), [("4", 4.0), ("2.5", 2.5), (".5", 0.5)])
def test_numbers_are_plain(text: str, number: float) -> None:
    assert read_number(text) == number
    with pytest.raises(ValueError, match="must be a number such as 4"):
        read_number(f"{text}x")


@given(st.integers(-(10**6), 10**6))
def test_signed_numbers_are_whole(number: int) -> None:
    assert read_signed(str(number)) == number


@given(st.frozensets(st.integers(1, 10**9), min_size=1))
def test_places_come_back_as_they_went(places: frozenset[int]) -> None:
    assert read_places(write_places(places)) == places


@given(st.dictionaries(st.integers(1, 10**9), st.integers(0, 10**12), min_size=1))
def test_places_with_times_come_back_as_they_went(times: dict[int, int]) -> None:
    assert read_timed_places(write_timed_places(times)) == times  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1", "must be places and times, such as 1:10ms,3:1s"),
        ("0:1s", "must be places of packets, 1 for the first"),
        ("1:1s,1:2s", "has the place 1 twice"),
        ("4:1", "of packet 4 needs a unit"),
    ],
)
def test_what_is_no_list_of_places_with_times_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        read_timed_places(text)
