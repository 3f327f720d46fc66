"""What is noted beside the segments of a ladder: from journals made by hand."""

from dataclasses import replace

import pytest

from tcplab.netem.events import PacketCorrupted, PacketHeld, PacketMarked
from tcplab.node import PacketDiscarded
from tcplab.tcp.events import (
    Ignored,
    ListenDropped,
    ResetReason,
    ResetSent,
    Retransmitted,
    SegmentIgnored,
    SynCookie,
    TimeWaitEnded,
    TimeWaitRestarted,
)
from tcplab.tcp.states import Cause, State
from tcplab.units import Duration
from tcplab.wire.segment import Options
from tcplab.wire.seq import seq_add
from tests.observe.tape import CLIENT_ISN, HERE, LINK, LISTENER, Tape, segments


def test_a_retransmission_is_marked_with_its_count_and_cause() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "PA", 1, 1, 5)))
    for attempt, cause in ((1, "rto"), (2, "fast")):
        again = tape.send(100 * attempt, "client", tape.packet("client", "PA", 1, 1, 5))
        tape.add(100 * attempt, "client", Retransmitted(HERE, again.segment, attempt, cause))  # type: ignore[arg-type]
        tape.arrive(100 * attempt + 40, again)

    assert [row.sent_notes for row in segments(tape)] == [(), ("retransmission 1",), ("retransmission 2 (fast)",)]


def test_what_a_host_did_with_a_segment_stands_beside_its_arrival() -> None:
    tape = Tape()
    stale = tape.packet("server", "PA", 1, 1, 5)
    fin = tape.packet("server", "FA", 6, 1)
    damaged = tape.packet("server", "A", 7, 1)
    for start, packet in ((0, stale), (100, fin), (200, damaged)):
        tape.arrive(start + 40, tape.send(start, "server", packet))
        told = {
            0: SegmentIgnored(HERE, stale, Ignored.UNACCEPTABLE_SEQUENCE),
            100: TimeWaitRestarted(HERE),
            200: PacketDiscarded(damaged, "bad_checksum"),
        }[start]
        tape.add(start + 40, "client", told)

    assert [row.notes for row in segments(tape)] == [
        ("ignored: unacceptable sequence",),
        ("TIME_WAIT begins anew",),
        ("discarded: bad checksum",),
    ]


def test_what_the_network_did_to_a_segment_stands_beside_its_arrival() -> None:
    tape = Tape()
    packet = tape.send(0, "client", tape.packet("client", "PA", 1, 1, 5))
    for time, event in (
        (1, PacketHeld(packet, LINK)),
        (2, PacketMarked(replace(packet, ecn=3), LINK)),
        (3, PacketCorrupted(replace(packet, octets=b"?"), LINK, 12)),
    ):
        tape.add(time, "netem", event)
    tape.arrive(40, packet)

    assert [row.notes for row in segments(tape)] == [("held back", "marked CE", "bit 12 flipped")]


def test_what_is_acknowledged_beyond_a_hole_stands_beside_the_departure() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "A", 1_001, 1, 10)))
    answer = tape.packet("server", "A", 1, 1_001)
    edges = [seq_add(CLIENT_ISN, offset) for offset in (1_011, 1_031, 200, 300)]
    blocks = ((edges[0], edges[1]), (edges[2], edges[3]))
    sacked = replace(answer, segment=replace(answer.segment, options=Options(sack=blocks)))
    tape.arrive(90, tape.send(50, "server", sacked))

    assert [row.sent_notes for row in segments(tape)][-1] == ("SACK 10:30 -801:-701",)
    assert [row.sent_notes for row in segments(tape, absolute=True)][-1] == (
        f"SACK {edges[0]}:{edges[1]} {edges[2]}:{edges[3]}",
    )


def test_a_time_wait_that_ends_early_and_a_cookie_that_comes_back_are_told() -> None:
    tape = Tape()
    for start, told in (
        (0, TimeWaitEnded(HERE, "reused", Duration(1))),
        (100, TimeWaitEnded(HERE, "assassinated", Duration(1))),
        (200, SynCookie(LISTENER, "sent")),
        (300, SynCookie(HERE, "accepted")),
        (400, ListenDropped(LISTENER, "accept_queue_full")),
    ):
        tape.arrive(start + 40, tape.send(start, "server", tape.packet("server", "A", 1, 1)))
        tape.add(start + 40, "client", told)

    assert [row.notes for row in segments(tape)] == [
        ("TIME_WAIT reused",),
        ("TIME_WAIT assassinated",),
        ("SYN cookie sent",),
        ("SYN cookie accepted",),
        ("accept queue full",),
    ]


@pytest.mark.parametrize("cause", [Cause.USER_TIMEOUT, Cause.KEEP_ALIVE_TIMEOUT, Cause.RETRANSMISSION_TIMEOUT])
def test_what_a_timer_ends_stands_alone_even_beside_an_arrival(cause: Cause) -> None:
    tape = Tape()
    tape.arrive(40, tape.send(0, "server", tape.packet("server", "A", 1, 1)))
    tape.state(40, "client", State.ESTABLISHED, State.CLOSED, cause)

    assert [(row.kind, row.left) for row in segments(tape)] == [("whole", ()), ("state", (State.CLOSED,))]


def test_a_reset_says_why_it_was_sent() -> None:
    tape = Tape()
    reset = tape.send(0, "server", tape.packet("server", "R", 1))
    tape.add(0, "server", ResetSent(None, ResetReason.NO_CONNECTION))
    tape.arrive(40, reset)

    assert [row.sent_notes for row in segments(tape)] == [("reset: no connection",)]
