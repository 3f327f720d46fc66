"""``tcplab demo``: the life and death of a connection, in virtual time, at a human pace."""

import dataclasses
import time
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tcplab.cli import figures, playback, story
from tcplab.netem.profile import Profile
from tcplab.observe.ladder import ladder
from tcplab.observe.ladder.text import ASCII, UNICODE, WIDTH_MIN, Layout, duration_text
from tcplab.scenarios.lifecycle import BACK, THERE, lifecycle
from tcplab.scenarios.model import Scenario
from tcplab.scenarios.virtual import Run, play
from tcplab.tcp.events import ConnectionFailed
from tcplab.units import in_seconds

PIPED_WIDTH: Final = 80
HOSTS: Final = ("client", "server")


def command(
    *,
    seed: Annotated[int, typer.Option(help="Settles payloads and initial sequence numbers.")] = 1,
    drop: Annotated[
        list[int] | None,
        typer.Option(help="Drop the N-th segment from client to server, in place of the scenario's choice.", min=1),
    ] = None,
    drop_back: Annotated[
        list[int] | None, typer.Option(help="Drop the N-th segment from server to client.", min=1)
    ] = None,
    faults: Annotated[bool, typer.Option(help="Let the network lose, hold back and copy segments.")] = True,
    fast: Annotated[bool, typer.Option("--fast", help="Show it all at once.")] = False,
    absolute: Annotated[bool, typer.Option("--absolute", help="Sequence numbers as they are on the wire.")] = False,
) -> None:
    """Play the life and death of a TCP connection, without broker or Docker."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH, highlight=False)
    began = time.perf_counter()
    run = play(chosen(lifecycle(seed, faults=faults), drop, drop_back))
    took = time.perf_counter() - began
    records = run.journal.records
    glyphs = ASCII if console.options.ascii_only else UNICODE
    layout = Layout(console.width, glyphs)
    items = list(story.tell(ladder(records, absolute=absolute), records))
    _introduce(console, run.scenario)
    printer = playback.Printer(console, layout)
    try:
        if fast or not console.is_terminal:
            playback.at_once(printer, items)
        else:
            playback.at_a_pace(console, printer, items)
    except KeyboardInterrupt:
        console.print("stopped")
        raise typer.Exit(130) from None
    _summarise(console, run, took)


def chosen(scenario: Scenario, drop: list[int] | None, drop_back: list[int] | None) -> Scenario:
    """Return the scenario with other segments dropped where that is asked for."""
    profiles = dict(scenario.profiles)
    if drop is not None:
        profiles[THERE] = dataclasses.replace(profiles[THERE], drop_list=frozenset(drop))
    if drop_back is not None:
        profiles[BACK] = dataclasses.replace(profiles[BACK], drop_list=frozenset(drop_back))
    return dataclasses.replace(scenario, profiles=profiles)


def _introduce(console: Console, scenario: Scenario) -> None:
    console.print(Text("tcplab demo", "bold").append(f"  {scenario.lesson}", "not bold"))
    for link in (THERE, BACK):
        console.print(f"{link}: {describe(scenario.profiles[link])}", style="bright_black")
    if console.width < WIDTH_MIN:
        console.print(f"This terminal has {console.width} columns: widen it to {WIDTH_MIN} and nothing is cut off.")
    console.print()


def describe(profile: Profile) -> str:
    """Return what a link does to its segments, in words."""
    words = [f"takes {duration_text(profile.delay)}"]
    if profile.drop_list:
        words.append(f"drops segment {_numbers(sorted(profile.drop_list))}")
    words += [f"holds segment {place} back for {duration_text(wait)}" for place, wait in profile.delay_list.items()]
    words += [
        f"delivers segment {place} once more {duration_text(wait)} later" for place, wait in profile.copy_list.items()
    ]
    return "; ".join(words)


def _numbers(numbers: list[int]) -> str:
    return ", ".join(str(number) for number in numbers)


def _summarise(console: Console, run: Run, took: float) -> None:
    records = run.journal.records
    network = figures.of_network(records)
    console.print()
    table = Table("", *HOSTS, box=None, pad_edge=False, header_style="bold")
    hosts = {name: figures.of_host(records, name) for name in HOSTS}
    rows = {
        "segments sent": [str(host.segments) for host in hosts.values()],
        "of these again": [str(host.retransmissions) for host in hosts.values()],
        "segments ignored": [str(host.ignored) for host in hosts.values()],
        "octets received": [str(run.scripts[name].received) for name in HOSTS],
        "handshake": [_duration(host.handshake) for host in hosts.values()],
        "close": [_duration(host.close) for host in hosts.values()],
        "TIME_WAIT": [_duration(host.time_wait) for host in hosts.values()],
        "states": [" ".join(state.name for state in host.path) for host in hosts.values()],
    }
    for title, cells in rows.items():
        table.add_row(title, *cells)
    console.print(table)
    console.print()
    console.print(_verdict(run))
    console.print(
        f"The network dropped {network.dropped} and copied {network.duplicated} of the segments. "
        f"{in_seconds(run.ended):.1f} s of the lab's time took {took * 1000:.0f} ms to compute.",
    )


def _verdict(run: Run) -> Text:
    failures = [f"{record.node}: {record.event.reason.value}" for record in run.journal.of(ConnectionFailed)]
    if failures:
        return Text(f"The connection failed ({', '.join(failures)}), and each application was told.", "red")
    client, server = run.scripts["client"], run.scripts["server"]
    if client.digest_sent == server.digest_received and server.digest_sent == client.digest_received:
        return Text("Both streams arrived intact: the digests of what was sent and received are equal.", "green")
    return Text("The streams did not arrive whole.", "red")


def _duration(duration: int | None) -> str:
    return "-" if duration is None else f"{in_seconds(duration):.3f} s"
