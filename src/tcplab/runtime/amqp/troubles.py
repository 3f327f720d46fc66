"""Which refusals of a broker are final, and what people can do about each."""

from tcplab.port import PortError
from tcplab.runtime.amqp.broker import Broker
from tcplab.runtime.amqp.failures import (
    ACCESS_REFUSED,
    COMMAND_INVALID,
    NOT_ALLOWED,
    PRECONDITION_FAILED,
    LinkError,
    Refused,
)


def hopelessness(error: LinkError | PortError, broker: Broker) -> PortError | None:
    """Return what to tell people where trying again is no use, ``None`` where it may be."""
    if isinstance(error, PortError):
        return error
    if not isinstance(error, Refused):
        return None
    said = error.text.partition(" - ")[2] or error.text
    match error.code:
        case code if code == ACCESS_REFUSED and said.startswith("Login was refused"):
            advice = f"it refuses the password of user {broker.user!r}; give the one that its definitions have"
        case code if code == ACCESS_REFUSED:
            advice = f"{said}; rabbitmq/definitions.json says who may do what"
        case code if code in (PRECONDITION_FAILED, COMMAND_INVALID) and said.startswith("unknown exchange type"):
            plugin = "rabbitmq-plugins enable rabbitmq_consistent_hash_exchange"
            advice = f"{said}; enable its plugin there ({plugin})"
        case code if code == PRECONDITION_FAILED:
            advice = f"{said}; delete what was declared otherwise, or use another virtual host (TCPLAB_VHOST)"
        case code if code == NOT_ALLOWED and "limit" not in said:  # a limit of connections may be lifted
            choice = "name the lab's (TCPLAB_VHOST, or the path of the URL, as /tcplab)"
            advice = f"{said}; {choice}; python -m tcplab.runtime.definitions makes a lab's virtual host and its users"
        case _:
            return None
    return PortError(f"broker {broker}: {advice}")
