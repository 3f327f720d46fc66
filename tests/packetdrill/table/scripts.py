"""Writes the table's cases as scripts."""

from collections.abc import Iterator
from typing import Final

from tcplab.tcp.states import State
from tests.packetdrill.table.cases import DATA, PEER_WINDOW, WORDS, Case, Kind, cases
from tests.packetdrill.table.deviations import expected
from tests.packetdrill.table.rules import MODULUS, Arriving, Outcome, Reply

_LINUX: Final = {
    State.CLOSED: "TCP_CLOSE", State.LISTEN: "TCP_LISTEN", State.SYN_SENT: "TCP_SYN_SENT",
    State.SYN_RECEIVED: "TCP_SYN_RECV", State.ESTABLISHED: "TCP_ESTABLISHED", State.FIN_WAIT_1: "TCP_FIN_WAIT1",
    State.FIN_WAIT_2: "TCP_FIN_WAIT2", State.CLOSE_WAIT: "TCP_CLOSE_WAIT", State.CLOSING: "TCP_CLOSING",
    State.LAST_ACK: "TCP_LAST_ACK", State.TIME_WAIT: "TCP_TIME_WAIT",
}  # fmt: skip
_REFUSED: Final = "ECONNREFUSED (Connection refused)"
_RESET: Final = "ECONNRESET (Connection reset by peer)"
_AGAIN: Final = "EAGAIN (Resource temporarily unavailable)"
_ALREADY: Final = "EALREADY (Operation already in progress)"
_READING: Final = frozenset({State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2})


def scripts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every script of the table."""
    for case in cases():
        yield case.name, _script(case)


def _script(case: Case) -> str:
    outcome, deviation = expected(case.row.at, case.segment)
    ack = f", acknowledging {case.segment.ack} ({case.ack})" if case.ack else ""
    kind = "data" if case.kind is Kind.DATA else case.kind.name.replace("_", "+")
    lines = [
        "// Written by tests/packetdrill/table: to change it, change that.",
        f"// {case.row.title}: {kind} {WORDS[case.position]}{ack}.",
        f"// RFC 9293, {outcome.why}." if outcome.why.startswith("3.") else f"// {outcome.why}.",
    ]
    if deviation is not None:
        lines += [f"// {words}" for words in deviation.words]
    lines += [*case.row.begin, f"{'+.1' if case.row.begin else ' 0'} < {_arriving(case)}"]
    if outcome.reply is not None:
        lines.append(_reply(outcome.reply, case.segment))
    lines.append(f"+.2 %{{ assert tcpi_state == {_LINUX[outcome.state]} }}%")
    lines += _told(case, outcome)
    return "\n".join(lines) + "\n"


def _arriving(case: Case) -> str:
    segment = case.segment
    flags = "P." if case.kind is Kind.DATA else segment.flags
    ack = "" if segment.ack is None else f" ack {segment.ack}"
    options = " <mss 1460>" if segment.has("S") else ""
    end = (segment.seq + segment.octets) % MODULUS
    return f"{flags} {segment.seq}:{end}({segment.octets}){ack} win {PEER_WINDOW}{options}"


def _reply(reply: Reply, segment: Arriving) -> str:
    when = "+0~+.5" if reply.delayed else "+0"
    number = 1 if reply.flags == "R." and segment.has("S") else reply.ack  # relative to the SYN that it answers
    ack = "" if number is None else f" ack {number}"
    window = "" if reply.window is None else f" win {reply.window}"
    options = " <mss 1460>" if reply.flags == "S." and segment.has("S") else ""
    return f"{when} > {reply.flags} {reply.seq}:{reply.seq}(0){ack}{window}{options}"


def _told(case: Case, outcome: Outcome) -> Iterator[str]:
    """Yield what the application finds: the octets, the end, the reset (MUST-12), or nothing yet."""
    if not case.row.fd:
        return
    opened = outcome.state not in (State.LISTEN, State.SYN_SENT, State.SYN_RECEIVED)
    if case.row.at.state in (State.SYN_SENT, State.SYN_RECEIVED):
        yield from _of_opening(case, outcome.state, opened=opened)
        opened = opened and outcome.state is not State.CLOSED
    if opened:
        yield f"+0 read({case.row.fd}, ..., 100) = {_of_reading(case, outcome)}"


def _of_opening(case: Case, after: State, *, opened: bool) -> Iterator[str]:
    if case.row.at.passive:
        yield "+0 accept(3, ..., ...) = 4" if opened else f"+0 accept(3, ..., ...) = -1 {_AGAIN}"
        if opened:
            yield "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0"
    elif after is State.CLOSED:
        yield f"+0 connect(3, ..., ...) = -1 {_REFUSED}"
    else:
        yield "+0 connect(3, ..., ...) = 0" if opened else f"+0 connect(3, ..., ...) = -1 {_ALREADY}"


def _of_reading(case: Case, outcome: Outcome) -> str:
    if outcome.taken:
        return f"{DATA}"
    if outcome.state in _READING:
        return f"-1 {_AGAIN}"
    if outcome.state is State.CLOSED and case.segment.has("R"):
        return f"-1 {_RESET}"
    return "0"
