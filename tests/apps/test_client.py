"""The load generator, driven event by event at exact times."""

import hashlib
from collections.abc import Sequence

import pytest

from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed
from tcplab.apps.frames import FrameReader, FrameWriter, Header, Mode
from tcplab.apps.payload import FixedPayload
from tcplab.node import Address, Event
from tcplab.tcp.app import (
    Abort,
    AppEvent,
    Call,
    Close,
    Closed,
    Failed,
    Open,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Receive,
    Received,
    Release,
    Report,
    Send,
    Started,
    Writable,
)
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant
from tests.apps.calls import exact

HERE, THERE = Address("10.0.1.1"), Address("10.0.2.1")
SPACE = 131_072


def name(port: int) -> ConnectionId:
    return ConnectionId(HERE, port, THERE, 80, port)


def ms(count: float) -> Instant:
    return Instant(round(count * MILLISECOND))


def config(**settings: object) -> ClientConfig:
    return ClientConfig(THERE, 80, **settings)  # type: ignore[arg-type]


def sent(calls: Sequence[Call]) -> bytes:
    return b"".join(call.data for call in calls if isinstance(call, Send))


def reported(calls: Sequence[Call]) -> list[Event]:
    return [call.event for call in calls if isinstance(call, Report)]


def but_reports(calls: Sequence[Call]) -> list[Call]:
    return [call for call in calls if not isinstance(call, Report)]


def answer(payload: bytes, mode: Mode = Mode.ECHO) -> bytes:
    return FrameWriter(Header(mode, len(payload)), FixedPayload(payload).take).take(1 << 20)


def payload_of(frame: bytes) -> bytes:
    return FrameReader().feed(frame)


def give(client: Client, connection: ConnectionId, data: bytes, now: Instant) -> list[Call]:
    """Let octets arrive and the client read them, as a host does."""
    calls = list(client.on_event(Readable(connection, len(data)), now))
    reads = [call for call in calls if isinstance(call, Receive)]
    calls = [call for call in calls if not isinstance(call, Receive)]
    if reads:
        part, rest = data[: reads[0].limit], data[reads[0].limit :]
        calls += client.on_event(Received(connection, part), now)
        assert not rest, "read in one go"
    return calls


def begun(client: Client, *, at: Instant = START, opened: Instant | None = None) -> tuple[ConnectionId, bytes]:
    """Start a client with one connection; return the connection and what was sent on it."""
    (call,) = client.on_event(Started(), at)
    assert call == Open(THERE, 80, token=0)
    calls = client.on_event(Opened(name(49_152), SPACE, 0), opened if opened is not None else at)
    return name(49_152), sent(calls)


# --- opening ---


def test_it_opens_at_the_set_rate() -> None:
    client = Client(config(rate=10.0), seed=1)
    opened = list(client.on_event(Started(), ms(5)))

    assert exact(opened) == exact([Open(THERE, 80, token=0)])
    for token in range(1, 20):
        due = client.deadline()
        assert due == ms(5 + 100 * token)
        assert client.advance(Instant(due - 1)) == []
        assert exact(client.advance(due)) == exact([Open(THERE, 80, token=token)])


def test_a_late_wake_does_not_lower_the_rate_and_makes_no_burst() -> None:
    client = Client(config(rate=10.0), seed=1)
    client.on_event(Started(), ms(0))

    assert exact(client.advance(ms(130))) == exact([Open(THERE, 80, token=1)])
    assert client.deadline() == ms(200)  # 30 ms late, and yet on time again
    assert exact(client.advance(ms(1_000))) == exact([Open(THERE, 80, token=2), Open(THERE, 80, token=3)])
    assert client.deadline() == ms(1_100)


def test_concurrency_bounds_what_is_under_way() -> None:
    client = Client(config(rate=1_000.0, concurrency=2), seed=1)
    client.on_event(Started(), ms(0))
    client.advance(ms(1))

    assert client.under_way == 2
    assert client.deadline() is None
    assert client.advance(ms(2)) == []

    # The first one fails: its place is taken at once, for its time has come long ago.
    calls = client.on_event(OpenFailed(0, Failure.REFUSED), ms(500))
    assert exact(calls) == exact([Report(TransferFailed(None, "refused")), Open(THERE, 80, token=2)])
    assert client.under_way == 2


def test_a_place_is_free_again_once_a_connection_is_closed() -> None:
    client = Client(config(rate=1_000.0, concurrency=1, octets=3), seed=1)
    connection, request = begun(client)
    give(client, connection, answer(payload_of(request)), ms(10))
    assert client.under_way == 1

    assert exact(client.on_event(Closed(connection), ms(20))) == exact([Open(THERE, 80, token=1)])


def test_no_ports_is_waited_out() -> None:
    client = Client(config(rate=1_000.0, total=1), seed=1)
    client.on_event(Started(), ms(0))

    calls = client.on_event(OpenFailed(0, Failure.NO_PORTS), ms(0))

    assert exact(calls) == exact([Report(TransferFailed(None, "no_ports"))])
    assert client.deadline() == ms(1_000)
    assert client.advance(ms(999)) == []
    assert exact(client.advance(ms(1_000))) == exact([Open(THERE, 80, token=1)])  # the total of one is still to come


def test_a_total_is_kept() -> None:
    client = Client(config(rate=1_000.0, total=2), seed=1)
    client.on_event(Started(), ms(0))
    client.advance(ms(1))

    assert client.advance(ms(2)) == []
    assert client.deadline() is None
    assert not client.finished
    client.on_event(OpenFailed(0, Failure.TIMEOUT), ms(3))
    client.on_event(OpenFailed(1, Failure.TIMEOUT), ms(3))
    assert client.finished


def test_stop_lets_what_is_under_way_end() -> None:
    client = Client(config(rate=1_000.0, octets=3), seed=1)
    connection, request = begun(client)

    assert client.stop() == ()
    assert client.advance(ms(50)) == []
    assert not client.finished

    calls = give(client, connection, answer(payload_of(request)), ms(60))
    assert exact(but_reports(calls)) == exact([Close(connection)])
    assert client.on_event(Closed(connection), ms(70)) == []
    assert client.finished
    assert client.deadline() is None


# --- the course of a transfer ---


def test_an_echo_that_is_right_completes_and_the_client_closes() -> None:
    client = Client(config(octets=1_000), seed=1)
    connection, request = begun(client, opened=ms(40))

    assert payload_of(request) != bytes(1_000)
    calls = give(client, connection, answer(payload_of(request)), ms(100))

    assert exact(calls) == exact(
        [
            Report(TransferCompleted(connection, 1_000, 1_000, Duration(60 * MILLISECOND))),
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

    assert reported(calls) == [TransferCompleted(connection, 50, 32, Duration(MILLISECOND))]


def test_serve_asks_for_octets_and_gets_them() -> None:
    client = Client(config(octets=5, mode=Mode.SERVE), seed=1)
    connection, request = begun(client)

    assert payload_of(request) == (5).to_bytes(8)
    calls = give(client, connection, answer(b"hello", Mode.SERVE), ms(1))
    assert reported(calls) == [TransferCompleted(connection, 8, 5, Duration(MILLISECOND))]


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
    client = Client(config(octets=3, total=1, patience=Duration(10 * SECOND)), seed=1)
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
    client = Client(config(octets=3, total=1, patience=Duration(10 * SECOND)), seed=1)
    connection, request = begun(client)
    give(client, connection, answer(payload_of(request)), ms(1_000))

    client.advance(ms(10_000))
    assert exact(client.advance(ms(11_000))) == exact([Release(connection)])
    assert client.finished


# --- who closes first ---


def test_the_server_is_asked_to_close_first() -> None:
    client = Client(config(octets=3, close_mix=CloseMix(0, 1, 0)), seed=1)
    connection, request = begun(client)
    header = Header.decode(request[:12])
    assert (header.server_closes, header.linger) == (True, None)

    calls = give(client, connection, answer(payload_of(request)), ms(1))

    assert but_reports(calls) == []
    assert exact(client.on_event(PeerClosed(connection), ms(2))) == exact([Close(connection)])


def test_both_close_at_once_half_a_round_trip_before_the_linger_is_over() -> None:
    linger = Duration(500 * MILLISECOND)
    client = Client(config(octets=3, total=1, close_mix=CloseMix(0, 0, 1), linger=linger), seed=1)
    connection, request = begun(client, at=ms(0), opened=ms(80))
    header = Header.decode(request[:12])
    assert (header.server_closes, header.linger) == (False, 500)

    calls = give(client, connection, answer(payload_of(request)), ms(160))

    # The answer left the server 40 ms ago, so the server closes at 120 + 500 = 620 ms.
    assert but_reports(calls) == []
    assert client.deadline() == ms(620)
    assert exact(client.advance(ms(620))) == exact([Close(connection)])


def test_a_server_that_closes_early_is_not_waited_for() -> None:
    client = Client(config(octets=3, total=1, close_mix=CloseMix(0, 0, 1)), seed=1)
    connection, request = begun(client)
    give(client, connection, answer(payload_of(request)), ms(1))

    assert exact(client.on_event(PeerClosed(connection), ms(2))) == exact([Close(connection)])
    client.on_event(Closed(connection), ms(3))
    assert client.deadline() is None


def test_the_mix_is_drawn_from_the_seed_in_its_proportions() -> None:
    def draws(seed: int) -> list[tuple[bool, bool]]:
        client = Client(config(rate=1e6, concurrency=2_000, close_mix=CloseMix(2, 1, 1)), seed)
        client.on_event(Started(), Instant(0))
        for tick in range(1, 1_000):
            client.advance(Instant(tick * 1_000))
        headers = []
        for token in range(1_000):
            request = sent(client.on_event(Opened(name(token + 1), SPACE, token), Instant(SECOND)))
            header = Header.decode(request[:12])
            headers.append((header.server_closes, header.linger is not None))
        return headers

    drawn = draws(7)

    assert drawn == draws(7)
    assert drawn != draws(8)
    assert 440 < drawn.count((False, False)) < 560
    assert 200 < drawn.count((True, False)) < 300
    assert 200 < drawn.count((False, True)) < 300


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
            now = Instant(now + limit * MILLISECOND)
            assert exact(client.advance(now)) == exact([Receive(connection, min(100, len(data) - taken))])

    assert now == ms(1_000)
    assert exact(but_reports(calls)) == exact([Close(connection)])


# --- settings and strangers ---


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 0.0}, "rate must be"),
        ({"rate": float("nan")}, "rate must be"),
        ({"concurrency": 0}, "concurrency must be"),
        ({"octets": -1}, "octets must be"),
        ({"close_mix": CloseMix(0, 0, 0)}, "close_mix must hold"),
        ({"close_mix": CloseMix(1, -1, 1)}, "close_mix must hold"),
        ({"linger": Duration(70 * SECOND)}, "linger must be"),
        ({"linger": Duration(1)}, "linger must be"),
        ({"patience": Duration(0)}, "patience must be"),
        ({"read_rate": 0}, "read_rate must be"),
        ({"total": 0}, "total must be"),
    ],
)
def test_settings_that_make_no_load_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(**settings)


def test_a_port_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="port must be"):
        ClientConfig(THERE, 65_536)


def test_what_concerns_no_connection_of_ours_is_let_be() -> None:
    client = Client(config(), seed=1)
    assert client.deadline() is None
    client.on_event(Started(), ms(0))
    stranger: list[AppEvent] = [
        Readable(name(1), 5),
        Received(name(1), b""),
        Writable(name(1), 5),
        PeerClosed(name(1)),
        Closed(name(1)),
        Failed(name(1), Failure.RESET),
        OpenFailed(99, Failure.TIMEOUT),
    ]
    assert [client.on_event(event, ms(1)) for event in stranger] == [[]] * 7
    assert exact(client.on_event(Opened(name(1), SPACE, None), ms(1))) == exact([Abort(name(1))])
