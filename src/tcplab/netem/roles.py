"""Which addresses belong to whom."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations
from typing import Final

from tcplab.netem.events import LinkName
from tcplab.node import Address

DEFAULT_ROLES: Final[Mapping[str, str]] = {"client": "10.0.1.0/24", "server": "10.0.2.0/24"}
ELSEWHERE: Final = "elsewhere"
"""Stands for the role of an address that no role holds."""


def link_name(source: str, target: str) -> LinkName:
    """Return the name of the link from one role to another."""
    return LinkName(f"{source}>{target}")


class Roles:
    """Names for the hosts of an IPv4 prefix each, no address in two of them."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        """Take the prefix of each role, as ``{"client": "10.0.1.0/24"}``.

        Raises:
            ValueError: names the role, and what is wrong with it.
        """
        self._networks = {role: _parse(role, prefix) for role, prefix in prefixes.items()}
        for (role, network), (other, its) in combinations(self._networks.items(), 2):
            if network.overlaps(its):
                raise ValueError(f"roles {role!r} ({network}) and {other!r} ({its}) share addresses")

    @property
    def names(self) -> tuple[str, ...]:
        """The roles, in the order in which they were given."""
        return tuple(self._networks)

    def of(self, address: Address) -> str | None:
        """Return the role that holds the address, ``None`` where none does, or where it is no IPv4 address."""
        try:
            number = IPv4Address(address)
        except ValueError:
            return None
        return next((role for role, network in self._networks.items() if number in network), None)


def _parse(role: str, prefix: str) -> IPv4Network:
    if not role or ">" in role or role == ELSEWHERE:
        raise ValueError(f"role {role!r}: a name must not be empty or {ELSEWHERE!r}, nor have '>' in it")
    try:
        return IPv4Network(prefix)
    except ValueError as error:
        raise ValueError(f"role {role!r}: {prefix!r} is no IPv4 prefix such as 10.0.1.0/24 ({error})") from error
