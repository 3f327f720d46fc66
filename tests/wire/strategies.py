"""Segments, packets and damage to them, for Hypothesis."""

from typing import Any

from hypothesis import strategies as st

from tcplab.units import MICROSECOND, Instant
from tcplab.wire.octets import KNOWN_KINDS, OPTIONS_LIMIT, options_length
from tcplab.wire.packet import Address, Packet
from tcplab.wire.segment import Flags, Options, Segment, UserTimeout
from tcplab.wire.seq import MODULUS, SeqNumber

u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFF_FFFF)
sequence_numbers = st.one_of(
    u32,
    st.integers(-1000, 1000).map(lambda distance: distance % MODULUS),  # about the wrap
).map(SeqNumber)
addresses = st.ip_addresses(v=4).map(str).map(Address)
other_options = st.tuples(st.integers(2, 255).filter(lambda kind: kind not in KNOWN_KINDS), st.binary(max_size=38))
options = st.builds(
    Options,
    mss=st.none() | u16,
    wscale=st.none() | st.integers(0, 14),
    sack_ok=st.booleans(),
    timestamps=st.none() | st.tuples(u32, u32),
    sack=st.lists(st.tuples(sequence_numbers, sequence_numbers), max_size=4).map(tuple),
    user_timeout=st.none() | st.builds(UserTimeout, st.integers(0, 0x7FFF), st.sampled_from(("s", "min"))),
    other=st.lists(other_options, max_size=3).map(tuple),
).filter(lambda options: options_length(options) <= OPTIONS_LIMIT)
segments = st.builds(
    Segment,
    sport=u16,
    dport=u16,
    seq=sequence_numbers,
    ack=sequence_numbers,
    flags=st.integers(0, 255).map(Flags),
    window=u16,
    options=st.just(Options()) | options,
    payload=st.binary(max_size=100),
    urgent=u16,
)


def packets_between(source: Address, target: Address) -> st.SearchStrategy[Packet]:
    return st.builds(
        Packet,
        id=st.integers(0, 2**53 - 1),
        born=st.integers(0, 2**53 - 1).map(lambda microseconds: Instant(microseconds * MICROSECOND)),
        source=st.just(source),
        target=st.just(target),
        segment=segments,
        ecn=st.integers(0, 3),
        octets=st.none() | st.binary(max_size=60),
        copy=u16,
    )


batches = st.tuples(addresses, addresses).flatmap(lambda pair: st.lists(packets_between(*pair), min_size=1, max_size=5))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


@st.composite
def damaged(draw: st.DrawFn, sound: bytes) -> bytes:
    """Some octets of a sound message overwritten, left out, doubled or put in."""
    damaged = bytearray(sound)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(damaged)))
        end = draw(st.integers(start, min(len(damaged), start + 8)))
        damaged[start:end] = draw(st.binary(max_size=8) | st.just(bytes(damaged[start:end]) * 2))
    return bytes(damaged)


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """Return a JSON value in which what lies at the path is another value."""
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value.get(path[0]) if isinstance(value, dict) else value[path[0]], path[1:], new)
    return copy
