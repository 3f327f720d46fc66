"""How far an exploration goes, and on what assumptions."""

from dataclasses import dataclass
from typing import Final, Literal

from tcplab.node import Address
from tcplab.tcp.config import TcpConfig
from tcplab.units import MINUTE, Duration
from tcplab.wire.seq import MODULUS, SeqNumber, seq_add

TICK: Final = MINUTE
"""One step of time. The retransmission timeout is one of them, the RFCs' largest; the MSL of 2 minutes is two."""

MOST_OCTETS: Final = 3
"""On one connection and way: a congestion window need only be told from smaller ones as far as somebody may fill it."""

Side = Literal["client", "server"]
SIDES: Final[tuple[Side, Side]] = ("client", "server")
ADDRESSES: Final = {"client": Address("10.0.1.1"), "server": Address("10.0.2.1")}
PORTS: Final = {"client": 40_000, "server": 80}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is explored: everything within these bounds, and nothing else.

    Attributes:
        incarnations: how often an active opener opens the same 4-tuple.
        octets: how many octets each side sends on each connection, one a segment.
        losses: how many packets the network may lose, of whichever.
        duplicates: of how many it may make a copy, which goes its own way.
        delays: how many it may hold back, so that others overtake them.
        simultaneous: both sides open actively, and nobody listens.
        first_isn: the first ISN of the client and of the server; by default the client's numbers wrap.
        isn_step: how far apart a side's successive ISNs are, the client's and the server's.
        msl: the maximum segment lifetime, ticks.
        time_wait: how long TIME_WAIT lasts, ticks.
        r2: how long something is sent again before the connection is given up, ticks; ``None`` for :attr:`patience`.
        window: the receive buffer, octets.
        in_flight: how many packets may be under way in one direction before that counts as endless.
    """

    incarnations: int = 2
    octets: int = 1
    losses: int = 1
    duplicates: int = 1
    delays: int = 1
    simultaneous: bool = False
    first_isn: tuple[int, int] = (MODULUS - 2, 1_000)
    isn_step: tuple[int, int] = (-1, -1)
    msl: int = 2
    time_wait: int = 4
    r2: int | None = None
    window: int = 16
    in_flight: int = 8

    def __post_init__(self) -> None:
        """Refuse bounds that no exploration could have.

        Raises:
            ValueError: names the bound.
        """
        for name in ("incarnations", "msl", "patience", "window", "in_flight"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 at least")
        for name in ("octets", "losses", "duplicates", "delays", "time_wait"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 at least")
        if self.octets > MOST_OCTETS:
            raise ValueError(f"octets must be {MOST_OCTETS} at most")
        if 0 in self.isn_step:
            raise ValueError("isn_step must not be 0: no TCP gives two incarnations one ISN within an MSL")

    @property
    def patience(self) -> int:
        """R2, ticks: where it is not given, as long as there may be a reason to wait.

        That is a TIME_WAIT, as much of an MSL as may go by before a late FIN restarts it, a tick for each mishap, and
        one more.
        """
        if self.r2 is not None:
            return self.r2
        return self.time_wait + self.msl + self.losses + self.duplicates + self.delays + 1

    def isn(self, side: Side, incarnation: int) -> SeqNumber:
        """Return the ISN of a side's connection, 0 being its first."""
        index = SIDES.index(side)
        return seq_add(SeqNumber(self.first_isn[index]), incarnation * self.isn_step[index])

    def stream(self, side: Side, incarnation: int) -> bytes:
        """Return what a side sends on a connection: octets that tell the side and the connection."""
        first = ord("a" if side == "client" else "A") + incarnation * self.octets
        return bytes(range(first, first + self.octets))

    def config(self) -> "ExplorationConfig":
        """Return the settings of either side's TCP."""
        return ExplorationConfig(
            msl=self.msl * TICK,
            rto_initial=TICK,
            rto_min=TICK,
            rto_max=TICK,
            r2=self.patience * TICK,
            r2_syn=self.patience * TICK,
            fin_wait_2_timeout=TICK,
            mss=1,
            receive_buffer=self.window,
            waits=self.time_wait * TICK,
            nagle=False,
            delayed_ack=Duration(0),
            window_scaling=False,
            timestamps=False,
            sack=False,
            congestion="newreno",
            initial_window=1,
            syn_cookies="off",
        )


@dataclass(frozen=True, slots=True)
class ExplorationConfig(TcpConfig):
    """Settings in which TIME_WAIT may last another time than it should, or none."""

    waits: Duration = TICK

    @property
    def time_wait(self) -> Duration:
        """How long TIME_WAIT lasts."""
        return self.waits
