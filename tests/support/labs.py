"""Labs for tests: each a virtual host of its own on the run's broker, with the permissions of a real one."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tcplab.runtime import definitions
from tcplab.runtime.amqp import Broker
from tests.support.keeper import VHOST_PREFIX
from tests.support.management import Management
from tests.support.ways import Found


@dataclass(frozen=True)
class Lab:
    """A virtual host and its users, whose names end in the run's."""

    found: Found
    vhost: str
    suffix: str

    def broker(self, role: str, *, port: int | None = None, vhost: str | None = None) -> Broker:
        """Return the broker as the user of a role sees it: ``client``, ``server``, ``netem`` or ``operator``."""
        return Broker(self.found.host, port or self.found.port, role + self.suffix, role, vhost or self.vhost)

    def senders(self) -> dict[str, str]:
        """Return the role of each host's user, for the network's end."""
        return {role + self.suffix: role for role in ("client", "server")}

    @property
    def management(self) -> Management:
        return self.found.management


@contextmanager
def lab(found: Found, run: str) -> Iterator[Lab]:
    """Make a lab, and remove it after."""
    made = Lab(found, f"{VHOST_PREFIX}{run}-{secrets.token_hex(4)}", f"-{run}")
    built = definitions.build(made.vhost, suffix=made.suffix)
    del built["users"]  # the keeper has made them
    found.management.post("definitions", body=built)
    try:
        yield made
    finally:
        found.management.delete("vhosts", made.vhost)
