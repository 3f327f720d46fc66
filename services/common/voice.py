"""What a service says: a line for whatever somebody who reads its log must know, and no more than that."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from tcplab.apps.events import TransferCorrupted, TransferFailed, TransferFailure
from tcplab.node import Event, PacketDiscarded
from tcplab.port import ClockDisturbed, LinkBlocked, LinkDown, LinkUp, MessageReceived
from tcplab.tcp.events import IllegalTransition
from tcplab.units import SECOND, Instant

PAUSE: Final = 10 * SECOND
"""Between two lines of the same trouble; what is left out meanwhile is counted."""


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


class Voice:
    """Observes a node, and says what people should know, each trouble at most once in :data:`PAUSE`."""

    heeds: Final = frozenset(
        (
            LinkUp, LinkDown, LinkBlocked, ClockDisturbed, TransferCorrupted, TransferFailed, IllegalTransition,
            PacketDiscarded, MessageReceived,
        )
    )  # fmt: skip

    def __init__(self) -> None:
        self._quiet_until: dict[str, Instant] = {}
        self._left_out: Counter[str] = Counter()

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Say what there is to say of an event."""
        match event:
            case LinkUp(reconnects=0):
                say(f"{node}: the broker answers")
            case LinkUp(reconnects=reconnects):
                say(f"{node}: the broker answers again (times lost: {reconnects})")
            case LinkDown(final=True):
                pass  # the process ends, and says why
            case LinkDown(reason=reason):
                say(f"{node}: {reason}")
            case LinkBlocked(blocked=True):
                say(f"{node}: the broker is short of memory or disk, and takes no messages for now")
            case LinkBlocked():
                say(f"{node}: the broker takes messages again")
            case ClockDisturbed():
                say(f"{node}: {event}")
            case TransferCorrupted(detail=detail):  # a peer can bring forth details without end
                self._say_seldom(node, "transfer corrupted", f"transfer corrupted: {detail}", now)
            case _:
                if trouble := _trouble(event):
                    self._say_seldom(node, trouble, trouble, now)

    def _say_seldom(self, node: str, kind: str, trouble: str, now: Instant) -> None:
        if now < self._quiet_until.get(kind, now):
            self._left_out[kind] += 1
            return
        self._quiet_until[kind] = now + PAUSE
        others = self._left_out.pop(kind, 0)
        say(f"{node}: {trouble}" + (f" ({others} more since it was last said)" if others else ""))


class LinkWatch:
    """Remembers whether the broker answers, for /healthz."""

    heeds: Final = frozenset((LinkUp, LinkDown))

    def __init__(self) -> None:
        self.trouble: str | None = "the broker has not answered yet"

    def observe(self, _node: str, event: Event, _now: Instant) -> None:
        """Take note of the link's ups and downs."""
        match event:
            case LinkUp():
                self.trouble = None
            case LinkDown(reason=reason):
                self.trouble = reason


def _trouble(event: Event) -> str | None:
    """Return what went wrong; the same words for the same trouble."""
    match event:
        case TransferFailed(reason=reason):
            return f"transfer failed: {_MEANINGS[reason]}"
        case IllegalTransition(state=state, cause=cause):
            return f"bug: {cause.value} in {state.value} has no row in the table; the connection was aborted"
        case PacketDiscarded(reason=reason):
            return f"packet discarded: {_explained(reason)}"
        case MessageReceived(outcome="quarantined", rejected=rejected):
            return f"message put into quarantine: {', '.join(_explained(reason) for reason, _ in rejected)}"
        case _:
            return None


def _explained(reason: str) -> str:
    advice = _ADVICE.get(reason)
    return reason if advice is None else f"{reason} ({advice})"


_ADVICE: Final = {
    "unknown_version": "the peer speaks another version of the wire format: run the same release everywhere",
    "spoofed_source": "its source address does not belong to the user that sent it",
    "expired": "it was under way for longer than TCPLAB_MSL",
    "wrong_address": "it is for another host",
}
_MEANINGS: Final[Mapping[TransferFailure, str]] = {
    "timeout": "the peer did not answer until R2 (timeout)",
    "refused": "nobody listens there (refused)",
    "reset": "the peer sent a reset (reset)",
    "no_ports": "no ephemeral port is left (no_ports): lower TCPLAB_RATE or TCPLAB_MSL",
    "aborted": "it was aborted (aborted)",
    "user_timeout": "the peer did not acknowledge within TCPLAB_USER_TIMEOUT (user_timeout)",
    "keep_alive": "the peer left TCPLAB_KEEP_ALIVE_PROBES keep-alive probes unanswered (keep_alive)",
    "stalled": "it made no progress for TCPLAB_PATIENCE (stalled)",
    "truncated": "the peer closed in the middle (truncated)",
}
