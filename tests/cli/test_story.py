"""What the demo says beside the ladder, and how long it takes to say it."""

import io
import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from rich.console import Console

from tcplab.cli import figures
from tcplab.cli.demo import chosen, describe
from tcplab.cli.playback import BUDGET, Printer, at_a_pace, at_once, speed
from tcplab.cli.story import Item, tell
from tcplab.netem.profile import Profile
from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.text import Layout
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.model import Scenario
from tcplab.scenarios.virtual import play
from tcplab.tcp.states import TRANSITIONS, State
from tcplab.units import MILLISECOND, SECOND


def story(scenario: Scenario) -> list[Item]:
    records = play(scenario).journal.records
    return list(tell(ladder(records), records))


def texts(items: Sequence[Item], kind: str) -> list[str]:
    return [item.text for item in items if item.kind == kind]


def remark(items: Sequence[Item], words: str) -> bool:
    return any(words in text for text in texts(items, "remark"))


def test_the_chapters_come_in_order() -> None:
    assert texts(story(lifecycle()), "heading") == [
        "1  Three-way handshake",
        "2  Data",
        "3  Close",
        "4  TIME_WAIT",
    ]


def test_remarks_tell_of_the_faults_and_only_of_those_that_were() -> None:
    told = [
        "Lost. Nobody tells the client",
        "the client sends it again, 0.75 s after the first time, without waiting for its timer",
        "The client stays in FIN_WAIT_2",
        "The hole is filled",
        "A late duplicate",
        "must not end TIME_WAIT",
    ]

    faulty, perfect = story(lifecycle()), story(lifecycle(faults=False))

    assert [remark(faulty, words) for words in told] == [True] * 6
    assert [remark(perfect, words) for words in told] == [False] * 6
    assert remark(perfect, "2 MSL, 240 s, are over: the client forgets")


@pytest.mark.parametrize(
    ("drop", "said"),
    [
        ([1], "After 1.0 s without an acknowledgement the client sends it again"),
        ([5], "Nothing was heard for 2.0 s: the client sends its last segment again"),
    ],
)
def test_a_remark_says_why_a_segment_is_sent_again(drop: list[int], said: str) -> None:
    items = story(chosen(lifecycle(), drop=drop, drop_back=None))

    assert [text for text in texts(items, "remark") if "again" in text] == [
        text for text in texts(items, "remark") if said in text
    ]
    assert remark(items, said)


def test_figures_in_remarks_are_the_runs() -> None:
    items = story(lifecycle(msl=7 * SECOND))

    assert remark(items, "2 MSL, 14 s, are over")


def test_a_lost_acknowledgement_is_not_said_to_be_sent_again() -> None:
    items = story(chosen(lifecycle(), drop=[2], drop_back=None))

    assert remark(items, "never sent again")
    assert not remark(items, "Nobody tells the client")


def test_the_count_by_state_follows_the_run() -> None:
    counts = [item.states for item in story(lifecycle()) if item.kind == "count"]

    assert counts == [
        ((State.LISTEN, 1), (State.ESTABLISHED, 2)),
        ((State.LISTEN, 1), (State.ESTABLISHED, 2)),
        ((State.LISTEN, 1), (State.LAST_ACK, 1), (State.TIME_WAIT, 1)),
        ((State.LISTEN, 1),),
    ]


@pytest.mark.parametrize("node", ["client", "server"])
def test_the_states_summed_up_are_steps_of_the_table(node: str) -> None:
    path = figures.of_host(play(lifecycle()).journal.records, node).path
    rows = {(state, new) for (state, _), new in TRANSITIONS.items()}

    assert path[0] is path[-1] is State.CLOSED
    assert len(path) == 7
    assert set(pairwise(path)) <= rows


# --- pace ---


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def read(self) -> float:
        return self.now


def played(items: list[Item]) -> tuple[float, str]:
    """Return how long the story took to play, and what was on the terminal."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    clock = Time()
    at_a_pace(console, Printer(console, Layout(80)), items, sleep=clock.sleep, read=clock.read)
    assert isinstance(console.file, io.StringIO)
    return clock.now - 100.0, console.file.getvalue()


def test_segments_move_in_true_time_and_waits_are_leapt_over() -> None:
    items = story(lifecycle())
    gaps = [item for item in items if item.row is not None and item.row.kind == "gap"]
    remarks = len(texts(items, "remark"))
    moving = items[-1].end - sum(item.end - item.start for item in gaps)

    took, _ = played(items)

    assert took == pytest.approx(moving / SECOND + len(gaps) * 1.0 + remarks * 0.8)
    assert 10 < took < BUDGET


def test_the_terminal_ends_with_all_that_is_shown_at_once() -> None:
    items = story(lifecycle())
    console = Console(file=io.StringIO(), width=80)
    at_once(Printer(console, Layout(80)), items)
    assert isinstance(console.file, io.StringIO)

    _, terminal = played(items)

    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal)
    for line in console.file.getvalue().splitlines():
        assert line in shown


@pytest.mark.parametrize("drop", [[1, 2, 3, 4, 5], list(range(4, 12)), list(range(1, 1_000))])
def test_it_ends_in_time_whatever_is_lost(drop: list[int]) -> None:
    items = story(chosen(lifecycle(delay=2 * SECOND), drop=drop, drop_back=drop[:5]))

    took, terminal = played(items)

    assert took <= BUDGET * 1.01
    assert (speed(items) > 1) == ("times true pace" in terminal)


def test_what_is_too_slow_for_people_is_played_faster_and_that_is_said() -> None:
    items = story(lifecycle(delay=4 * SECOND))

    took, terminal = played(items)

    assert took == pytest.approx(BUDGET)
    assert "times true pace" in terminal


# --- words ---


def test_a_profile_in_words() -> None:
    profile = Profile(
        delay=300 * MILLISECOND,
        drop_list=frozenset({9, 4}),
        delay_list={6: 400 * MILLISECOND},
        copy_list={4: 30 * SECOND},
    )

    assert describe(profile) == (
        "takes 300 ms; drops segment 4, 9; holds segment 6 back for 400 ms; delivers segment 4 once more 30 s later"
    )
