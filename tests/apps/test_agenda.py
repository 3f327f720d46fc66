"""The agenda: every task once, when it is due, in order."""

from hypothesis import given
from hypothesis import strategies as st

from tcplab.apps.agenda import Agenda
from tcplab.units import Instant


def test_what_is_due_comes_out_in_order_and_once() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.set("late", Instant(30))
    agenda.set("first", Instant(10))
    agenda.set("second", Instant(10))

    assert agenda.deadline() == 10
    assert list(agenda.due(Instant(9))) == []
    assert list(agenda.due(Instant(29))) == ["first", "second"]
    assert list(agenda.due(Instant(29))) == []
    assert agenda.deadline() == 30


def test_setting_again_moves_a_task_and_clearing_removes_it() -> None:
    agenda: Agenda[str] = Agenda()
    agenda.set("moved", Instant(10))
    agenda.set("moved", Instant(20))
    agenda.set("gone", Instant(5))
    agenda.clear("gone")

    assert agenda.deadline() == 20
    assert list(agenda.due(Instant(19))) == []
    assert list(agenda.due(Instant(20))) == ["moved"]
    assert agenda.deadline() is None


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["set", "clear", "due"]), st.integers(0, 5), st.integers(0, 50)), max_size=200
    )
)
def test_it_agrees_with_a_plain_dictionary(steps: list[tuple[str, int, int]]) -> None:
    agenda: Agenda[int] = Agenda()
    plain: dict[int, int] = {}
    for step, task, time in steps:
        if step == "set":
            agenda.set(task, Instant(time))
            plain[task] = time
        elif step == "clear":
            agenda.clear(task)
            plain.pop(task, None)
        else:
            due = {each for each, at in plain.items() if at <= time}
            assert set(agenda.due(Instant(time))) == due
            plain = {each: at for each, at in plain.items() if each not in due}
        assert agenda.deadline() == min(plain.values(), default=None)
