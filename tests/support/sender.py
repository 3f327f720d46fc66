"""A sender that always has data, with the test in the place of its network and of its clock."""

from tcplab.tcp.congestion import congestion_control
from tcplab.tcp.flight import Flight
from tcplab.tcp.recovery import Recovery
from tcplab.units import MILLISECOND, Duration, Instant

MSS = 1_000
SRTT = 100 * MILLISECOND


def ms(count: float) -> Instant:
    """Return an instant that many milliseconds after the start."""
    return Instant(round(count * MILLISECOND))


class Sender:
    """A sender of full segments that are named by their number; always as much as the window admits."""

    def __init__(self, window: int, *, sack: bool = True, srtt: Duration | None = SRTT) -> None:
        self.flight = Flight()
        self.control = congestion_control("newreno", MSS, window * MSS)
        self.recovery = Recovery(self.flight, self.control, sack=sack)
        self.srtt = srtt

    def sends(self, now: float = 0, limit: int = 1_000) -> list[int]:
        """Send what may be sent; return the numbers of the segments."""
        numbers: list[int] = []
        while len(numbers) < limit:
            segment = self.recovery.next_lost()
            if segment is not None:
                numbers.append(segment.start // MSS)
                self.recovery.resent(segment, ms(now))
            elif self.recovery.room >= MSS:
                numbers.append(self.flight.nxt // MSS)
                self.flight.sent(self.flight.nxt + MSS, ms(now))
            else:
                break
        return numbers

    def gets(
        self, ack: int, now: float, *sacked: int, echoed: float | None = None, marked: bool = False
    ) -> Duration | None:
        """Take an ACK of everything before a segment, with SACK blocks for single ones."""
        return self.recovery.acknowledged(
            ack * MSS,
            ms(now),
            self.srtt,
            blocks=[(number * MSS, (number + 1) * MSS) for number in sacked],
            duplicate=ack * MSS == self.flight.una,
            echoed=None if echoed is None else ms(echoed),
            marked=marked,
        )

    def arm(self, now: float, timeout: float = 10_000) -> float | None:
        """Schedule a probe; return the deadline in ms."""
        self.recovery.arm_probe(ms(now), self.srtt, ms(timeout))
        return self.deadline

    @property
    def deadline(self) -> float | None:
        return None if self.recovery.deadline is None else self.recovery.deadline / MILLISECOND

    @property
    def cwnd(self) -> float:
        return self.control.cwnd / MSS
