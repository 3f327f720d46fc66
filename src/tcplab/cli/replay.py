"""``tcplab replay``: a run that was drawn from a seed, with its ladder and its verdict."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Console

from tcplab.apps.talker import Manner
from tcplab.check import Outcome, paths
from tcplab.netem.profile import Profile
from tcplab.observe.ladder import Pair, ladder
from tcplab.observe.ladder.text import ASCII, UNICODE, Layout, draw
from tcplab.sim import storm
from tcplab.sim.storm import Storm
from tcplab.tcp.config import TcpConfig
from tcplab.units import Duration, in_seconds

PIPED_WIDTH = 100


def command(
    seed: Annotated[int, typer.Argument(help="The seed that a failed test printed, or any other.", min=0)],
    *,
    outages: Annotated[
        bool, typer.Option("--outages", help="Draw links that go down too, with R2 switched on.")
    ] = False,
    absolute: Annotated[bool, typer.Option("--absolute", help="Sequence numbers as they are on the wire.")] = False,
) -> None:
    """Play a random run again, and judge it. Ends with 1 where something is wrong."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console = Console(width=PIPED_WIDTH, highlight=False, soft_wrap=True)
    drawn = storm.draw(seed, outages=outages)
    for line in describe(drawn):
        console.print(line, markup=False)
    run = storm.run(drawn)
    layout = Layout(console.width, ASCII if console.options.ascii_only else UNICODE)
    for connection in sorted(paths(run.journal.records)):
        if connection.local != storm.CLIENT:
            continue
        pair = Pair((connection.local, connection.local_port), (connection.remote, connection.remote_port))
        console.print(f"\n{connection}", style="bold", markup=False)
        for text in draw(ladder(run.journal.records, connection=pair, absolute=absolute), layout):
            console.print(text)
    console.print(f"\nseed {seed}: {run.verdict}", markup=False)
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
