"""The published test vectors, and the published JSON Schema against them."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tcplab.units import Instant
from tcplab.wire import octets
from tcplab.wire.json import MESSAGE_REASONS, PACKET_REASONS, Decoded, decode, encode
from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.octets import OCTETS_REASONS
from tcplab.wire.packet import Address, Packet
from tcplab.wire.segment import Flags, Options, Segment, UserTimeout
from tcplab.wire.seq import SeqNumber

DOCS = Path(__file__).parents[2] / "docs"
VECTORS: dict[str, Any] = json.loads((DOCS / "wire-format.vectors.json").read_text("utf-8"))
SCHEMA = Draft202012Validator(json.loads((DOCS / "wire-format.schema.json").read_text("utf-8")))

# What takes more than one field, or the decoded octets, to see: the document says so, the schema cannot.
BEYOND_SCHEMA = {
    "a number with a fraction",
    "base64 cut short",
    "41 octets of options",
    "a packet of another pair of hosts",
    "a packet of the other direction",
}


def vectors(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", VECTORS[kind], ids=[vector["name"] for vector in VECTORS[kind]])


def segment_of(expected: dict[str, Any]) -> Segment:
    options = expected["options"]
    return Segment(
        expected["sport"],
        expected["dport"],
        SeqNumber(expected["seq"]),
        SeqNumber(expected["ack"]),
        Flags(expected["flags"]),
        expected["window"],
        Options(
            options["mss"],
            options["wscale"],
            options["sack_ok"],
            options["timestamps"] and tuple(options["timestamps"]),
            tuple((left, right) for left, right in options["sack"]),
            options["user_timeout"] and UserTimeout(*options["user_timeout"]),
            tuple((other["kind"], bytes.fromhex(other["contents_hex"])) for other in options["other"]),
        ),
        bytes.fromhex(expected["payload_hex"]),
        expected["urgent"],
    )


def packet_of(expected: dict[str, Any]) -> Packet:
    damaged = expected["damaged_octets_hex"]
    return Packet(
        expected["id"],
        Instant(expected["born_nanoseconds"]),
        Address(expected["source"]),
        Address(expected["target"]),
        segment_of(expected),
        expected["ecn"],
        None if damaged is None else bytes.fromhex(damaged),
        expected["copy"],
    )


@vectors("valid")
def test_a_valid_message_gives_the_expected_packets(vector: dict[str, Any]) -> None:
    packets = tuple(packet_of(expected) for expected in vector["packets"])

    assert decode(vector["message"].encode()) == Decoded(packets)
    assert (encode(packets).decode() == vector["message"]) == vector["canonical"]


@vectors("valid")
def test_a_valid_segment_has_the_expected_octets(vector: dict[str, Any]) -> None:
    for expected in vector["packets"]:
        raw, source, target = bytes.fromhex(expected["segment_octets_hex"]), expected["source"], expected["target"]

        assert octets.encode(segment_of(expected), source, target) == raw
        assert octets.decode(raw, source, target) == segment_of(expected)


@vectors("partial")
def test_the_good_packets_are_taken_and_the_bad_ones_counted(vector: dict[str, Any]) -> None:
    decoded = decode(vector["message"].encode())

    assert [packet.id for packet in decoded.packets] == vector["taken"]
    assert dict(decoded.rejected) == vector["rejected"]


@vectors("refused")
def test_a_refused_message_is_malformed_for_the_expected_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedSegment) as malformed:
        decode(b64decode(vector["message_base64"]))

    assert malformed.value.reason == vector["reason"]


@vectors("refused_octets")
def test_refused_octets_are_malformed_for_the_expected_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(MalformedSegment) as malformed:
        octets.decode(bytes.fromhex(vector["octets_hex"]), vector["source"], vector["target"])

    assert malformed.value.reason == vector["reason"]


def test_the_octets_of_the_corrupted_packet_do_not_fit_their_checksum() -> None:
    corrupted = [each for vector in VECTORS["valid"] for each in vector["packets"] if each["damaged_octets_hex"]]

    assert len(corrupted) == 1
    with pytest.raises(MalformedSegment, match="bad_checksum"):
        octets.decode(bytes.fromhex(corrupted[0]["damaged_octets_hex"]), corrupted[0]["source"], corrupted[0]["target"])


def test_every_reason_has_a_vector_but_those_that_take_a_huge_message() -> None:
    huge = {"too_many_octets", "too_many_values", "too_long"}
    refused = {vector["reason"] for vector in VECTORS["refused"] + VECTORS["refused_octets"]}
    rejected = {reason for vector in VECTORS["partial"] for reason in vector["rejected"]}

    assert refused == {*MESSAGE_REASONS, *OCTETS_REASONS} - huge
    assert rejected == set(PACKET_REASONS)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA.schema)


@vectors("valid")
def test_the_schema_accepts_what_is_valid(vector: dict[str, Any]) -> None:
    assert [error.message for error in SCHEMA.iter_errors(json.loads(vector["message"]))] == []


@vectors("partial")
def test_the_schema_refuses_what_holds_a_bad_packet(vector: dict[str, Any]) -> None:
    assert SCHEMA.is_valid(json.loads(vector["message"])) == (vector["name"] in BEYOND_SCHEMA)


@vectors("refused")
def test_the_schema_refuses_what_is_no_envelope(vector: dict[str, Any]) -> None:
    if vector["reason"] == "not_json":
        with pytest.raises(MalformedSegment, match="not_json"):
            decode(b64decode(vector["message_base64"]))
    else:
        assert not SCHEMA.is_valid(json.loads(b64decode(vector["message_base64"])))
