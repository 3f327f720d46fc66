"""What two TCPs agree on by their SYNs, as a pure part (RFC 7323, 2018, 3168; RFC 9293, 3.7.1)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.negotiation import (
    Agreed,
    agree,
    answer,
    asks_for_ecn,
    offer,
    payload_limit,
    syn_ack_flags,
    syn_flags,
    window_field,
    window_shift,
)
from tcplab.wire.octets import options_length
from tcplab.wire.segment import ACK, CWR, ECE, SYN, Flags, Options
from tests.support.choices import ALL, NONE, Choices

settings = st.builds(
    Choices,
    mss=st.integers(1, 65_455),
    receive_buffer=st.integers(1, 2**32),
    window_scaling=st.booleans(),
    timestamps=st.booleans(),
    sack=st.booleans(),
    ecn=st.booleans(),
)


# --- offers ------------------------------------------------------------------------------------------------------


def test_a_syn_offers_what_is_wanted() -> None:
    assert offer(ALL, 77) == Options(mss=1_460, wscale=5, sack_ok=True, timestamps=(77, 0))
    assert offer(NONE, 77) == Options(mss=1_460)


def test_a_scale_of_zero_is_offered_too_so_that_the_peer_may_scale() -> None:
    small = replace(ALL, receive_buffer=65_535)

    assert offer(small, 0).wscale == 0
    agreed = agree(small, Options(wscale=7), ecn=False)
    assert (agreed.window_scaling, agreed.snd_wscale, agreed.rcv_wscale) == (True, 7, 0)


@pytest.mark.parametrize(
    ("receive_buffer", "shift"),
    [(1, 0), (65_535, 0), (65_536, 1), (131_071, 1), (131_072, 2), (1 << 29, 14), (1 << 30, 14), (1 << 40, 14)],
)
def test_the_shift_is_the_least_that_fits(receive_buffer: int, shift: int) -> None:
    assert window_shift(receive_buffer) == shift


@given(st.integers(1, 65_535 << 14))
def test_every_buffer_up_to_the_largest_fits_the_header(receive_buffer: int) -> None:
    shift = window_shift(receive_buffer)

    assert receive_buffer >> shift <= 65_535
    assert shift == 0 or receive_buffer >> (shift - 1) > 65_535


# --- agreements --------------------------------------------------------------------------------------------------


def test_everything_is_agreed_on_where_both_want_it() -> None:
    peer = Options(mss=1_400, wscale=7, sack_ok=True, timestamps=(12, 0))

    agreed = agree(ALL, peer, ecn=True)

    assert agreed == Agreed(1_400, True, 7, 5, timestamps=True, sack=True, ecn=True)
    assert answer(ALL, agreed, (99, 12)) == Options(mss=1_460, wscale=5, sack_ok=True, timestamps=(99, 12))


def test_nothing_is_agreed_on_with_a_peer_that_wants_nothing() -> None:
    agreed = agree(ALL, Options(), ecn=False)

    assert agreed == Agreed(536, False, 0, 0, timestamps=False, sack=False, ecn=False)
    assert answer(ALL, agreed, (99, 0)) == Options(mss=1_460)


def test_what_was_not_offered_is_not_agreed_on() -> None:
    peer = Options(mss=1_460, wscale=7, sack_ok=True, timestamps=(12, 0))

    assert agree(NONE, peer, ecn=True) == Agreed(1_460, False, 0, 0, timestamps=False, sack=False, ecn=False)


@pytest.mark.parametrize(
    ("ours", "peers", "mss"), [(1_000, 700, 700), (700, 1_000, 700), (1_000, None, 536), (99, 0, 99)]
)
def test_the_mss_is_the_smaller_of_both_and_536_where_none_is_told(ours: int, peers: int | None, mss: int) -> None:
    assert agree(replace(ALL, mss=ours), Options(mss=peers), ecn=False).mss == mss


@pytest.mark.rfc("RFC7323-2.3")
@pytest.mark.parametrize(("told", "used"), [(0, 0), (14, 14), (15, 14), (255, 14)])
def test_a_scale_above_14_counts_as_14(told: int, used: int) -> None:
    assert agree(ALL, Options(wscale=told), ecn=False).snd_wscale == used


@pytest.mark.rfc("RFC7323-2.2")
@given(settings, settings)
def test_both_sides_agree_on_the_same_by_a_handshake(client: Choices, server: Choices) -> None:
    syn, flags = offer(client, 1), syn_flags(client, again=False)
    at_server = agree(server, syn, ecn=asks_for_ecn(flags))
    syn_ack, back = answer(server, at_server, (2, 1)), syn_ack_flags(ecn=at_server.ecn)
    at_client = agree(client, syn_ack, ecn=asks_for_ecn(back))

    assert at_client == mirrored(at_server)
    assert at_client.ecn == (client.ecn and server.ecn)
    assert at_client.sack == (client.sack and server.sack)
    assert at_client.timestamps == (client.timestamps and server.timestamps)
    assert at_client.window_scaling == (client.window_scaling and server.window_scaling)
    assert all(options_length(options) <= 20 for options in (syn, syn_ack))


@given(settings, settings)
def test_both_sides_agree_on_the_same_by_a_simultaneous_open(one: Choices, other: Choices) -> None:
    at_one = agree(one, offer(other, 1), ecn=asks_for_ecn(syn_flags(other, again=False)))
    at_other = agree(other, offer(one, 1), ecn=asks_for_ecn(syn_flags(one, again=False)))

    assert at_one == mirrored(at_other)
    assert agree(one, answer(other, at_other, (2, 1)), ecn=asks_for_ecn(syn_ack_flags(ecn=at_other.ecn))) == at_one


def mirrored(agreed: Agreed) -> Agreed:
    """What the other side must have made of it."""
    return replace(agreed, snd_wscale=agreed.rcv_wscale, rcv_wscale=agreed.snd_wscale)


# --- explicit congestion notification ----------------------------------------------------------------------------


@pytest.mark.rfc("RFC3168-6.1.1")
def test_a_syn_that_is_sent_again_does_not_ask_for_ecn() -> None:
    assert syn_flags(ALL, again=False) == SYN | ECE | CWR
    assert syn_flags(ALL, again=True) == SYN
    assert syn_flags(NONE, again=False) == SYN
    assert syn_ack_flags(ecn=True) == SYN | ACK | ECE
    assert syn_ack_flags(ecn=False) == SYN | ACK


@pytest.mark.rfc("RFC3168-6.1.1")
@pytest.mark.parametrize(
    ("flags", "asks"),
    [
        (SYN, False),
        (SYN | ECE, False),
        (SYN | CWR, False),
        (SYN | ECE | CWR, True),
        (SYN | ACK, False),
        (SYN | ACK | ECE, True),
        (SYN | ACK | CWR, False),
        (SYN | ACK | ECE | CWR, False),  # a host that reflects bits that it does not know
    ],
)
def test_which_flags_ask_for_ecn(flags: int, asks: bool) -> None:
    assert asks_for_ecn(Flags(flags)) is asks


# --- what is sent then -------------------------------------------------------------------------------------------


@pytest.mark.rfc("MUST-16")
@pytest.mark.parametrize(
    ("mss", "octets", "payload"),
    [
        (1_460, 0, 1_460),
        (1_460, 10, 1_448),
        (1_460, 12, 1_448),
        (1_460, 36, 1_424),
        (536, 10, 524),
        (12, 10, 1),
        (1, 40, 1),
    ],
)
def test_options_take_their_room_from_the_data(mss: int, octets: int, payload: int) -> None:
    assert payload_limit(mss, octets) == payload


@pytest.mark.parametrize(
    ("window", "shift", "field"),
    [(0, 7, 0), (127, 7, 0), (128, 7, 1), (255, 7, 1), (65_535, 0, 65_535), (70_000, 0, 65_535), (1 << 30, 14, 65_535)],
)
def test_a_window_is_told_in_units_of_its_scale(window: int, shift: int, field: int) -> None:
    assert window_field(window, shift) == field


@given(st.integers(0, 1 << 24), st.integers(0, 14), st.lists(st.integers(0, 3_000), max_size=20))
def test_no_edge_is_told_beyond_the_first_nor_far_before_it(window: int, shift: int, taken: list[int]) -> None:
    """While nobody reads, the edge stands still, and RCV.NXT moves towards it."""
    edge = window_field(window, shift) << shift
    nxt = 0
    for octets in taken:
        nxt = min(nxt + octets, edge)
        told = nxt + (window_field(edge - nxt, shift) << shift)
        assert edge - (1 << shift) < told <= edge
