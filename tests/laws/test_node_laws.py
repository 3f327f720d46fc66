"""The laws of :class:`tcplab.node.Node`, for every node there is."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.node import NOTHING, Node, Output, Packet
from tcplab.units import START, Instant
from tests.laws.nodes import KINDS, Kind, begin, play
from tests.netem.packets import packet

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
ADVANCES_AT_ONE_INSTANT = 10


def text(outputs: Iterable[tuple[Instant, Output]]) -> list[str]:
    return [f"{time}: {list(output.packets)} {list(output.events)}" for time, output in outputs]


@every_kind
@given(data=st.data())
def test_the_same_inputs_give_the_same_outputs(kind: Kind, data: st.DataObject) -> None:
    inputs = data.draw(kind.inputs)
    (one, first), (other, same) = begin(kind), begin(kind)

    assert text([(START, first), *play(one, inputs)]) == text([(START, same), *play(other, inputs)])


class Restless:
    """Advances a node again and again before anything is due, and sees to it that nothing comes of that."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._now = START

    def receive(self, arrived: Packet, now: Instant) -> Output:
        self._fidget(now)
        return self._node.receive(arrived, now)

    def advance(self, now: Instant) -> Output:
        self._fidget(now)
        return self._node.advance(now)

    def deadline(self) -> Instant | None:
        return self._node.deadline()

    def _fidget(self, now: Instant) -> None:
        due = self._node.deadline()
        for early in (self._now, (self._now + now) // 2, now - 1, now):
            if early >= self._now and (due is None or early < due):
                output = self._node.advance(Instant(early))
                assert output == NOTHING, f"at {early}, before {due}"
                assert self._node.deadline() == due
        self._now = now


@every_kind
@given(data=st.data())
def test_an_early_advance_changes_nothing(kind: Kind, data: st.DataObject) -> None:
    inputs = data.draw(kind.inputs)
    (left_alone, _), (disturbed, _) = begin(kind), begin(kind)

    assert text(play(Restless(disturbed), inputs)) == text(play(left_alone, inputs))


@every_kind
@given(data=st.data())
def test_an_advance_at_the_deadline_makes_progress(kind: Kind, data: st.DataObject) -> None:
    node, _ = begin(kind)

    for now, _ in play(node, data.draw(kind.inputs)):
        for _ in range(ADVANCES_AT_ONE_INSTANT):
            due = node.deadline()
            if due is None or due > now:
                break
            output = node.advance(now)
            later = node.deadline()
            assert output != NOTHING or later is None or later > now, (
                f"nothing came of it, and it is still due at {now}"
            )
        else:
            pytest.fail(f"due again and again at {now}")


@every_kind
@given(data=st.data())
def test_what_came_out_is_not_changed_by_what_comes_later(kind: Kind, data: st.DataObject) -> None:
    node, first = begin(kind)
    outputs, as_they_came = [(START, first)], text([(START, first)])

    for came in play(node, data.draw(kind.inputs)):
        outputs.append(came)
        as_they_came += text([came])

    assert text(outputs) == as_they_came


def advance(node: Node, now: Instant) -> None:
    node.advance(now)


def receive(node: Node, now: Instant) -> None:
    node.receive(packet(1, now), now)


@every_kind
@given(data=st.data(), back=st.integers(1, 10**9))
def test_time_never_goes_back(kind: Kind, data: st.DataObject, back: int) -> None:
    inputs = data.draw(kind.inputs)
    for go_back in (advance, receive):
        node, _ = begin(kind)
        now = max((time for time, _ in play(node, inputs)), default=START)
        with pytest.raises(AssertionError, match=f"time went back from {now} to {now - back}"):
            go_back(node, now - back)
