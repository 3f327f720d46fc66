"""Networks, packets to send through them, and what comes of that."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from tcplab.netem.events import LinkName
from tcplab.netem.network import LIFETIME_DEFAULT, Network
from tcplab.netem.profile import Profile
from tcplab.node import Address, Event, Output, Packet
from tcplab.units import START, Duration, Instant
from tcplab.wire.segment import ACK, Segment
from tcplab.wire.seq import SeqNumber

E = TypeVar("E", bound=Event)

CLIENT, SERVER = Address("10.0.1.1"), Address("10.0.2.1")
THERE, BACK = LinkName("client>server"), LinkName("server>client")
PERFECT = Profile()
PURE_ACK = Segment(49_152, 80, SeqNumber(1), SeqNumber(1), ACK, 65_535)


def packet(
    number: int = 1, born: int = START, source: Address = CLIENT, target: Address = SERVER, payload: bytes = b""
) -> Packet:
    return Packet(number, Instant(born), source, target, replace(PURE_ACK, payload=payload))


def network(there: Profile = PERFECT, lifetime: Duration | None = LIFETIME_DEFAULT) -> Network:
    """Return a network in which nothing but the link from client to server has a profile."""
    return Network({THERE: there}, seed=1, lifetime=lifetime)


def stream(network: Network, packets: Iterable[Packet]) -> Iterator[tuple[Instant, Output]]:
    """Give a network each packet at its birth, advance it whenever it is due, and yield what comes, in order."""
    for each in packets:
        now = each.born
        while (deadline := network.deadline()) is not None and deadline <= now:
            yield deadline, network.advance(deadline)
        yield now, network.receive(each, now)
    while (deadline := network.deadline()) is not None:
        yield deadline, network.advance(deadline)


def send_all(network: Network, packets: Iterable[Packet]) -> list[tuple[Instant, Output]]:
    return list(stream(network, packets))


def drain(network: Network) -> list[tuple[Instant, Output]]:
    """Advance a network from deadline to deadline until it is empty."""
    return send_all(network, ())


def arrivals(outputs: Iterable[tuple[Instant, Output]]) -> list[tuple[Instant, Packet]]:
    return [(time, each) for time, output in outputs for each in output.packets]


def events(outputs: Iterable[tuple[Instant, Output]]) -> list[Event]:
    return [event for _, output in outputs for event in output.events]


def of(outputs: Iterable[tuple[Instant, Output]], kind: type[E]) -> list[E]:
    return [event for event in events(outputs) if isinstance(event, kind)]
