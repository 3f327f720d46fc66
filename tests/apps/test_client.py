"""The load generator, driven event by event at exact times: when it opens, who closes first."""

import pytest

from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.events import TransferFailed
from tcplab.apps.frames import Header
from tcplab.tcp.app import (
    Abort,
    AppEvent,
    Close,
    Closed,
    Failed,
    Open,
    Opened,
    OpenFailed,
    PeerClosed,
    Readable,
    Received,
    Report,
    Started,
    Writable,
)
from tcplab.tcp.events import Failure
from tcplab.units import MILLISECOND, SECOND, Duration, Instant
from tests.apps.calls import exact
from tests.apps.client_driving import SPACE, THERE, answer, begun, but_reports, config, give, ms, name, payload_of, sent

# --- opening ---


def test_it_opens_at_the_set_rate() -> None:
    client = Client(config(rate=10.0), seed=1)
    opened = list(client.on_event(Started(), ms(5)))

    assert exact(opened) == exact([Open(THERE, 80, token=0)])
    for token in range(1, 20):
        due = client.deadline()
        assert due == ms(5 + 100 * token)
        assert client.advance(due - 1) == []
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
    linger = 500 * MILLISECOND
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
        ({"linger": 70 * SECOND}, "linger must be"),
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
