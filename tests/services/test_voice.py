"""What a service says of what happens, and how often."""

from typing import get_args

import pytest

from services.common.voice import PAUSE, LinkWatch, Voice
from tcplab.apps.events import TransferCorrupted, TransferFailed, TransferFailure
from tcplab.node import Event
from tcplab.port import LinkBlocked, LinkDown, LinkUp, MessageReceived, TimerLagged
from tcplab.units import START, Duration, Instant
from tests.observe.events import connection

RESET = TransferFailed(None, "reset")


def said(capsys: pytest.CaptureFixture[str], *events: tuple[Instant, Event]) -> list[str]:
    voice = Voice()
    for now, event in events:
        if type(event) in voice.heeds:  # as a driver asks
            voice.observe("client-10.0.1.1", event, now)
    return [line.removeprefix("client-10.0.1.1: ") for line in capsys.readouterr().out.splitlines()]


def test_the_brokers_comings_and_goings_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    events = (LinkUp(0), LinkDown("broker rabbitmq:5672: gone"), LinkUp(1), LinkBlocked(True), LinkBlocked(False))

    assert said(capsys, *((START, event) for event in events)) == [
        "the broker answers",
        "broker rabbitmq:5672: gone",
        "the broker answers again (times lost: 1)",
        "the broker is short of memory or disk, and takes no messages for now",
        "the broker takes messages again",
    ]


def test_the_same_trouble_is_said_seldom_and_counted_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    later = START + PAUSE
    refused = TransferFailed(None, "refused")

    assert said(capsys, (START, RESET), (START, RESET), (START, refused), (later - 1, RESET), (later, RESET)) == [
        "transfer failed: the peer sent a reset (reset)",
        "transfer failed: nobody listens there (refused)",
        "transfer failed: the peer sent a reset (reset) (2 more since it was last said)",
    ]


@pytest.mark.parametrize("reason", get_args(TransferFailure))
def test_every_way_to_fail_is_said_in_words_and_by_its_name(
    capsys: pytest.CaptureFixture[str], reason: TransferFailure
) -> None:
    (line,) = said(capsys, (START, TransferFailed(None, reason)))

    assert line.startswith("transfer failed: ")
    assert f" ({reason})" in line


def test_a_peer_that_corrupts_in_ever_new_ways_is_no_news_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    ways = [TransferCorrupted(connection(), f"frame flags {flags:#04x} are unknown") for flags in range(16, 20)]

    assert said(capsys, *((START, way) for way in ways), (START + PAUSE, ways[0])) == [
        "transfer corrupted: frame flags 0x10 are unknown",
        "transfer corrupted: frame flags 0x10 are unknown (3 more since it was last said)",
    ]


def test_a_peer_of_another_version_is_named_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    quarantined = MessageReceived(0, 20, None, "quarantined", (("unknown_version", 1),))

    assert said(capsys, (START, quarantined)) == [
        "message put into quarantine: unknown_version "
        "(the peer speaks another version of the wire format: run the same release everywhere)"
    ]


def test_what_is_no_news_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, (START, TimerLagged(Duration(1))), (START, MessageReceived(1, 200))) == []


def test_a_node_is_well_while_the_broker_answers() -> None:
    watch = LinkWatch()
    seen = [watch.trouble]
    for event in (LinkUp(0), LinkDown("broker rabbitmq:5672: gone"), LinkUp(1)):
        watch.observe("netem", event, START)
        seen.append(watch.trouble)

    assert seen == ["the broker has not answered yet", None, "broker rabbitmq:5672: gone", None]
