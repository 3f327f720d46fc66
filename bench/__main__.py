"""``make bench``: how fast and how exact the lab is, each figure beside its yardstick, both taken in one run.

Rates of two runs are not to be compared: machines are shared and noisy. Ratios are.
"""

from rich.console import Console
from rich.table import Table

from bench import bulk, lifecycles, raw_pika, throughput, time_wait, timing
from tests.support.ways import Found

ROUNDS = 3
PIPED_WIDTH = 110  # at 80 columns figures would be cut off
MEAN_OCTETS = 1_000  # of the lab's segments under this load, headers included: two of 1,448 octets for each bare ACK


def main() -> None:
    """Measure and print."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH)
    with throughput.a_broker() as found:
        console.print(f"RabbitMQ {found.version}, {found.how}")
        console.print(through_rabbitmq(found, console))
        console.print(timing.table(found, console))
    console.print(in_virtual_time(console))
    console.print(time_wait.table(console))
    console.print(in_bulk(console))


def through_rabbitmq(found: Found, console: Console) -> Table:
    """Measure segments a second, in turns so that noise meets both."""
    table = Table(title="Segments a second through RabbitMQ", title_justify="left")
    for column in (
        "round",
        "raw pika, 20 octets",
        f"raw pika, {MEAN_OCTETS} octets",
        "the lab",
        f"lab ÷ raw (20, {MEAN_OCTETS})",
        "the lab's message",
        "processor time a segment",
    ):
        table.add_column(column, justify="right")
    url = throughput.operator_url(found)
    for number in range(1, ROUNDS + 1):
        with console.status(f"RabbitMQ, round {number} of {ROUNDS}"):
            small, large = raw_pika.measure(url), raw_pika.measure(url, octets=MEAN_OCTETS)
            lab = throughput.measure(found)
        table.add_row(
            str(number), f"{small:,.0f}", f"{large:,.0f}", f"{lab.segments:,.0f}",
            f"{lab.segments / small:.2f}, {lab.segments / large:.2f}", f"{lab.segments_per_message:.0f} segments",
            f"{lab.processor * 1e6:.0f} µs",
        )  # fmt: skip
    return table


def in_virtual_time(console: Console) -> Table:
    """Measure lifecycles a second."""
    table = Table(title="Lifecycles a second in virtual time", title_justify="left")
    columns = ("at once", "connections", "everything on", "RFC 9293 alone", "bare heapq", "÷ heapq", "to the fewest")
    for column in columns:
        table.add_column(column, justify="right")
    for burst in lifecycles.BURSTS:
        rates = []
        for size in lifecycles.SIZES:
            with console.status(f"{size:,} lifecycles, {burst} at once"):
                rates.append(lifecycles.measure(size, burst))
        for rate in rates:
            table.add_row(
                str(burst), f"{rate.connections:,}", f"{rate.lab:,.0f}", f"{rate.plain:,.0f}", f"{rate.heap:,.0f}",
                f"1/{rate.lab_to_heap:.1f}, 1/{rate.plain_to_heap:.1f}", f"{rate.lab / rates[0].lab - 1:+.0%}",
            )  # fmt: skip
    return table


def in_bulk(console: Console) -> Table:
    """Measure one transfer through loss, at several lengths."""
    table = Table(title=f"One transfer in virtual time, {bulk.LOSS:.0%} of loss", title_justify="left")
    for column in ("octets", "segments", "virtual time", "wall time", "segments a second", "against the shortest"):
        table.add_column(column, justify="right")
    first = None
    for size in bulk.SIZES:
        with console.status(f"{size:,} octets"):
            rate = bulk.measure(size)
        speed = rate.segments / rate.wall
        first = speed if first is None else first
        table.add_row(
            f"{rate.octets:,}", f"{rate.segments:,}", f"{rate.virtual:,.1f} s", f"{rate.wall:,.1f} s", f"{speed:,.0f}",
            f"{speed / first - 1:+.0%}",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    main()
