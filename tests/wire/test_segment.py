"""Segments as values: flags, lengths, kinds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcplab.units import MINUTE, SECOND
from tcplab.wire.segment import (
    ACK,
    CWR,
    ECE,
    FIN,
    KINDS,
    PSH,
    RST,
    SYN,
    URG,
    Flags,
    Segment,
    UserTimeout,
    flags_from_text,
    flags_text,
)
from tcplab.wire.seq import SeqNumber, seq_diff
from tests.wire.strategies import segments


def segment(flags: int, seq: int = 0, ack: int = 0, payload: bytes = b"") -> Segment:
    return Segment(1, 2, SeqNumber(seq), SeqNumber(ack), Flags(flags), 100, payload=payload)


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (0, ""),
        (SYN, "S"),
        (SYN | ACK, "SA"),
        (FIN | ACK, "FA"),
        (RST, "R"),
        (PSH | ACK, "PA"),
        (URG, "U"),
        (SYN | ECE | CWR, "SEC"),
        (0xFF, "FSRPAUEC"),
    ],
)
def test_flags_are_written_as_scapy_writes_them(flags: int, text: str) -> None:
    assert flags_text(Flags(flags)) == text
    assert flags_from_text(text) == flags


def test_the_text_of_all_flags_names_them_again() -> None:
    assert [flags_from_text(flags_text(Flags(flags))) for flags in range(256)] == list(range(256))


def test_letters_are_read_in_any_order() -> None:
    assert flags_from_text("AS") == SYN | ACK


@pytest.mark.parametrize(("text", "letter"), [("X", "X"), ("s", "s"), ("SAS", "S"), ("S A", " ")])
def test_an_unknown_or_doubled_letter_is_named(text: str, letter: str) -> None:
    with pytest.raises(ValueError, match=f"{letter!r} is unknown or stands twice"):
        flags_from_text(text)


@pytest.mark.parametrize(
    ("flags", "payload", "length"),
    [(ACK, b"", 0), (SYN, b"", 1), (FIN | ACK, b"", 1), (ACK, b"abc", 3), (SYN | FIN, b"abc", 5), (RST, b"", 0)],
)
def test_syn_and_fin_take_sequence_space(flags: int, payload: bytes, length: int) -> None:
    assert segment(flags, payload=payload).length == length


def test_the_end_wraps() -> None:
    assert segment(FIN | ACK, seq=2**32 - 2, payload=b"abc").end == 2


@settings(deadline=None)
@given(segments)
def test_the_end_lies_a_length_after_the_beginning(segment: Segment) -> None:
    assert seq_diff(segment.end, segment.seq) == segment.length
    assert segment.kind in KINDS


@pytest.mark.parametrize(
    ("flags", "payload", "kind"),
    [
        (SYN, b"", "syn"),
        (SYN | ACK, b"", "syn_ack"),
        (ACK, b"", "ack"),
        (ACK, b"a", "data"),
        (FIN | ACK, b"a", "fin"),
        (RST | ACK, b"", "rst"),
        (RST | SYN | FIN, b"a", "rst"),
        (SYN | FIN, b"", "syn"),
        (0, b"", "ack"),
    ],
)
def test_the_kind_is_the_most_telling_flag(flags: int, payload: bytes, kind: str) -> None:
    assert segment(flags, payload=payload).kind == kind


def test_a_segment_prints_as_in_the_ladder() -> None:
    assert str(segment(PSH | ACK, 7, 9, b"abc")) == "PA seq=7 ack=9 len=3"
    assert str(segment(SYN, 7)) == "S seq=7 len=0"
    assert str(segment(0)) == "- seq=0 len=0"


@pytest.mark.parametrize(
    ("duration", "option"),
    [
        (1, UserTimeout(1, "s")),
        (100 * SECOND, UserTimeout(100, "s")),
        (100 * SECOND + 1, UserTimeout(101, "s")),
        (32_767 * SECOND, UserTimeout(32_767, "s")),
        (32_767 * SECOND + 1, UserTimeout(547, "min")),
        (40_000 * MINUTE, UserTimeout(32_767, "min")),
    ],
)
def test_a_user_timeout_is_told_in_seconds_as_far_as_they_go(duration: int, option: UserTimeout) -> None:
    assert UserTimeout.of(duration) == option


@given(st.integers(1, 32_767 * MINUTE))
def test_a_user_timeout_is_never_told_shorter_than_it_is(duration: int) -> None:
    option = UserTimeout.of(duration)

    assert 0 <= option.duration - duration < (SECOND if option.unit == "s" else MINUTE)
    assert 1 <= option.value <= 32_767
