"""Which segments somebody wants to see: by who sends them, to whom, their flags, and what was decided of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final, NamedTuple, Self, get_args

from tcplab.netem.roles import DEFAULT_ROLES
from tcplab.node import Address, Packet
from tcplab.observe.sightings import Verdict
from tcplab.wire.segment import Flags, flags_from_text

VERDICTS: Final[Mapping[str, type[Verdict]]] = {
    kind.__name__.removeprefix("Packet").lower(): kind for kind in get_args(Verdict)
}
"""What may be decided, by the name under which it is asked for, such as ``dropped``."""


NO_FLAGS: Final = Flags(0)


class Ends(NamedTuple):
    """Hosts of a prefix, a port of theirs, or both."""

    network: IPv4Network | None
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``client``, ``10.0.1.7``, ``10.0.1.0/24``, any of them with ``:80`` behind it, or ``:80`` alone.

        Raises:
            ValueError: it is none of these.
        """
        who, _, port = text.partition(":")
        try:
            network = IPv4Network(DEFAULT_ROLES.get(who, who)) if who else None
            number = int(port) if port else None
        except ValueError:
            network = number = None
        if (network, number) == (None, None) or (number is not None and not 0 <= number <= 65_535):
            roles = ", ".join(DEFAULT_ROLES)
            raise ValueError(f"{text!r} names no host: write {roles}, 10.0.1.7, 10.0.1.0/24, 10.0.1.7:80 or :80")
        return cls(network, number)

    def hold(self, address: Address, port: int) -> bool:
        """Return whether an address and port are among them."""
        return self.port in (None, port) and (self.network is None or IPv4Address(address) in self.network)


@dataclass(frozen=True, slots=True)
class Sieve:
    """Lets through what has every property that is asked for; by default everything."""

    source: Ends | None = None
    target: Ends | None = None
    either: Ends | None = None
    """The source or the target."""
    flags: Flags = NO_FLAGS
    """All of these."""
    verdict: type[Verdict] | None = None
    rule: str = ""

    @classmethod
    def of(
        cls,
        *,
        source: str | None = None,
        target: str | None = None,
        either: str | None = None,
        flags: str = "",
        verdict: str | None = None,
        rule: str = "",
    ) -> Self:
        """Read what is asked for, as people write it.

        Raises:
            ValueError: names the word that is none, and what there is.
        """
        if verdict is not None and verdict not in VERDICTS:
            raise ValueError(f"{verdict!r} is no verdict; there are {', '.join(VERDICTS)}")
        return cls(
            source=None if source is None else Ends.parse(source),
            target=None if target is None else Ends.parse(target),
            either=None if either is None else Ends.parse(either),
            flags=flags_from_text(flags),
            verdict=None if verdict is None else VERDICTS[verdict],
            rule=rule,
        )

    def passes(self, packet: Packet, verdicts: Sequence[Verdict]) -> bool:
        """Return whether a packet of which this was decided is wanted."""
        segment = packet.segment
        here, there = (packet.source, segment.sport), (packet.target, segment.dport)
        return (
            segment.flags & self.flags == self.flags
            and (self.source is None or self.source.hold(*here))
            and (self.target is None or self.target.hold(*there))
            and (self.either is None or self.either.hold(*here) or self.either.hold(*there))
            and (self.verdict is None or any(isinstance(each, self.verdict) for each in verdicts))
            and (not self.rule or any(getattr(each, "rule", "") == self.rule for each in verdicts))
        )
