"""Whatever is printed is read back as the same."""

import json

from hypothesis import given

from tcplab.netem.changes import Change, Entry, parse_entry, parse_line
from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import Rule, parse_rule
from tcplab.netem.snapshot import from_json, to_json
from tests.netem.configurations import changes, configurations, entries, rules


@given(rule=rules)
def test_a_rule(rule: Rule) -> None:
    assert parse_rule(str(rule)) == rule


@given(change=changes)
def test_a_change(change: Change) -> None:
    assert parse_line(str(change)) == change


@given(entry=entries)
def test_an_entry_of_a_timeline(entry: Entry) -> None:
    assert parse_entry(entry.text()) == entry


@given(configuration=configurations)
def test_a_configuration_as_lines(configuration: Configuration) -> None:
    assert Configuration.parse(str(configuration), revision=configuration.revision) == configuration


@given(configuration=configurations)
def test_a_configuration_as_json(configuration: Configuration) -> None:
    assert from_json(json.loads(json.dumps(to_json(configuration)))) == configuration
