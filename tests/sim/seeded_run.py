"""A run in which all that is left to chance happens; as a program, it prints its journal."""

import sys

from tcplab.apps.client import Client, ClientConfig, CloseMix
from tcplab.apps.server import Server, ServerConfig
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.observe.journal import Journal, dump
from tcplab.sim.world import World
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, MINUTE, Instant
from tests.netem.packets import BACK, CLIENT, SERVER, THERE

BAD = Profile(
    delay=20 * MILLISECOND,
    jitter=10 * MILLISECOND,
    loss=0.05,
    duplicate=0.05,
    rate=1_000_000,
    drop_list=frozenset({3, 30}),
    delay_list={5: 300 * MILLISECOND},
    copy_list={7: MINUTE},
)
LOAD = ClientConfig(SERVER, 80, rate=20, octets=5_000, close_mix=CloseMix(1, 1, 1), total=30)


def lab(
    profile: Profile, *, client: ClientConfig = LOAD, seed: int = 1, observed: bool = True
) -> tuple[World, Journal]:
    """Return a client and a server with the same link either way, and the journal of what they do."""
    journal = Journal()
    hosts = {"client": Host(CLIENT, Client(client, seed)), "server": Host(SERVER, Server(ServerConfig(80)))}
    network = Network({THERE: profile, BACK: profile}, seed=seed)
    return World(network, hosts, [journal] if observed else ()), journal


def seeded_run(seed: int) -> str:
    """Return the journal of a whole run, as text."""
    world, journal = lab(BAD, seed=seed)
    assert world.run_until_idle(Instant(60 * MINUTE))
    return "".join(dump(record) + "\n" for record in journal.records)


if __name__ == "__main__":
    sys.stdout.write(seeded_run(int(sys.argv[1])))
