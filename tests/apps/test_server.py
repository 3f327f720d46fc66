"""The server, driven event by event at exact times."""

import hashlib
from collections.abc import Sequence

import pytest

from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed
from tcplab.apps.frames import FrameReader, FrameWriter, Header, Mode
from tcplab.apps.payload import FixedPayload
from tcplab.apps.server import Server, ServerConfig
from tcplab.node import Address, Event
from tcplab.tcp.app import (
    Abort,
    Call,
    Close,
    Closed,
    Failed,
    Listen,
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
    Unlisten,
    Writable,
)
from tcplab.tcp.events import ConnectionId, Failure
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant
from tests.apps.calls import exact
from tests.apps.client_driving import but_reports

CONNECTION = ConnectionId(Address("10.0.2.1"), 80, Address("10.0.1.1"), 49_152, 1)
SPACE = 131_072


def ms(count: int) -> Instant:
    return Instant(count * MILLISECOND)


def request(payload: bytes, mode: Mode = Mode.ECHO, *, server_closes: bool = False, linger: int | None = None) -> bytes:
    header = Header(mode, len(payload), server_closes, linger)
    return FrameWriter(header, FixedPayload(payload).take).take(1 << 24)


def opened(server: Server, *, space: int = SPACE, at: Instant = START) -> Server:
    assert list(server.on_event(Opened(CONNECTION, space, None), at)) == []
    return server


def give(server: Server, data: bytes, now: Instant) -> list[Call]:
    """Let octets arrive, and answer each RECEIVE as a host does; return all other calls."""
    others: list[Call] = []
    pending = list(server.on_event(Readable(CONNECTION, len(data)), now))
    while pending:
        call = pending.pop(0)
        if isinstance(call, Receive):
            part, data = data[: call.limit], data[call.limit :]
            pending += server.on_event(Received(CONNECTION, part), now)
        else:
            others.append(call)
    assert not data, "all of it was read"
    return others


def sent(calls: Sequence[Call]) -> bytes:
    return b"".join(call.data for call in calls if isinstance(call, Send))


def reported(calls: Sequence[Call]) -> list[Event]:
    return [call.event for call in calls if isinstance(call, Report)]


def read(frame: bytes) -> tuple[FrameReader, bytes]:
    reader = FrameReader()
    return reader, reader.feed(frame)


def test_it_listens_when_started_and_stops_listening_when_told() -> None:
    server = Server(ServerConfig(port=80, backlog=7))

    assert exact(server.on_event(Started(), ms(0))) == exact([Listen(80, 7)])
    assert server.stop() == (Unlisten(80),)


def test_an_echo_comes_back_and_is_reported_once_the_peer_has_it() -> None:
    server = opened(Server(ServerConfig(80)), at=ms(10))

    calls = give(server, request(b"hello"), ms(25))

    reader, payload = read(sent(calls))
    assert reader.complete
    assert (reader.header, payload) == (Header(Mode.ECHO, 5), b"hello")
    assert reported(calls) == []
    assert exact(server.on_event(PeerClosed(CONNECTION), ms(60))) == exact(
        [
            Report(TransferCompleted(CONNECTION, 5, 5, 15 * MILLISECOND)),
            Close(CONNECTION),
        ]
    )
    assert server.on_event(Closed(CONNECTION), ms(90)) == []
    assert server.under_way == 0
    assert server.deadline() is None


def test_an_echo_holds_no_more_than_the_network_takes() -> None:
    """A peer that does not read its echo is not read either: its window stays shut."""
    server = opened(Server(ServerConfig(80)), space=1_000)
    data = request(bytes(200_000))
    limits: list[int] = []
    unread = len(data)
    pending = list(server.on_event(Readable(CONNECTION, unread), ms(0)))
    while pending:
        call = pending.pop(0)
        if isinstance(call, Receive):
            limits.append(call.limit)
            part, data, unread = data[: call.limit], data[call.limit :], unread - call.limit
            pending += server.on_event(Received(CONNECTION, part), ms(0))

    assert sum(limits) <= 65_536 + 1_000 + 12

    calls = list(server.on_event(Writable(CONNECTION, 500), ms(1)))
    assert [type(call) for call in calls] == [Send, Receive]
    assert len(sent(calls)) == 500
    assert exact([calls[1]]) == exact([Receive(CONNECTION, 500)])


def test_a_sink_answers_with_the_digest_of_what_it_got() -> None:
    server = opened(Server(ServerConfig(80)))

    calls = give(server, request(b"x" * 100_000, Mode.SINK), ms(5))

    reader, payload = read(sent(calls))
    assert reader.header == Header(Mode.SINK, 32)
    assert payload == hashlib.sha256(b"x" * 100_000).digest()


def test_serve_gives_as_many_octets_as_were_named() -> None:
    server = opened(Server(ServerConfig(80)))

    calls = give(server, request((1_000).to_bytes(8), Mode.SERVE), ms(5))

    reader, payload = read(sent(calls))
    assert reader.complete
    assert len(payload) == 1_000
    assert len(set(payload)) > 200  # not all alike: an exchange of two octets would be noticed


def test_a_large_answer_goes_out_as_space_allows() -> None:
    server = opened(Server(ServerConfig(80)), space=1_000)
    calls = give(server, request((5_000).to_bytes(8), Mode.SERVE, server_closes=True), ms(0))
    whole = sent(calls)
    assert len(whole) == 1_000

    time = 1
    while not any(isinstance(call, Close) for call in calls):
        calls = list(server.on_event(Writable(CONNECTION, 700), ms(time)))
        whole += sent(calls)
        time += 1

    reader, _ = read(whole)
    assert reader.complete
    assert time == 1 + 6  # 4044 octets, 700 at a time; CLOSE right behind the last


def test_it_closes_first_where_the_request_asks_for_it() -> None:
    server = opened(Server(ServerConfig(80)))

    calls = give(server, request(b"abc", server_closes=True), ms(0))

    assert [type(call) for call in calls] == [Send, Close]
    (report,) = server.on_event(PeerClosed(CONNECTION), ms(5))
    assert report == Report(TransferCompleted(CONNECTION, 3, 3, Duration(0)))


def test_it_lingers_as_long_as_the_request_asks() -> None:
    server = opened(Server(ServerConfig(80)))

    calls = give(server, request(b"abc", linger=500), ms(100))

    assert [type(call) for call in calls] == [Send]
    assert server.deadline() == ms(600)
    assert server.advance(ms(599)) == []
    assert exact(server.advance(ms(600))) == exact([Close(CONNECTION)])
    assert [type(call) for call in server.on_event(PeerClosed(CONNECTION), ms(640))] == [Report]


def test_a_half_closed_peer_still_gets_its_answer() -> None:
    server = opened(Server(ServerConfig(80)), space=100)
    give(server, request((200).to_bytes(8), Mode.SERVE), ms(0))

    assert server.on_event(PeerClosed(CONNECTION), ms(1)) == []
    calls = server.on_event(Writable(CONNECTION, 1_000), ms(2))

    assert [type(call) for call in calls] == [Send, Report, Close]


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (request(b"abc")[:-1] + b"\x00", "digest"),
        (request(b"abc") + b"x", "follow the frame"),
        (b"GET / HTTP/1.1\r\n\r\n", "frame version 71"),
        (request(b"abc", Mode.SERVE), "a request to serve has 8 octets, not 3"),
    ],
)
def test_a_wrong_request_is_reported_and_the_connection_aborted(data: bytes, detail: str) -> None:
    server = opened(Server(ServerConfig(80)))

    calls = give(server, data, ms(1))

    (event,) = reported(calls)
    assert isinstance(event, TransferCorrupted)
    assert detail in event.detail
    assert exact([calls[-1]]) == exact([Abort(CONNECTION)])
    assert server.on_event(Failed(CONNECTION, Failure.ABORTED), ms(1)) == []
    assert server.under_way == 0
    assert server.deadline() is None


def test_an_end_in_the_middle_of_the_request_is_a_failure() -> None:
    server = opened(Server(ServerConfig(80)))
    give(server, request(b"abc")[:-1], ms(1))

    calls = server.on_event(PeerClosed(CONNECTION), ms(2))

    assert exact(calls) == exact([Report(TransferFailed(CONNECTION, "truncated")), Abort(CONNECTION)])
    assert server.under_way == 0


def test_a_lost_connection_is_reported() -> None:
    server = opened(Server(ServerConfig(80)))
    give(server, request(b"abc"), ms(1))

    assert exact(server.on_event(Failed(CONNECTION, Failure.RESET), ms(2))) == exact(
        [Report(TransferFailed(CONNECTION, "reset"))]
    )
    assert server.under_way == 0


def test_a_peer_that_falls_silent_is_given_up() -> None:
    server = opened(Server(ServerConfig(80, patience=10 * SECOND)))
    give(server, request(b"abc")[:20], ms(4_000))

    assert server.advance(ms(10_000)) == []
    assert server.deadline() == ms(14_000)
    assert exact(server.advance(ms(14_000))) == exact(
        [Report(TransferFailed(CONNECTION, "stalled")), Abort(CONNECTION)]
    )
    assert server.under_way == 0


def test_a_close_that_is_never_answered_is_left_to_the_tcp() -> None:
    server = opened(Server(ServerConfig(80, patience=10 * SECOND)))
    give(server, request(b"abc", server_closes=True), ms(0))
    server.on_event(Writable(CONNECTION, SPACE), ms(40))

    server.advance(ms(10_000))
    calls = server.advance(ms(10_040))

    assert exact(calls) == exact([Report(TransferFailed(CONNECTION, "stalled")), Release(CONNECTION)])


def test_a_slow_reader_sips() -> None:
    server = opened(Server(ServerConfig(80, read_rate=1_000)))
    data = request(bytes(200), Mode.SINK)

    assert exact(server.on_event(Readable(CONNECTION, len(data)), ms(0))) == exact([Receive(CONNECTION, 100)])
    assert server.on_event(Received(CONNECTION, data[:100]), ms(0)) == []
    assert server.deadline() == ms(100)
    assert server.on_event(Readable(CONNECTION, len(data) - 100), ms(50)) == []
    assert exact(server.advance(ms(100))) == exact([Receive(CONNECTION, 100)])


def test_a_slow_reader_reads_to_the_end_before_it_believes_in_it() -> None:
    server = opened(Server(ServerConfig(80, read_rate=100)))
    data = request(bytes(6), Mode.SINK) + b"more than a frame"
    server.on_event(Readable(CONNECTION, len(data)), ms(0))
    server.on_event(PeerClosed(CONNECTION), ms(0))
    calls: list[Call] = []
    for first in range(0, len(data), 10):
        calls += server.on_event(Received(CONNECTION, data[first : first + 10]), ms(10 * first))
        calls += server.advance(ms(10 * first + 100))

    assert [call for call in calls if isinstance(call, Close)] == []
    assert reported(calls) == [TransferCorrupted(CONNECTION, "10 octets follow the frame")]
    assert calls[-1] == Abort(CONNECTION)
    assert server.under_way == 0


def test_what_is_unread_once_both_have_closed_is_given_up() -> None:
    server = opened(Server(ServerConfig(80, read_rate=100)))
    data = request(bytes(6), Mode.SINK, server_closes=True)
    server.on_event(Readable(CONNECTION, 10), ms(0))
    for first in range(0, len(data), 10):
        server.on_event(Received(CONNECTION, data[first : first + 10]), ms(10 * first))
        server.on_event(Readable(CONNECTION, 10), ms(10 * first))

    calls = server.on_event(Closed(CONNECTION), ms(600))

    assert exact(but_reports(calls)) == exact([Release(CONNECTION)])
    assert server.under_way == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"port": 0}, "port must be"),
        ({"port": 80, "backlog": 0}, "backlog must be"),
        ({"port": 80, "patience": 0}, "patience must be"),
        ({"port": 80, "read_rate": 0}, "read_rate must be"),
    ],
)
def test_settings_that_serve_nobody_are_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ServerConfig(**settings)  # type: ignore[arg-type]


def test_what_concerns_no_connection_of_ours_is_let_be() -> None:
    server = Server(ServerConfig(80))

    assert server.on_event(Readable(CONNECTION, 3), ms(0)) == []
    assert server.on_event(OpenFailed(1, Failure.TIMEOUT), ms(0)) == []
