"""``tcplab replay``: a run that was drawn from a seed, or that was recorded, with its ladders and a verdict."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tcplab.apps.talker import Manner
from tcplab.check import Outcome, paths
from tcplab.cli import replay_file
from tcplab.cli.journals import read
from tcplab.cli.ladders import console
from tcplab.cli.troubles import one_line
from tcplab.netem.profile import Profile
from tcplab.observe.ladder import Pair, ladder
from tcplab.observe.ladder.text import ASCII, UNICODE, Layout, draw
from tcplab.sim import storm
from tcplab.sim.storm import Storm
from tcplab.tcp.config import TcpConfig
from tcplab.units import Duration, in_seconds


def command(
    run: Annotated[
        str, typer.Argument(metavar="SEED|FILE", help="A seed that a failed test printed, or any other; or a journal.")
    ],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="More journals of the same run.")
    ] = None,
    *,
    outages: Annotated[
        bool, typer.Option("--outages", help="Of a seed: draw links that go down too, with R2 switched on.")
    ] = False,
    connections: Annotated[int, typer.Option(help="Of a journal: how many ladders to show.", min=0)] = 5,
    absolute: Annotated[bool, typer.Option("--absolute", help="Sequence numbers as they are on the wire.")] = False,
) -> None:
    """Play a run again, and judge it: drawn from a seed, or told by journals. Ends with 1 where something is wrong."""
    if run.isdecimal() and not more:
        _seed(int(run), outages=outages, absolute=absolute)
        return
    with one_line("tcplab replay", run):
        if not Path(run).exists():
            raise ValueError(f"{run!r} is no seed, which is a whole number, and there is no such file")
        records = list(read([Path(run), *(more or [])]))
        same = replay_file.show(records, console(), absolute=absolute, limit=connections)
    if not same:
        raise typer.Exit(1)


def _seed(seed: int, *, outages: bool, absolute: bool) -> None:
    output = console()
    drawn = storm.draw(seed, outages=outages)
    for line in describe(drawn):
        output.print(line, markup=False)
    run = storm.run(drawn)
    layout = Layout(output.width, ASCII if output.options.ascii_only else UNICODE)
    for connection in sorted(paths(run.journal.records)):
        if connection.local != storm.CLIENT:
            continue
        pair = Pair((connection.local, connection.local_port), (connection.remote, connection.remote_port))
        output.print(f"\n{connection}", style="bold", markup=False)
        for text in draw(ladder(run.journal.records, connection=pair, absolute=absolute), layout):
            output.print(text)
    output.print(f"\nseed {seed}: {run.verdict}", markup=False)
    if run.verdict.outcome is Outcome.INVALID:
        raise typer.Exit(1)


def describe(drawn: Storm) -> Iterator[str]:
    """Yield lines that say what was drawn."""
    yield f"seed {drawn.seed}: {'a simultaneous open' if drawn.opens == 'both' else f'{len(drawn.openings)} opened'}"
    for link, profile in drawn.profiles.items():
        yield f"  {link}: {_link(profile)}"
    for outage in drawn.outages:
        end = "for good" if outage.end is None else f"to {in_seconds(outage.end)} s"
        yield f"  {outage.link} is down from {in_seconds(outage.begin)} s {end}"
    for name, manner, config in (
        ("client", drawn.client, drawn.client_config),
        ("server", drawn.server, drawn.server_config),
    ):
        yield f"  {name}: {_manner(manner)}"
        yield f"    {_config(config)}"


def _link(profile: Profile) -> str:
    rate = "no rate" if profile.rate is None else f"rate {profile.rate} bit/s"
    return (
        f"delay {_seconds(profile.delay)} ± {_seconds(profile.jitter)}, loss {profile.loss:.1%}, "
        f"duplicate {profile.duplicate:.1%}, {rate}, limit {profile.limit}"
    )


def _manner(manner: Manner) -> str:
    ending = "releases" if manner.release else "closes"
    patience = "" if manner.patience is None else f", patience {_seconds(manner.patience)}"
    return (
        f"writes {manner.octets} octets, at most {manner.write_limit} every {_seconds(manner.write_every)}; "
        f"reads at most {manner.read_limit} every {_seconds(manner.read_every)} after {_seconds(manner.read_after)}; "
        f"{ending} {_seconds(manner.close_after)} after all is {manner.close}{patience}"
    )


def _config(config: TcpConfig) -> str:
    used = [name for name in ("nagle", "window_scaling", "timestamps", "sack", "ecn") if getattr(config, name)]
    r2 = "no R2" if config.r2 is None else f"R2 {_seconds(config.r2)}"
    return (
        f"MSS {config.mss}, send buffer {config.send_buffer}, receive buffer {config.receive_buffer}, "
        f"RTO from {_seconds(config.rto_min)}, {r2}, {config.congestion} from {config.initial_window} segments, "
        f"ACKs within {_seconds(config.delayed_ack)}, with {', '.join(used) or 'no options'}"
    )


def _seconds(duration: Duration) -> str:
    return f"{in_seconds(duration):g} s"
