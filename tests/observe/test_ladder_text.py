"""Ladders as text: what stands where, at any width, with any characters."""

import pytest

from tcplab.netem.events import PacketDropped
from tcplab.node import PacketSent
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
        "   0.000              |- SYN seq=0 len=0 -------- x lost          :",
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
        "   0.000              ┊    ╌╌╌╌╌╌╌╌╌ PSH,ACK seq=0 ack=0 len=500 ─┤",
        "   0.000              ┊◀─ 40 ms ──── FIN,ACK seq=500 ack=0 len=0 ─┤",
        "                      ┊ ╰ overtakes seq=0                         ┊",
        "   0.090              ┊◀─ 90 ms ─── PSH,ACK seq=0 ack=0 len=500 ╌╌┊",
        "                      ┊ ╰ overtaken                               ┊",
    ]


def test_a_copy_comes_out_of_the_network() -> None:
    tape = Tape()
    data = tape.send(0, "server", tape.packet("server", "PA", 1, 1, 500))
    copy = tape.copy(0, data)
    tape.arrive(40, data)
    tape.arrive(20_040, copy)

    assert lines(tape)[1:] == [
        "                      ┊        … 20.0 s, 1 in the network …       ┊",
        "  20.040              ┊◀──────── PSH,ACK seq=0 ack=0 len=500 ╌╌   ┊",
        "                      ┊ ╰ network's copy, 20.04 s old             ┊",
    ]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("loss", "lost"),
        ("list", "lost (drop list)"),
        ("limit", "lost (queue full)"),
        ("expired", "lost (too old)"),
        ("no_route", "lost (no route)"),
    ],
)
def test_every_loss_says_why(reason: str, words: str) -> None:
    tape = Tape()
    packet = tape.send(0, "client", tape.packet("client", "A", 1, 1))
    tape.add(0, "netem", PacketDropped(packet, LINK, reason))  # type: ignore[arg-type]

    (line,) = lines(tape, 110)

    assert f"✗ {words} " in line


def test_a_state_for_each_of_several_on_one_arrival() -> None:
    tape = Tape()
    tape.arrive(40, tape.send(0, "server", tape.packet("server", "FA", 1, 1)))
    tape.state(40, "client", State.FIN_WAIT_1, State.FIN_WAIT_2, Cause.ACK_OF_FIN)
    tape.state(40, "client", State.FIN_WAIT_2, State.TIME_WAIT, Cause.FIN_ARRIVED)

    first, second = lines(tape)

    assert first.startswith("   0.000   FIN_WAIT_2 │◀─")
    assert second.startswith("            TIME_WAIT │ ")


def lifecycle_rows(**options: object) -> list[str]:
    return list(plain(ladder(play(lifecycle()).journal.records, **options), Layout(80)))  # type: ignore[arg-type]


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("width", [1, 72, 80, 100, 200])
def test_nothing_is_wider_than_the_page_and_all_lifelines_are_straight(
    width: int, absolute: bool, glyphs: object
) -> None:
    rows = ladder(play(lifecycle()).journal.records, absolute=absolute)
    layout = Layout(width, glyphs)  # type: ignore[arg-type]

    _, *drawn = plain(rows, layout)

    right = 23 + layout.lane
    for line in drawn:
        assert len(line) <= max(width, 72)
        assert line[22] in "│┊├|:"
        assert line[right] in "│┊┤|:"


def test_absolute_numbers_are_all_there_though_they_need_a_second_line() -> None:
    text = "\n".join(lifecycle_rows(absolute=True))

    for record in play(lifecycle()).journal.of(PacketSent):
        segment = record.event.packet.segment
        assert f"seq={segment.seq}" in text
        assert f"len={len(segment.payload)}" in text


def test_a_changed_fault_changes_the_picture() -> None:
    faulty = list(plain(ladder(play(lifecycle()).journal.records)))
    perfect = list(plain(ladder(play(lifecycle(faults=False)).journal.records)))

    for words in ("✗", "retransmission 1", "overtakes", "overtaken", "network's copy", "ignored: reset in time wait"):
        assert any(words in line for line in faulty), words
        assert not any(words in line for line in perfect), words


def test_a_moving_segment_shows_as_far_as_it_has_come() -> None:
    tape = Tape()
    syn = tape.send(0, "client", tape.packet("client", "S"))
    tape.state(0, "client", State.CLOSED, State.SYN_SENT, Cause.ACTIVE_OPEN)
    tape.arrive(40, syn)
    tape.state(40, "server", State.LISTEN, State.SYN_RECEIVED, Cause.SYN_ARRIVED)
    drawing = TextLadder(Layout(80))
    first, row = ladder(tape.records)
    drawing.draw(first)

    begun, half = (drawing.peek(row, progress)[0].plain.rstrip() for progress in (0.0, 0.5))
    arrived = drawing.peek(row, 1.0)[0].plain

    assert begun == "   0.000     SYN_SENT ├▶                                          ┊"
    assert half == "   0.000     SYN_SENT ├─ SYN seq=0 len=0 ───▶                     ┊"
    assert arrived == drawing.draw(row)[0].plain
    assert arrived.endswith("▶│ SYN_RECEIVED")
    assert drawing.states == (State.SYN_SENT, State.SYN_RECEIVED)


def test_a_segment_moving_left_comes_from_the_right() -> None:
    tape = Tape()
    tape.arrive(40, tape.send(0, "server", tape.packet("server", "A", 1, 1)))
    _, row = ladder(tape.records)

    (line,) = TextLadder(Layout(80)).peek(row, 0.5)

    lane = line.plain[23:]
    assert lane.startswith(" " * 21 + "◀")
    assert lane.endswith(" seq=0 ack=0 len=0 ─┤")


def test_a_remark_stands_between_the_lifelines() -> None:
    words = "This is more than one line of forty-three columns can hold."

    first, second = (line.plain for line in TextLadder(Layout(80)).remark(words))

    assert first == "                      ┊  This is more than one line of            ┊"
    assert second == "                      ┊  forty-three columns can hold.            ┊"


def test_colours_tell_states_and_kinds_apart() -> None:
    styles = {str(span.style) for line in draw(ladder(play(lifecycle()).journal.records)) for span in line.spans}

    assert {"bold green", "bold yellow", "magenta", "cyan", "red", "bold red"} <= styles


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (50 * MICROSECOND, "0.05 ms"),
        (300 * MILLISECOND, "300 ms"),
        (1_250 * MILLISECOND, "1.25 s"),
        (240 * SECOND, "240 s"),
        (86_400 * SECOND, "86400 s"),
    ],
)
def test_durations_as_people_say_them(duration: int, text: str) -> None:
    assert duration_text(Duration(duration)) == text
