"""Frames: whatever is cut into pieces comes out whole, and whatever is damaged is refused."""

import hashlib
import itertools
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.apps.frames import (
    DIGEST_OCTETS,
    HEADER_OCTETS,
    LENGTH_MAX,
    LINGER_MAX,
    FrameReader,
    FrameWriter,
    Header,
    MalformedFrame,
    Mode,
)
from tcplab.apps.payload import FixedPayload, QueuedPayload, RandomPayload

HEADERS = st.builds(
    Header,
    mode=st.sampled_from(Mode),
    length=st.integers(0, LENGTH_MAX),
    server_closes=st.booleans(),
    linger=st.none() | st.integers(0, LINGER_MAX),
)


def frame(payload: bytes, mode: Mode = Mode.ECHO) -> bytes:
    return Header(mode, len(payload)).encode() + payload + hashlib.sha256(payload).digest()


def in_pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(octets) + 1) for cut in cuts), len(octets)]
    return [octets[start:end] for start, end in itertools.pairwise(places)]


def test_the_header_is_what_the_module_says() -> None:
    header = Header(Mode.SERVE, 258, server_closes=True, linger=3)

    assert header.encode() == bytes([1, 0b1011, 0, 3, 0, 0, 0, 0, 0, 0, 1, 2])


@given(header=HEADERS)
def test_a_header_comes_back_as_it_was(header: Header) -> None:
    assert Header.decode(header.encode()) == header


@given(octets=st.binary(min_size=HEADER_OCTETS, max_size=HEADER_OCTETS))
def test_any_header_is_one_that_can_be_written_or_is_malformed(octets: bytes) -> None:
    try:
        header = Header.decode(octets)
    except MalformedFrame:
        return
    assert header.encode() == octets


@pytest.mark.parametrize("length", [-1, LENGTH_MAX + 1])
def test_a_length_that_does_not_fit_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Header(Mode.ECHO, length).encode()


@pytest.mark.parametrize("linger", [-1, LINGER_MAX + 1])
def test_a_linger_that_does_not_fit_is_refused(linger: int) -> None:
    with pytest.raises(ValueError, match="linger must be"):
        Header(Mode.ECHO, 0, linger=linger).encode()


@given(payload=st.binary(max_size=300), cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_a_frame_in_any_pieces_gives_its_payload(payload: bytes, cuts: list[int]) -> None:
    reader = FrameReader()

    got = b"".join(reader.feed(piece) for piece in in_pieces(frame(payload), cuts))

    assert got == payload
    assert reader.complete
    assert reader.digest == hashlib.sha256(payload).digest()
    assert reader.octets == len(payload)


@given(payload=st.binary(max_size=300), limits=st.lists(st.integers(1, 50), min_size=1))
def test_a_writer_gives_the_same_frame_whatever_the_space(payload: bytes, limits: list[int]) -> None:
    writer = FrameWriter(Header(Mode.ECHO, len(payload)), FixedPayload(payload).take)
    got, turn = b"", 0

    while not writer.complete:
        limit = limits[turn % len(limits)]
        piece = writer.take(limit)
        assert 0 < len(piece) <= limit
        got += piece
        turn += 1

    assert got == frame(payload)
    assert writer.take(100) == b""


@given(payload=st.binary(min_size=1, max_size=100), place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_damaged_bit_behind_the_header_is_found(payload: bytes, place: int, bit: int) -> None:
    damaged = bytearray(frame(payload))
    damaged[HEADER_OCTETS + place % (len(damaged) - HEADER_OCTETS)] ^= 1 << bit

    with pytest.raises(MalformedFrame, match="digest"):
        FrameReader().feed(bytes(damaged))


@pytest.mark.parametrize("cut", range(DIGEST_OCTETS + 1))
def test_octets_behind_the_frame_are_refused_however_they_come(cut: int) -> None:
    whole = frame(b"abc")
    reader = FrameReader()
    reader.feed(whole[: len(whole) - cut])

    with pytest.raises(MalformedFrame, match="1 octets follow the frame"):
        reader.feed(whole[len(whole) - cut :] + b"x")


def test_a_frame_of_another_version_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="frame version 2, not 1"):
        FrameReader().feed(b"\x02" + frame(b"")[1:])


def test_a_flag_that_nobody_knows_is_refused() -> None:
    with pytest.raises(MalformedFrame, match="frame flags 0x10 are unknown"):
        FrameReader().feed(b"\x01\x10" + frame(b"")[2:])


def test_a_writer_waits_for_its_source_and_goes_on() -> None:
    queue = QueuedPayload(capacity=10)
    writer = FrameWriter(Header(Mode.ECHO, 6), queue.take)

    first = writer.take(100)
    nothing = writer.take(100)
    queue.put(b"abcdef")
    rest = writer.take(100)

    assert (first, nothing) == (frame(b"abcdef")[:HEADER_OCTETS], b"")
    assert first + rest == frame(b"abcdef")
    assert queue.room == 10


@given(limits=st.lists(st.integers(1, 5_000), min_size=1, max_size=20))
def test_a_random_payload_does_not_depend_on_how_it_is_taken(limits: list[int]) -> None:
    payload = RandomPayload("seed")
    got = b""
    for limit in limits:
        piece = payload.take(limit)
        assert 0 < len(piece) <= limit
        got += piece

    again = RandomPayload("seed")
    want = b""
    while len(want) < len(got):
        want += again.take(1_000_000)

    assert got == want[: len(got)]


def test_sixteen_megabytes_pass_in_less_than_one() -> None:
    block = bytes(1 << 20)
    writer = FrameWriter(Header(Mode.SINK, 16 << 20), lambda limit: block[:limit])
    reader = FrameReader()
    tracemalloc.start()

    while not writer.complete:
        reader.feed(writer.take(65_536))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert reader.complete
    assert peak < 1 << 20
