"""What is refused, how it is answered, and what observers are told: which connection, which packet, why."""

import pytest

from tcplab.tcp.events import Ignored, SegmentIgnored
from tcplab.tcp.states import State
from tests.support.states import Wires
from tests.support.tcp import Seg, rst, rst_ack

SYNCHRONIZED = [
    State.ESTABLISHED, State.FIN_WAIT_1, State.FIN_WAIT_2, State.CLOSE_WAIT, State.CLOSING, State.LAST_ACK,
]  # fmt: skip


@pytest.mark.parametrize("offset", [-1, 65_535, 70_000])
@pytest.mark.parametrize("state", [State.SYN_RECEIVED, *SYNCHRONIZED])
def test_a_reset_outside_of_the_window_is_met_with_silence(wires: Wires, state: State, offset: int) -> None:
    """3.10.7.4, first: what is unacceptable is acknowledged, "unless the RST bit is set"."""
    wire = wires.reach(state)
    right = {-1: -1}.get(offset, offset - (wire.rcv_nxt - 1))

    for reset in (rst(wire.rcv_nxt + right), rst_ack(wire.rcv_nxt + right, wire.snd_nxt)):
        assert wire.arrives(reset) == []
        assert wire.state is state
        [*_, (_, last)] = wire.seen(SegmentIgnored)
        assert last.reason is Ignored.UNACCEPTABLE_SEQUENCE
        assert last.connection == wire.connection
        assert flags(last) == reset.flags


def flags(event: SegmentIgnored) -> str:
    segment: Seg = Seg("RA" if event.packet.segment.flags & 0x10 else "R", 0)
    return segment.flags
