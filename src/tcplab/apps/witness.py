"""Somebody who stands between an application and its TCP, and reports what passes."""

from collections.abc import Iterator, Sequence

from tcplab.apps.events import ConnectionReleased, FailureTold, StreamRead, StreamWritten
from tcplab.node import Event
from tcplab.tcp.app import App, AppEvent, Call, Failed, OpenFailed, Received, Release, Report, Send
from tcplab.units import Instant


class Witness:
    """The application (:class:`tcplab.tcp.app.App`) that it is given, with all that it sends and gets reported.

    The journal then holds both streams as the applications saw them, so that a checker can compare the two ends
    without trusting either TCP. What passes is not altered.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def on_event(self, event: AppEvent, now: Instant) -> Sequence[Call]:
        """Report what the application is told, and what it does about it."""
        told = _told(event)
        calls = list(_with_reports(self._app.on_event(event, now)))
        return calls if told is None else [Report(told), *calls]

    def advance(self, now: Instant) -> Sequence[Call]:
        """Report what the application does of its own accord."""
        return list(_with_reports(self._app.advance(now)))

    def deadline(self) -> Instant | None:
        """Return the application's."""
        return self._app.deadline()


def _told(event: AppEvent) -> Event | None:
    match event:
        case Received(connection, data) if data:
            return StreamRead(connection, data)
        case Failed(connection, reason):
            return FailureTold(connection, reason)
        case OpenFailed(_, reason):
            return FailureTold(None, reason)
        case _:
            return None


def _with_reports(calls: Sequence[Call]) -> Iterator[Call]:
    for call in calls:
        if isinstance(call, Send) and call.data:
            yield Report(StreamWritten(call.connection, call.data))
        elif isinstance(call, Release):
            yield Report(ConnectionReleased(call.connection))
        yield call
