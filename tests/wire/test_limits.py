"""One message takes a bounded number of packets, octets and, parsed, of memory."""

import json
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from tcplab.units import Instant
from tcplab.wire.json import (
    MESSAGE_OCTETS_LIMIT,
    MESSAGE_PACKETS_LIMIT,
    MESSAGE_VALUES_LIMIT,
    UNCOUNTED_OCTETS,
    Decoded,
    decode,
    encode,
)
from tcplab.wire.malformed import MalformedSegment
from tcplab.wire.octets import PAYLOAD_LIMIT, SEGMENT_LIMIT
from tcplab.wire.packet import Address, Packet
from tcplab.wire.segment import Flags, Options, Segment
from tcplab.wire.seq import SeqNumber

MAX = SeqNumber(2**32 - 1)
LARGEST = Packet(
    2**53 - 1,
    Instant((2**53 - 1) * 1000),
    Address("255.255.255.255"),
    Address("255.255.255.254"),
    Segment(
        65_535,
        65_535,
        MAX,
        MAX,
        Flags(255),
        65_535,
        Options(other=((253, b""),) * 20),  # 20 options of two octets: the most JSON values that 40 octets give
        bytes(PAYLOAD_LIMIT),
        65_535,
    ),
    3,
    bytes(SEGMENT_LIMIT),
    65_535,
)
SMALL = replace(LARGEST, segment=replace(LARGEST.segment, payload=b"", options=Options()), octets=None)


def reason(message: bytes) -> str:
    with pytest.raises(MalformedSegment) as malformed:
        decode(message)
    return malformed.value.reason


def test_as_many_packets_as_a_message_carries_fit_it_however_large_they_are() -> None:
    batch = (LARGEST,) * MESSAGE_PACKETS_LIMIT

    message = encode(batch)

    assert UNCOUNTED_OCTETS < len(message) <= MESSAGE_OCTETS_LIMIT  # so its values were counted, and fit as well
    assert decode(message) == Decoded(batch)


def test_one_packet_more_than_the_limit_is_refused() -> None:
    packet = json.loads(encode([SMALL]))["packets"][0]

    within = json.dumps({"v": 1, "packets": [packet] * MESSAGE_PACKETS_LIMIT}).encode()
    beyond = json.dumps({"v": 1, "packets": [packet] * (MESSAGE_PACKETS_LIMIT + 1)}).encode()

    assert decode(within) == Decoded((SMALL,) * MESSAGE_PACKETS_LIMIT)
    assert reason(beyond) == "too_many_packets"


def test_one_octet_more_than_the_limit_is_refused() -> None:
    message = encode([SMALL]).ljust(MESSAGE_OCTETS_LIMIT)

    assert decode(message) == Decoded((SMALL,))
    assert reason(message + b" ") == "too_many_octets"


def test_more_values_than_the_limit_are_refused_in_a_long_message() -> None:
    def message(values: int) -> bytes:
        brackets = values - len("{,[{,[{".replace(" ", ""))
        return b'{"v":1,"packets":[{"id":0,"options":[{}' + b",1" * brackets + b"]}]}" + b" " * UNCOUNTED_OCTETS

    assert decode(message(MESSAGE_VALUES_LIMIT)).packets == ()
    assert reason(message(MESSAGE_VALUES_LIMIT + 1)) == "too_many_values"


def test_what_is_in_a_payload_counts_for_no_value() -> None:
    packet = json.loads(encode([SMALL]))["packets"][0]
    commas = "," * UNCOUNTED_OCTETS
    payload = json.dumps(packet | {"data": commas}, separators=(",", ":"))
    option = json.dumps(packet | {"options": {"other": [[9, commas]]}}, separators=(",", ":"))

    assert decode(f'{{"v":1,"packets":[{payload}]}}'.encode()) == Decoded((), (("bad_base64", 1),))
    assert reason(f'{{"v":1,"packets":[{payload},{option}]}}'.encode()) == "too_many_values"


def test_a_payload_without_an_end_hides_no_values() -> None:
    assert reason(b'{"v":1,"packets":[{"data":"' + b"," * UNCOUNTED_OCTETS) == "too_many_values"


@pytest.mark.parametrize(("field", "octets"), [("data", PAYLOAD_LIMIT), ("octets", SEGMENT_LIMIT)])
def test_one_octet_more_than_a_datagram_holds_is_out_of_range(field: str, octets: int) -> None:
    encoded: dict[str, Any] = json.loads(encode([LARGEST]))
    assert decode(json.dumps(encoded).encode()) == Decoded((LARGEST,))

    encoded["packets"][0][field] = b64encode(bytes(octets + 1)).decode()

    assert decode(json.dumps(encoded).encode()) == Decoded((), (("out_of_range", 1),))


MEASURE = """
import resource, sys
from pathlib import Path
from tcplab.wire.json import decode
from tcplab.wire.malformed import MalformedSegment

def resident():
    status = Path("/proc/self/status")
    if not status.exists():  # not Linux, whose ru_maxrss would begin with that of the parent
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))

head, unit, octets = sys.argv[1].encode(), sys.argv[2].encode(), int(sys.argv[3])
tail = head[::-1].translate(bytes.maketrans(b"[{", b"]}"), bytes(set(range(256)) - set(b"[{")))
message = head + unit * ((octets - len(head + tail) - 1) // len(unit)) + b"1" + tail
before = resident()
try:
    decode(message)
except MalformedSegment:
    pass
print(resident() - before)
"""


@pytest.mark.parametrize("octets", [UNCOUNTED_OCTETS, MESSAGE_OCTETS_LIMIT])
@pytest.mark.parametrize("head", ['{"v":1,"packets":[', '{"v":1,"packets":[{"options":{"other":['])
@pytest.mark.parametrize("unit", ["1,", '"",', "[],", "{},", '{"":0},', "[[[[[[[[1]]]]]]]],"])
def test_a_hostile_message_takes_bounded_memory(head: str, unit: str, octets: int) -> None:
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, head, unit, str(octets)], capture_output=True, text=True, check=True, timeout=60
    )

    assert int(run.stdout) < 36 << 20
