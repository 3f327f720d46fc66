"""The life of a connection as a scenario: it shows what it says, and the same seed shows the same."""

from dataclasses import replace

import pytest

from tcplab.netem.events import PacketDropped, PacketDuplicated, PacketReordered
from tcplab.netem.profile import Profile
from tcplab.node import PacketSent
from tcplab.observe.journal import dump
from tcplab.observe.ladder import ladder
from tcplab.scenarios.lifecycle import BACK, SEGMENT, THERE, lifecycle
from tcplab.scenarios.virtual import play
from tcplab.tcp.events import (
    Ignored,
    IllegalTransition,
    Retransmitted,
    SegmentIgnored,
    StateChanged,
    TimeWaitEnded,
)
from tcplab.tcp.states import Cause, State
from tcplab.units import MILLISECOND, SECOND

PATHS = {
    "client": [
        State.SYN_SENT,
        State.ESTABLISHED,
        State.FIN_WAIT_1,
        State.FIN_WAIT_2,
        State.TIME_WAIT,
        State.CLOSED,
    ],
    "server": [State.SYN_RECEIVED, State.ESTABLISHED, State.CLOSE_WAIT, State.LAST_ACK, State.CLOSED],
}


@pytest.mark.parametrize("faults", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_sides_live_and_die_by_the_book(seed: int, faults: bool) -> None:
    run = play(lifecycle(seed, faults=faults))

    assert run.at_rest
    assert run.journal.of(IllegalTransition) == []
    for node, path in PATHS.items():
        told = [
            record.event.new
            for record in run.journal.of(StateChanged, node)
            if record.event.connection.remote_port and record.event.cause is not Cause.PASSIVE_OPEN
        ]
        assert told == path
    client, server = run.scripts["client"], run.scripts["server"]
    assert (client.sent, client.received) == (3_000, 1_200)
    assert client.digest_sent == server.digest_received
    assert server.digest_sent == client.digest_received


def test_every_fault_hits() -> None:
    run = play(lifecycle())

    assert len(run.journal.of(PacketDropped)) == 1
    assert len(run.journal.of(Retransmitted)) == 1
    assert len(run.journal.of(PacketDuplicated)) == 1
    assert len(run.journal.of(PacketReordered)) == 1
    (fin,) = [row for row in ladder(run.journal.records) if "overtakes seq=701" in row.notes]
    assert State.TIME_WAIT not in fin.left


def test_the_fin_waits_for_the_hole_before_it() -> None:
    run = play(lifecycle())
    changes = {record.event.new: record.time for record in run.journal.of(StateChanged, "client")}

    # The FIN arrives right behind the ACK that leads to FIN_WAIT_2, the octets before it 400 ms later.
    assert changes[State.TIME_WAIT] - changes[State.FIN_WAIT_2] == 400 * MILLISECOND


def test_the_lost_segment_is_sent_again_because_the_next_one_arrived() -> None:
    run = play(lifecycle())

    (lost,), (again,) = run.journal.of(PacketDropped), run.journal.of(Retransmitted)
    assert again.event.cause == "fast"
    assert again.event.segment.seq == lost.event.packet.segment.seq
    # The SACK of the third segment is there after a round trip; a quarter of one is left to reordering (RFC 8985, 6.2).
    assert again.time - lost.event.packet.born == 600 * MILLISECOND + 150 * MILLISECOND
    # Two ACKs at once: of what came out of order, and of what filled the hole; the answer is the fourth of its link.
    sacks = [record.event.packet.segment.options.sack for record in run.journal.of(PacketSent, "server")]
    assert [bool(blocks) for blocks in sacks[:4]] == [False, True, False, False]


@pytest.mark.parametrize(
    ("timestamps", "reason"), [(True, Ignored.OLD_TIMESTAMP), (False, Ignored.UNACCEPTABLE_SEQUENCE)]
)
def test_a_late_duplicate_dies_in_time_wait_and_does_not_prolong_it(timestamps: bool, reason: Ignored) -> None:
    scenario = lifecycle()
    hosts = {
        name: replace(plan, tcp=replace(plan.tcp, timestamps=timestamps, mss=SEGMENT + 12 * timestamps))
        for name, plan in scenario.hosts.items()
    }

    run = play(replace(scenario, hosts=hosts))

    reasons = [record.event.reason for record in run.journal.of(SegmentIgnored, "client")]
    assert reasons == [reason, Ignored.RESET_IN_TIME_WAIT]
    (ended,) = run.journal.of(TimeWaitEnded)
    assert (ended.node, ended.event.reason, ended.event.duration) == ("client", "expired", 240 * SECOND)


def test_a_shorter_msl_shortens_the_wait() -> None:
    run = play(lifecycle(msl=4 * SECOND))

    (ended,) = run.journal.of(TimeWaitEnded)
    assert ended.event.duration == 8 * SECOND


def test_the_same_seed_gives_the_same_run_and_another_another() -> None:
    def told(seed: int) -> list[str]:
        return [dump(record) for record in play(lifecycle(seed)).journal.records]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_without_faults_the_network_is_perfect() -> None:
    scenario = lifecycle(faults=False, delay=5 * MILLISECOND)

    assert scenario.profiles == {
        THERE: Profile(delay=5 * MILLISECOND),
        BACK: Profile(delay=5 * MILLISECOND),
    }
    assert play(scenario).journal.of(Retransmitted) == []


def test_observers_are_told_what_the_journal_is() -> None:
    told: list[str] = []

    class Listener:
        def observe(self, node: str, event: object, now: int) -> None:
            told.append(f"{now} {node} {event}")

    run = play(lifecycle(), [Listener()])

    assert told == [f"{record.time} {record.node} {record.event}" for record in run.journal.records]
