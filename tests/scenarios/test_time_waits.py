"""What the experiments with TIME_WAIT find: the table that ``tcplab time-wait-policies`` prints."""

from typing import Final

import pytest

from tcplab.scenarios.time_waits import PROBES, Outcome, play
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.time_wait import PolicyName
from tcplab.units import SECOND

SILENT: Final[tuple[str, ...]] = ()
Found = tuple[tuple[str, ...], str, int]

ONE_BY_ONE: Final[dict[PolicyName, dict[str, Found]]] = {
    "rfc9293": {
        "nothing": (SILENT, "stays", 240),
        "ack": (SILENT, "stays", 240),
        "old-ack": (("A",), "stays", 240),
        "old-data": (("A",), "stays", 240),
        "data": (SILENT, "stays", 240),
        "fin": (("A",), "restarted", 260),
        "far-fin": (("A",), "stays", 240),
        "rst": (SILENT, "stays", 240),
        "near-rst": (SILENT, "stays", 240),
        "old-rst": (SILENT, "stays", 240),
        "syn": (("A",), "stays", 240),
        "lone-syn": (("A",), "stays", 240),
        "old-syn": (("A",), "stays", 240),
        "syn-ack": (("A",), "stays", 240),
    },
    "linux": {
        "nothing": (SILENT, "stays", 60),
        "ack": (SILENT, "restarted", 80),
        "old-ack": (("A",), "restarted", 80),
        "old-data": (("A",), "restarted", 80),
        "data": (("A",), "restarted", 80),
        "fin": (("A",), "restarted", 80),
        "far-fin": (("A",), "restarted", 80),
        "rst": (SILENT, "assassinated", 20),
        "near-rst": (SILENT, "stays", 60),
        "old-rst": (SILENT, "stays", 60),
        "syn": (("SA",), "reused", 20),
        "lone-syn": (("A",), "stays", 60),
        "syn-ack": (("A",), "restarted", 80),
    },
    "freebsd": {
        "nothing": (SILENT, "stays", 60),
        "ack": (SILENT, "stays", 60),
        "old-ack": (("A",), "stays", 60),
        "old-data": (("A",), "stays", 60),
        "data": (("A",), "stays", 60),
        "fin": (("A",), "restarted", 80),
        "far-fin": (("A",), "stays", 60),
        "rst": (SILENT, "stays", 60),
        "syn": (("SA",), "reused", 20),
        "lone-syn": (("RA",), "reused", 20),
        "old-syn": (SILENT, "stays", 60),
        "timed-syn": (SILENT, "stays", 60),
        "syn-ack": (("A",), "stays", 60),
    },
    "none": {
        "nothing": (SILENT, "stays", 0),
        "ack": (("R",), "expired", 0),
        "fin": (("R",), "expired", 0),
        "rst": (SILENT, "expired", 0),
        "syn": (("SA",), "expired", 0),
        "lone-syn": (("RA",), "expired", 0),
        "old-syn": (("SA",), "expired", 0),
    },
}


def found(probe: str, config: TcpConfig) -> Outcome:
    [chosen] = [known for known in PROBES if known.name == probe]
    return play(chosen, config)


@pytest.mark.parametrize(
    ("policy", "probe", "expected"),
    [(policy, probe, expected) for policy, probes in ONE_BY_ONE.items() for probe, expected in probes.items()],
)
def test_each_policy_does_its_own(policy: PolicyName, probe: str, expected: Found) -> None:
    outcome = found(probe, TcpConfig(time_wait_policy=policy))

    assert (outcome.answers, outcome.effect, round(outcome.lasted / SECOND)) == expected


def test_a_newer_syn_takes_the_place_by_the_rfc_too_where_that_is_wanted() -> None:
    outcome = found("syn", TcpConfig(time_wait_reuse=True))

    assert (outcome.answers, outcome.effect) == (("SA",), "reused")


def test_every_probe_has_a_name_of_its_own() -> None:
    assert len({probe.name for probe in PROBES}) == len(PROBES)
