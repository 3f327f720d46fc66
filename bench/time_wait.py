"""TIME_WAIT: what an entry costs to make, to end and to keep, and the longest that a host stands still for a million.

All are due together, which is the worst there is. The garbage collector runs as it does in life. The yardstick is what
one would write without a second thought: an object an entry in a dictionary, and a heap of what ends when.

``python -m bench.time_wait`` prints the table alone.
"""

import gc
import heapq
import time
import tracemalloc
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table

from tcplab.node import Address, Event
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.ports import EphemeralPorts
from tcplab.tcp.time_wait import Records, Stamps, TimeWaits, policy
from tcplab.units import MICROSECOND, MINUTE, Instant
from tcplab.wire.seq import MODULUS, SeqNumber

CLIENT: Final = Address("10.0.1.1")
FIRST, LAST = 49_152, 65_535
LENGTH: Final = 4 * MINUTE
BEGIN: Final = Instant(1_700_000_000_000_000_000)  # a Unix time, as instants are in a lab of real time
SIZES: Final = (100_000, 1_000_000)
MEASURED_OCTETS: Final = 100_000


class Cost(NamedTuple):
    """Of ``entries`` that are due together: microseconds an entry, and milliseconds of the longest turn.

    Of the turn there is what the clock says, in which other programs on the machine have their share, and the most that
    a turn took of the processor.
    """

    entries: int
    enter: float
    end: float
    longest_turn: float
    longest_work: float
    heap_enter: float
    heap_end: float


@dataclass(slots=True)
class Plain:
    """An entry as one would write it."""

    id: ConnectionId
    snd_nxt: SeqNumber
    rcv_nxt: SeqNumber
    rcv_wnd: int
    entered: Instant
    expires: Instant
    stamps: Stamps


def names(entries: int) -> list[ConnectionId]:
    """Return so many connections, of as many servers as they need."""
    count = LAST - FIRST + 1
    servers = [Address(f"10.0.{2 + n // 250}.{n % 250 + 1}") for n in range(entries // count + 1)]
    return [ConnectionId(CLIENT, FIRST + n % count, servers[n // count], 80, n) for n in range(entries)]


def lab(entries: int) -> tuple[float, float, float, float]:
    """Enter and end so many; return the seconds that each took in all, and the longest turn by clock and processor."""
    ports = EphemeralPorts(FIRST, LAST)
    records = Records(CLIENT)
    waits = TimeWaits(records, policy("rfc9293", LENGTH), ports)
    entering = _fill(waits, ports, names(entries))
    late = BEGIN + entries * MICROSECOND + LENGTH
    turns, works = [], []
    while (due := records.deadline()) is not None:
        assert due <= late
        events: list[Event] = []
        began, worked = time.perf_counter(), time.process_time()
        waits.advance(late, events)
        turns.append(time.perf_counter() - began)
        works.append(time.process_time() - worked)
        assert events, "a turn came to nothing"
    return entering, sum(turns), max(turns), max(works)


def heap(entries: int) -> tuple[float, float]:
    """Do the same with plain objects and a heap."""
    table: dict[tuple[Address, int, int], Plain] = {}
    pending: list[tuple[Instant, int, Plain]] = []
    connections = names(entries)
    began = time.perf_counter()
    for number, name in enumerate(connections):
        now = BEGIN + number * MICROSECOND
        big = SeqNumber(number * 0x9E3779B1 % MODULUS)
        entry = Plain(name, big, big, 65_535, now, now + LENGTH, Stamps(big, big))
        table[name.remote, name.remote_port, name.local_port] = entry
        heapq.heappush(pending, (entry.expires, number, entry))
    entered = time.perf_counter()
    while pending:
        name = heapq.heappop(pending)[2].id
        del table[name.remote, name.remote_port, name.local_port]
    return entered - began, time.perf_counter() - entered


def octets(entries: int = MEASURED_OCTETS) -> float:
    """Return what an entry takes, ports and tables and queue included; addresses are shared."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        ports = EphemeralPorts(FIRST, LAST)
        waits = TimeWaits(Records(CLIENT), policy("rfc9293", LENGTH), ports)
        _fill(waits, ports, names(entries))
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / entries
    finally:
        tracemalloc.stop()


def measure(entries: int) -> Cost:
    """Measure the lab and the plain way, one after the other."""
    entering, ending, longest, work = lab(entries)
    plain_entering, plain_ending = heap(entries)
    each = 1e6 / entries
    plain = plain_entering * each, plain_ending * each
    return Cost(entries, entering * each, ending * each, longest * 1e3, work * 1e3, *plain)


def table(console: Console) -> Table:
    """Measure all sizes."""
    made = Table(title=f"TIME_WAIT, {octets():.0f} octets an entry of {MEASURED_OCTETS:,}", title_justify="left")
    for column in ("due together", "enter", "end", "plain and heap: enter", "end", "longest turn", "its work"):
        made.add_column(column, justify="right")
    for size in SIZES:
        with console.status(f"{size:,} TIME_WAITs"):
            cost = measure(size)
        made.add_row(
            f"{cost.entries:,}", f"{cost.enter:.1f} µs", f"{cost.end:.1f} µs", f"{cost.heap_enter:.1f} µs",
            f"{cost.heap_end:.1f} µs", f"{cost.longest_turn:.0f} ms", f"{cost.longest_work:.0f} ms",
        )  # fmt: skip
    return made


def _fill(waits: TimeWaits, ports: EphemeralPorts, connections: list[ConnectionId]) -> float:
    events: list[Event] = []
    took = 0.0
    for number, name in enumerate(connections):
        assert ports.take((name.remote, name.remote_port), lambda _: False) == name.local_port
        big = SeqNumber(number * 0x9E3779B1 % MODULUS)
        now = BEGIN + number * MICROSECOND
        began = time.perf_counter()
        waits.enter(name, now, events, snd_nxt=big, rcv_nxt=big, rcv_wnd=1 << 20, rcv_shift=5, stamps=Stamps(big, big))
        took += time.perf_counter() - began
    return took


if __name__ == "__main__":
    out = Console()
    out.print(table(out))
