"""JSON <-> packets: the wire format of the lab, described in docs/wire-format.md.

One message carries one envelope: packets of one pair of hosts, in one direction, in the order in which they
were sent. The models below are what validates a message and what the published JSON Schema is generated from.
"""

from binascii import b2a_base64
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError, from_json, to_json

from tcplab.units import MICROSECOND
from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.octets import (
    KNOWN_KINDS,
    OPTIONS_LIMIT,
    PAYLOAD_LIMIT,
    SACK_LIMIT,
    SEGMENT_LIMIT,
    WSCALE_LIMIT,
    options_length,
)
from tcplab.wire.packet import Address, Packet
from tcplab.wire.segment import NO_OPTIONS, Flags, Options, Segment, UserTimeout, flags_text
from tcplab.wire.seq import SeqNumber

VERSION: Final = 1
CONTENT_TYPE: Final = "application/vnd.tcplab.segments+json"

MESSAGE_PACKETS_LIMIT: Final = 64  # packets: measured, a batch of fifty has all that batching can give
# 64 packets of the greatest size, damaged octets included, take 11.4 MB; RabbitMQ refuses messages above 16 MiB.
MESSAGE_OCTETS_LIMIT: Final = 12 << 20
# 64 packets with every field and 40 octets of options have 5,100 JSON values. Parsed and
# refused, a value of two octets takes up to 800 (measured: 12 MB of numbers take 2.2 GB): octets alone bound nothing.
MESSAGE_VALUES_LIMIT: Final = 8_192
UNCOUNTED_OCTETS: Final = 32 << 10  # beside payloads; beyond it values are counted: so much JSON, refused, takes 28 MB

MESSAGE_REASONS: Final = (
    "too_many_octets",
    "too_many_values",
    "not_json",
    "unknown_version",
    "too_many_packets",
    "not_an_envelope",
)
"""Every reason of a :class:`MalformedSegment` that :func:`decode` raises: the whole message is refused."""

PACKET_REASONS: Final = (
    "missing_field",
    "unknown_field",
    "wrong_type",
    "out_of_range",
    "bad_address",
    "bad_flags",
    "bad_base64",
    "known_option",
    "options_too_long",
    "mixed_hosts",
)
"""Every reason in :attr:`Decoded.rejected`: the packet is refused, the others of its message are taken."""

_OTHER_VERSION: Final = f"the sender does not speak version {VERSION} of the wire format; run one release on all nodes"
_DETAIL_LIMIT: Final = 160  # characters of a peer's making in one line of a log
_FLAGS_TEXT: Final = tuple(flags_text(Flags(flags)) for flags in range(256))
_FLAGS: Final = {text: Flags(flags) for flags, text in enumerate(_FLAGS_TEXT)}
_HEAD: Final = b'{"v":%d,"packets":[' % VERSION
_TAIL: Final = b"]}"
_PAYLOAD: Final = b'"data":"'
_ABSENT: Final[Any] = None  # the default of a field that may be left out, but may not be null


def _unknown_kind(kind: int) -> int:
    if kind in KNOWN_KINDS:
        raise PydanticCustomError("known_option", "option {kind} has a field of its own", {"kind": kind})
    return kind


def _drop_default(schema: dict[str, Any]) -> None:
    del schema["default"]


def _base64(octets: int) -> WithJsonSchema:
    """Return the schema of base64 for so many octets at most."""
    length = (octets + 2) // 3 * 4
    pattern = "^[A-Za-z0-9+/_-]*={0,2}$"
    return WithJsonSchema({"type": "string", "contentEncoding": "base64", "pattern": pattern, "maxLength": length})


_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
U15 = Annotated[int, Field(ge=0, le=0x7FFF)]
U16 = Annotated[int, Field(ge=0, le=0xFFFF)]
U32 = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]
Sequence32 = Annotated[SeqNumber, Field(ge=0, le=0xFFFF_FFFF)]
SafeInteger = Annotated[int, Field(ge=0, le=2**53 - 1)]  # what JavaScript's numbers hold exactly
DottedAddress = Annotated[Address, Field(pattern=rf"^{_OCTET}(\.{_OCTET}){{3}}$")]
FlagLetters = Annotated[str, Field(pattern="^F?S?R?P?A?U?E?C?$")]
OptionKind = Annotated[
    int, Field(ge=2, le=255), AfterValidator(_unknown_kind), WithJsonSchema(
        {"type": "integer", "minimum": 2, "maximum": 255, "not": {"enum": sorted(KNOWN_KINDS)}}
    ),
]  # fmt: skip
OptionBody = Annotated[bytes, Field(max_length=OPTIONS_LIMIT - 2), _base64(OPTIONS_LIMIT - 2)]
Payload = Annotated[bytes, Field(max_length=PAYLOAD_LIMIT), _base64(PAYLOAD_LIMIT)]
DamagedOctets = Annotated[bytes, Field(max_length=SEGMENT_LIMIT), _base64(SEGMENT_LIMIT)]
Version = Annotated[int, Field(ge=VERSION, le=VERSION), WithJsonSchema({"const": VERSION})]

_STRICT: Final = ConfigDict(extra="forbid", strict=True, val_json_bytes="base64")


class WireOptions(BaseModel):
    """TCP options; what is absent was not sent. All of them together fit the header's 40 octets."""

    model_config = _STRICT

    mss: U16 = Field(_ABSENT, description="Maximum segment size, octets.", json_schema_extra=_drop_default)
    wscale: Annotated[int, Field(ge=0, le=WSCALE_LIMIT)] = Field(
        _ABSENT, description="Window scale, a shift count.", json_schema_extra=_drop_default
    )
    sack_ok: bool = Field(False, description="SACK permitted.")
    ts: tuple[U32, U32] = Field(_ABSENT, description="Timestamps: TSval, TSecr.", json_schema_extra=_drop_default)
    sack: Annotated[tuple[tuple[Sequence32, Sequence32], ...], Field(max_length=SACK_LIMIT), FailFast()] = Field(
        (), description="SACK blocks: left edge, right edge (sequence numbers)."
    )
    uto: tuple[U15, Literal["s", "min"]] = Field(
        _ABSENT, description="User timeout: value, unit.", json_schema_extra=_drop_default
    )
    other: Annotated[tuple[tuple[OptionKind, OptionBody], ...], Field(max_length=OPTIONS_LIMIT // 2), FailFast()] = (
        Field(
            (), description="Options without a field of their own: kind, contents (without kind and length) in base64."
        )
    )


class WirePacket(BaseModel):
    """One packet: a TCP segment, its addresses, and what the lab needs to follow it."""

    model_config = _STRICT

    id: SafeInteger = Field(description="Identity of the packet, unique for its source.")
    born: SafeInteger = Field(description="When it was first sent, microseconds of the lab's clock.")
    src: DottedAddress = Field(description="Source address, IPv4.")
    dst: DottedAddress = Field(description="Destination address, IPv4.")
    sport: U16 = Field(description="Source port.")
    dport: U16 = Field(description="Destination port.")
    seq: Sequence32 = Field(description="Sequence number.")
    ack: Sequence32 = Field(description="Acknowledgement number; means something where flags has A.")
    flags: FlagLetters = Field(description="Flags, Scapy's letters in Scapy's order: FSRPAUEC.")
    window: U16 = Field(description="Window, the raw field, unscaled.")
    options: WireOptions = Field(_ABSENT, description="TCP options.", json_schema_extra=_drop_default)
    data: Payload = Field(b"", description="Payload, base64.")
    urgptr: U16 = Field(0, description="Urgent pointer, octets from seq.")
    ecn: Annotated[int, Field(ge=0, le=3)] = Field(0, description="The two ECN bits of the IP header.")
    octets: DamagedOctets = Field(
        _ABSENT,
        description="Of a packet corrupted on its way: the damaged segment as RFC 9293 octets, base64.",
        json_schema_extra=_drop_default,
    )
    copy_number: U16 = Field(
        0, alias="copy", description="0 for the packet itself, 1, 2, ... for duplicates that the network made."
    )


class Envelope(BaseModel):
    """One message: packets of one pair of hosts, in one direction, in the order in which they were sent."""

    model_config = _STRICT

    v: Version = Field(description="Version of the format.")
    packets: Annotated[list[WirePacket], Field(min_length=1, max_length=MESSAGE_PACKETS_LIMIT)]


class Decoded(NamedTuple):
    """What one message held."""

    packets: tuple[Packet, ...]
    """The good packets, in the order of the message."""
    rejected: tuple[tuple[str, int], ...] = ()
    """How many packets were refused, by reason (:data:`PACKET_REASONS`), in the order of the reasons' names."""


def encode(packets: Sequence[Packet]) -> bytes:
    """Return one message with the packets, in their order.

    ``born`` goes out in whole microseconds, rounded down. Up to :data:`MESSAGE_PACKETS_LIMIT` packets always fit
    into :data:`MESSAGE_OCTETS_LIMIT`.

    Raises:
        ValueError: no packet, too many, or packets of more than one pair of hosts.
    """
    if not 1 <= len(packets) <= MESSAGE_PACKETS_LIMIT:
        raise ValueError(f"a message carries 1..{MESSAGE_PACKETS_LIMIT} packets, not {len(packets)}")
    source, target = packets[0].source, packets[0].target
    pair = f'"src":{_text(source)},"dst":{_text(target)}'
    parts = []
    # Written out: each segment passes here twice, and an object for a serializer to walk takes twice the time.
    for packet in packets:
        if packet.source != source or packet.target != target:
            raise ValueError(f"a message from {source} to {target} carries packets of these two hosts alone")
        segment = packet.segment
        parts.append(
            f'{{"id":{packet.id},"born":{packet.born // MICROSECOND},{pair},"sport":{segment.sport},'
            f'"dport":{segment.dport},"seq":{segment.seq},"ack":{segment.ack},"flags":"{_FLAGS_TEXT[segment.flags]}",'
            f'"window":{segment.window},{_options_text(segment.options)}"data":"'.encode()
        )
        parts.append(b2a_base64(segment.payload, newline=False))
        plain = packet.octets is None and not (segment.urgent or packet.ecn or packet.copy)
        parts.append(b'"},' if plain else f'"{_rest_text(packet)}}},'.encode())
    parts[-1] = parts[-1][:-1] + _TAIL
    return b"".join((_HEAD, *parts))


def decode(message: bytes) -> Decoded:
    """Return the packets of one message, and how many of them were refused and why.

    Raises:
        MalformedSegment: nothing else, whatever the octets are, where the message is no envelope of this version;
            the reason is one of :data:`MESSAGE_REASONS`.
    """
    if len(message) > MESSAGE_OCTETS_LIMIT:
        raise MalformedSegment("too_many_octets", f"{len(message)} octets, the limit is {MESSAGE_OCTETS_LIMIT}")
    if len(message) > UNCOUNTED_OCTETS and not _is_mostly_payload(message):
        values = len(message) - len(message.translate(None, b",[{"))
        if values > MESSAGE_VALUES_LIMIT:
            raise MalformedSegment("too_many_values", f"{values} JSON values, the limit is {MESSAGE_VALUES_LIMIT}")
    try:
        envelope = Envelope.model_validate_json(message)
    except ValidationError as error:
        return _salvage(message, error.errors(include_url=False, include_context=False, include_input=False))
    return _decode_packets(envelope.packets, {})


def _text(value: object) -> str:
    return to_json(value).decode()


def _base64_text(octets: bytes) -> str:
    return b2a_base64(octets, newline=False).decode()


def _options_text(options: Options) -> str:
    """Return the field ``options`` with its comma, where there are any."""
    fields = ""
    if options.mss is not None:
        fields = f',"mss":{options.mss}'
    if options.wscale is not None:
        fields += f',"wscale":{options.wscale}'
    if options.sack_ok:
        fields += ',"sack_ok":true'
    if (timestamps := options.timestamps) is not None:
        fields += f',"ts":[{timestamps[0]},{timestamps[1]}]'
    if options.sack:
        fields += f',"sack":{_text(options.sack)}'
    if options.user_timeout is not None:
        fields += f',"uto":{_text(options.user_timeout)}'
    if options.other:
        fields += f',"other":{_text([(kind, _base64_text(body)) for kind, body in options.other])}'
    return f'"options":{{{fields[1:]}}},' if fields else ""


def _rest_text(packet: Packet) -> str:
    """Return the fields that stand behind the payload, each with its comma."""
    fields = f',"urgptr":{packet.segment.urgent}' if packet.segment.urgent else ""
    if packet.ecn:
        fields += f',"ecn":{packet.ecn}'
    if packet.octets is not None:
        fields += f',"octets":"{_base64_text(packet.octets)}"'
    if packet.copy:
        fields += f',"copy":{packet.copy}'
    return fields


def _is_mostly_payload(message: bytes) -> bool:
    """Return whether no more than :data:`UNCOUNTED_OCTETS` of a message are beside its payloads.

    What follows ``"data":"`` is within a string, as far as the next quotation mark at least, or not within JSON.
    """
    beside = at = 0
    while beside <= UNCOUNTED_OCTETS:
        payload = message.find(_PAYLOAD, at)
        if payload < 0:
            return beside + len(message) - at <= UNCOUNTED_OCTETS
        payload += len(_PAYLOAD)
        beside += payload - at
        at = message.find(b'"', payload)
        if at < 0:
            break
    return False


def _options(wire: WireOptions) -> Options:
    mss, wscale, sack_ok, timestamps, sack, uto, other = wire.__dict__.values()
    user_timeout = None if uto is None else UserTimeout(*uto)
    return Options(mss, wscale, sack_ok, timestamps, sack, user_timeout, other)


def _decode_packets(wires: Iterable[WirePacket], rejected: dict[str, int]) -> Decoded:
    """Build the packets, and refuse what no single field shows to be wrong.

    Pydantic keeps the values of a model in the order of its fields, whatever the order they came in.
    """
    packets: list[Packet] = []
    source = target = None
    for wire in wires:
        (identity, born, its_source, its_target, sport, dport, seq, ack, flags, window, wire_options, payload, urgent,
         ecn, octets, copy) = wire.__dict__.values()  # fmt: skip
        options = NO_OPTIONS if wire_options is None else _options(wire_options)
        if (options.sack or options.other) and options_length(options) > OPTIONS_LIMIT:
            rejected["options_too_long"] = rejected.get("options_too_long", 0) + 1
            continue
        if source is None:
            source, target = its_source, its_target
        elif its_source != source or its_target != target:
            rejected["mixed_hosts"] = rejected.get("mixed_hosts", 0) + 1
            continue
        segment = Segment(sport, dport, seq, ack, _FLAGS[flags], window, options, payload, urgent)
        packets.append(Packet(identity, born * MICROSECOND, source, target, segment, ecn, octets, copy))
    return Decoded(tuple(packets), tuple(sorted(rejected.items())))


def _salvage(message: bytes, troubles: Sequence[ErrorDetails]) -> Decoded:
    """Take what is good of a message that did not validate as a whole.

    Raises:
        MalformedSegment: the trouble is not with single packets.
    """
    bad: dict[int | str, str] = {}
    for trouble in troubles:  # in the order of the fields: the version comes first
        if len(trouble["loc"]) < 2:
            reason = _message_reason(trouble)
            raise MalformedSegment(reason, _OTHER_VERSION if reason == "unknown_version" else _detail(trouble))
        bad.setdefault(trouble["loc"][1], _packet_reason(trouble))  # ("packets", index, ...)
    rejected = Counter(bad.values())
    good = [packet for index, packet in enumerate(from_json(message)["packets"]) if index not in bad]
    if not good:
        return Decoded((), tuple(sorted(rejected.items())))
    envelope = Envelope.model_validate_json(to_json({"v": VERSION, "packets": good}))
    return _decode_packets(envelope.packets, rejected)


_REASONS: Final = {
    "missing": "missing_field",
    "extra_forbidden": "unknown_field",
    "greater_than_equal": "out_of_range",
    "less_than_equal": "out_of_range",
    "bytes_too_long": "out_of_range",
    "too_long": "out_of_range",
    "bytes_invalid_encoding": "bad_base64",
    "known_option": "known_option",
}
_PATTERN_REASONS: Final = {"src": "bad_address", "dst": "bad_address", "flags": "bad_flags"}


def _packet_reason(trouble: ErrorDetails) -> str:
    if trouble["type"] == "string_pattern_mismatch":
        return _PATTERN_REASONS[str(trouble["loc"][-1])]
    return _REASONS.get(trouble["type"], "wrong_type")


def _message_reason(trouble: ErrorDetails) -> str:
    match trouble["type"], trouble["loc"]:
        case "json_invalid", _:
            return "not_json"
        case kind, ("v",) if kind != "missing":
            return "unknown_version"
        case "too_long", ("packets",):
            return "too_many_packets"
        case _:
            return "not_an_envelope"


def _detail(trouble: ErrorDetails) -> str:
    where = ".".join(str(part) for part in trouble["loc"])
    text = f"{where}: {trouble['msg']}" if where else trouble["msg"]
    return "".join(letter if letter.isprintable() else "?" for letter in text[:_DETAIL_LIMIT])
