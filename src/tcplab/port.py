"""The door between a real-time driver and whatever carries packets, and what it tells observers.

A port may lose packets; it never reorders, duplicates or alters them: that is the network's job.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tcplab.node import Event, Packet
from tcplab.units import Duration, in_seconds

Deliver = Callable[[Sequence[Packet], str | None], None]
"""Takes packets that arrived, and the verified name of their sender where the port knows it."""

Tell = Callable[[Event], None]
"""Takes what happened at the port."""


class Port(Protocol):
    """Carries packets away from one node, and to it."""

    async def open(self, deliver: Deliver, tell: Tell) -> None:
        """Begin to carry. Returns once packets can pass; raises ``PortError`` where that is hopeless."""

    def send(self, packets: Sequence[Packet]) -> None:
        """Take packets away; never waits. What cannot be sent is dropped and told."""

    async def lost(self) -> "PortError":
        """Wait until nothing can ever be carried again, and return why; for most ports that is for ever."""

    async def close(self) -> None:
        """Carry what was taken, as far as that is possible at once, and stop."""


class PortError(Exception):
    """A port cannot be opened and trying again is no use; one line that names the thing and the way out."""


@dataclass(slots=True)
class LinkUp(Event):
    """The broker answers; ``reconnects`` counts how often it had been lost before."""

    reconnects: int


@dataclass(slots=True)
class LinkDown(Event):
    """The broker is lost; ``reason`` is one line for people, and ``final`` where a :class:`PortError` says it too."""

    reason: str
    final: bool = False


@dataclass(slots=True)
class LinkBlocked(Event):
    """The broker asked publishers to pause (``blocked``), or to go on."""

    blocked: bool


@dataclass(slots=True)
class MessageSent(Event):
    """A message of ``packets`` packets in ``octets`` octets was published, or dropped for want of room or broker."""

    packets: int
    octets: int
    outcome: Literal["sent", "dropped"] = "sent"


@dataclass(slots=True)
class MessageReceived(Event):
    """A message came in; ``transit`` is how long the broker had it, where the sender's clock is known.

    ``rejected`` counts, by reason, the packets that were not taken; a message of which any was rejected is
    ``quarantined``.
    """

    packets: int
    octets: int
    transit: Duration | None = None
    outcome: Literal["accepted", "quarantined"] = "accepted"
    rejected: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class TimerLagged(Event):
    """The driver woke the node ``lag`` after its deadline."""

    lag: Duration


@dataclass(slots=True)
class ClockDisturbed(Event):
    """The machine ``slept``, or its ``wall`` clock moved against the lab's, ``by`` so many real nanoseconds.

    After the second, nodes that start from now on disagree with those that run: the lab wants a restart.
    """

    cause: Literal["slept", "wall"]
    by: Duration

    def __str__(self) -> str:
        """Return one line for people."""
        if self.cause == "slept":
            return f"the machine slept for {in_seconds(self.by):.1f} s; whatever was due meanwhile is done now"
        return (
            f"the wall clock moved by {in_seconds(self.by):+.1f} s against the lab's (it was set, or a virtual machine "
            "was paused); nodes that start from now on disagree with those that run: restart the lab"
        )
