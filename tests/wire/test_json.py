"""The wire format: what goes out, what comes in, and nothing but MalformedSegment for what is no message."""

import json
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcplab.units import Instant
from tcplab.wire.json import MESSAGE_REASONS, PACKET_REASONS, Decoded, decode, encode
from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.packet import Address, Packet
from tcplab.wire.segment import ACK, SYN, Options, Segment
from tcplab.wire.seq import SeqNumber
from tests.wire.strategies import batches, damaged, json_values, replaced

CLIENT, SERVER = Address("10.0.1.1"), Address("10.0.2.1")
ZERO = SeqNumber(0)
BARE = Packet(1, Instant(0), CLIENT, SERVER, Segment(1, 2, ZERO, ZERO, ACK, 3))
PLAIN: dict[str, Any] = {
    "id": 1,
    "born": 0,
    "src": "10.0.1.1",
    "dst": "10.0.2.1",
    "sport": 1,
    "dport": 2,
    "seq": 0,
    "ack": 0,
    "flags": "A",
    "window": 3,
}
FULL: dict[str, Any] = PLAIN | {
    "options": {
        "mss": 9,
        "wscale": 1,
        "sack_ok": True,
        "ts": [1, 2],
        "sack": [[3, 4]],
        "uto": [5, "min"],
        "other": [[9, "AAAA"]],
    },
    "data": "QUJD",
    "urgptr": 1,
    "ecn": 1,
    "octets": "QUJD",
    "copy": 1,
}
FIELDS = [(name,) for name in FULL] + [("options", name) for name in FULL["options"]]


def message(*packets: object, **fields: object) -> bytes:
    return json.dumps({"v": 1, "packets": packets, **fields}).encode()


def refusal(raw: bytes) -> MalformedSegment:
    with pytest.raises(MalformedSegment) as malformed:
        decode(raw)
    return malformed.value


# --- what goes out -----------------------------------------------------------------------------------------------


def test_a_syn_is_written_as_the_design_shows_it() -> None:
    syn = Segment(49_152, 80, SeqNumber(1000), ZERO, SYN, 65_535, Options(1460, 7, True, (12, 0)))

    written = encode([Packet(42, Instant(1_763_900_000_000_350_000), CLIENT, SERVER, syn)])

    assert written == (
        b'{"v":1,"packets":[{"id":42,"born":1763900000000350,"src":"10.0.1.1","dst":"10.0.2.1","sport":49152,'
        b'"dport":80,"seq":1000,"ack":0,"flags":"S","window":65535,'
        b'"options":{"mss":1460,"wscale":7,"sack_ok":true,"ts":[12,0]},"data":""}]}'
    )


def test_what_is_not_a_default_is_written_too() -> None:
    segment = Segment(
        1, 2, ZERO, ZERO, ACK, 3, Options(sack=((ZERO, SeqNumber(5)),), other=((9, b"\xff"),)), b"\xff", 4
    )

    written = json.loads(encode([Packet(1, Instant(0), CLIENT, SERVER, segment, 2, b"\xfe", 3)]))

    assert written["packets"] == [
        PLAIN
        | {
            "options": {"sack": [[0, 5]], "other": [[9, "/w=="]]},
            "data": "/w==",
            "urgptr": 4,
            "ecn": 2,
            "octets": "/g==",
            "copy": 3,
        }
    ]


def test_born_goes_out_in_whole_microseconds() -> None:
    assert decode(encode([replace(BARE, born=Instant(1_999))])).packets[0].born == 1_000


@pytest.mark.parametrize(
    ("packets", "complaint"),
    [
        ([], "carries 1..64 packets, not 0"),
        ([BARE] * 65, "carries 1..64 packets, not 65"),
        ([BARE, replace(BARE, target=Address("10.0.2.2"))], "from 10.0.1.1 to 10.0.2.1 carries packets of these two"),
        ([BARE, replace(BARE, source=SERVER, target=CLIENT)], "from 10.0.1.1 to 10.0.2.1 carries packets of these two"),
    ],
)
def test_a_message_has_one_pair_of_hosts_and_a_bounded_number_of_packets(packets: list[Packet], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        encode(packets)


@settings(deadline=None)
@given(batches)
def test_packets_come_back_as_they_were(packets: list[Packet]) -> None:
    assert decode(encode(packets)) == Decoded(tuple(packets))


# --- what comes in -----------------------------------------------------------------------------------------------


def test_absent_fields_have_their_defaults() -> None:
    assert decode(message(PLAIN)) == Decoded((BARE,))


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_null_is_no_value_of_any_field(path: tuple[str, ...]) -> None:
    assert decode(message(replaced(FULL, path, None))) == Decoded((), (("wrong_type", 1),))


@pytest.mark.parametrize("path", [("options", "sack", 0), ("options", "uto", 1), ("options", "other", 0, 1)])
def test_null_is_no_part_of_an_option(path: tuple[str | int, ...]) -> None:
    assert decode(message(replaced(FULL, path, None))) == Decoded((), (("wrong_type", 1),))


def test_good_packets_are_taken_in_order_from_among_bad_ones() -> None:
    bad = [1, PLAIN | {"seq": -1}, PLAIN | {"src": "10.0.1.256"}, PLAIN | {"seq": -1}, PLAIN | {"dst": "10.0.2.9"}]
    good = [PLAIN | {"id": number} for number in range(4)]

    decoded = decode(message(bad[0], good[0], bad[1], good[1], bad[2], good[2], bad[3], good[3], bad[4]))

    assert [packet.id for packet in decoded.packets] == [0, 1, 2, 3]
    assert decoded.rejected == (("bad_address", 1), ("mixed_hosts", 1), ("out_of_range", 2), ("wrong_type", 1))


def test_a_packet_that_is_refused_does_not_name_the_pair_of_hosts() -> None:
    too_long = PLAIN | {"dst": "10.0.2.9", "options": {"other": [[9, "A" * 40], [9, "A" * 40]]}}

    decoded = decode(message(too_long, PLAIN))

    assert decoded == Decoded((BARE,), (("options_too_long", 1),))


@settings(deadline=None)
@given(batches, st.lists(st.tuples(st.integers(0, 5), json_values), max_size=3))
def test_no_bad_packet_harms_a_good_one(packets: list[Packet], intruders: list[tuple[int, Any]]) -> None:
    envelope = json.loads(encode(packets))
    for place, intruder in intruders:
        envelope["packets"].insert(place, intruder)

    decoded = decode(json.dumps(envelope).encode())

    assert decoded.packets == tuple(packets)
    assert sum(count for _, count in decoded.rejected) == len(intruders)


def test_forty_octets_of_options_fit_a_header() -> None:
    options = {"wscale": 1, "ts": [1, 2], "other": [[9, b64encode(bytes(25)).decode()]]}
    assert decode(message(PLAIN | {"options": options})).packets[0].segment.options.other == ((9, bytes(25)),)

    options["mss"] = 1460

    assert decode(message(PLAIN | {"options": options})) == Decoded((), (("options_too_long", 1),))


# --- whatever comes in -------------------------------------------------------------------------------------------


def outcome(raw: bytes) -> Decoded | MalformedSegment:
    try:
        return decode(raw)
    except MalformedSegment as malformed:
        return malformed


def decodes_or_is_malformed(raw: bytes) -> None:
    match outcome(raw):
        case MalformedSegment(reason=reason, detail=detail):
            assert reason in MESSAGE_REASONS
            assert detail.isprintable()
            assert len(detail) <= 160
        case Decoded(packets, rejected):
            assert packets or rejected
            assert {reason for reason, _ in rejected} <= set(PACKET_REASONS)
            if packets:
                assert decode(encode(packets)) == Decoded(packets)


@settings(deadline=None)
@given(st.binary() | st.text().map(str.encode))
def test_any_octets_decode_or_are_malformed(raw: bytes) -> None:
    decodes_or_is_malformed(raw)


@settings(deadline=None)
@given(json_values)
def test_any_json_decodes_or_is_malformed(value: Any) -> None:
    decodes_or_is_malformed(json.dumps(value).encode())


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["v", "packets", "x"]), st.just(1) | st.lists(json_values) | json_values))
def test_any_envelope_decodes_or_is_malformed(value: Any) -> None:
    decodes_or_is_malformed(json.dumps(value).encode())


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(FIELDS), json_values), min_size=1, max_size=3))
def test_any_value_of_any_field_decodes_or_is_malformed(changes: list[tuple[tuple[str, ...], Any]]) -> None:
    packet: Any = FULL
    for path, value in sorted(changes, key=lambda change: len(change[0]), reverse=True):
        packet = replaced(packet, path, value)
    decodes_or_is_malformed(message(PLAIN, packet, PLAIN))


@settings(max_examples=300, deadline=None)
@given(batches.flatmap(lambda packets: damaged(encode(packets))))
def test_a_damaged_message_decodes_or_is_malformed(raw: bytes) -> None:
    decodes_or_is_malformed(raw)


def test_a_peer_writes_no_line_of_its_own_into_the_log() -> None:
    malformed = refusal(message(PLAIN, **{"\n\x1b[2Jroot logged in\u2028" + "x" * 1000: 1}))

    assert malformed.reason == "not_an_envelope"
    assert malformed.detail.startswith("??[2Jroot logged in?xxx")
    assert len(malformed.detail) == 160


def test_a_peer_of_another_version_is_named_as_such() -> None:
    malformed = refusal(b'{"v":2,"segments":["' + b"x" * 1000 + b'"],"packets":null}')

    assert str(malformed) == (
        "unknown_version: the sender does not speak version 1 of the wire format; run one release on all nodes"
    )


@pytest.mark.parametrize("version", [0, 2, -1, 2**64, True, 1.0, "1", None, [1], {}])
def test_only_the_whole_number_1_is_version_1(version: object) -> None:
    assert refusal(message(PLAIN, v=version)).reason == "unknown_version"
