"""The lost last ACK as a scenario: LAST_ACK says its FIN again, TIME_WAIT answers, and waits anew."""

from dataclasses import replace

import pytest

from tcplab.netem.events import PacketDropped
from tcplab.netem.grammar import GrammarError
from tcplab.netem.notices import ConfigurationApplied, FaultApplied
from tcplab.node import PacketReceived
from tcplab.scenarios.last_ack import FAULT, last_ack
from tcplab.scenarios.virtual import Run, play
from tcplab.sim.rerun import rerun
from tcplab.tcp.events import IllegalTransition, Retransmitted, StateChanged, TimeWaitEnded, TimeWaitRestarted
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, START, Instant


def entered(run: Run, node: str, state: State) -> Instant:
    """Return when a host entered a state for the last time."""
    return [record.time for record in run.journal.of(StateChanged, node) if record.event.new is state][-1]


def test_the_ack_of_the_servers_fin_is_lost_to_the_fault_and_to_nothing_else() -> None:
    run = play(last_ack())

    assert run.at_rest
    assert run.journal.of(IllegalTransition) == []
    (lost,) = run.journal.of(PacketDropped)
    assert (lost.event.reason, lost.event.rule, lost.event.packet.segment.kind) == ("fault", FAULT, "ack")
    assert lost.time == entered(run, "client", State.TIME_WAIT)


def test_the_fin_comes_again_and_time_wait_answers_it() -> None:
    run = play(last_ack())

    (again,) = run.journal.of(Retransmitted)
    assert (again.node, again.event.segment.kind) == ("server", "fin")
    assert entered(run, "server", State.LAST_ACK) < again.time < entered(run, "server", State.CLOSED)
    (restarted,) = run.journal.of(TimeWaitRestarted)
    assert (restarted.node, restarted.time) == ("client", again.time + 100 * MILLISECOND)
    assert entered(run, "server", State.CLOSED) == again.time + 200 * MILLISECOND


def test_time_wait_lasts_its_time_from_the_second_fin() -> None:
    run = play(last_ack())

    (restarted,) = run.journal.of(TimeWaitRestarted)
    (ended,) = run.journal.of(TimeWaitEnded)
    assert ended.time == restarted.time + 240 * SECOND


def test_without_the_fault_nothing_is_said_twice_and_nothing_is_configured() -> None:
    run = play(last_ack(faults=False))

    assert run.at_rest
    assert [*run.journal.of(Retransmitted), *run.journal.of(ConfigurationApplied)] == []
    fins = [r for r in run.journal.of(PacketReceived, "client") if r.event.packet.segment.kind == "fin"]
    assert len(fins) == 1


def test_the_fault_stands_before_anything_passes_and_the_journal_can_be_run_again() -> None:
    run = play(last_ack())

    (applied,) = run.journal.of(FaultApplied)
    assert (applied.time, applied.event.name) == (START, FAULT)
    result = rerun(run.journal.records)
    assert (result.begun, result.differences) == ({"netem"}, ())


def test_lines_that_cannot_be_read_are_refused_with_the_word() -> None:
    with pytest.raises(GrammarError, match="'dorp' at column 1") as raised:
        play(replace(last_ack(), faults="dorp fin"))

    assert raised.value.nearest == "drop"
