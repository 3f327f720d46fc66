"""Test vectors of the wire format: what a host in any language must read, write and refuse.

What is expected is written down here by hand; the octets of good segments alone come from the codec.
"""

import json
from base64 import b64encode
from dataclasses import asdict, replace
from typing import Any, Final, NamedTuple

from tcplab.units import MICROSECOND, Instant
from tcplab.wire import octets
from tcplab.wire.json import CONTENT_TYPE, MESSAGE_PACKETS_LIMIT, VERSION, encode
from tcplab.wire.packet import Address, Packet
from tcplab.wire.segment import (
    ACK,
    CWR,
    ECE,
    FIN,
    NO_OPTIONS,
    PSH,
    RST,
    SYN,
    URG,
    Flags,
    Options,
    Segment,
    UserTimeout,
)
from tcplab.wire.seq import SeqNumber

CLIENT: Final = Address("10.0.1.1")
SERVER: Final = Address("10.0.2.1")
_BORN: Final = Instant(1_763_900_000_000_350 * MICROSECOND)


class Valid(NamedTuple):
    """A message that is taken whole.

    ``message`` is ``None`` where it is what the encoder writes for the packets, octet by octet.
    """

    name: str
    packets: tuple[Packet, ...]
    message: str | None = None


class Partial(NamedTuple):
    """A message of which some packets are taken, and the others refused."""

    name: str
    message: str
    taken: tuple[int, ...]
    """The ``id`` of each packet that is taken."""
    rejected: tuple[tuple[str, int], ...]


class Refused(NamedTuple):
    """A message of which nothing is taken."""

    name: str
    message: bytes
    reason: str


class RefusedOctets(NamedTuple):
    """Octets, sent from :data:`CLIENT` to :data:`SERVER`, that are no segment."""

    name: str
    octets: bytes
    reason: str


def _packet(identity: int, flags: int, seq: int, ack: int = 0, options: Options = NO_OPTIONS, **more: Any) -> Packet:
    segment = Segment(
        49_152,
        80,
        SeqNumber(seq),
        SeqNumber(ack),
        Flags(flags),
        65_535,
        options,
        more.pop("data", b""),
        more.pop("urg", 0),
    )
    return Packet(identity, _BORN, CLIENT, SERVER, segment, **more)


_SYN: Final = _packet(42, SYN, 1000, options=Options(1460, 7, True, (12, 0)))
_SYN_ACK: Final = Packet(
    7,
    _BORN,
    SERVER,
    CLIENT,
    Segment(80, 49_152, SeqNumber(5000), SeqNumber(1001), SYN | ACK, 28_960, Options(1460, 0, True, (900, 12))),
)
_DATA: Final = _packet(44, PSH | ACK, 1001, 5001, Options(timestamps=(13, 900)), data=b"an odd number of octets")
_GREATEST: Final = Packet(
    2**53 - 1,
    Instant((2**53 - 1) * MICROSECOND),
    Address("255.255.255.255"),
    Address("0.0.0.0"),
    Segment(
        65_535,
        65_535,
        SeqNumber(2**32 - 1),
        SeqNumber(2**32 - 1),
        Flags(0xFF),
        65_535,
        Options(65_535, 14, True, (2**32 - 1, 2**32 - 1)),
        bytes(range(256)),
        65_535,
    ),
    ecn=3,
    copy=65_535,
)


def _damaged(packet: Packet) -> Packet:
    sound = octets.encode(packet.segment, packet.source, packet.target)
    return replace(packet, octets=sound[:-1] + bytes((sound[-1] ^ 0x10,)))


_REQUIRED: Final[dict[str, Any]] = {
    "id": 1,
    "born": 2,
    "src": CLIENT,
    "dst": SERVER,
    "sport": 3,
    "dport": 4,
    "seq": 5,
    "ack": 6,
    "flags": "",
    "window": 7,
}
_BARE: Final = Packet(
    1, Instant(2 * MICROSECOND), CLIENT, SERVER, Segment(3, 4, SeqNumber(5), SeqNumber(6), Flags(0), 7)
)


def _with(**fields: Any) -> dict[str, Any]:
    return {**_REQUIRED, **fields}


def _message(*packets: object, **fields: Any) -> str:
    return json.dumps({"v": VERSION, "packets": packets, **fields}, separators=(",", ":"))


VALID: Final = (
    Valid("a SYN with the usual options", (_SYN,)),
    Valid("a SYN and ACK", (_SYN_ACK,)),
    Valid("a bare ACK", (_packet(43, ACK, 1001, 5001),)),
    Valid("data", (_DATA,)),
    Valid("a FIN", (_packet(45, FIN | ACK, 1024, 5001),)),
    Valid("a RST in answer to a stranger without ACK", (_packet(46, RST | ACK, 0, 1001),)),
    Valid("a sequence number before the wrap, urgent data", (_packet(47, URG | ACK, 2**32 - 1, 1, data=b"ab", urg=1),)),
    Valid("ECN", (_packet(48, SYN | ECE | CWR, 1), _packet(49, ACK, 2, 1, ecn=2, data=b"x"))),
    Valid(
        "SACK blocks across the wrap",
        (
            _packet(
                50,
                ACK,
                1001,
                4_294_960_000,
                Options(
                    timestamps=(1, 2),
                    sack=((SeqNumber(4_294_967_000), SeqNumber(704)), (SeqNumber(1404), SeqNumber(2104))),
                ),
            ),
        ),
    ),
    Valid(
        "user timeouts: seconds, minutes, the greatest of them",
        (
            _packet(52, ACK, 1, 1, Options(user_timeout=UserTimeout(100))),
            _packet(53, ACK, 1, 1, Options(timestamps=(1, 2), user_timeout=UserTimeout(90, "min"))),
            _packet(54, ACK, 1, 1, Options(user_timeout=UserTimeout(32_767, "min"))),
        ),
    ),
    Valid(
        "options that the lab does not know: a TCP skips them, the network carries them",
        (_packet(51, SYN, 1, options=Options(mss=1460, other=((34, b""), (254, b"\xf9\x89\x00\xff")))),),
    ),
    Valid("a batch with a duplicate that the network made", (_DATA, replace(_DATA, copy=1), _packet(45, FIN, 1024))),
    Valid("a corrupted packet: as it was sent, and its damaged octets", (_damaged(_DATA),)),
    Valid("the greatest value of every field", (_GREATEST,)),
    Valid("required fields alone, with white space", (_BARE,), json.dumps({"packets": [_REQUIRED], "v": 1}, indent=1)),
    Valid("every default written out", (_BARE,), _message(_with(data="", urgptr=0, ecn=0, copy=0, options={}))),
    Valid(
        "base64 of the URL-safe alphabet, without padding, is taken as well",
        (replace(_BARE, segment=replace(_BARE.segment, payload=b"\xfb\xff\xfe\xff")),),
        _message(_with(data="-__-_w")),
    ),
    Valid(
        "of a name that stands twice the last counts", (_BARE,), _message(_REQUIRED).replace('"id":1', '"id":9,"id":1')
    ),
)


def _partial(name: str, reason: str, bad: object) -> Partial:
    return Partial(name, _message(_with(id=8), bad, _with(id=9)), (8, 9), ((reason, 1),))


def _without(field: str) -> dict[str, Any]:
    return {name: value for name, value in _REQUIRED.items() if name != field}


PARTIAL: Final = (
    *(_partial(f"no {field}", "missing_field", _without(field)) for field in _REQUIRED),
    _partial("a timestamp alone", "missing_field", _with(options={"ts": [1]})),
    _partial("a user timeout without its unit", "missing_field", _with(options={"uto": [100]})),
    _partial("an unknown field", "unknown_field", _with(ttl=64)),
    _partial("an unknown field of options", "unknown_field", _with(options={"nop": True})),
    _partial("a packet that is no object", "wrong_type", 1),
    _partial("a number in quotes", "wrong_type", _with(seq="5")),
    _partial("a number with a fraction", "wrong_type", _with(window=7.0)),
    _partial("a truth value for a number", "wrong_type", _with(ack=True)),
    _partial("null for a field that may be left out", "wrong_type", _with(options=None)),
    _partial("a user timeout in another unit", "wrong_type", _with(options={"uto": [1, "h"]})),
    _partial("a sequence number of 33 bits", "out_of_range", _with(seq=2**32)),
    _partial("a negative sequence number", "out_of_range", _with(seq=-1)),
    _partial("a port of 17 bits", "out_of_range", _with(dport=65_536)),
    _partial("a window of 17 bits", "out_of_range", _with(window=65_536)),
    _partial("an id that JavaScript cannot hold", "out_of_range", _with(id=2**53)),
    _partial("three ECN bits", "out_of_range", _with(ecn=4)),
    _partial("a window scale above 14", "out_of_range", _with(options={"wscale": 15})),
    _partial("a user timeout of 16 bits", "out_of_range", _with(options={"uto": [32_768, "s"]})),
    _partial("five SACK blocks", "out_of_range", _with(options={"sack": [[1, 2]] * 5})),
    _partial("an address with a leading zero", "bad_address", _with(src="10.0.1.01")),
    _partial("an IPv6 address", "bad_address", _with(dst="::1")),
    _partial("flags in another order", "bad_flags", _with(flags="AS")),
    _partial("a flag twice", "bad_flags", _with(flags="SS")),
    _partial("a lower-case flag", "bad_flags", _with(flags="s")),
    _partial("base64 with white space", "bad_base64", _with(data="QUJD QUJD")),
    _partial("base64 cut short", "bad_base64", _with(data="QUJDR")),
    _partial(
        "an option with a field of its own among the others", "known_option", _with(options={"other": [[2, "BbQ="]]})
    ),
    _partial("41 octets of options", "options_too_long", _with(options={"ts": [1, 2], "other": [[9, "A" * 39 + "="]]})),
    _partial("a packet of another pair of hosts", "mixed_hosts", _with(dst="10.0.2.2")),
    _partial("a packet of the other direction", "mixed_hosts", _with(src=SERVER, dst=CLIENT)),
    Partial(
        "no good packet",
        _message(1, _with(x=1), {}, 2),
        (),
        (("missing_field", 1), ("unknown_field", 1), ("wrong_type", 2)),
    ),
)

REFUSED: Final = (
    Refused("nothing", b"", "not_json"),
    Refused("not JSON", b"SYN", "not_json"),
    Refused("JSON cut short", _message(_REQUIRED)[:-1].encode(), "not_json"),
    Refused("JSON and more", _message(_REQUIRED).encode() + b"{}", "not_json"),
    Refused("a byte order mark", b"\xef\xbb\xbf" + _message(_REQUIRED).encode(), "not_json"),
    Refused("not UTF-8", _message(_REQUIRED).encode().replace(CLIENT.encode(), b"\xff\xfe"), "not_json"),
    Refused("half of a surrogate pair", _message(_with(src="\ud800")).encode(), "not_json"),
    Refused("nested too deeply", b"[" * 1000 + b"]" * 1000, "not_json"),
    Refused("no object", b"[]", "not_an_envelope"),
    Refused("no version", json.dumps({"packets": [_REQUIRED]}).encode(), "not_an_envelope"),
    Refused("no packets", b'{"v":1}', "not_an_envelope"),
    Refused("an empty list of packets", _message().encode(), "not_an_envelope"),
    Refused("packets that are no list", b'{"v":1,"packets":{}}', "not_an_envelope"),
    Refused("an unknown field", _message(_REQUIRED, ttl=64).encode(), "not_an_envelope"),
    Refused("version 2, whatever else is in it", b'{"v":2,"segments":[]}', "unknown_version"),
    Refused("a version in quotes", _message(_REQUIRED, v="1").encode(), "unknown_version"),
    Refused("too many packets", _message(*[_REQUIRED] * (MESSAGE_PACKETS_LIMIT + 1)).encode(), "too_many_packets"),
)

_SOUND: Final = octets.encode(_SYN.segment, CLIENT, SERVER)


def _resummed(damaged: bytes) -> bytes:
    """Return the octets with a checksum that fits, added up word by word as RFC 1071 describes it."""
    blank = damaged[:16] + b"\0\0" + damaged[18:]
    pseudo_header = bytes(map(int, f"{CLIENT}.{SERVER}".split("."))) + bytes((0, 6)) + len(blank).to_bytes(2, "big")
    total = 0
    for at in range(0, len(padded := pseudo_header + blank + bytes(len(blank) % 2)), 2):
        total += padded[at] << 8 | padded[at + 1]
        total = (total & 0xFFFF) + (total >> 16)
    return blank[:16] + (total ^ 0xFFFF).to_bytes(2, "big") + blank[18:]


def _with_options(options: bytes) -> bytes:
    words = (20 + len(options)) // 4
    return _resummed(_SOUND[:12] + bytes((words << 4,)) + _SOUND[13:20] + options)


REFUSED_OCTETS: Final = (
    RefusedOctets("nothing", b"", "too_short"),
    RefusedOctets("a header cut short", _SOUND[:19], "too_short"),
    RefusedOctets("one bit flipped", _SOUND[:4] + bytes((_SOUND[4] ^ 1,)) + _SOUND[5:], "bad_checksum"),
    RefusedOctets("the last octet lost", _SOUND[:-1], "bad_checksum"),
    RefusedOctets("a data offset within the header", _resummed(_SOUND[:12] + b"\x40" + _SOUND[13:]), "bad_data_offset"),
    RefusedOctets("a data offset beyond the end", _resummed(_SOUND[:12] + b"\xb0" + _SOUND[13:]), "bad_data_offset"),
    RefusedOctets("an option of length 0", _with_options(b"\x22\x00\x00\x00"), "bad_option"),
    RefusedOctets("an option of length 1", _with_options(b"\x22\x01\x00\x00"), "bad_option"),
    RefusedOctets("an option beyond the header", _with_options(b"\x01\x01\x08\x0a"), "bad_option"),
    RefusedOctets("an option without a length", _with_options(b"\x01\x01\x01\x22"), "bad_option"),
    RefusedOctets("a user timeout of one octet", _with_options(b"\x1c\x03\x05\x01"), "bad_option"),
    RefusedOctets("an MSS of three octets", _with_options(b"\x02\x05\x00\x05\xb4\x00\x00\x00"), "bad_option"),
)


def document() -> dict[str, Any]:
    """Return all vectors as one JSON document."""
    return {
        "content_type": CONTENT_TYPE,
        "valid": [_valid(vector) for vector in VALID],
        "partial": [
            {"name": name, "message": message, "taken": taken, "rejected": dict(rejected)}
            for name, message, taken, rejected in PARTIAL
        ],
        "refused": [
            {"name": name, "message_base64": b64encode(message).decode(), "reason": reason}
            for name, message, reason in REFUSED
        ],
        "refused_octets": [
            {"name": name, "source": CLIENT, "target": SERVER, "octets_hex": raw.hex(), "reason": reason}
            for name, raw, reason in REFUSED_OCTETS
        ],
    }


def _valid(vector: Valid) -> dict[str, Any]:
    return {
        "name": vector.name,
        "message": encode(vector.packets).decode() if vector.message is None else vector.message,
        "canonical": vector.message is None,
        "packets": [_expected(packet) for packet in vector.packets],
    }


def _expected(packet: Packet) -> dict[str, Any]:
    segment = packet.segment
    options = asdict(segment.options)
    options["other"] = [{"kind": kind, "contents_hex": body.hex()} for kind, body in segment.options.other]
    return {
        "id": packet.id,
        "born_nanoseconds": packet.born,
        "source": packet.source,
        "target": packet.target,
        "sport": segment.sport,
        "dport": segment.dport,
        "seq": segment.seq,
        "ack": segment.ack,
        "flags": segment.flags,
        "window": segment.window,
        "options": options,
        "payload_hex": segment.payload.hex(),
        "urgent": segment.urgent,
        "ecn": packet.ecn,
        "damaged_octets_hex": None if packet.octets is None else packet.octets.hex(),
        "copy": packet.copy,
        "segment_octets_hex": octets.encode(segment, packet.source, packet.target).hex(),
    }
