"""Ladders as pictures."""

import xml.etree.ElementTree as ET

from tcplab.node import PacketReceived
from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.svg import svg
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.virtual import play
from tcplab.tcp.states import State
from tests.observe.tape import Tape

NAMESPACE = {"s": "http://www.w3.org/2000/svg"}


def picture(tape: Tape) -> ET.Element:
    return ET.fromstring(svg(ladder(tape.records), title="a < b & c"))


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.findall("s:text", NAMESPACE)]


def arrows(root: ET.Element) -> list[tuple[float, float, float, float]]:
    """Return the ends of each segment's line: from where to where."""
    return [
        tuple(float(line.attrib[name]) for name in ("x1", "y1", "x2", "y2"))  # type: ignore[misc]
        for line in root.findall("s:line", NAMESPACE)
        if line.attrib["class"].startswith("arrow")
    ]


def test_the_same_run_gives_the_same_octets() -> None:
    first, second = (svg(ladder(play(lifecycle()).journal.records), title="t") for _ in range(2))

    assert first == second


def test_it_is_one_well_formed_picture_that_fetches_nothing() -> None:
    text = svg(ladder(play(lifecycle()).journal.records), title="a < b & c")

    root = ET.fromstring(text)
    assert root.findtext("s:title", namespaces=NAMESPACE) == "a < b & c"
    assert "href" not in text
    assert "url(" not in text
    assert {"client", "server", *(state.name for state in (State.TIME_WAIT, State.LAST_ACK))} <= set(texts(root))


def test_every_arrival_is_an_arrow_that_falls_from_one_lifeline_to_the_other() -> None:
    run = play(lifecycle())
    root = ET.fromstring(svg(ladder(run.journal.records), title="t"))

    arrivals = sum(record.node != "netem" for record in run.journal.of(PacketReceived))
    heads = root.findall("s:polygon", NAMESPACE)
    assert len(heads) == arrivals
    assert all(y2 > y1 for _, y1, _, y2 in arrows(root))


def test_segments_that_cross_are_lines_that_cross() -> None:
    tape = Tape()
    left = tape.send(0, "client", tape.packet("client", "FA", 1, 1))
    right = tape.send(10, "server", tape.packet("server", "FA", 1, 1))
    tape.arrive(40, left)
    tape.arrive(50, right)

    lines = {(x1 < x2): (y1, y2) for x1, y1, x2, y2 in arrows(picture(tape))}

    (left_start, left_end), (right_start, right_end) = lines[True], lines[False]
    # At the left lifeline the client's is above the server's, at the right one below.
    assert left_start < right_end
    assert left_end > right_start


def test_a_lost_segment_does_not_reach_the_other_side() -> None:
    tape = Tape()
    tape.lose(0, tape.send(0, "client", tape.packet("client", "S")))

    root = picture(tape)

    ((x1, _, x2, _),) = arrows(root)
    assert x1 < x2 < 715
    assert "lost" in texts(root)
    assert root.findall("s:polygon", NAMESPACE) == []
