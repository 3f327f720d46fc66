"""The transitions that the engine takes are those of RFC 9293, but for those that are accounted for."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from tcplab.check.relation import (
    ABSENT,
    BY_DEFAULT_ABSENT,
    DEFAULT,
    OWN,
    RFC,
    Edge,
    Found,
    Subject,
    Trigger,
    search,
    search_all,
)
from tcplab.check.relation.search import EXPLAINED, TRIGGERS
from tcplab.node import NOTHING, Output, Packet
from tcplab.tcp.events import StateChanged
from tcplab.tcp.host import Host
from tcplab.tcp.states import TRANSITIONS, Cause, State
from tcplab.units import Instant
from tcplab.wire.segment import ACK, FIN, RST, SYN

NOT_USED = {
    (State.LISTEN, Cause.ABORT_CALL),  # a listener is ended by UNLISTEN, which is a CLOSE
    (State.TIME_WAIT, Cause.ABORT_CALL),  # MUST-13: nobody shortens it
    (State.TIME_WAIT, Cause.ACTIVE_OPEN),  # it takes timestamps, which the segments of the search have not
}


@cache
def found() -> dict[str, Found]:
    return search_all()


def edges() -> set[Edge]:
    """Every transition that was taken, whatever the settings were."""
    return set().union(*(search.edges for search in found().values()))


def found_of(host: type[Host]) -> Found:
    """The beginning of a search is enough for a host with a mistake."""
    return search(lambda: Subject(host), most=150)


def test_the_searches_reach_every_state_and_come_to_an_end() -> None:
    for each in found().values():
        assert each.complete
        assert each.met == set(State)


def test_nothing_raises_and_every_change_of_state_is_told_as_it_was() -> None:
    assert {name: each.faults for name, each in found().items() if each.faults} == {}


def test_the_engine_takes_no_transition_that_is_not_accounted_for() -> None:
    assert edges() - RFC.keys() - OWN.keys() == set()


def test_the_engine_takes_every_transition_that_is_not_excused() -> None:
    assert RFC.keys() - edges() - ABSENT.keys() == set()


def test_what_is_said_to_be_absent_is_and_what_is_said_to_be_the_engines_own_is_taken() -> None:
    assert ABSENT.keys() & edges() == set()
    assert ABSENT.keys() - RFC.keys() == set()
    assert OWN.keys() - edges() == set()
    assert OWN.keys() & RFC.keys() == set()


def test_by_default_just_that_is_absent_which_is_said_to_be() -> None:
    assert RFC.keys() - found()[DEFAULT].edges.keys() == ABSENT.keys() | BY_DEFAULT_ABSENT.keys()
    assert ABSENT.keys() & BY_DEFAULT_ABSENT.keys() == set()


def test_the_table_has_no_row_that_nothing_uses_but_those_that_are_accounted_for() -> None:
    rows = set().union(*(each.rows for each in found().values()))

    assert TRANSITIONS.keys() - rows == NOT_USED


def test_every_cause_has_its_name_in_the_rfc_and_a_condition() -> None:
    assert set(TRIGGERS) == set(EXPLAINED) == set(Cause)


def test_how_far_it_went(note_figure: Callable[[str], None]) -> None:
    inputs = sum(each.inputs for each in found().values())
    places = sum(each.places for each in found().values())
    note_figure(f"transitions: {len(edges())}, of {inputs:,} inputs at {places:,} places of a host")


# --- it can fail --------------------------------------------------------------------------------------------------


class HeedsResetsInTimeWait(Host):
    """TIME_WAIT can be assassinated (RFC 1337)."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        if packet.segment.flags & RST and any(status.state is State.TIME_WAIT for status in self.statuses()):
            return self.advance(now + self.config.time_wait)
        return super().receive(packet, now)


class ClosesAloneOnly(Host):
    """Simultaneous close does not work: after the own FIN, the peer's is not heard unless the own is acknowledged."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        closing = any(status.state in (State.SYN_RECEIVED, State.FIN_WAIT_1) for status in self.statuses())
        return NOTHING if closing and packet.segment.flags & FIN else super().receive(packet, now)


class ClosesOnAnyAck(Host):
    """LAST_ACK closes on whatever acknowledges anything."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        segment = packet.segment
        for status in self.statuses():
            if status.state is State.LAST_ACK and segment.flags & (ACK | RST | SYN) == SYN:
                packet = replace(packet, segment=replace(segment, ack=status.snd_nxt, seq=status.rcv_nxt, flags=ACK))
        return super().receive(packet, now)


class Trips(Host):
    """A FIN in CLOSING raises."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        if packet.segment.flags & FIN and any(status.state is State.CLOSING for status in self.statuses()):
            raise KeyError(packet.source)
        return super().receive(packet, now)


class TellsNothing(Host):
    """Changes of state are not told."""

    def receive(self, packet: Packet, now: Instant) -> Output:
        output = super().receive(packet, now)
        return Output(output.packets, [event for event in output.events if not isinstance(event, StateChanged)])


def test_a_transition_too_many_is_found() -> None:
    faults = [message for message, _ in found_of(HeedsResetsInTimeWait).faults]

    assert "time_wait_expired is told, and R is no such thing" in faults


def test_a_transition_too_few_is_found() -> None:
    missing = RFC.keys() - found_of(ClosesAloneOnly).edges.keys()

    assert Edge(State.FIN_WAIT_1, Trigger.RCV_FIN, State.CLOSING) in missing


@pytest.mark.parametrize(
    ("host", "fault"),
    [
        (ClosesOnAnyAck, "ack_of_fin is told, and S is no such thing"),
        (Trips, "it raised KeyError('10.0.2.1')"),
        (TellsNothing, "STATUS says"),
    ],
)
def test_a_fault_is_found(host: type[Host], fault: str) -> None:
    assert any(message.startswith(fault) for message, _ in found_of(host).faults)
