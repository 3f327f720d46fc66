"""What is kept of a host is all that matters: hosts that live on and hosts that are frozen at each step stay alike."""

from collections import deque
from random import Random

import pytest

from tcplab.check.explore import SIDES, Bounds, Model, Replay, Subject
from tcplab.check.explore.freeze import NOW, LostInstantError, Moment, freeze, moment, thaw
from tcplab.observe.journal import Journal
from tcplab.tcp.events import StateChanged
from tcplab.tcp.states import State
from tcplab.tcp.timers import RetransmissionTimer
from tcplab.units import Duration, Instant

WALKS = 200


def frozen_hosts(replay: Replay) -> list[object]:
    for host in replay.hosts:
        host.settle()
    return [freeze(host, replay.now) for host in replay.hosts]


@pytest.mark.parametrize("simultaneous", [False, True], ids=["passive", "simultaneous"])
def test_hosts_that_live_on_stay_like_those_that_are_frozen_at_every_step(simultaneous: bool) -> None:
    bounds = Bounds(losses=2, duplicates=2, delays=2, octets=2, simultaneous=simultaneous)
    model = Model(bounds, reduced=False)
    states_met: set[State] = set()

    for seed in range(WALKS):
        random = Random(seed)
        journal = Journal()
        replay = Replay(model, journal, start=moment(NOW), pace=Duration(0))
        state = random.choice(model.firsts)
        while moves := model.moves(state):
            move = random.choice(moves)
            replay.apply(move)
            state = move.state
            ends = zip(model.ends, model.end_states(state), strict=True)
            assert frozen_hosts(replay) == [end.frozen(number) for end, number in ends], f"seed {seed}"
        states_met |= {record.event.new for record in journal.of(StateChanged)}

    assert states_met >= set(State) - {State.LISTEN}


def opened() -> Subject:
    host = Subject(SIDES[0], Bounds())
    host.start(moment(NOW))
    host.call(host.script.call("open"), moment(NOW))
    return host


def test_a_host_comes_back_as_it_was() -> None:
    frozen = freeze(opened(), moment(NOW))

    host = thaw(frozen)

    assert freeze(host, moment(NOW)) == frozen
    assert [status.state for status in host.statuses()] == [State.SYN_SENT]
    assert host.deadline() == opened().deadline()


def test_time_that_goes_by_brings_a_timer_nearer() -> None:
    host = opened()
    deadline = host.deadline()
    assert deadline is not None

    host = thaw(freeze(host, moment(deadline - 5)))

    assert host.deadline() == NOW + 5


def test_an_instant_that_is_over_is_only_that() -> None:
    earlier, later = ({"at": moment(NOW - distance)} for distance in (7, 9))

    assert freeze(earlier, moment(NOW)) == freeze(later, moment(NOW))
    assert thaw(freeze(earlier, moment(NOW)))["at"] < NOW
    with pytest.raises(LostInstantError):
        thaw(freeze(earlier, moment(NOW)))["at"] + 1


def test_an_instant_that_became_a_number_is_noticed() -> None:
    with pytest.raises(LostInstantError):
        freeze({"at": int(moment(NOW)) + 1}, moment(NOW))


def test_a_moment_stays_one_where_it_is_reckoned_with() -> None:
    instant = moment(NOW) + 3

    assert isinstance(instant, Moment)
    assert instant - moment(NOW) == 3
    assert not isinstance(instant - moment(NOW), Moment)
    assert isinstance(instant - 1, Moment)


def test_nothing_is_kept_of_a_timer_that_is_stopped() -> None:
    timer = RetransmissionTimer()
    timer.restart(moment(NOW), Duration(5), None)
    timer.stop()

    assert freeze(timer, moment(NOW)) == freeze(RetransmissionTimer(), moment(NOW))


def test_what_is_in_a_container_is_kept() -> None:
    things = {"list": [1, [2]], "set": {3}, "frozenset": frozenset({4}), "bytes": bytearray(b"5"), "queue": deque([6])}

    assert thaw(freeze(things, moment(NOW))) == things


def test_what_cannot_be_seen_into_is_refused() -> None:
    with pytest.raises(TypeError, match="memoryview"):
        freeze([memoryview(b"")], moment(NOW))


def test_what_stands_in_two_places_stays_one() -> None:
    shared = [Instant(1)]

    copy = thaw(freeze({"one": shared, "other": shared}, moment(NOW)))

    assert copy["one"] is copy["other"]
