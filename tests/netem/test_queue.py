"""The queue of the network against a plain list that is sorted anew each time."""

from hypothesis import given
from hypothesis import strategies as st

from tcplab.netem.link import Link
from tcplab.netem.profile import Profile
from tcplab.netem.queue import Entry, Queue
from tcplab.units import Instant
from tests.netem.packets import THERE, packet

LINK = Link(THERE, Profile(), 1, Queue())

steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 20), st.booleans()),
        st.tuples(st.just("take"), st.integers(0, 25), st.none()),
    ),
    max_size=60,
)


@given(steps)
def test_entries_leave_by_their_time_and_then_their_place_whatever_order_they_come_in(
    done: list[tuple[str, int, bool | None]],
) -> None:
    queue = Queue()
    simple: list[Entry] = []
    for step, time, ahead in done:
        if step == "put":
            order = next(queue.order) + 1
            entry = (Instant(time), -order if ahead else order, packet(order), LINK, Instant(0))
            queue.put(entry)
            simple.append(entry)
            simple.sort(key=lambda entry: entry[:2])
        else:
            wanted = simple.pop(0) if simple and simple[0][0] <= time else None
            assert queue.take(Instant(time)) == wanted
        assert queue.first() == (simple[0][0] if simple else None)
