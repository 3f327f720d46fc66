"""Configurations as JSON."""

import json
from typing import Any

import pytest

from tcplab.netem.changes import parse_entry
from tcplab.netem.configuration import TRACES_LIMIT, Configuration
from tcplab.netem.faults import Fault, parse_rule
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.snapshot import InvalidConfiguration, from_json, to_json
from tcplab.netem.traces import among
from tcplab.units import MILLISECOND, SECOND, Instant

CONFIGURATION = Configuration(
    revision=7,
    links={Pattern("client", "server"): Profile(delay=50 * MILLISECOND), Pattern("10.0.1.1", "*"): Profile()},
    faults=(Fault("split", parse_rule("partition client | server"), Instant(5_000), Instant(30 * SECOND)),),
    timeline=(parse_entry("at 5s: heal split").set_at(Instant(6_000)),),
)
JSON = {
    "revision": 7,
    "links": {"client>server": "delay 50ms", "10.0.1.1>*": "limit 1000"},
    "faults": [{"name": "split", "rule": "partition client | server", "since": 5, "until": 30_000_000}],
    "timeline": [{"entry": "at 5s: heal split", "since": 6}],
}


def test_a_configuration_is_written_as_texts_and_read_back() -> None:
    assert to_json(CONFIGURATION) == JSON
    assert from_json(json.loads(json.dumps(JSON))) == CONFIGURATION


def traced(lines: str, **files: str) -> Configuration:
    return Configuration.parse(lines, traces=among({f"{name}.trace": text for name, text in files.items()}))


def test_traces_go_along_with_the_profiles_that_name_them() -> None:
    configuration = traced(
        "link client>server trace rate up.trace\nat 5s: link server>client delay 10ms trace delay slow.trace\n",
        up="0\n5\n5 # twice\n10\n",
        slow="20 35.5\n",
    )

    written = to_json(configuration)

    assert written["traces"] == {"up.trace": "0\n5\n5\n10\n", "slow.trace": "20 35.5\n"}
    assert from_json(json.loads(json.dumps(written))) == configuration


def test_a_trace_that_was_not_sent_along_is_named() -> None:
    value = {"links": {"client>server": "trace rate up.trace"}, "traces": {"down.trace": "1\n"}}

    with pytest.raises(
        InvalidConfiguration, match=r"'up\.trace' was not sent along, under traces; there are down\.trace"
    ):
        from_json(value)


def test_a_trace_that_is_none_is_refused_with_its_line() -> None:
    value = {"links": {"client>server": "trace rate up.trace"}, "traces": {"up.trace": "1\nsoon\n"}}

    with pytest.raises(InvalidConfiguration, match=r"up\.trace, line 2: 'soon' is no time in whole milliseconds"):
        from_json(value)


def test_two_traces_of_one_name_are_refused() -> None:
    one, other = (traced("link *>* trace rate up.trace", up=text).links for text in ("1\n", "2\n"))
    links = {
        Pattern("client", "server"): next(iter(one.values())),
        Pattern("server", "client"): next(iter(other.values())),
    }

    with pytest.raises(ValueError, match=r"two files are called 'up\.trace'; give one of them another name"):
        Configuration(links=links)
    with pytest.raises(ValueError, match=r"two files are called 'up\.trace'"):
        Configuration(
            links=one, timeline=(parse_entry("at 5s: link *>* trace rate up.trace", among({"up.trace": "2\n"})),)
        )


def test_traces_have_a_bound() -> None:
    long = "1\n" * (TRACES_LIMIT // 2)
    assert traced("link *>* trace rate up.trace", up=long).traces() == {"up.trace": long}

    with pytest.raises(ValueError, match="traces: 262,146 characters are too many; 262,144 may stand at once"):
        traced("link *>* trace rate up.trace", up=long + "1\n")


def test_what_is_left_out_has_its_default() -> None:
    assert from_json({}) == Configuration()


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ({"links": {"client": "delay 1ms"}}, (
            "links['client']: 'client' at column 1: a direction has two sides, as in client>server, 10.0.1.1>* or *>*",
        )),
        ({"links": {"client>server": "delay 1ms loos 1%"}}, (
            "links['client>server']: 'loos' at column 11: there is no such clause; did you mean 'loss'?",
        )),
        ({"faults": [{"name": "a", "rule": "partition client"}, {"name": "b c", "rule": "blackhole *>*"}]}, (
            "faults[0]: at the end of 'partition client': '|' and another group, as in partition client | server, "
            "is missing",
            "faults[1]: 'b c' is no name for a fault: 1 to 64 letters, digits, '_', '.' and '-'",
        )),
        ({"faults": [{"name": "a"}]}, ("faults[0].rule: field required",)),
        ({"fault": []}, ("fault: extra inputs are not permitted",)),
        ({"revision": -1}, ("revision: input should be greater than or equal to 0; it is -1",)),
        ({"faults": [{"name": "a", "rule": "blackhole *>*", "until": "soon"}]}, (
            "faults[0].until: input should be a valid integer; it is 'soon'",
        )),
        ({"faults": [{"name": "a", "rule": "blackhole *>*"}] * 2}, ("faults: two are called 'a'",)),
        ({"timeline": [{"entry": "at 5s: haal split"}]}, (
            "timeline[0]: 'haal' at column 8: no change begins so; there are link, heal, clear, partition, blackhole, "
            "flap, drop, hold, duplicate, corrupt, mark; did you mean 'heal'?",
        )),
        ([], ("configuration: must be an object; it is []",)),
    ],
)  # fmt: skip
def test_what_is_no_configuration_is_refused_with_every_path(value: Any, problems: tuple[str, ...]) -> None:
    with pytest.raises(InvalidConfiguration) as raised:
        from_json(value)

    assert raised.value.problems == problems
    assert str(raised.value) == "\n".join(problems)
