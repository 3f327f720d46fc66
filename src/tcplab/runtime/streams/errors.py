"""Why a connection failed, as the errors that asyncio's users catch."""

import errno
import os
from collections.abc import Mapping
from typing import Final

from tcplab.tcp.events import Failure

_NUMBERS: Final[Mapping[str, int]] = {
    "timeout": errno.ETIMEDOUT,
    "user_timeout": errno.ETIMEDOUT,
    "keep_alive": errno.ETIMEDOUT,
    "refused": errno.ECONNREFUSED,
    "reset": errno.ECONNRESET,
    "no_ports": errno.EADDRNOTAVAIL,
    "aborted": errno.ECONNABORTED,
}


def error_of(failure: Failure, what: str) -> OSError:
    """Return a failure as the system's sockets would raise it, ``TimeoutError`` for instance."""
    return system_error(_NUMBERS[failure.value], what)


def system_error(number: int, what: str) -> OSError:
    """Return the ``OSError``, of the subclass that Python has for ``number``, that says what it happened to."""
    return OSError(number, f"{os.strerror(number)}: {what}")
