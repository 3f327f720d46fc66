"""``setsockopt`` and ``getsockopt``: options of sockets as settings of their TCP."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from tcplab.packetdrill.calls import GetOption, Option, SetOption, SocketOption
from tcplab.packetdrill.endpoint import DONE, Result, Socket, error
from tcplab.tcp.app import Call, Configure
from tcplab.tcp.config import TcpConfig
from tcplab.units import MILLISECOND, SECOND

_CONGESTION: Final = {"reno": "newreno", "cubic": "cubic"}
"""Linux's names of congestion controls, and the lab's."""

_Change = Mapping[str, Any]


def set_option(socket: Socket, call: SetOption, perform: Callable[[Call], None]) -> Result:
    """Set an option: of the socket, of the connections that it will open, or of the one that it has.

    Buffers, the MSS, the congestion control and the times of keep-alives are those with which a connection begins:
    setting them later is EINVAL.
    """
    value, option = call.value, call.option
    if option is SocketOption.LINGER and isinstance(value, tuple):
        socket.linger = value
        return DONE
    if option is SocketOption.REUSE_ADDRESS and isinstance(value, int):
        return DONE  # a port can be listened on while it has TIME_WAITs anyway
    change = _change(option, value)
    if change is None:
        return error("EINVAL")
    if socket.connection is not None:
        live = _live(option, change)
        if live is None:
            return error("EINVAL")
        perform(Configure(socket.connection, **live))
    try:
        socket.config = replace(socket.config, **change)
    except ValueError:
        return error("EINVAL")
    return DONE


def get_option(socket: Socket, call: GetOption) -> Result:
    """Compare an option with what the script expects of it."""
    value = _value(socket, call.option)
    if call.expected is None or call.expected == value:
        return DONE
    return Result(0, fault=f"the option's value is {value}")


def _change(option: SocketOption, value: Option) -> _Change | None:
    """Return what an option changes of a configuration, ``None`` where the value is none for it."""
    if option is SocketOption.CONGESTION:
        return {"congestion": _CONGESTION[value]} if isinstance(value, str) and value in _CONGESTION else None
    if not isinstance(value, int):
        return None
    match option:
        case SocketOption.NO_DELAY:
            return {"nagle": not value}
        case SocketOption.KEEP_ALIVE:
            return {"keep_alive": bool(value)}
        case SocketOption.USER_TIMEOUT:
            return {"user_timeout": value * MILLISECOND or None}
        case _ if option in _FIELDS:
            name, unit = _FIELDS[option]
            return {name: value * unit}
        case _:
            return None


_FIELDS: Final = {
    SocketOption.SEND_BUFFER: ("send_buffer", 1),
    SocketOption.RECEIVE_BUFFER: ("receive_buffer", 1),
    SocketOption.MAXIMUM_SEGMENT: ("mss", 1),
    SocketOption.KEEP_IDLE: ("keep_alive_idle", SECOND),
    SocketOption.KEEP_INTERVAL: ("keep_alive_interval", SECOND),
    SocketOption.KEEP_COUNT: ("keep_alive_probes", 1),
}
"""The setting that an option is, and the unit in which scripts give it."""


def _live(option: SocketOption, change: _Change) -> _Change | None:
    """Return what an option changes of a connection that there is already, ``None`` where that cannot be."""
    match option:
        case SocketOption.NO_DELAY:
            return {"no_delay": not change["nagle"]}
        case SocketOption.KEEP_ALIVE | SocketOption.USER_TIMEOUT:
            return change
        case _:
            return None


def _value(socket: Socket, option: SocketOption) -> Option:
    config: TcpConfig = socket.config
    match option:
        case SocketOption.ERROR:
            return socket.stream.take_error() or 0
        case SocketOption.LINGER:
            return socket.linger
        case SocketOption.REUSE_ADDRESS:
            return 1
        case SocketOption.NO_DELAY:
            return int(not config.nagle)
        case SocketOption.KEEP_ALIVE:
            return int(config.keep_alive)
        case SocketOption.USER_TIMEOUT:
            return (config.user_timeout or 0) // MILLISECOND
        case SocketOption.CONGESTION:
            return next(linux for linux, ours in _CONGESTION.items() if ours == config.congestion)
        case _:
            name, unit = _FIELDS[option]
            value: int = getattr(config, name)
            return value // unit
