"""How TIME_WAITs are kept: what an entry costs, in which order they end, and how many at a time."""

import gc
import sys
import tracemalloc
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.node import Address, Event
from tcplab.tcp.events import ConnectionId, TimeWaitEnded
from tcplab.tcp.ports import EphemeralPorts
from tcplab.tcp.time_wait import EXPIRIES_AT_ONCE, Record, Records, Stamps, TimeWaits, policy
from tcplab.units import MINUTE, SECOND, Duration, Instant
from tcplab.wire.seq import MODULUS, SeqNumber

LOCAL = Address("10.0.1.1")
SERVERS = [Address(f"10.0.2.{number}") for number in range(1, 11)]
FIRST, LAST = 49_152, 65_535
DURATION = 4 * MINUTE
OCTETS_MOST = 400


def record(number: int, entered: int, lasts: int = DURATION) -> Record:
    name = ConnectionId(LOCAL, FIRST + number % 1_000, SERVERS[number // 1_000], 80, number)
    return Record(name, SeqNumber(number), SeqNumber(1), 65_535, Instant(entered), Instant(entered + lasts))


class Waiting:
    """A host's ports and TIME_WAITs, as many as are asked for, each begun a microsecond after the one before."""

    def __init__(self, total: int) -> None:
        self.events: list[Event] = []
        self.ports = EphemeralPorts(FIRST, LAST)
        self.records = Records(LOCAL)
        self.time_waits = TimeWaits(self.records, policy("rfc9293", Duration(DURATION)), self.ports)
        for number in range(total):
            self.enter(number)

    def enter(self, number: int) -> None:
        server = SERVERS[number // (LAST - FIRST + 1)]
        port = self.ports.take((server, 80), lambda _: False)
        assert port is not None
        big = (number * 0x9E3779B1) % MODULUS
        self.time_waits.enter(
            ConnectionId(LOCAL, port, server, 80, 1_000_000 + number),
            Instant(10**18 + number * 1_000),
            self.events,
            snd_nxt=SeqNumber(big),
            rcv_nxt=SeqNumber(big ^ 0xFFFF_FFFF),
            rcv_wnd=1 << 20,
            rcv_shift=5,
            stamps=Stamps(big, big ^ 0x5555_5555),
        )


def test_an_entry_takes_no_more_than_400_octets() -> None:
    """The record, its key, both tables, the queue and the port: all that there is for it.

    What many share counts once: the addresses. tracemalloc sees every allocation from the first entry to the last.
    """
    total = 100_000
    Waiting(1)  # whatever is made once and for all
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        waiting = Waiting(total)
        gc.collect()
        each = (tracemalloc.get_traced_memory()[0] - before) / total
    finally:
        tracemalloc.stop()
    print(
        f"\n{each:.0f} octets an entry of {total:,}; {sys.getsizeof(next(iter(waiting.records)).packed())} the record"
    )

    assert len(waiting.records) == total
    assert waiting.ports.in_use == LAST - FIRST + 1
    assert each <= OCTETS_MOST


def test_the_garbage_collector_has_nothing_to_look_at() -> None:
    """A million of objects that it looks at would make its collections, and so every turn of the host, long."""
    few, many = len(gc.get_objects()), 10_000
    waiting = Waiting(many)
    gc.collect()

    assert len(gc.get_objects()) - few < 200
    assert len(waiting.records) == many


def test_a_record_comes_back_as_it_was() -> None:
    records = Records(LOCAL)
    whole = replace(
        record(1, 5),
        snd_nxt=SeqNumber(MODULUS - 1),
        rcv_nxt=SeqNumber(MODULUS - 2),
        rcv_wnd=65_535 << 14,
        rcv_shift=14,
        stamps=Stamps(MODULUS - 3, MODULUS - 4),
        answered=Instant(0),
    )
    records.enter(whole)
    records.enter(record(2, 6))

    assert records.find(SERVERS[0], 80, FIRST + 1) == whole
    assert records.find(SERVERS[0], 80, FIRST + 2) == record(2, 6)
    assert records.find(SERVERS[0], 80, FIRST + 3) is None
    assert records.find(SERVERS[1], 80, FIRST + 1) is None
    assert [records.has(SERVERS[0], 80, FIRST + number) for number in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(
    ("total", "turns"),
    [
        (EXPIRIES_AT_ONCE - 1, [EXPIRIES_AT_ONCE - 1]),
        (EXPIRIES_AT_ONCE, [EXPIRIES_AT_ONCE]),
        (EXPIRIES_AT_ONCE * 5 // 2, [EXPIRIES_AT_ONCE, EXPIRIES_AT_ONCE, EXPIRIES_AT_ONCE // 2]),
    ],
)
def test_so_many_end_at_once_and_no_more(total: int, turns: list[int]) -> None:
    """Where more are due they stay due at the same instant, so that a driver comes back at once."""
    waiting = Waiting(total)
    due = Instant(10**18 + DURATION)
    late = due + SECOND

    for ended in turns:
        before = len(waiting.records)
        first = waiting.records.deadline()
        assert first is not None
        assert due <= first <= late
        waiting.events.clear()
        waiting.time_waits.advance(late, waiting.events)
        assert before - len(waiting.records) == ended
        assert sum(isinstance(event, TimeWaitEnded) for event in waiting.events) == ended
    assert waiting.records.deadline() is None
    assert waiting.ports.in_use == 0


def test_one_that_is_entered_after_all_have_ended_ends_in_its_turn() -> None:
    records = Records(LOCAL)
    records.enter(record(1, 0))
    records.restart(record(1, 5))
    assert len(records.expired(Instant(10 * MINUTE), 10)) == 1

    records.enter(record(1, 7))

    assert records.deadline() == 7 + DURATION
    assert [name.incarnation for name, _ in records.expired(Instant(7 + DURATION), 10)] == [1]
    assert records.deadline() is None


@given(st.lists(st.tuples(st.sampled_from(["enter", "restart", "change", "remove", "expire"]), st.integers(0, 5))))
def test_whatever_happens_they_end_in_order(steps: list[tuple[str, int]]) -> None:
    """Against the simplest thing that could be right: a dictionary, searched."""
    records, simple, clock = Records(LOCAL), dict[int, Record](), count(1)
    for what, number in steps:
        now = next(clock) * 10
        fresh = record(number, now, 100)
        match what:
            case "enter" if number not in simple:
                simple[number] = fresh
                records.enter(fresh)
            case "restart" if number in simple:
                simple[number] = replace(simple[number], expires=fresh.expires)
                records.restart(simple[number])
            case "change" if number in simple:
                simple[number] = replace(simple[number], rcv_wnd=now)
                records.change(simple[number])
            case "remove" if number in simple:
                records.remove(simple.pop(number))
            case "expire":
                due = sorted((kept for kept in simple.values() if kept.expires <= now), key=lambda kept: kept.expires)
                assert records.expired(Instant(now), 2) == [(kept.id, kept.entered) for kept in due[:2]]
                for kept in due[:2]:
                    del simple[kept.id.incarnation]
        assert records.deadline() == min((kept.expires for kept in simple.values()), default=None)
        assert {kept.id: kept for kept in records} == {kept.id: kept for kept in simple.values()}
        assert len(records) == len(simple)
