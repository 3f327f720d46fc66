"""The life of a connection, from SYN to CLOSED, with the troubles that TCP is made for."""

from typing import Final

from tcplab.apps.script import Close, Listen, On, Open, Step, Write
from tcplab.netem.events import LinkName
from tcplab.netem.profile import Profile
from tcplab.node import Address
from tcplab.scenarios.model import HostPlan, Scenario
from tcplab.tcp.config import MSL_DEFAULT, TcpConfig
from tcplab.units import MILLISECOND, MINUTE, Duration

THERE: Final = LinkName("client>server")
BACK: Final = LinkName("server>client")

DELAY_DEFAULT: Final = 300 * MILLISECOND
PORT: Final = 80
SEGMENT: Final = 1_000  # octets of data: a round number is easier to follow
MSS: Final = SEGMENT + 12  # what a segment may hold without options; timestamps take 12 octets of it
REQUEST: Final = 3 * SEGMENT
ANSWER: Final = 700
REST: Final = 500

# The places of the segments on their links that the faults strike.
SECOND_SEGMENT: Final = 4  # client>server: SYN, ACK, the request's first segment, its second
ANSWER_SEGMENT: Final = 4  # server>client: SYN,ACK, an ACK that tells of the hole, one once it is filled, the answer
REST_SEGMENT: Final = 6  # server>client: ..., the ACK of the FIN, what the server had left to say


def lifecycle(
    seed: int = 1, *, delay: Duration = DELAY_DEFAULT, msl: Duration = MSL_DEFAULT, faults: bool = True
) -> Scenario:
    """Return the scenario.

    The client sends a request, of which a segment is lost, which the ACK of the next one tells; the server answers; the
    client closes; the server sends what it has left, which is held back on the way, so that its FIN overtakes it; and a
    duplicate of the answer wanders about and reaches the client in TIME_WAIT.

    Args:
        seed: settles payloads and ISNs.
        delay: each way, above 0; what is held back stays below the shortest RTO for up to 300 ms.
        msl: of both hosts and the network.
        faults: without them the same happens on a perfect line.
    """
    client, server = Address("10.0.1.1"), Address("10.0.2.1")
    tcp = TcpConfig(mss=MSS, msl=msl)
    back = Profile(
        delay=delay,
        delay_list={REST_SEGMENT: delay * 4 // 3},
        copy_list={ANSWER_SEGMENT: msl // 4},
    )
    return Scenario(
        name="lifecycle",
        lesson="How a TCP connection lives, and why it stays in TIME_WAIT when it dies.",
        hosts={
            "server": HostPlan(
                server,
                (
                    Step(On("started"), (Listen(PORT),)),
                    Step(On("received", octets=REQUEST), (Write(ANSWER),)),
                    Step(On("peer_closed"), (Write(REST), Close())),
                ),
                tcp,
            ),
            "client": HostPlan(
                client,
                (
                    Step(On("started"), (Open(server, PORT),)),
                    Step(On("opened"), (Write(REQUEST),)),
                    Step(On("received", octets=ANSWER), (Close(),)),
                ),
                tcp,
            ),
        },
        profiles={
            THERE: Profile(delay=delay, drop_list=frozenset({SECOND_SEGMENT} if faults else ())),
            BACK: back if faults else Profile(delay=delay),
        },
        limit=30 * MINUTE,
        lifetime=msl,
        seed=seed,
    )
