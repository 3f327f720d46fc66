"""That storms are worth their name, and the same from the same seed."""

import hashlib
import subprocess
import sys
from collections import Counter

import pytest

from tcplab.netem.events import PacketDropped, PacketDuplicated, PacketReordered
from tcplab.node import PacketSent
from tcplab.observe.journal import dump
from tcplab.sim import storm
from tcplab.tcp.events import Retransmitted, StateChanged, TimeWaitRestarted
from tcplab.tcp.states import Cause, State
from tcplab.units import in_seconds
from tcplab.wire.seq import seq_lt

_S, _C = State, Cause


def digest(seed: int, *, outages: bool) -> str:
    run = storm.run(storm.draw(seed, outages=outages))
    return hashlib.sha256("\n".join(map(dump, run.journal.records)).encode()).hexdigest()


@pytest.mark.parametrize("outages", [False, True])
def test_the_same_seed_gives_the_same_run_in_any_process(outages: bool) -> None:
    program = f"from tests.sim.test_storm import digest; print(digest(11, outages={outages}))"
    there = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    ]

    assert there == [digest(11, outages=outages)] * 2


def test_another_seed_gives_another_run() -> None:
    assert len({digest(seed, outages=False) for seed in range(5)}) == 5


def test_storms_take_every_way_that_the_table_has_for_them() -> None:
    taken: Counter[tuple[State, Cause]] = Counter()
    for seed in range(150):
        for outages in (False, True):
            journal = storm.run(storm.draw(seed, outages=outages)).journal
            taken.update((record.event.old, record.event.cause) for record in journal.of(StateChanged))

    assert taken.keys() >= {
        (_S.CLOSED, _C.ACTIVE_OPEN),
        (_S.CLOSED, _C.PASSIVE_OPEN),
        (_S.LISTEN, _C.SYN_ARRIVED),
        (_S.SYN_SENT, _C.SYN_ACK_ARRIVED),
        (_S.SYN_SENT, _C.SYN_ARRIVED),
        (_S.SYN_RECEIVED, _C.ACK_OF_SYN),
        (_S.ESTABLISHED, _C.CLOSE_CALL),
        (_S.ESTABLISHED, _C.FIN_ARRIVED),
        (_S.CLOSE_WAIT, _C.FIN_SENT),
        (_S.FIN_WAIT_1, _C.FIN_ARRIVED),
        (_S.FIN_WAIT_1, _C.ACK_OF_FIN),
        (_S.FIN_WAIT_2, _C.FIN_ARRIVED),
        (_S.CLOSING, _C.ACK_OF_FIN),
        (_S.LAST_ACK, _C.ACK_OF_FIN),
        (_S.TIME_WAIT, _C.TIME_WAIT_EXPIRED),
        (_S.FIN_WAIT_2, _C.FIN_WAIT_2_TIMEOUT),
        *((state, _C.RETRANSMISSION_TIMEOUT) for state in (_S.SYN_SENT, _S.SYN_RECEIVED, _S.ESTABLISHED)),
        *((state, _C.RETRANSMISSION_TIMEOUT) for state in (_S.FIN_WAIT_1, _S.CLOSE_WAIT, _S.CLOSING, _S.LAST_ACK)),
    }


def test_storms_meet_everything_that_a_network_does() -> None:
    met: Counter[str] = Counter()
    losses = [0.0]
    for seed in range(100):
        drawn = storm.draw(seed)
        losses += [profile.loss for profile in drawn.profiles.values()]
        journal = storm.run(drawn).journal
        met["drops"] += len(journal.of(PacketDropped))
        met["copies"] += len(journal.of(PacketDuplicated))
        met["reordered"] += len(journal.of(PacketReordered))
        met["restarts"] += len(journal.of(TimeWaitRestarted))
        met["probes"] += sum(record.event.cause == "probe" for record in journal.of(Retransmitted))
        segments = [record.event.packet.segment for record in journal.of(PacketSent)]
        met["closed windows"] += any(segment.window == 0 and not segment.flags & 4 for segment in segments)
        met["wraps"] += any(segment.length and seq_lt(segment.seq, segment.end) > (segment.seq < segment.end)
                            for segment in segments)  # fmt: skip
        met["long half-closes"] += half_closed(journal.of(StateChanged)) > 100

    assert 0.25 < max(losses) <= 0.3
    assert min(met.values()) >= 10, met


def half_closed(changes: object) -> float:
    """Return how many seconds the longest stay in FIN_WAIT_2 lasted."""
    assert isinstance(changes, list)
    since: dict[object, float] = {}
    longest = 0.0
    for record in changes:
        time = in_seconds(record.time)
        if record.event.old is State.FIN_WAIT_2:
            longest = max(longest, time - since[record.event.connection])
        since[record.event.connection] = time
    return longest
