"""Ephemeral ports: in which order they are handed out, and how many there are."""

import pytest

from tcplab.node import Address
from tcplab.tcp.ports import EphemeralPorts

HERE = (Address("10.0.2.1"), 80)
THERE = (Address("10.0.2.2"), 80)


def free(_: int) -> bool:
    return False


def take(ports: EphemeralPorts, count: int) -> list[int | None]:
    return [ports.take(HERE, free) for _ in range(count)]


@pytest.mark.parametrize(
    ("offset", "order"), [(0, [10, 11, 12, None]), (1, [11, 12, 10, None]), (2, [12, 10, 11, None])]
)
def test_each_port_is_handed_out_once_beginning_at_the_offset(offset: int, order: list[int | None]) -> None:
    assert take(EphemeralPorts(10, 12, offset), 4) == order


def test_the_port_that_has_rested_longest_comes_first() -> None:
    ports = EphemeralPorts(10, 12, 1)
    take(ports, 3)

    for port in (10, 12, 11):
        ports.give_back(HERE, port)

    assert take(ports, 4) == [10, 12, 11, None]


def test_a_port_that_an_application_took_by_its_number_is_passed_over() -> None:
    ports = EphemeralPorts(10, 12)

    assert [ports.take(HERE, lambda port: port == 11) for _ in range(3)] == [10, 12, None]


def test_a_port_is_taken_towards_one_destination_alone() -> None:
    ports = EphemeralPorts(10, 11)
    take(ports, 2)

    assert ports.take(THERE, free) == 10
    assert (ports.in_use, ports.limit) == (2, 2)


def test_the_ports_in_use_come_in_the_order_in_which_they_were_taken() -> None:
    ports = EphemeralPorts(10, 13)
    assert list(ports.taken(HERE)) == []
    take(ports, 4)

    ports.give_back(HERE, 11)
    ports.take_again(HERE, 10)

    assert list(ports.taken(HERE)) == [12, 13, 10]
    assert ports.in_use == 3


def test_a_port_that_was_not_handed_out_cannot_be_taken_over() -> None:
    ports = EphemeralPorts(10, 13)
    ports.take_again(HERE, 10)
    take(ports, 1)

    ports.take_again(HERE, 11)

    assert list(ports.taken(HERE)) == [10]
