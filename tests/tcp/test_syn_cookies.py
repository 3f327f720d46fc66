"""SYN cookies as a pure part (RFC 4987, section 3.6)."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.node import Address
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.syn_cookies import MSS_TABLE, PERIOD, PERIODS_VALID, Remembered, SynCookies, keep, stamp
from tcplab.units import SECOND, START, Instant
from tcplab.wire.segment import ACK, CWR, ECE, SYN, Flags, Options, Segment
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add, seq_diff
from tests.support.choices import ALL, NONE, Choices

KEY = b"a secret of the host"
NAME = ConnectionId(Address("10.0.2.1"), 80, Address("10.0.1.1"), 49_152, 0)
NOW = Instant(1_000 * PERIOD)
IRS = SeqNumber(4_000_000_000)
LINUX = Options(1_460, 7, True, (5_000, 0))
ECN_SETUP = SYN | ECE | CWR

numbers = (st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, MODULUS - 1])).map(SeqNumber)
options = st.builds(
    Options,
    mss=st.none() | st.integers(0, 65_535),
    wscale=st.none() | st.integers(0, 14),
    sack_ok=st.booleans(),
    timestamps=st.none() | st.tuples(numbers, st.just(0)),
)


def syn(offered: Options, flags: Flags = SYN) -> Segment:
    return Segment(49_152, 80, IRS, SeqNumber(0), flags, 65_535, offered)


def follow_up(iss: SeqNumber, irs: SeqNumber, timestamps: tuple[int, int] | None, data: bytes = b"") -> Segment:
    return Segment(49_152, 80, seq_add(irs, 1), seq_add(iss, 1), ACK, 500, Options(timestamps=timestamps), data)


def come_back(
    kept: Remembered,
    later: int = 0,
    *,
    made: Instant = NOW,
    made_for: ConnectionId = NAME,
    irs: SeqNumber = IRS,
    clock: int = 0,
    made_with: bytes = KEY,
) -> Remembered | None:
    """What becomes of a cookie that was made so, when NAME's ACK comes back after that time, and others are out."""
    iss = SynCookies(made_with).make(made_for, irs, kept, made)
    timestamps = None if kept.options.timestamps is None else (7_000, stamp(clock, kept))
    host, now = SynCookies(KEY), made + later
    host.make(NAME, IRS, kept, now)
    return host.check(NAME, follow_up(iss, irs, timestamps, b"text"), now)


def with_timestamp(kept: Remembered, tsval: int) -> Remembered:
    """The same, with the TSval that the peer's ACK carries."""
    timestamps = None if kept.options.timestamps is None else (tsval, 0)
    return kept._replace(options=replace(kept.options, timestamps=timestamps))


# --- what is held ------------------------------------------------------------------------------------------------


def test_with_timestamps_everything_is_held() -> None:
    kept = keep(ALL, syn(LINUX, ECN_SETUP))

    assert kept == Remembered(LINUX, ecn=True)
    known = come_back(kept, clock=1_000)
    assert known is not None
    assert known.ecn
    assert known.options == Options(1_460, 7, True, (7_000, stamp(1_000, kept)))


@pytest.mark.parametrize(
    ("settings", "offered"), [(ALL, replace(LINUX, timestamps=None)), (Choices(timestamps=False), LINUX)]
)
def test_without_timestamps_only_the_mss_is_held(settings: Choices, offered: Options) -> None:
    kept = keep(settings, syn(offered, ECN_SETUP))

    assert kept == Remembered(Options(1_460), ecn=False)
    assert come_back(kept) == kept


def test_ecn_is_held_where_both_sides_want_it() -> None:
    assert not keep(ALL, syn(LINUX)).ecn
    assert not keep(Choices(ecn=False), syn(LINUX, ECN_SETUP)).ecn
    assert not keep(NONE, syn(LINUX, ECN_SETUP)).ecn


@pytest.mark.parametrize(
    ("told", "held"),
    [(None, 536), (0, 536), (1, 64), (63, 64), (64, 64), (1_459, 1_440), (1_460, 1_460), (65_535, 8_960)],
)
def test_an_mss_is_rounded_down_to_the_table(told: int | None, held: int) -> None:
    assert keep(ALL, syn(Options(told))).options.mss == held


@pytest.mark.parametrize("period", range(1_000, 1_034))
@pytest.mark.parametrize("held", MSS_TABLE)
def test_every_mss_of_the_table_comes_back(held: int, period: int) -> None:
    kept = keep(ALL, syn(Options(held)))

    assert come_back(kept, made=Instant(period * PERIOD)) == kept == Remembered(Options(held), ecn=False)


@given(
    options,
    st.booleans(),
    numbers,
    st.integers(0, MODULUS - 1),
    st.tuples(st.integers(0, 100), st.integers(0, PERIOD - 1), st.integers(0, (PERIODS_VALID - 1) * PERIOD)),
)
def test_whatever_is_held_comes_back_in_time(
    offered: Options, ecn: bool, irs: SeqNumber, clock: int, times: tuple[int, int, int]
) -> None:
    kept = keep(ALL, syn(offered, ECN_SETUP if ecn else SYN))
    period, offset, later = times

    known = come_back(kept, later, made=START + period * PERIOD + offset, irs=irs, clock=clock)

    assert known is not None
    assert with_timestamp(known, 0) == with_timestamp(kept, 0)


@given(options, st.booleans(), st.integers(0, MODULUS - 1))
def test_the_timestamp_that_holds_options_is_at_most_63_ticks_old(offered: Options, ecn: bool, clock: int) -> None:
    stamped = stamp(clock, keep(ALL, syn(offered, ECN_SETUP if ecn else SYN)))

    assert 0 <= seq_diff(SeqNumber(clock), SeqNumber(stamped)) < 64


# --- what is not believed ----------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC4987-3.6")
@pytest.mark.parametrize("offset", [0, 1, PERIOD - 1])
def test_a_cookie_is_valid_for_one_to_two_minutes(offset: int) -> None:
    kept = keep(ALL, syn(LINUX))
    made = NOW + offset
    over = PERIODS_VALID * PERIOD - offset

    assert 64 * SECOND < over <= 128 * SECOND
    assert come_back(kept, over - 1, made=made) is not None
    assert come_back(kept, over, made=made) is None


@pytest.mark.parametrize("periods", [*range(2, 70), 1_024, 1 << 32])
def test_an_old_cookie_stays_dead_when_its_count_comes_round_again(periods: int) -> None:
    assert come_back(keep(ALL, syn(LINUX)), periods * PERIOD) is None


def test_a_cookie_from_the_future_is_not_believed() -> None:
    assert come_back(keep(ALL, syn(LINUX)), -PERIOD) is None


@pytest.mark.rfc("RFC4987-3.6")
@pytest.mark.parametrize(
    "other",
    [
        NAME._replace(local=Address("10.0.2.2")),
        NAME._replace(local_port=81),
        NAME._replace(remote=Address("10.0.1.2")),
        NAME._replace(remote_port=49_153),
    ],
)
def test_a_cookie_is_good_for_one_4_tuple(other: ConnectionId) -> None:
    assert come_back(keep(ALL, syn(LINUX)), made_for=other) is None
    assert come_back(keep(ALL, syn(LINUX)), made_for=NAME._replace(incarnation=9)) is not None


def test_a_cookie_is_good_for_one_key() -> None:
    assert come_back(keep(ALL, syn(LINUX)), made_with=b"another") is None


@pytest.mark.parametrize("wrong", [1, -1, 1 << 16, 1 << 31])
def test_a_cookie_is_good_for_the_sequence_numbers_it_was_made_for(wrong: int) -> None:
    cookies = SynCookies(KEY)
    kept = keep(ALL, syn(Options()))
    iss = cookies.make(NAME, IRS, kept, NOW)

    assert cookies.check(NAME, follow_up(iss, IRS, None), NOW) == kept
    assert cookies.check(NAME, follow_up(iss, seq_add(IRS, wrong), None), NOW) is None
    assert cookies.check(NAME, follow_up(seq_add(iss, wrong), IRS, None), NOW) is None


@pytest.mark.parametrize("bit", range(6))
def test_nobody_alters_the_options_that_a_timestamp_holds(bit: int) -> None:
    cookies = SynCookies(KEY)
    kept = keep(ALL, syn(LINUX))
    iss = cookies.make(NAME, IRS, kept, NOW)
    echo = stamp(9_999, kept)

    assert cookies.check(NAME, follow_up(iss, IRS, (1, echo)), NOW) is not None
    assert cookies.check(NAME, follow_up(iss, IRS, (1, echo ^ 1 << bit)), NOW) is None
    assert cookies.check(NAME, follow_up(iss, IRS, None), NOW) is None


def test_timestamps_that_were_not_agreed_on_add_no_options() -> None:
    cookies = SynCookies(KEY)
    iss = cookies.make(NAME, IRS, keep(ALL, syn(Options(1_460))), NOW)

    assert all(cookies.check(NAME, follow_up(iss, IRS, (1, echo)), NOW) is None for echo in range(64))


@pytest.mark.rfc("RFC4987-3.6")
def test_a_host_that_has_made_none_of_late_believes_none() -> None:
    made, host = SynCookies(KEY), SynCookies(KEY)
    kept = keep(ALL, syn(Options()))
    segment = follow_up(made.make(NAME, IRS, kept, NOW), IRS, None)

    assert host.check(NAME, segment, NOW) is None
    host.make(NAME._replace(remote_port=1), IRS, kept, NOW - (PERIODS_VALID - 1) * PERIOD)
    assert host.check(NAME, segment, NOW) == kept
    assert host.check(NAME, segment, NOW + PERIOD) is None


def test_guesses_are_not_believed() -> None:
    """Of 2**32 numbers 16 are good: two periods, eight values of the MSS."""
    cookies, guess = SynCookies(KEY), Random(7)
    cookies.make(NAME, IRS, keep(ALL, syn(Options())), NOW)

    for _ in range(20_000):
        iss = SeqNumber(guess.getrandbits(32))
        assert cookies.check(NAME, follow_up(iss, IRS, None), NOW) is None


def test_no_part_of_a_cookie_can_be_told_beforehand() -> None:
    """Of 4,096 ports no sixteenth of the numbers, by the highest bits or the lowest, has far more than its share."""
    cookies = SynCookies(KEY)
    kept = keep(ALL, syn(LINUX))
    made = [cookies.make(NAME._replace(remote_port=port), IRS, kept, NOW) for port in range(4_096)]

    for shift in (28, 24, 0):
        shares = [0] * 16
        for number in made:
            shares[number >> shift & 15] += 1
        assert max(abs(share - 256) for share in shares) < 100
