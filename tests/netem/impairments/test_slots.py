from itertools import pairwise

from tcplab.netem.impairments.draws import Draws
from tcplab.netem.impairments.slots import Slots
from tcplab.netem.values import Slot
from tcplab.units import Duration, Instant
from tests.netem.packets import THERE


def leaves(slot: Slot, *ready: int, octets: int = 100) -> list[int]:
    slots = Slots(slot, Draws(7, THERE, "slot"))
    return [slots.leave(Instant(time), octets) for time in ready]


def test_packets_wait_for_the_slot_after_them_and_leave_together() -> None:
    assert leaves(Slot(Duration(10), Duration(10)), 0, 3, 10, 11, 40) == [10, 10, 10, 21, 50]


def test_a_slot_takes_so_many_packets() -> None:
    assert leaves(Slot(Duration(10), Duration(10), packets=2), 0, 1, 2, 3, 4) == [10, 10, 20, 20, 30]


def test_a_slot_is_full_with_the_packet_that_fills_it() -> None:
    assert leaves(Slot(Duration(10), Duration(10), octets=150), 0, 1, 2, 3, 4) == [10, 10, 20, 20, 30]


def test_slots_are_between_min_and_max_apart() -> None:
    given = leaves(Slot(Duration(10), Duration(20), packets=1), *[0] * 500)

    apart = [other - one for one, other in pairwise((0, *given))]
    assert set(apart) == set(range(10, 21))


def test_a_slot_of_no_length_keeps_nobody() -> None:
    assert leaves(Slot(Duration(0), Duration(0), packets=1), 0, 5, 5) == [0, 5, 5]
