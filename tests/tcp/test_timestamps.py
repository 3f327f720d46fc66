"""The timestamps option as a pure part: clock, TS.Recent, PAWS and round trips (RFC 7323)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.node import Address
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.isn import keyed_numbers
from tcplab.tcp.timestamps import RECENT_LIFETIME, TICK, Refusal, Timestamps, keyed_offset, tsval
from tcplab.units import MILLISECOND, SECOND, START, Instant
from tcplab.wire.segment import ACK, RST, SYN, Flags, Options, Segment
from tcplab.wire.seq import MODULUS, SeqNumber, seq_lt

OPENED = Instant(100 * SECOND)
LATER = Instant(101 * SECOND)
NAME = ConnectionId(Address("10.0.1.1"), 49_152, Address("10.0.2.1"), 80, 7)

clocks = st.integers(0, MODULUS - 1) | st.integers(-5, 5).map(lambda distance: distance % MODULUS)
ticks = st.integers(0, 2**31 - 1) | st.integers(0, 5)


def timestamps(*, recent: int = 1_000, acknowledged: int = 1, offset: int = 0) -> Timestamps:
    """Those of a connection that has taken the peer's SYN, and acknowledged what lies before that position."""
    made = Timestamps(offset, OPENED)
    made.begin(recent, OPENED)
    made.option(acknowledged, OPENED)
    return made


def segment(peer: int | None, flags: Flags = ACK) -> Segment:
    options = Options(timestamps=None if peer is None else (peer % MODULUS, 0))
    return Segment(80, 49_152, SeqNumber(1), SeqNumber(1), flags, 1_000, options)


# --- the clock ---------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC7323-5.4")
def test_the_clock_ticks_every_millisecond() -> None:
    start = tsval(77, START)

    assert start == 77
    assert [tsval(77, Instant(n)) - start for n in (0, MILLISECOND - 1, MILLISECOND, 2 * MILLISECOND)] == [0, 0, 1, 2]


def test_the_clock_wraps() -> None:
    assert tsval(MODULUS - 1, Instant(1 * TICK)) == 0
    assert tsval(0, Instant(MODULUS * TICK)) == 0


def test_each_connection_has_an_offset_of_its_own_that_its_next_incarnation_keeps() -> None:
    offset = keyed_offset(keyed_numbers(b"key"))
    others = [
        NAME._replace(local=Address("10.0.1.2")),
        NAME._replace(local_port=49_153),
        NAME._replace(remote=Address("10.0.2.2")),
        NAME._replace(remote_port=81),
        NAME._replace(local_port=80, remote_port=49_152),
    ]

    assert len({offset(name) for name in (NAME, *others)}) == 6
    assert offset(NAME._replace(incarnation=8)) == offset(NAME)
    assert keyed_offset(keyed_numbers(b"another"))(NAME) != offset(NAME)
    assert all(0 <= offset(NAME._replace(local_port=port)) < MODULUS for port in range(1_000))


# --- what is sent ------------------------------------------------------------------------------------------------


def test_a_syn_echoes_nothing() -> None:
    assert Timestamps(5, OPENED).option(0, OPENED) == (100_005, 0)


@pytest.mark.rfc("RFC7323-3.2")
def test_what_is_sent_echoes_ts_recent() -> None:
    made = timestamps(recent=1_000)

    assert made.option(1, LATER) == (101_000, 1_000)
    made.accept(1_500, 1, LATER)
    assert made.option(1, LATER) == (101_000, 1_500)
    assert made.recent == 1_500


# --- TS.Recent: the cases of section 4.3 -------------------------------------------------------------------------


@pytest.mark.rfc("RFC7323-4.3")
def test_of_segments_that_one_delayed_ack_acknowledges_the_first_is_echoed() -> None:
    made = timestamps(recent=1, acknowledged=1)

    for peer, seq in ((2, 1), (3, 101), (4, 201)):
        made.accept(peer, seq, LATER)
    assert made.option(301, LATER)[1] == 2


@pytest.mark.rfc("RFC7323-4.3")
def test_what_lies_beyond_a_hole_is_not_echoed_and_what_fills_it_is() -> None:
    made = timestamps(recent=1, acknowledged=101)

    echoed = []
    for peer, seq, acknowledged in ((3, 201, 101), (5, 401, 101), (2, 101, 301), (4, 301, 501)):
        made.accept(peer, seq, LATER)
        echoed.append(made.option(acknowledged, LATER)[1])
    assert echoed == [1, 1, 2, 4]


def test_what_was_acknowledged_and_comes_again_is_echoed() -> None:
    """Its ACK was lost: the peer learns how long the second attempt took."""
    made = timestamps(recent=5, acknowledged=101)

    made.accept(9, 1, LATER)
    assert made.recent == 9


@pytest.mark.parametrize("peer", [4, 5 - 2**31 + MODULUS])
def test_ts_recent_never_goes_back(peer: int) -> None:
    made = timestamps(recent=5, acknowledged=101)

    made.accept(peer, 1, LATER)
    assert made.recent == 5


# --- PAWS --------------------------------------------------------------------------------------------------------


@pytest.mark.rfc("RFC7323-5.3")
@pytest.mark.parametrize("recent", [0, 1_000, 2**31 - 1, 2**31, MODULUS - 1])
@pytest.mark.parametrize(
    ("ahead", "refusal"),
    [(0, None), (1, None), (2**31 - 1, None), (-1, Refusal.OLD), (-(2**31), Refusal.OLD), (1 - 2**31, Refusal.OLD)],
)
def test_what_is_older_than_ts_recent_is_refused(recent: int, ahead: int, refusal: Refusal | None) -> None:
    assert timestamps(recent=recent).refuses(segment(recent + ahead), LATER) is refusal


@pytest.mark.rfc("RFC7323-3.2")
def test_a_segment_without_timestamps_is_refused() -> None:
    assert timestamps().refuses(segment(None), LATER) is Refusal.MISSING
    assert timestamps().refuses(segment(None, SYN), LATER) is Refusal.MISSING


@pytest.mark.rfc("RFC7323-5.2")
@pytest.mark.parametrize("peer", [None, 999, 1_000])
@pytest.mark.parametrize("flags", [RST, RST | ACK])
def test_a_reset_is_never_refused(peer: int | None, flags: Flags) -> None:
    assert timestamps(recent=1_000).refuses(segment(peer, flags), LATER) is None


@pytest.mark.rfc("RFC7323-5.5")
def test_after_24_days_ts_recent_counts_for_nothing() -> None:
    made = timestamps(recent=1_000)
    last = OPENED + RECENT_LIFETIME
    over = last + 1

    assert RECENT_LIFETIME == 24 * 86_400 * SECOND
    assert made.refuses(segment(999), last) is Refusal.OLD
    assert made.refuses(segment(999), over) is None
    made.accept(999, 1, last)
    assert made.recent == 1_000
    made.accept(999, 1, over)
    assert made.recent == 999
    assert made.refuses(segment(998), over) is Refusal.OLD


def test_a_peer_that_is_heard_keeps_ts_recent_alive() -> None:
    made = timestamps(recent=1_000)
    middle = OPENED + RECENT_LIFETIME // 2

    made.accept(1_000, 1, middle)

    assert made.refuses(segment(999), OPENED + RECENT_LIFETIME + 1) is Refusal.OLD
    assert made.refuses(segment(999), middle + RECENT_LIFETIME + 1) is None


@given(clocks, st.lists(st.tuples(st.integers(-3, 2**20), st.booleans(), st.integers(-5, 5)), max_size=30))
def test_ts_recent_follows_the_newest_that_is_in_order(first: int, arrivals: list[tuple[int, bool, int]]) -> None:
    """Against a model whose timestamps do not wrap."""
    made = timestamps(recent=first, acknowledged=10)
    recent = first
    for ahead, known, distance in arrivals:
        peer = recent + ahead
        assert made.refuses(segment(peer), LATER) is (Refusal.OLD if ahead < 0 else None)
        seq = 10 - abs(distance) if known else 11 + abs(distance)
        made.accept(peer % MODULUS, seq, LATER)
        if known and ahead >= 0:
            recent = peer
        assert made.recent == recent % MODULUS
        assert not seq_lt(SeqNumber(made.recent), SeqNumber(recent % MODULUS))


# --- round trips -------------------------------------------------------------------------------------------------


@given(clocks, st.integers(0, 10**15), st.integers(0, 10**13))
def test_an_echo_tells_the_round_trip_to_a_tick(offset: int, waited: int, rtt: int) -> None:
    made = timestamps(offset=offset)
    sent = OPENED + waited
    back = sent + rtt

    measured = made.round_trip(made.option(1, sent)[0], back)

    assert measured is not None
    assert abs(measured - rtt) < TICK
    assert measured % TICK == 0


@given(clocks, ticks)
def test_an_echo_of_what_was_not_sent_yet_tells_nothing(offset: int, ahead: int) -> None:
    made = timestamps(offset=offset)

    assert made.round_trip((tsval(offset, LATER) + 1 + ahead) % MODULUS, LATER) is None


@given(clocks, ticks)
def test_an_echo_from_before_the_connection_tells_nothing(offset: int, before: int) -> None:
    made = timestamps(offset=offset)

    assert made.round_trip(tsval(offset, OPENED), LATER) == LATER - OPENED
    assert made.round_trip((tsval(offset, OPENED) - 1 - before) % MODULUS, LATER) is None


def test_an_echo_from_the_future_tells_nothing_of_an_old_connection_either() -> None:
    made = timestamps()
    now = OPENED + MODULUS * TICK

    assert made.round_trip(tsval(0, now + TICK), now) is None
    assert made.round_trip(tsval(0, now), now) == 0
    assert made.round_trip((tsval(0, now) + 2**31) % MODULUS, now) is None
    assert made.round_trip((tsval(0, now) + 2**31 + 1) % MODULUS, now) == (2**31 - 1) * TICK
