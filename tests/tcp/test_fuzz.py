"""No peer and no application can make a TCP raise, reach an illegal transition, exceed its bounds, or go on for ever.

``make fuzz`` plays the same for longer, from fresh seeds; what each step is checked against is in
``tests/fuzz/limits.py``.
"""

from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tcplab.tcp.states import State
from tests.fuzz.bench import Bench
from tests.fuzz.machines import OneHost, TwoHosts
from tests.fuzz.mistakes import MISTAKES
from tests.fuzz.ways import WAYS

OFTEN = settings().max_examples

TestOneHost = OneHost.TestCase
TestOneHost.settings = settings(max_examples=2 * OFTEN, stateful_step_count=40)
TestTwoHosts = TwoHosts.TestCase
TestTwoHosts.settings = settings(max_examples=4 * OFTEN, stateful_step_count=40)


@pytest.mark.parametrize("way", WAYS)
def test_a_play_begins_where_it_says(way: str) -> None:
    bench = Bench()

    for step in WAYS[way]:
        bench.play(step)

    [state] = {status.state for status in bench.statuses()} or {State.CLOSED}
    assert state.value == {"listen": "closed"}.get(way, way.partition(",")[0])


@pytest.mark.parametrize(("machine", "make"), [(machine, make) for make, machine in MISTAKES.items()])
def test_a_host_with_a_mistake_is_found(machine: type[RuleBasedStateMachine], make: type[Any]) -> None:
    mistaken = type(make.__name__, (machine,), {"make": make})

    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(mistaken, settings=settings(max_examples=1_000, phases=[Phase.generate]))
