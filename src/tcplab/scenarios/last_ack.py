"""Why whoever closes first has to wait: the last ACK of a connection is lost, and its FIN comes again."""

from typing import Final

from tcplab.apps.script import Close, Listen, On, Open, Step, Write
from tcplab.netem.profile import Profile
from tcplab.node import Address
from tcplab.scenarios.lifecycle import BACK, THERE
from tcplab.scenarios.model import HostPlan, Scenario
from tcplab.tcp.config import MSL_DEFAULT, TcpConfig
from tcplab.units import MILLISECOND, MINUTE, Duration

DELAY_DEFAULT: Final = 100 * MILLISECOND
PORT: Final = 80
REQUEST: Final = 500  # octets
ANSWER: Final = 700

FAULT: Final = "last-ack"
LINES: Final = f"drop 1st ack of fin from client as {FAULT}\n"


def last_ack(
    seed: int = 1, *, delay: Duration = DELAY_DEFAULT, msl: Duration = MSL_DEFAULT, faults: bool = True
) -> Scenario:
    """Return the scenario.

    A client asks, is answered and closes, and so does the server. The ACK of the server's FIN is lost; the server, in
    LAST_ACK, sends its FIN again, and the client, in TIME_WAIT, acknowledges it and waits anew.

    Args:
        seed: settles payloads and ISNs.
        delay: each way.
        msl: of both hosts and the network; TIME_WAIT, 2 MSL, must outlast the server's RTO.
        faults: without them the same happens on a perfect line.
    """
    client, server = Address("10.0.1.1"), Address("10.0.2.1")
    tcp = TcpConfig(msl=msl)
    return Scenario(
        name="last_ack",
        lesson="Why TIME_WAIT waits: nobody else could answer a FIN that comes again, since its last ACK was lost.",
        hosts={
            "server": HostPlan(
                server,
                (
                    Step(On("started"), (Listen(PORT),)),
                    Step(On("received", octets=REQUEST), (Write(ANSWER),)),
                    Step(On("peer_closed"), (Close(),)),
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
        profiles={THERE: Profile(delay=delay), BACK: Profile(delay=delay)},
        limit=30 * MINUTE,
        lifetime=msl,
        seed=seed,
        faults=LINES if faults else "",
    )
