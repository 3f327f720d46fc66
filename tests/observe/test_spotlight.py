import random
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from tcplab.observe.catalogue import SPOTLIGHT, SPOTLIGHT_SLOTS, STATE_CODES
from tcplab.observe.spotlight import CANDIDATES, DWELL_DEFAULT, NO_CONNECTION, PATIENCE, Spotlight
from tcplab.tcp.events import StateChanged
from tcplab.tcp.states import Cause, State
from tcplab.units import SECOND, Instant
from tests.observe.events import CLOSING_AT_ONCE, CLOSING_FIRST, CLOSING_SECOND, OPENING, connection, life, listener

STATE_OF = {code: state for state, code in STATE_CODES.items()}
WHOLE_LIFE = [
    State.SYN_SENT,
    State.ESTABLISHED,
    State.FIN_WAIT_1,
    State.FIN_WAIT_2,
    State.TIME_WAIT,
    State.CLOSED,
]


class Watched:
    """A spotlight that is scraped every second."""

    def __init__(self) -> None:
        self.spotlight = Spotlight()
        self.now = 0
        self.rows: list[tuple[int, ...]] = []

    def tell(self, *steps: StateChanged) -> None:
        for step in steps:
            self.spotlight.changed(step)

    def scrape(self, times: int = 1) -> None:
        for _ in range(times):
            self.rows.append(self.spotlight.codes(Instant(self.now)))
            self.now += SECOND

    def shown(self, slot: int) -> list[State | None]:
        """Return what a slot has shown, each state once for each time it came."""
        return [STATE_OF.get(code) for code, _ in groupby(row[slot] for row in self.rows)]


def test_the_numbers_are_those_of_the_rfcs_list() -> None:
    names = [
        "listen", "syn_sent", "syn_received", "established", "fin_wait_1", "fin_wait_2", "close_wait", "closing",
        "last_ack", "time_wait", "closed",
    ]  # fmt: skip

    assert {state.value: code for state, code in STATE_CODES.items()} == dict(zip(names, range(1, 12), strict=True))
    for state, code in STATE_CODES.items():
        assert f"{code} {state.value}" in SPOTLIGHT.help


def test_without_connections_no_slot_shows_one() -> None:
    watched = Watched()

    watched.scrape(3)

    assert watched.rows == [(NO_CONNECTION,) * SPOTLIGHT_SLOTS] * 3


def test_a_life_that_is_over_before_the_first_scrape_is_played_back_whole() -> None:
    watched = Watched()
    watched.tell(*life(connection(), *OPENING, *CLOSING_FIRST))

    watched.scrape(20)

    assert watched.shown(0) == [*WHOLE_LIFE, None]
    assert watched.shown(1) == [None]


def test_each_state_is_shown_for_its_dwell_however_often_somebody_looks() -> None:
    spotlight = Spotlight()
    for step in life(connection(), *OPENING, *CLOSING_FIRST):
        spotlight.changed(step)
    tenth = SECOND // 10

    codes = [spotlight.codes(Instant(time * tenth))[0] for time in range(200)]

    lasted = [(STATE_OF.get(code), len(list(group)) * tenth) for code, group in groupby(codes)]
    assert lasted[:-1] == [(state, DWELL_DEFAULT) for state in WHOLE_LIFE]


def test_scrapes_that_are_far_apart_skip_nothing() -> None:
    spotlight = Spotlight()
    for step in life(connection(), *OPENING, *CLOSING_FIRST):
        spotlight.changed(step)

    codes = [spotlight.codes(Instant(time * 60 * SECOND))[0] for time in range(7)]

    assert [STATE_OF.get(code) for code in codes] == [*WHOLE_LIFE, None]


def test_a_connection_that_lives_is_followed_as_it_goes() -> None:
    watched = Watched()
    steps = life(connection(), *OPENING, *CLOSING_FIRST)
    watched.tell(*steps[:2])
    watched.scrape(30)
    watched.tell(*steps[2:])
    watched.scrape(20)

    assert watched.shown(0) == [*WHOLE_LIFE, None]
    assert [row[0] for row in watched.rows].count(STATE_CODES[State.ESTABLISHED]) == 28


def test_a_slot_shows_no_connection_between_two() -> None:
    watched = Watched()
    watched.tell(*(step for number in range(8) for step in life(connection(number), *OPENING, *CLOSING_FIRST)))

    watched.scrape(40)

    for slot in range(SPOTLIGHT_SLOTS):
        assert watched.shown(slot)[:14] == [*WHOLE_LIFE, None, *WHOLE_LIFE, None]


def test_slot_0_keeps_to_the_listener() -> None:
    watched = Watched()
    watched.tell(*life(connection(1), *OPENING), *life(listener(), Cause.PASSIVE_OPEN))

    watched.scrape(100)

    assert watched.shown(0) == [State.LISTEN]
    assert watched.shown(1) == [State.SYN_SENT, State.ESTABLISHED]
    assert watched.shown(2) == [None]


def test_a_path_that_was_not_shown_for_long_goes_first() -> None:
    watched = Watched()
    for number in range(20):
        closing = CLOSING_AT_ONCE if number == 13 else CLOSING_FIRST
        watched.tell(*life(connection(number), *OPENING, *closing))

    watched.scrape(8)

    assert [State.CLOSING in watched.shown(slot) for slot in range(SPOTLIGHT_SLOTS)].count(True) == 1


def test_impatient_slots_turn_from_what_stands_still_to_what_moves() -> None:
    watched = Watched()
    for number in range(SPOTLIGHT_SLOTS):
        watched.tell(*life(connection(number), *OPENING))
    watched.scrape(100)
    watched.tell(*life(connection(9), *OPENING, *CLOSING_FIRST))

    watched.scrape(20)

    standing = [State.SYN_SENT, State.ESTABLISHED]
    assert [watched.shown(slot) for slot in range(2)] == [standing, standing]
    assert watched.shown(2) == [*standing, None, *WHOLE_LIFE, None]
    assert watched.shown(3)[:3] in ([*standing], [*standing, None])


def test_a_slot_is_patient_for_a_while() -> None:
    watched = Watched()
    for number in range(SPOTLIGHT_SLOTS):
        watched.tell(*life(connection(number), *OPENING))
    watched.scrape(1)
    watched.tell(*life(connection(9), *OPENING, *CLOSING_FIRST))

    watched.scrape((1 + PATIENCE) * 2)

    established = STATE_CODES[State.ESTABLISHED]
    assert [row[2] for row in watched.rows][-2:] == [established, NO_CONNECTION]


def test_in_a_busy_host_every_state_of_its_side_is_seen_within_two_minutes() -> None:
    chance = random.Random(1)
    watched = Watched()
    number = 0
    under_way: list[list[StateChanged]] = []
    for _ in range(120):
        for _ in range(5):
            closing = chance.choices((CLOSING_FIRST, CLOSING_SECOND, CLOSING_AT_ONCE), (6, 3, 1))[0]
            under_way.append(life(connection(number), *OPENING, *closing))
            number += 1
        for steps in under_way[-10:]:
            watched.tell(*steps[:3])
            del steps[:3]
        watched.scrape()

    seen = {state for slot in range(SPOTLIGHT_SLOTS) for state in watched.shown(slot)}
    assert seen - {None} == set(State) - {State.LISTEN, State.SYN_RECEIVED}


def test_a_flood_of_connections_is_bounded_and_newer_ones_get_their_turn() -> None:
    watched = Watched()
    for number in range(100 * CANDIDATES):
        watched.tell(life(connection(number), *OPENING)[0])
    watched.scrape()
    for number in range(100 * CANDIDATES, 101 * CANDIDATES):
        watched.tell(*life(connection(number), *OPENING, *CLOSING_FIRST))

    watched.scrape(40)

    assert State.TIME_WAIT in watched.shown(2)


def test_a_path_that_runs_on_for_ever_is_let_go() -> None:
    watched = Watched()
    watched.tell(*life(connection(), Cause.PASSIVE_OPEN))
    watched.scrape()
    for _ in range(100):
        watched.tell(
            StateChanged(connection(), State.LISTEN, State.SYN_RECEIVED, Cause.SYN_ARRIVED),
            StateChanged(connection(), State.SYN_RECEIVED, State.LISTEN, Cause.RESET_OF_PASSIVE_OPEN),
        )

    watched.scrape(3)

    assert watched.shown(0) == [State.LISTEN, None]


PATHS = [
    OPENING,
    (*OPENING, *CLOSING_FIRST),
    (*OPENING, *CLOSING_SECOND),
    (*OPENING, *CLOSING_AT_ONCE),
    (Cause.ACTIVE_OPEN, Cause.RETRANSMISSION_TIMEOUT),
]


@given(st.lists(st.tuples(st.sampled_from(PATHS), st.integers(0, 20)), max_size=30), st.randoms(use_true_random=False))
def test_whatever_is_shown_is_the_path_of_one_connection(
    lives: list[tuple[tuple[Cause, ...], int]], chance: random.Random
) -> None:
    """Between two gaps a slot shows the beginning of some connection's path, whole and in order."""
    watched = Watched()
    pending = [life(connection(number), *path) for number, (path, _) in enumerate(lives)]
    true_paths = [[step.new for step in steps] for steps in pending]
    while any(pending):
        steps = chance.choice([steps for steps in pending if steps])
        watched.tell(steps.pop(0))
        watched.scrape(chance.randrange(3))
    watched.scrape(10)

    for slot in range(SPOTLIGHT_SLOTS):
        for between, group in groupby(watched.shown(slot), lambda state: state is None):
            path = list(group)
            assert between or any(true[: len(path)] == path for true in true_paths), path
