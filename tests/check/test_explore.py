"""Everything within bounds is explored and holds; each thing that can go wrong is found where it does."""

import dataclasses
from collections.abc import Callable

import pytest

from tcplab.check.explore import (
    LIMITS,
    TICK,
    WITHOUT_TIME_WAIT,
    Bounds,
    Model,
    Property,
    Report,
    Subject,
    replay,
    search,
)
from tcplab.node import PacketReceived, PacketSent
from tcplab.observe.ladder import ladder
from tcplab.tcp.events import ResetReason, ResetSent, StateChanged
from tcplab.tcp.states import Cause, State
from tests.check.flaws import (
    AnswersResets,
    ClosesOnAnyAck,
    HeedsResetsInTimeWait,
    IsDeafInTimeWait,
    NeverRetransmits,
    TakesFinsOutOfOrder,
    TripsOverResets,
)

Note = Callable[[str], None]

FEW = Bounds(losses=1, duplicates=1, delays=0)
LATE = Bounds(losses=0, duplicates=1, delays=1)


def told(bounds: Bounds) -> str:
    """Return how bounds differ from the usual ones."""
    usual = Bounds()
    names = [field.name for field in dataclasses.fields(bounds)]
    values = {name: getattr(bounds, name) for name in names if getattr(bounds, name) != getattr(usual, name)}
    return ", ".join(f"{name}={value}" for name, value in values.items()) or "the default bounds"


def holds(bounds: Bounds, note: Note) -> Report:
    report = search(Model(bounds))
    note(
        f"explored: {report.states:,} states, {report.moves:,} moves, {report.depth} deep, "
        f"{report.steps:,} steps of the engine; {told(bounds)}"
    )
    assert report.breach is None
    assert report.complete
    assert report.rests > 0
    return report


def test_whatever_is_lost_copied_and_late_nothing_old_is_accepted_and_both_ends_close(note_figure: Note) -> None:
    holds(Bounds(losses=1, duplicates=1, delays=1), note_figure)


def test_the_same_where_both_open(note_figure: Note) -> None:
    holds(dataclasses.replace(FEW, simultaneous=True), note_figure)


@pytest.mark.parametrize(
    "change",
    [
        {"octets": 2},
        {"incarnations": 3},
        {"isn_step": (1, 1)},
        {"isn_step": (-2, 1)},
        {"losses": 3, "duplicates": 0},
        {"msl": 3, "time_wait": 6},
    ],
    ids=str,
)
def test_the_same_within_other_bounds(change: dict[str, int], note_figure: Note) -> None:
    holds(dataclasses.replace(FEW, **change), note_figure)  # type: ignore[arg-type]


def test_what_tcp_does_not_promise_takes_two_packets_that_are_late() -> None:
    assert search(Model(FEW)).limits == {}
    assert search(Model(Bounds(losses=1, duplicates=0, delays=1))).limits == {}
    assert search(Model(LATE)).limits.keys() == LIMITS


@pytest.mark.parametrize("bounds", [FEW, dataclasses.replace(LATE, octets=0)], ids=told)
def test_taking_moves_that_commute_in_one_order_changes_nothing_but_the_effort(bounds: Bounds) -> None:
    reduced, full = search(Model(bounds)), search(Model(bounds, reduced=False))

    assert (reduced.rests, reduced.end_states, reduced.steps) == (full.rests, full.end_states, full.steps)
    assert reduced.limits.keys() == full.limits.keys()
    assert reduced.consequences.keys() == full.consequences.keys()
    assert reduced.moves < full.moves


# --- without TIME_WAIT ---


def test_without_time_wait_an_old_duplicate_is_accepted() -> None:
    model = Model(WITHOUT_TIME_WAIT[Property.OLD_OCTET], reduced=False)

    trace = search(model, sought=Property.OLD_OCTET).breach

    assert trace is not None
    assert trace.breach.what == "the server read b'ba', and its peer had sent b'b'"
    journal = replay(model, trace.moves)
    (copy,) = [record for record in journal.of(PacketReceived, "server") if record.event.packet.copy]
    (sent,) = [record for record in journal.of(PacketSent, "client") if record.event.packet.id == copy.event.packet.id]
    opened = [record for record in journal.of(StateChanged, "server") if record.event.new is State.ESTABLISHED]
    assert copy.event.packet.segment.payload == b"a"
    assert sent.n < opened[0].n < opened[1].n < copy.n


def test_without_time_wait_a_retransmitted_fin_is_answered_with_a_reset() -> None:
    model = Model(WITHOUT_TIME_WAIT[Property.RESET_OF_FIN], reduced=False)

    trace = search(model, sought=Property.RESET_OF_FIN).breach

    assert trace is not None
    assert trace.breach.what == "the server was reset in LAST_ACK"
    journal = replay(model, trace.moves)
    reset = journal.of(ResetSent)[-1]
    end = journal.of(StateChanged, "server")[-1]
    assert (reset.node, reset.event.reason) == ("client", ResetReason.NO_CONNECTION)
    assert (end.event.old, end.event.cause) == (State.LAST_ACK, Cause.RESET_ARRIVED)
    assert TICK <= end.time < 2 * TICK


@pytest.mark.parametrize("sought", WITHOUT_TIME_WAIT, ids=lambda sought: sought.name)
def test_the_ladder_of_a_counter_example_shows_every_segment_in_it(sought: Property) -> None:
    model = Model(WITHOUT_TIME_WAIT[sought], reduced=False)
    trace = search(model, sought=sought).breach
    assert trace is not None
    journal = replay(model, trace.moves)

    rows = list(ladder(journal.records, absolute=True))

    sent = len(journal.of(PacketSent))
    copies = len([record for record in journal.of(PacketReceived) if record.event.packet.copy])
    assert len({row.flight for row in rows if row.flight}) == sent + copies


@pytest.mark.parametrize("sought", WITHOUT_TIME_WAIT, ids=lambda sought: sought.name)
def test_with_time_wait_there_is_no_such_thing(sought: Property) -> None:
    bounds = dataclasses.replace(WITHOUT_TIME_WAIT[sought], time_wait=4)

    assert search(Model(bounds)).breach is None


def test_one_msl_of_time_wait_is_not_enough() -> None:
    trace = search(Model(Bounds(losses=1, duplicates=0, delays=1, time_wait=2))).breach

    assert trace is not None
    assert trace.breach.broken is Property.RESET_OF_FIN


# --- every property can fail ---


@pytest.mark.parametrize(
    ("flaw", "bounds", "broken"),
    [
        (ClosesOnAnyAck, Bounds(losses=1, duplicates=0, delays=0), Property.REST),
        (IsDeafInTimeWait, Bounds(losses=1, duplicates=0, delays=0), Property.RESET_OF_FIN),
        (HeedsResetsInTimeWait, Bounds(losses=0, duplicates=2, delays=0), Property.OLD_OCTET),
        (TakesFinsOutOfOrder, Bounds(losses=1, duplicates=0, delays=0), Property.OLD_FIN),
        (NeverRetransmits, Bounds(losses=1, duplicates=0, delays=0), Property.REST),
        (AnswersResets, Bounds(losses=0, duplicates=1, delays=0), Property.FINITE),
        (TripsOverResets, Bounds(losses=0, duplicates=1, delays=0), Property.LEGAL),
        (Subject, Bounds(losses=2, duplicates=0, delays=0, r2=2), Property.GIVEN_UP),
    ],
    ids=lambda value: getattr(value, "__name__", getattr(value, "name", None)),
)
def test_a_flaw_is_found(flaw: type[Subject], bounds: Bounds, broken: Property) -> None:
    trace = search(Model(bounds, flaw), sought=broken).breach

    assert trace is not None
    assert trace.breach.broken is broken
    assert search(Model(bounds, flaw)).breach is not None


def test_where_the_engine_raises_the_journal_ends() -> None:
    model = Model(Bounds(losses=0, duplicates=1, delays=0), TripsOverResets)
    trace = search(model).breach
    assert trace is not None

    journal = replay(model, trace.moves, TripsOverResets)

    last = journal.records[-1].event
    assert trace.breach.what == "the client raised KeyError('10.0.2.1')"
    assert isinstance(last, PacketReceived)
    assert last.packet.segment.kind == "rst"


def test_numbers_that_fit_an_old_acknowledgement_let_an_old_syn_and_an_old_segment_shake_hands() -> None:
    """TIME_WAIT is at the other end: what keeps this away is an ISN that no old acknowledgement fits."""
    bounds = dataclasses.replace(LATE, isn_step=(1, 1))

    believed = search(Model(bounds)).breach
    read = search(Model(dataclasses.replace(bounds, duplicates=2)), sought=Property.OLD_OCTET).breach

    assert believed is not None
    assert believed.breach.broken is Property.OLD_ACK
    assert read is not None
    assert read.breach.what == "the server read b'a' on a second connection"


def test_an_exchange_that_never_ends_is_shown_up_to_where_it_begins_again() -> None:
    model = Model(Bounds(losses=0, duplicates=1, delays=0), AnswersResets)

    trace = search(model).breach

    assert trace is not None
    begins = trace.moves[-1].state
    assert [move.state for move in trace.moves].count(begins) == 2


def test_a_search_that_gives_up_says_so() -> None:
    report = search(Model(FEW), limit=1_000)

    assert not report.complete
    assert report.breach is None
    assert report.states > 1_000


@pytest.mark.parametrize(
    ("change", "named"),
    [({"losses": -1}, "losses"), ({"msl": 0}, "msl"), ({"isn_step": (0, 1)}, "isn_step")],
)
def test_bounds_that_make_no_sense_are_named(change: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        dataclasses.replace(FEW, **change)  # type: ignore[arg-type]
