"""A scenario: a run as a value, which either driver can play."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from tcplab.apps.script import Script, Step
from tcplab.netem.configuration import Configuration
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.units import Duration, Instant


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A host of a scenario: where it is, how its TCP is set, and what its application does."""

    address: Address
    steps: tuple[Step, ...]
    tcp: TcpConfig = field(default_factory=TcpConfig)


@dataclass(frozen=True, slots=True)
class Scenario:
    """Hosts, what they do, and what the network does to them.

    ``seed`` settles all that is left to chance: payloads, ISNs and the network's draws. ``limit`` is the lab's time
    by which the run must have come to rest.
    """

    name: str
    lesson: str
    hosts: Mapping[str, HostPlan]
    profiles: Mapping[LinkName, Profile]
    limit: Duration
    lifetime: Duration
    seed: int = 1
    faults: str = ""
    """What the network is configured with before anything passes it, as lines of docs/faults.md."""

    def configuration(self, now: Instant) -> Configuration | None:
        """Return what the network is configured with where it begins at ``now``, ``None`` for nothing.

        Raises:
            GrammarError: points at the word of ``faults``.
        """
        return Configuration.parse(self.faults, now) if self.faults else None

    def make_script(self, host: str) -> Script:
        """Return the application of a host, not yet started."""
        return Script(self.hosts[host].steps, self.seed_of(host))

    def make_host(self, host: str, script: Script) -> Host:
        """Return a host with its application."""
        plan = self.hosts[host]
        key = hashlib.sha256(f"{self.name}/{self.seed}/{host}".encode()).digest()
        return Host(plan.address, script, plan.tcp, isn_key=key)

    def make_network(self) -> Network:
        """Return the network between the hosts."""
        return Network(self.profiles, seed=self.seed, lifetime=self.lifetime)

    def seed_of(self, host: str) -> int:
        """Return the seed of a host's payload."""
        return int.from_bytes(hashlib.sha256(f"{self.seed}/{host}".encode()).digest()[:8])
