"""SYN cookies: what a SYN told, kept in what the peer must send back (RFC 4987, section 3.6).

The initial sequence number holds the time, the MSS, and a keyed hash that nobody else can compute; the timestamp,
where the peer takes part in timestamps, holds the other options in its lowest bits, as Linux has it.
What is not held is forgotten: a SYN and ACK by cookie is not sent again, and its text is not kept.
"""

from bisect import bisect_right
from hashlib import blake2b
from typing import Final, NamedTuple

from tcplab.tcp.config import MSS_UNTOLD
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.negotiation import Settings, asks_for_ecn
from tcplab.units import SECOND, Instant
from tcplab.wire.octets import WSCALE_LIMIT
from tcplab.wire.segment import Options, Segment
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add

PERIOD: Final = 64 * SECOND
PERIODS_VALID: Final = 2  # the one in which it was made and the next: 64 to 128 s
MSS_TABLE: Final = (64, 256, 536, 1_220, 1_360, 1_440, 1_460, 8_960)
"""Octets. A SYN's MSS is rounded down to one of them. Less than the least counts as the least: every host takes
datagrams of 576 octets (RFC 1122, section 3.3.2), and a segment for each octet would be an attack of its own."""

_HASH_BITS: Final = 24
_INDEX_BITS: Final = 3
_COUNT_BITS: Final = 5
_STAMP_BITS: Final = 6
_STAMP_MASK: Final = (1 << _STAMP_BITS) - 1
_NO_WSCALE: Final = 15
_SACK_BIT: Final = 0x10
_ECN_BIT: Final = 0x20
_NO_STAMP: Final = 1 << _STAMP_BITS


class Remembered(NamedTuple):
    """What a cookie holds of a SYN."""

    options: Options
    """The peer's: MSS rounded down, the others without timestamps forgotten."""
    ecn: bool
    """Whether both sides want explicit congestion notification."""


class SynCookies:
    """Makes cookies and knows them again; while none is out that could come back, it believes none."""

    __slots__ = ("_keyed", "_last_period")

    def __init__(self, key: bytes) -> None:
        """Take a secret of up to 64 octets."""
        self._keyed = blake2b(digest_size=4, key=key, person=b"SYN cookies")
        self._last_period = -PERIODS_VALID  # in which the latest was made

    def make(self, name: ConnectionId, irs: SeqNumber, kept: Remembered, now: Instant) -> SeqNumber:
        """Return the initial send sequence number that holds it.

        Args:
            name: the 4-tuple; the incarnation does not count.
            irs: the peer's initial sequence number.
            kept: what :func:`keep` made of its SYN.
            now: when it came.
        """
        self._last_period = period = now // PERIOD
        index = _index(kept.options.mss)
        return seq_add(self._cookie(name, irs, period, index, _stamp_of(kept)), self._veil(name, irs))

    def check(self, name: ConnectionId, segment: Segment, now: Instant) -> Remembered | None:
        """Return what the SYN told that a segment without a connection follows up; ``None``: none that we answered.

        Args:
            name: the 4-tuple; the incarnation does not count.
            segment: with an ACK; where it is the peer's first after our SYN and ACK, it tells both ISNs.
            now: when it came.
        """
        period = now // PERIOD
        if period - self._last_period >= PERIODS_VALID:
            return None
        irs, iss = seq_add(segment.seq, -1), seq_add(segment.ack, -1)
        told = seq_add(iss, -self._veil(name, irs))
        count = period - ((period - (told >> _HASH_BITS + _INDEX_BITS)) % (1 << _COUNT_BITS))
        index = told >> _HASH_BITS & (1 << _INDEX_BITS) - 1
        timestamps = segment.options.timestamps
        stamp = _NO_STAMP if timestamps is None else timestamps[1] & _STAMP_MASK
        if period - count >= PERIODS_VALID or self._cookie(name, irs, count, index, stamp) != told:
            return None
        if timestamps is None:
            return Remembered(Options(MSS_TABLE[index]), ecn=False)
        wscale = stamp & _NO_WSCALE
        sack_ok = bool(stamp & _SACK_BIT)
        options = Options(MSS_TABLE[index], None if wscale == _NO_WSCALE else wscale, sack_ok, timestamps)
        return Remembered(options, bool(stamp & _ECN_BIT))

    def _cookie(self, name: ConnectionId, irs: SeqNumber, count: int, index: int, stamp: int) -> SeqNumber:
        """Return the cookie before it is veiled: the count, the index into the MSS table, the hash over everything."""
        hashed = self._hash(name, f"{irs} {count} {index} {stamp}") >> 32 - _HASH_BITS
        return SeqNumber((count % (1 << _COUNT_BITS) << _INDEX_BITS | index) << _HASH_BITS | hashed)

    def _veil(self, name: ConnectionId, irs: SeqNumber) -> int:
        """Return what hides the count and the index, so that none of the 32 bits can be told beforehand."""
        return self._hash(name, f"{irs}")

    def _hash(self, name: ConnectionId, what: str) -> int:
        hashed = self._keyed.copy()
        hashed.update(f"{name.ends} {what}".encode())
        return int.from_bytes(hashed.digest(), "big")


def keep(settings: Settings, syn: Segment) -> Remembered:
    """Return what a cookie can hold of a SYN; nothing else may be agreed on, or answered."""
    options = syn.options
    mss = MSS_TABLE[_index(options.mss)]
    if options.timestamps is None or not settings.timestamps:
        return Remembered(Options(mss), ecn=False)
    wscale = None if options.wscale is None else min(options.wscale, WSCALE_LIMIT)
    kept = Options(mss, wscale, options.sack_ok, options.timestamps)
    return Remembered(kept, settings.ecn and asks_for_ecn(syn.flags))


def stamp(tsval: int, kept: Remembered) -> int:
    """Return the TSval of a SYN and ACK by cookie: the latest, ``tsval`` or before, that ends in the options."""
    marks = _stamp_of(kept)
    return (tsval - ((tsval - marks) & _STAMP_MASK)) % MODULUS


def _index(mss: int | None) -> int:
    return max(bisect_right(MSS_TABLE, mss or MSS_UNTOLD) - 1, 0)


def _stamp_of(kept: Remembered) -> int:
    options = kept.options
    if options.timestamps is None:
        return _NO_STAMP
    wscale = _NO_WSCALE if options.wscale is None else options.wscale
    return wscale | (_SACK_BIT if options.sack_ok else 0) | (_ECN_BIT if kept.ecn else 0)
