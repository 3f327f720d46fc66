"""The state diagram, made from the table of transitions; ``python -m tcplab.cli.diagram`` writes it down."""

from collections.abc import Iterator
from typing import Final

from tcplab.tcp.states import TRANSITIONS, Cause, State

WORDS: Final[dict[Cause, str]] = {
    Cause.PASSIVE_OPEN: "passive OPEN",
    Cause.ACTIVE_OPEN: "active OPEN",
    Cause.SYN_ARRIVED: "SYN arrives",
    Cause.SYN_ACK_ARRIVED: "SYN,ACK arrives",
    Cause.ACK_OF_SYN: "ACK of SYN arrives",
    Cause.CLOSE_CALL: "CLOSE",
    Cause.FIN_SENT: "CLOSE, FIN sent",
    Cause.FIN_ARRIVED: "FIN arrives",
    Cause.ACK_OF_FIN: "ACK of FIN arrives",
    Cause.RESET_ARRIVED: "RST arrives",
    Cause.RESET_OF_PASSIVE_OPEN: "RST arrives",
    Cause.SYN_IN_WINDOW: "SYN in the window arrives",
    Cause.ABORT_CALL: "ABORT",
    Cause.RETRANSMISSION_TIMEOUT: "R2 is over",
    Cause.USER_TIMEOUT: "the user timeout is over",
    Cause.KEEP_ALIVE_TIMEOUT: "the peer answers no keep-alive",
    Cause.FIN_WAIT_2_TIMEOUT: "nobody waits any more",
    Cause.TIME_WAIT_EXPIRED: "2 MSL are over",
}
_SUDDEN: Final = frozenset(
    {
        Cause.RESET_ARRIVED,
        Cause.ABORT_CALL,
        Cause.RETRANSMISSION_TIMEOUT,
        Cause.USER_TIMEOUT,
        Cause.KEEP_ALIVE_TIMEOUT,
        Cause.FIN_WAIT_2_TIMEOUT,
    }
)


def mermaid() -> str:
    """Return the diagram of all transitions but the sudden endings, for Mermaid."""
    lines = ["stateDiagram-v2", "    [*] --> CLOSED"]
    lines += [
        f"    {old.name} --> {new.name}: {WORDS[cause]}"
        for (old, cause), new in TRANSITIONS.items()
        if cause not in _SUDDEN
    ]
    return "\n".join(lines)


def sudden_endings() -> Iterator[tuple[Cause, tuple[State, ...]]]:
    """Yield what leads to CLOSED at once, and from which states."""
    for cause in Cause:
        if cause in _SUDDEN:
            yield cause, tuple(old for old, why in TRANSITIONS if why is cause)


def page() -> str:
    """Return a page with the diagram and the table of sudden endings, in Markdown."""
    lines = [
        "# States and transitions",
        "",
        "Made from the table in `src/tcplab/tcp/states.py` by `python -m tcplab.cli.diagram`. Whatever a connection",
        "does is one of these, or it is a bug and counted in `tcplab_illegal_transitions_total`.",
        "",
        "```mermaid",
        mermaid(),
        "```",
        "",
        "These lead to CLOSED at once:",
        "",
        "| what happens | in |",
        "|---|---|",
    ]
    for cause, states in sudden_endings():
        names = ", ".join(state.name for state in states)
        lines.append(f"| {WORDS[cause]} (`{cause.value}`) | {names} |")
    return "\n".join([*lines, ""])
