"""A true journal, and ways to falsify it: what a checker does not notice then, it does not check."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final, TypeVar

from tcplab.apps.talker import Manner, Opening, Talker
from tcplab.apps.witness import Witness
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Address, Event
from tcplab.observe.journal import Journal, Record
from tcplab.sim.world import World
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, MINUTE, Instant

CLIENT: Final = Address("10.0.1.1")
SERVER: Final = Address("10.0.2.1")
THERE: Final = LinkName("client>server")
BACK: Final = LinkName("server>client")
CONFIGS: Final = {"client": TcpConfig(), "server": TcpConfig()}
QUEUES: Final = {THERE: 0, BACK: 0}

Records = Sequence[Record[Event]]
E = TypeVar("E", bound=Event)


@cache
def true_journal(*, silent_from: int | None = None, minutes: int = 10) -> Records:
    """Return the journal of one connection: 3,000 octets there, 500 back, and the client closes first.

    Its SYN is lost three times, and so is the ACK of the server's FIN, which restarts the TIME_WAIT; a late copy of
    its first ACK finds nobody to want it. With ``silent_from`` everything is lost from that packet on, both ways.
    """
    gone = frozenset() if silent_from is None else frozenset(range(silent_from, 1_000))
    delay = 10 * MILLISECOND
    network = Network(
        {
            THERE: Profile(delay=delay, drop_list=frozenset({1, 2, 3, 9}) | gone, copy_list={5: 8 * delay}),
            BACK: Profile(delay=delay, drop_list=gone),
        },
        seed=1,
    )
    client = Talker(Manner(octets=3_000), 1, opens=[Opening(Instant(0), SERVER, 80)])
    server = Talker(Manner(octets=500, close="heard"), 2, listens=80)
    hosts = {
        "client": Host(CLIENT, Witness(client), CONFIGS["client"]),
        "server": Host(SERVER, Witness(server), CONFIGS["server"]),
    }
    journal = Journal()
    World(network, hosts, [journal]).run(Instant(minutes * MINUTE))
    return journal.records


def of(records: Records, kind: type[E], node: str | None = None) -> list[Record[E]]:
    """Return the records of one type of event."""
    return [Record(*record) for record in records if isinstance(record.event, kind) and node in (None, record.node)]  # type: ignore[arg-type]


def without(records: Records, *unwanted: Record[Any]) -> Records:
    """Return the records but some; the rest are numbered anew, so that nothing seems to be missing."""
    numbers = {record.n for record in unwanted}
    return renumbered([record for record in records if record.n not in numbers])


def changed(records: Records, record: Record[Any], **fields: Any) -> Records:
    """Return the records with other fields in the event of one of them."""
    return [each._replace(event=replace(each.event, **fields)) if each.n == record.n else each for each in records]  # type: ignore[type-var]


def moved(records: Records, record: Record[Any], by: int) -> Records:
    """Return the records with one of them at another time."""
    return [each._replace(time=each.time + by) if each.n == record.n else each for each in records]


def doubled(records: Records, record: Record[Any], alter: Callable[[Any], Event] = lambda event: event) -> Records:
    """Return the records with one of them twice; the second may be altered."""
    place = record.n
    again = record._replace(event=alter(record.event))
    return renumbered([*records[:place], again, *records[place:]])


def renumbered(records: Records) -> Records:
    return [record._replace(n=n) for n, record in enumerate(records, start=1)]
