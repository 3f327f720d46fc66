"""docs/wire-format.md names every field, reason and limit that the code has."""

import json
import re
from pathlib import Path

import pytest

from tcplab.wire.json import (
    CONTENT_TYPE,
    MESSAGE_OCTETS_LIMIT,
    MESSAGE_PACKETS_LIMIT,
    MESSAGE_REASONS,
    MESSAGE_VALUES_LIMIT,
    PACKET_REASONS,
    UNCOUNTED_OCTETS,
    Envelope,
    WireOptions,
    WirePacket,
    decode,
)
from tcplab.wire.octets import OCTETS_REASONS, OPTIONS_LIMIT, PAYLOAD_LIMIT, SACK_LIMIT, SEGMENT_LIMIT

PAGE = (Path(__file__).parents[2] / "docs" / "wire-format.md").read_text("utf-8")
FIRST_CELLS = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\|([^|]*)\|", PAGE, re.MULTILINE))))


def test_the_tables_have_each_field_and_reason_and_no_other() -> None:
    fields = {
        field.alias or name
        for model in (Envelope, WirePacket, WireOptions)
        for name, field in model.model_fields.items()
    }

    assert fields | {*MESSAGE_REASONS, *PACKET_REASONS, *OCTETS_REASONS} == FIRST_CELLS


@pytest.mark.parametrize(
    "said",
    [
        CONTENT_TYPE,
        f"1 to {MESSAGE_PACKETS_LIMIT} packets",
        f"longer than {MESSAGE_OCTETS_LIMIT >> 20} MiB",
        f"longer than {UNCOUNTED_OCTETS >> 10} KiB beside its payloads",
        f"with more than {MESSAGE_VALUES_LIMIT:,} of the characters",
        f"base64, at most {PAYLOAD_LIMIT:,} octets",
        f"base64, at most {SEGMENT_LIMIT:,} octets",
        f"at most {OPTIONS_LIMIT} octets of a header",
        f"up to {SACK_LIMIT} blocks",
    ],
)
def test_the_page_says(said: str) -> None:
    assert said in PAGE


def test_the_example_is_a_message() -> None:
    example = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)

    assert example is not None
    assert json.loads(example[1])["packets"][0]["id"] == decode(example[1].encode()).packets[0].id == 42
