"""The load generator, driven event by event at exact times: the course of a transfer."""

import hashlib

import pytest

from tcplab.apps.client import Client
from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed
from tcplab.apps.frames import FrameReader, Mode
from tcplab.tcp.app import (
    Abort,
    Close,
    Closed,
    Failed,
    Open,
    Opened,
    PeerClosed,
    Readable,
    Receive,
    Received,
    Release,
    Report,
    Started,
    Writable,
)
from tcplab.tcp.events import Failure
from tcplab.units import MILLISECOND, SECOND
from tests.apps.calls import exact
from tests.apps.client_driving import (
    SPACE,
    THERE,
    answer,
    begun,
    but_reports,
    config,
    give,
    ms,
    name,
    payload_of,
    reported,
    sent,
)


def test_an_echo_that_is_right_completes_and_the_client_closes() -> None:
    client = Client(config(octets=1_000), seed=1)
    connection, request = begun(client, opened=ms(40))

    assert payload_of(request) != bytes(1_000)
    calls = give(client, connection, answer(payload_of(request)), ms(100))

    assert exact(calls) == exact(
        [
            Report(TransferCompleted(connection, 1_000, 1_000, 60 * MILLISECOND)),
            Close(connection),
        ]
    )


def test_each_seed_and_each_connection_has_its_own_payload() -> None:
    requests = {begun(Client(config(), seed=seed))[1] for seed in range(5)}
    assert len(requests) == 5

    client = Client(config(), seed=0)
    _, first = begun(client)
    client.advance(ms(200))
    second = sent(client.on_event(Opened(name(49_153), SPACE, 1), ms(200)))
    assert first != second
    assert first in requests


def test_a_request_goes_out_as_space_allows() -> None:
    client = Client(config(octets=1_000), seed=1)
    client.on_event(Started(), ms(0))
    connection = name(49_152)

    first = sent(client.on_event(Opened(connection, 300, 0), ms(0)))
    nothing = client.on_event(Writable(connection, 0), ms(1))
    second = sent(client.on_event(Writable(connection, 500), ms(2)))
    third = sent(client.on_event(Writable(connection, 1_000), ms(3)))

    assert (len(first), nothing, len(second), len(third)) == (300, [], 500, 12 + 1_000 + 32 - 800)
    reader = FrameReader()
    reader.feed(first + second + third)
    assert reader.complete


def test_a_sink_answers_with_the_digest() -> None:
    client = Client(config(octets=50, mode=Mode.SINK), seed=1)
    connection, request = begun(client)
    digest = hashlib.sha256(payload_of(request)).digest()

    calls = give(client, connection, answer(digest, Mode.SINK), ms(1))

    assert reported(calls) == [TransferCompleted(connection, 50, 32, MILLISECOND)]


def test_serve_asks_for_octets_and_gets_them() -> None:
    client = Client(config(octets=5, mode=Mode.SERVE), seed=1)
    connection, request = begun(client)

    assert payload_of(request) == (5).to_bytes(8)
    calls = give(client, connection, answer(b"hello", Mode.SERVE), ms(1))
    assert reported(calls) == [TransferCompleted(connection, 8, 5, MILLISECOND)]


def corruptions() -> list[tuple[str, Mode, bytes, str]]:
    good = answer(b"abc")
    return [
        ("a damaged octet", Mode.ECHO, good[:-33] + b"x" + good[-32:], "digest"),
        ("another payload", Mode.ECHO, answer(b"abd"), "something else than was sent"),
        ("another length", Mode.ECHO, answer(b"abcd"), "does not fit the request"),
        ("another mode", Mode.ECHO, answer(b"abc", Mode.SINK), "does not fit the request"),
        ("another version", Mode.ECHO, b"\x07" + good[1:], "frame version 7"),
        ("more than the frame", Mode.ECHO, good + b"!", "follow the frame"),
        ("a digest of something else", Mode.SINK, answer(bytes(32), Mode.SINK), "something else than was sent"),
        ("fewer octets than named", Mode.SERVE, answer(b"ab", Mode.SERVE), "does not fit the request"),
    ]


@pytest.mark.parametrize(("mode", "data", "detail"), [case[1:] for case in corruptions()])
def test_a_wrong_answer_is_reported_and_the_connection_aborted(mode: Mode, data: bytes, detail: str) -> None:
    client = Client(config(octets=3, mode=mode), seed=1)
    connection, _ = begun(client)

    calls = give(client, connection, data, ms(1))

    (event,) = reported(calls)
    assert isinstance(event, TransferCorrupted)
    assert detail in event.detail
    assert exact([but_reports(calls)[0]]) == exact([Abort(connection)])
    assert client.on_event(Failed(connection, Failure.ABORTED), ms(1)) == []  # told once


def test_an_end_in_the_middle_of_the_answer_is_a_failure() -> None:
    client = Client(config(octets=3), seed=1)
    connection, request = begun(client)
    give(client, connection, answer(payload_of(request))[:20], ms(1))

    calls = client.on_event(PeerClosed(connection), ms(2))

    assert exact(calls) == exact([Report(TransferFailed(connection, "truncated")), Abort(connection)])


def test_the_end_waits_for_what_is_unread() -> None:
    client = Client(config(octets=3), seed=1)
    connection, request = begun(client)
    data = answer(payload_of(request))

    assert exact(client.on_event(Readable(connection, len(data)), ms(1))) == exact([Receive(connection, len(data))])
    assert client.on_event(PeerClosed(connection), ms(1)) == []
    calls = client.on_event(Received(connection, data), ms(1))
    assert [type(call) for call in calls] == [Report, Close]


@pytest.mark.parametrize("reason", [Failure.RESET, Failure.TIMEOUT])
def test_a_lost_connection_is_reported_and_its_place_free(reason: Failure) -> None:
    client = Client(config(rate=1_000.0, concurrency=1), seed=1)
    connection, _ = begun(client)

    calls = client.on_event(Failed(connection, reason), ms(5))

    assert exact(calls) == exact([Report(TransferFailed(connection, reason.value)), Open(THERE, 80, token=1)])


def test_a_reset_after_the_answer_is_no_failure_of_the_transfer() -> None:
    client = Client(config(octets=3, total=1), seed=1)
    connection, request = begun(client)
    give(client, connection, answer(payload_of(request)), ms(1))

    assert client.on_event(Failed(connection, Failure.RESET), ms(2)) == []
    assert client.finished


def test_a_peer_that_falls_silent_is_given_up() -> None:
    client = Client(config(octets=3, total=1, patience=10 * SECOND), seed=1)
    connection, request = begun(client)
    give(client, connection, answer(payload_of(request))[:20], ms(4_000))

    assert client.deadline() == ms(10_000)
    assert client.advance(ms(10_000)) == []
    assert client.deadline() == ms(14_000)
    assert exact(client.advance(ms(14_000))) == exact(
        [Report(TransferFailed(connection, "stalled")), Abort(connection)]
    )
    assert client.finished
    assert client.deadline() is None


def test_a_close_that_is_never_answered_is_left_to_the_tcp() -> None:
    client = Client(config(octets=3, total=1, patience=10 * SECOND), seed=1)
    connection, request = begun(client)
    give(client, connection, answer(payload_of(request)), ms(1_000))

    client.advance(ms(10_000))
    assert exact(client.advance(ms(11_000))) == exact([Release(connection)])
    assert client.finished


# --- a slow reader ---


def test_a_slow_reader_sips() -> None:
    client = Client(config(octets=1_000, total=1, read_rate=1_000), seed=1)
    connection, request = begun(client)
    data = answer(payload_of(request))

    assert exact(client.on_event(Readable(connection, len(data)), ms(0))) == exact([Receive(connection, 100)])
    now, taken, calls = ms(0), 0, []
    while taken < len(data):
        limit = min(100, len(data) - taken)
        calls = list(client.on_event(Received(connection, data[taken : taken + limit]), now))
        taken += limit
        if taken < len(data):
            assert calls == []
            assert client.deadline() == now + limit * MILLISECOND
            now += limit * MILLISECOND
            assert exact(client.advance(now)) == exact([Receive(connection, min(100, len(data) - taken))])

    assert now == ms(1_000)
    assert exact(but_reports(calls)) == exact([Close(connection)])


def test_what_is_unread_once_both_have_closed_is_given_up() -> None:
    client = Client(config(total=1, read_rate=100), seed=1)
    connection, request = begun(client)
    data = answer(payload_of(request))
    client.on_event(Readable(connection, len(data) + 4), ms(0))  # a sip leaves four octets that follow the frame
    client.on_event(Received(connection, data), ms(0))

    calls = client.on_event(Closed(connection), ms(1))

    assert exact(but_reports(calls)) == exact([Release(connection)])
    assert client.finished
