"""Segments of a connection, and whole connections through a network."""

from collections.abc import Iterable

from tcplab.apps.script import Close, Listen, On, Open, Script, Step, Write
from tcplab.netem.configuration import Configuration
from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.profile import Profile
from tcplab.node import Observer, Packet
from tcplab.observe.journal import Journal
from tcplab.sim.world import World
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, MINUTE, START, Duration, Instant
from tcplab.wire.segment import Segment, flags_from_text
from tcplab.wire.seq import SeqNumber
from tests.netem.packets import CLIENT, SERVER

PORT = 80
CLIENT_PORT = 49_152


def segment(
    flags: str, seq: int = 0, ack: int = 0, payload: bytes = b"", *, back: bool = False, port: int = CLIENT_PORT
) -> Packet:
    """Return a segment from the client, or ``back`` from the server, as Scapy writes its flags."""
    sport, dport = (PORT, port) if back else (port, PORT)
    source, target = (SERVER, CLIENT) if back else (CLIENT, SERVER)
    content = Segment(sport, dport, SeqNumber(seq), SeqNumber(ack), flags_from_text(flags), 65_535, payload=payload)
    return Packet(seq + 1, START, source, target, content)


def handshake(port: int = CLIENT_PORT) -> list[Packet]:
    """Return the three segments that open a connection; the client's ISN is 99, the server's 499."""
    syn, answer = segment("S", 99, port=port), segment("SA", 499, 100, back=True, port=port)
    return [syn, answer, segment("A", 100, 500, port=port)]


def life_of(port: int = CLIENT_PORT) -> list[Packet]:
    """Return a whole connection: opened, a few octets each way, closed by the client and then by the server."""
    return [
        *handshake(port),
        segment("A", 100, 500, b"ask", port=port),
        segment("A", 500, 103, b"answer", back=True, port=port),
        segment("FA", 103, 506, port=port),
        segment("A", 506, 104, back=True, port=port),
        segment("FA", 506, 104, back=True, port=port),
        segment("A", 104, 507, port=port),
    ]


def converse(
    text: str = "",
    *,
    request: int = 2_000,
    answer: int = 700,
    rest: int = 0,
    profile: Profile = Profile(delay=10 * MILLISECOND),  # noqa: B008 - a value
    observers: Iterable[Observer] = (),
    seed: int = 1,
) -> tuple[Journal, Network]:
    """Let a client ask a server something, be answered, say the rest and close, through a network so configured."""
    journal = Journal()
    network = Network({LinkName("client>server"): profile, LinkName("server>client"): profile}, seed=seed)
    tcp = TcpConfig(mss=1_012, delayed_ack=Duration(0))
    server = (
        Step(On("started"), (Listen(PORT),)),
        Step(On("received", octets=request), (Write(answer),)),
        Step(On("peer_closed"), (Close(),)),
    )
    client = (
        Step(On("started"), (Open(SERVER, PORT),)),
        Step(On("opened"), (Write(request),)),
        Step(On("received", octets=answer), (Write(rest), Close()) if rest else (Close(),)),
    )
    hosts = {
        "server": Host(SERVER, Script(server, 1), tcp, isn_key=b"server"),
        "client": Host(CLIENT, Script(client, 2), tcp, isn_key=b"client"),
    }
    network.configure(Configuration.parse(text), START)
    world = World(network, hosts, (journal, *observers))
    assert world.run_until_idle(Instant(30 * MINUTE)), "it did not come to rest"
    return journal, network
