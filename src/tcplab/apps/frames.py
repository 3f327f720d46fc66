"""Frames: what a stream of the lab's workloads holds, so that each side can verify what it received.

Each direction of a connection carries one frame::

    version  1 octet     1
    flags    1 octet     see below; the bits that are not named must be 0
    linger   2 octets    milliseconds, big-endian; see LINGER
    length   8 octets    of the payload, big-endian
    payload
    digest   32 octets   SHA-256 of the payload

Reader and writer take and give octets in pieces of any size and hold none of the payload.
"""

import hashlib
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

VERSION: Final = 1
SERVER_CLOSES: Final = 0x01  # the server is to close right after its response
LINGER: Final = 0x02  # the server is to close ``linger`` milliseconds after its response
_MODE_SHIFT: Final = 2
_FLAGS_KNOWN: Final = 0x0F
HEADER_OCTETS: Final = 12
DIGEST_OCTETS: Final = 32
NUMBER_OCTETS: Final = 8
LINGER_MAX: Final = 65_535  # milliseconds: what the field holds
LENGTH_MAX: Final = (1 << 64) - 1


class Mode(Enum):
    """What a request asks of the server; the value is the name in settings."""

    ECHO = "echo"
    """Answer with the payload itself."""
    SINK = "sink"
    """Answer with the digest of the payload."""
    SERVE = "serve"
    """Answer with as many octets as the payload, an 8-octet big-endian number, says."""


_MODES: Final = tuple(Mode)


class MalformedFrame(Exception):
    """Octets that are no frame; one line says what is wrong."""


class Header(NamedTuple):
    """The header of a frame; ``length`` counts payload octets, ``linger`` milliseconds."""

    mode: Mode
    length: int
    server_closes: bool = False
    linger: int | None = None

    def encode(self) -> bytes:
        """Return the header as it travels.

        Raises:
            ValueError: a number does not fit into its field.
        """
        if not 0 <= self.length <= LENGTH_MAX:
            raise ValueError(f"a payload of {self.length} octets does not fit into a frame")
        if self.linger is not None and not 0 <= self.linger <= LINGER_MAX:
            raise ValueError(f"linger must be 0..{LINGER_MAX} ms")
        flags = _MODES.index(self.mode) << _MODE_SHIFT
        flags |= SERVER_CLOSES if self.server_closes else 0
        flags |= LINGER if self.linger is not None else 0
        return bytes((VERSION, flags)) + (self.linger or 0).to_bytes(2) + self.length.to_bytes(NUMBER_OCTETS)

    @staticmethod
    def decode(octets: bytes) -> "Header":
        """Return the header that ``HEADER_OCTETS`` octets hold.

        Raises:
            MalformedFrame: for any octets that :meth:`encode` does not make.
        """
        version, flags = octets[0], octets[1]
        linger = int.from_bytes(octets[2:4])
        if version != VERSION:
            raise MalformedFrame(f"frame version {version}, not {VERSION}")
        if flags & ~_FLAGS_KNOWN or flags >> _MODE_SHIFT >= len(_MODES):
            raise MalformedFrame(f"frame flags {flags:#04x} are unknown")
        if linger and not flags & LINGER:
            raise MalformedFrame("a linger time without its flag")
        return Header(
            mode=_MODES[flags >> _MODE_SHIFT],
            length=int.from_bytes(octets[4:HEADER_OCTETS]),
            server_closes=bool(flags & SERVER_CLOSES),
            linger=linger if flags & LINGER else None,
        )


class FrameReader:
    """Takes a stream piece by piece, gives its payload back as it comes, and verifies the digest."""

    __slots__ = ("_hash", "_kept", "_rest", "digest", "header")

    def __init__(self) -> None:
        self.header: Header | None = None
        """Known once the header is complete."""
        self.digest: bytes | None = None
        """Of the payload; known, and verified, once the frame is complete."""
        self._kept = b""
        self._rest = 0
        self._hash = hashlib.sha256()

    @property
    def complete(self) -> bool:
        """Whether the whole frame has come and its digest was right."""
        return self.digest is not None

    @property
    def octets(self) -> int:
        """Payload octets that have come."""
        return 0 if self.header is None else self.header.length - self._rest

    def feed(self, data: bytes) -> bytes:
        """Take the next octets of the stream; return those of them that are payload.

        Raises:
            MalformedFrame: the header makes no sense, the digest is wrong, or octets follow the frame.
        """
        if self.header is None:
            data = self._kept + data
            if len(data) < HEADER_OCTETS:
                self._kept = data
                return b""
            self.header = Header.decode(data[:HEADER_OCTETS])
            self._kept, self._rest, data = b"", self.header.length, data[HEADER_OCTETS:]
        payload, data = data[: self._rest], data[self._rest :]
        self._hash.update(payload)
        self._rest -= len(payload)
        if data:
            self._feed_digest(data)
        return payload

    def _feed_digest(self, data: bytes) -> None:
        if self.complete:
            raise MalformedFrame(f"{len(data)} octets follow the frame")
        self._kept += data
        if len(self._kept) < DIGEST_OCTETS:
            return
        if len(self._kept) > DIGEST_OCTETS:
            raise MalformedFrame(f"{len(self._kept) - DIGEST_OCTETS} octets follow the frame")
        if self._kept != self._hash.digest():
            raise MalformedFrame("the payload does not have the digest that its sender gave")
        self.digest = self._kept


class FrameWriter:
    """Gives a stream piece by piece: header, the payload that ``source`` makes, digest.

    ``source(limit)`` returns the next 1..``limit`` octets of the payload, or none where it has none yet.
    """

    __slots__ = ("_hash", "_kept", "_rest", "_source", "digest", "header")

    def __init__(self, header: Header, source: Callable[[int], bytes]) -> None:
        self.header = header
        self.digest: bytes | None = None
        """Of the payload, once ``source`` has given all of it."""
        self._source = source
        self._kept = header.encode()
        self._rest = header.length
        self._hash = hashlib.sha256()

    @property
    def complete(self) -> bool:
        """Whether the whole frame was given."""
        return self.digest is not None and not self._kept

    def take(self, limit: int) -> bytes:
        """Return the next octets of the stream, at most ``limit``; none where the source has none yet."""
        pieces: list[bytes] = []
        while limit > 0:
            if not self._kept:
                if self.digest is not None:
                    break
                self._kept = self._more(limit)
                if not self._kept:
                    break
            piece, self._kept = self._kept[:limit], self._kept[limit:]
            pieces.append(piece)
            limit -= len(piece)
        return b"".join(pieces)

    def _more(self, limit: int) -> bytes:
        if self._rest == 0:
            self.digest = self._hash.digest()
            return self.digest
        piece = self._source(min(limit, self._rest))
        assert len(piece) <= min(limit, self._rest), "the source gave more than was asked for"
        self._hash.update(piece)
        self._rest -= len(piece)
        return piece
