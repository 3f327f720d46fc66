"""``poll``: what the sockets are ready for."""

from collections.abc import Mapping

from tcplab.packetdrill.calls import Poll, Readiness
from tcplab.packetdrill.endpoint import Result, Socket

_NOTHING = Readiness(0)


def polled(call: Poll, sockets: Mapping[int, Socket], *, over: bool) -> Result | None:
    """Return the result, ``None`` while nothing is ready and the time is not ``over``."""
    unknown = [entry.fd for entry in call.entries if entry.fd not in sockets]
    if unknown:
        return Result(-1, fault=f"there is no descriptor {unknown[0]}")
    found = [readiness(sockets[entry.fd], entry.events) for entry in call.entries]
    count = sum(map(bool, found))
    if not count and not over:
        return None
    for entry, events in zip(call.entries, found, strict=True):
        if events != entry.expected:
            return Result(count, fault=f"revents of {entry.fd} are {_names(events)}, not {_names(entry.expected)}")
    return Result(count)


def readiness(socket: Socket, wanted: Readiness) -> Readiness:
    """Return what of ``wanted`` a socket is ready for; errors and the end are told in any case."""
    if socket.phase == "listening":
        return Readiness.POLLIN & wanted if socket.waiting else _NOTHING
    stream = socket.stream
    ready = _NOTHING
    if stream.available or stream.peer_closed or stream.failed:
        ready |= Readiness.POLLIN & wanted
    if (stream.opened and stream.space) or stream.failed or socket.phase == "new":
        ready |= Readiness.POLLOUT & wanted
    if stream.peer_closed or stream.failed:
        ready |= Readiness.POLLRDHUP & wanted
    if stream.failed or (stream.peer_closed and socket.shut) or socket.phase == "new":
        ready |= Readiness.POLLHUP
    return ready | (Readiness.POLLERR if stream.error else _NOTHING)


def _names(events: Readiness) -> str:
    return "|".join(str(member.name) for member in Readiness if member & events) or "0"
