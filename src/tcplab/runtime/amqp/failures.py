"""What may go wrong on a link, in two kinds, and what pika's exceptions mean."""

import re
from collections.abc import Iterable
from typing import Final

from pika import exceptions

# AMQP 0-9-1's reply codes
ACCESS_REFUSED: Final = 403
NOT_FOUND: Final = 404
RESOURCE_LOCKED: Final = 405
PRECONDITION_FAILED: Final = 406
COMMAND_INVALID: Final = 503
NOT_ALLOWED: Final = 530


class LinkError(Exception):
    """The link failed; one line for people."""


class Unreachable(LinkError):
    """No broker answers, or the one that did is gone."""


class Refused(LinkError):
    """The broker refused an operation, and closed the channel or the connection over it.

    Attributes:
        code: AMQP's reply code.
        text: what the broker says of it.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"the broker says: {text} ({code})")
        self.code = code
        self.text = text


_REFUSAL: Final = re.compile(r"ConnectionClosedByBroker: \((\d+)\) (.*)", re.DOTALL)


def explain(error: BaseException) -> LinkError:
    """Return what pika's exception means, in a line for people."""
    match error:
        case exceptions.ConnectionClosed() | exceptions.ChannelClosed():
            if isinstance(error, exceptions.ConnectionClosedByBroker | exceptions.ChannelClosedByBroker):
                return Refused(error.reply_code, error.reply_text)
            return Unreachable("the connection was closed")
        case exceptions.AMQPHeartbeatTimeout():
            return Unreachable("the broker has fallen silent")
        case exceptions.StreamLostError():
            return Unreachable("the connection was lost")
    for cause in _causes(error):
        refusal = _REFUSAL.search(str(cause))
        if refusal:  # while a connection opens, pika keeps what the broker said as a text alone
            return Refused(int(refusal[1]), refusal[2].strip("'\""))
        if isinstance(cause, exceptions.IncompatibleProtocolError):
            return Unreachable("what answers there does not speak AMQP, or not yet")
        if isinstance(cause, exceptions.ConnectionOpenAborted | TimeoutError):
            return Unreachable("it does not answer")
        if isinstance(cause, OSError) and cause.strerror:
            return Unreachable(cause.strerror)
    return Unreachable(f"it cannot be reached ({type(error).__name__})")


def _causes(error: BaseException) -> Iterable[BaseException]:
    """Yield an error and, outermost first, those that pika has wrapped in it."""
    yield error
    inner = (*error.args, *getattr(error, "exceptions", ()), getattr(error, "exception", None))
    for cause in inner:
        if isinstance(cause, BaseException):
            yield from _causes(cause)
