"""Driving a client by hand, as a host would."""

from collections.abc import Sequence

from tcplab.apps.client import Client, ClientConfig
from tcplab.apps.frames import FrameReader, FrameWriter, Header, Mode
from tcplab.apps.payload import FixedPayload
from tcplab.node import Address, Event
from tcplab.tcp.app import (
    Call,
    Open,
    Opened,
    Readable,
    Receive,
    Received,
    Report,
    Send,
    Started,
)
from tcplab.tcp.events import ConnectionId
from tcplab.units import MILLISECOND, START, Instant

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
