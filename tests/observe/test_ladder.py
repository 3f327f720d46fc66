"""The rows of a ladder: from journals made by hand."""

from dataclasses import replace

import pytest

from tcplab.netem.events import PacketDropped
from tcplab.node import PacketDiscarded, PacketReceived
from tcplab.observe.ladder import Ladder, Pair, Row, ladder
from tcplab.tcp.states import Cause, State
from tcplab.units import MILLISECOND, START
from tests.observe.tape import CLIENT_ISN, CLIENT_PORT, LINK, SERVER_ISN, Tape, segments


def ms(count: int) -> int:
    return count * MILLISECOND


def test_a_segment_that_nothing_crosses_takes_one_row() -> None:
    tape = Tape()
    tape.arrive(40, tape.send(0, "client", tape.packet("client", "S")))

    (row,) = segments(tape)

    assert (row.kind, row.sender, row.start, row.end, row.delay) == ("whole", "left", 0, ms(40), ms(40))
    assert str(row.label) == "SYN seq=0 len=0"


def test_it_begins_with_the_states_of_both_lifelines() -> None:
    tape = Tape()
    tape.send(0, "client", tape.packet("client", "S"))
    first = next(ladder(tape.records))
    assert first == Row("state", START, START, left=(State.CLOSED,), right=(State.CLOSED,))

    listening = Tape()
    listening.listen(0)
    listening.send(5, "client", listening.packet("client", "S"))
    first = next(ladder(listening.records))
    assert (first.left, first.right, first.start) == ((State.CLOSED,), (State.LISTEN,), ms(5))


def test_a_listener_that_comes_later_shows_when_it_comes() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "S")))
    tape.listen(10)
    tape.arrive(60, tape.send(20, "client", tape.packet("client", "S")))

    first, *rows = ladder(tape.records)

    assert [(row.kind, row.right) for row in [first, *rows]] == [
        ("state", (State.CLOSED,)),
        ("lost", ()),
        ("state", (State.LISTEN,)),
        ("whole", ()),
    ]


@pytest.mark.parametrize("events_first", [True, False])
def test_states_stand_beside_what_led_to_them_in_whichever_order_the_driver_tells(events_first: bool) -> None:
    tape = Tape()
    syn = tape.send(0, "client", tape.packet("client", "S"))
    tape.state(0, "client", State.CLOSED, State.SYN_SENT, Cause.ACTIVE_OPEN)
    tape.arrive(40, syn)
    fin = tape.packet("server", "FA", ack=1)
    if not events_first:
        tape.send(40, "server", fin)
    tape.state(40, "server", State.CLOSED, State.LISTEN, Cause.PASSIVE_OPEN)
    tape.state(40, "server", State.LISTEN, State.SYN_RECEIVED, Cause.SYN_ARRIVED)
    tape.state(40, "server", State.SYN_RECEIVED, State.ESTABLISHED, Cause.ACK_OF_SYN)
    tape.state(40, "server", State.ESTABLISHED, State.FIN_WAIT_1, Cause.CLOSE_CALL)
    if events_first:
        tape.send(40, "server", fin)
    tape.arrive(80, fin)
    tape.state(80, "client", State.SYN_SENT, State.CLOSED, Cause.RETRANSMISSION_TIMEOUT)

    rows = segments(tape)

    assert [(row.kind, row.left, row.right) for row in rows] == [
        ("whole", (State.SYN_SENT,), (State.SYN_RECEIVED, State.ESTABLISHED)),
        ("whole", (), (State.FIN_WAIT_1,)),
        ("state", (State.CLOSED,), ()),
    ]


def test_segments_in_one_direction_take_a_row_each_though_they_overlap() -> None:
    tape = Tape()
    first = tape.send(0, "client", tape.packet("client", "A", 1, 1, 100))
    second = tape.send(1, "client", tape.packet("client", "A", 101, 1, 100))
    tape.arrive(40, first)
    tape.arrive(41, second)

    rows = segments(tape)

    assert [(row.kind, row.start, row.end) for row in rows] == [
        ("whole", 0, ms(40)),
        ("whole", ms(1), ms(41)),
    ]


def test_an_answer_in_between_parts_a_segment_in_two() -> None:
    tape = Tape()
    first = tape.send(0, "client", tape.packet("client", "A", 1, 1, 100))
    second = tape.send(1, "client", tape.packet("client", "A", 101, 1, 100))
    tape.arrive(40, first)
    answer = tape.send(40, "server", tape.packet("server", "A", 1, 101))
    tape.arrive(41, second)
    tape.arrive(80, answer)

    rows = segments(tape)

    assert [(row.kind, row.sender, row.flight, row.start // MILLISECOND) for row in rows] == [
        ("whole", "left", 1, 0),
        ("departs", "left", 2, 1),
        ("whole", "right", 3, 40),
        ("arrives", "left", 2, 41),
    ]


def test_segments_that_cross_are_seen_to_cross() -> None:
    tape = Tape()
    left = tape.send(0, "client", tape.packet("client", "FA", 1, 1))
    right = tape.send(10, "server", tape.packet("server", "FA", 1, 1))
    tape.arrive(40, left)
    tape.arrive(50, right)

    rows = segments(tape)

    assert [(row.kind, row.flight) for row in rows] == [("departs", 1), ("whole", 2), ("arrives", 1)]


def test_a_segment_that_is_overtaken_is_seen_to_be() -> None:
    tape = Tape()
    late = tape.send(0, "server", tape.packet("server", "PA", 1, 1, 500))
    fin = tape.send(0, "server", tape.packet("server", "FA", 501, 1))
    tape.arrive(40, fin)
    tape.arrive(90, late)

    rows = segments(tape)

    assert [(row.kind, row.flight, row.notes) for row in rows] == [
        ("departs", 1, ()),
        ("whole", 2, ("overtakes seq=0",)),
        ("arrives", 1, ("overtaken",)),
    ]
    assert rows[2].delay == ms(90)


def test_one_that_overtakes_several_says_how_many() -> None:
    tape = Tape()
    late = [tape.send(0, "client", tape.packet("client", "A", seq, 1, 100)) for seq in (1, 101)]
    tape.arrive(40, tape.send(0, "client", tape.packet("client", "A", 201, 1, 100)))
    for packet in late:
        tape.arrive(50, packet)

    notes = [row.notes for row in segments(tape)]

    assert notes == [(), (), ("overtakes 2 segments",), ("overtaken",), ("overtaken",)]


def test_a_long_flight_is_parted_if_anything_happens_meanwhile() -> None:
    tape = Tape()
    slow = tape.send(0, "client", tape.packet("client", "A", 1, 1, 100))
    again = tape.send(1_000, "client", tape.packet("client", "A", 1, 1, 100))
    tape.arrive(2_000, slow)
    tape.arrive(2_001, again)

    assert [(row.kind, row.flight) for row in segments(tape)] == [
        ("departs", 1),
        ("gap", 0),
        ("departs", 2),
        ("gap", 0),
        ("arrives", 1),
        ("arrives", 2),
    ]


def test_what_the_network_loses_ends_in_its_row_with_the_reason() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "PA", 1, 1, 5)))

    (row,) = segments(tape)

    assert (row.kind, row.lost, row.delay) == ("lost", "loss", None)


def test_a_loss_that_shows_later_has_a_row_of_its_own() -> None:
    tape = Tape()
    old = tape.send(0, "client", tape.packet("client", "PA", 1, 1, 5))
    tape.arrive(60, tape.send(20, "server", tape.packet("server", "A", 1, 1)))
    tape.add(120, "netem", PacketDropped(old, LINK, "no_route"))

    rows = segments(tape)

    assert [(row.kind, row.flight, row.lost) for row in rows] == [
        ("departs", 1, ""),
        ("whole", 2, ""),
        ("vanishes", 1, "no route"),
    ]


def test_what_never_arrives_says_so_at_the_end() -> None:
    tape = Tape()
    tape.send(0, "client", tape.packet("client", "PA", 1, 1, 5))

    (row,) = segments(tape)

    assert (row.kind, row.sent_notes) == ("departs", ("not seen to arrive",))


def test_what_a_driver_discards_at_the_door_has_arrived_too() -> None:
    tape = Tape()
    old = tape.send(0, "server", tape.packet("server", "A", 1, 1))
    tape.add(300, "client", PacketDiscarded(old, "expired"))

    (row,) = segments(tape)

    assert (row.kind, row.notes) == ("whole", ("discarded: expired",))


def test_a_copy_arrives_beside_its_original() -> None:
    tape = Tape()
    data = tape.send(0, "server", tape.packet("server", "PA", 1, 1, 5))
    copy = tape.copy(0, data)
    tape.arrive(40, data)
    tape.arrive(20_040, copy)

    rows = segments(tape)

    assert [(row.kind, row.copy, row.in_network) for row in rows] == [
        ("whole", False, 0),
        ("gap", False, 1),
        ("arrives", True, 0),
    ]
    assert (rows[1].start, rows[1].end) == (ms(40), ms(20_040))
    assert (str(rows[2].label), rows[2].delay) == (str(rows[0].label), ms(20_040))


def test_a_wait_shorter_than_the_gap_is_not_mentioned() -> None:
    tape = Tape()
    for start in (0, 539, 1_079):
        tape.arrive(start + 40, tape.send(start, "client", tape.packet("client", "A", 1, 1)))

    assert [row.kind for row in segments(tape)] == ["whole", "whole", "gap", "whole"]
    assert "gap" not in [row.kind for row in segments(tape, gap=501 * MILLISECOND)]


def test_sequence_numbers_are_relative_even_across_the_wrap() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "S")))
    tape.lose(1, tape.send(1, "server", tape.packet("server", "SA", 0, 1)))
    tape.lose(2, tape.send(2, "client", tape.packet("client", "PA", 1_001, 1, 10)))

    assert [str(row.label) for row in segments(tape)] == [
        "SYN seq=0 len=0",
        "SYN,ACK seq=0 ack=1 len=0",
        "PSH,ACK seq=1001 ack=1 len=10",
    ]
    assert str(segments(tape, absolute=True)[2].label) == (
        f"PSH,ACK seq={(CLIENT_ISN + 1_001) % 2**32} ack={SERVER_ISN + 1} len=10"
    )


def test_a_segment_with_no_flags_at_all_can_be_drawn() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "")))

    assert [str(row.label) for row in segments(tape)] == ["no flags seq=0 len=0"]


def test_only_one_connection_shows() -> None:
    tape = Tape()
    ours = tape.packet("client", "S")
    other = tape.packet("client", "S", port=50_000)
    for start, packet in ((0, ours), (10, other), (20, ours)):
        tape.arrive(start + 5, tape.send(start, "client", replace(packet, id=packet.id + start)))

    assert [row.start // MILLISECOND for row in segments(tape)] == [0, 20]

    pair = Pair((other.source, 50_000), (other.target, 80))
    assert [row.start // MILLISECOND for row in segments(tape, connection=pair)] == [10]


def test_the_first_connection_to_show_is_the_one() -> None:
    tape = Tape()
    builder = Ladder()
    assert builder.connection is None
    tape.send(0, "client", tape.packet("client", "S"))
    for record in tape.records:
        builder.feed(record)
    builder.finish()

    assert builder.connection is not None
    assert builder.connection.left[1] == CLIENT_PORT


def test_rows_come_as_soon_as_nothing_can_change_them() -> None:
    tape = Tape()
    syn = tape.send(0, "client", tape.packet("client", "S"))
    tape.arrive(40, syn)
    answer = tape.send(40, "server", tape.packet("server", "SA", 0, 1))
    tape.lose(40, answer)
    builder = Ladder()

    came = [[row.kind for row in builder.feed(record)] for record in tape.records]

    # The arrival is complete with the first record that is not of the server's turn, which is the network's.
    assert came == [[], [], [], ["state", "whole", "lost"]]
    assert builder.finish() == []


def test_what_arrives_twice_or_from_nowhere_is_let_be() -> None:
    tape = Tape()
    syn = tape.send(0, "client", tape.packet("client", "S"))
    tape.arrive(40, syn)
    tape.arrive(41, syn)
    tape.arrive(42, replace(syn, id=99))
    tape.add(43, "client", PacketReceived(syn))
    tape.copy(44, replace(syn, id=98))

    assert [row.kind for row in segments(tape)] == ["whole"]


def test_a_journal_without_segments_has_no_rows() -> None:
    tape = Tape()
    tape.listen(0)

    assert list(ladder(tape.records)) == []
