"""Records of the configurations' log, as octets and back."""

import json

import pytest

from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import Fault, parse_rule
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.runtime.records import Lease, MalformedRecord, Record, dump, load
from tcplab.units import SECOND, Instant

THERE = Pattern("client", "server")
NOW = Instant(1_763_900_000 * SECOND)
RECORD = Record(
    Configuration(
        7,
        {THERE: Profile(delay=SECOND, loss=0.25)},
        (Fault("split", parse_rule("partition client | server"), NOW, NOW + 30 * SECOND),),
    ),
    NOW,
    by="workshop",
    what="partition client | server",
    leases={
        "lease-1": Lease(NOW + 30 * SECOND, 30 * SECOND, ("split",), {THERE: None}),
        "lease-2": Lease(Instant(NOW), SECOND, (), {THERE: Profile(loss=0.5)}),
    },
)


def test_a_record_comes_back_as_it_was() -> None:
    assert load(dump(RECORD)) == RECORD
    assert RECORD.revision == 7


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"v": 2}, "version 2 of records is not known here: run the same release everywhere"),
        ({"at": "now"}, "at: Input should be a valid integer"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
        ({"configuration": {"links": {"client>server": "los 1%"}}}, "did you mean 'loss'"),
    ],
)
def test_what_is_none_says_why_in_one_line(change: dict[str, object], said: str) -> None:
    with pytest.raises(MalformedRecord) as refused:
        load(json.dumps(json.loads(dump(RECORD)) | change).encode())

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"7"])
def test_any_octets_are_refused_in_one_way(body: bytes) -> None:
    with pytest.raises(MalformedRecord):
        load(body)
