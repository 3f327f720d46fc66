"""What a change makes of the record that stands, without a broker and at exact times."""

import pytest

from tcplab.lab.drafts import (
    LEASES_LIMIT,
    SERVICE,
    WHAT_LIMIT,
    Draft,
    UnknownLease,
    due,
    expired,
    leased,
    patched,
    released,
    renewed,
    replaced,
)
from tcplab.netem.changes import parse_lines
from tcplab.netem.configuration import Configuration
from tcplab.runtime.records import Record
from tcplab.units import SECOND, Instant
from tests.lab.service import timeless

TTL = 10 * SECOND
T0 = Instant(1_000 * SECOND)
NOTHING = Record(Configuration(), T0)


def at(seconds: float) -> Instant:
    return T0 + round(seconds * SECOND)


def said(lines: str, lease: str | None = None) -> Draft:
    return patched(parse_lines(lines), "test", lease)


def after(*drafts: tuple[float, Draft]) -> Record:
    """Make changes one after the other, each so many seconds after the beginning."""
    record = NOTHING
    for seconds, draft in drafts:
        record = draft(record, at(seconds))
    return record


def lines(record: Record) -> list[str]:
    return timeless(str(record.configuration)).splitlines()


def test_each_change_is_the_next_revision_with_who_and_what() -> None:
    record = after((1, said("link *>* loss 1%")), (2, replaced(lambda _: Configuration(), "me")))

    assert (record.revision, record.at, record.by, record.what) == (2, at(2), "me", "replaced by nothing")
    assert lines(record) == []


def test_a_fault_without_a_name_is_told_with_the_one_that_it_got() -> None:
    record = after((1, said("blackhole client>server\nblackhole server>client for 5s\nheal blackhole-1")))

    assert record.what == (
        "blackhole client>server as blackhole-1; blackhole server>client as blackhole-2 for 5s; heal blackhole-1"
    )


def test_what_a_record_says_of_itself_is_bounded() -> None:
    record = after((1, said("".join(f"link 10.0.1.{host}>* loss 1%\n" for host in range(1, 100)))))

    assert len(record.what) == WHAT_LIMIT
    assert record.what.endswith("…")


def test_a_lease_ends_its_faults_and_profiles_when_it_runs_out() -> None:
    record = after(
        (0, said("link *>* loss 1%")),
        (1, leased("mine", TTL, "me")),
        (2, said("link *>* delay 5ms\nblackhole client>server as hole", "mine")),
    )

    assert due(record) == at(11)
    assert [fault.until for fault in record.configuration.faults] == [at(11)]
    assert [entry.due for entry in record.configuration.timeline] == [at(11)]
    swept = expired(record, at(11))
    assert (lines(swept), swept.leases, due(swept)) == (["link *>* loss 1%"], {}, None)
    assert (swept.by, swept.what) == (SERVICE, "mine has run out, hole has healed")


def test_before_its_end_nothing_is_swept() -> None:
    record = after((1, leased("mine", TTL, "me")), (2, said("blackhole client>server as hole", "mine")))

    assert lines(expired(record, at(11) - 1_000)) == lines(record)


def test_a_renewal_moves_the_end_of_all_that_is_bound() -> None:
    record = after(
        (1, leased("mine", TTL, "me")),
        (2, said("link *>* delay 5ms\nblackhole client>server as hole", "mine")),
        (9, renewed("mine", "me")),
    )

    assert due(record) == at(19)
    assert [fault.until for fault in record.configuration.faults] == [at(19)]
    assert [entry.due for entry in record.configuration.timeline] == [at(19)]
    assert lines(expired(record, at(19))) == []


def test_two_leases_end_each_its_own() -> None:
    record = after(
        (0, leased("one", TTL, "")),
        (1, leased("other", TTL, "")),
        (2, said("link client>server delay 5ms\nblackhole client>server as a", "one")),
        (3, said("link server>client delay 7ms\nblackhole server>client as b", "other")),
        (4, released("one", "")),
    )

    assert lines(record) == [
        "link server>client delay 7ms",
        "blackhole server>client as b",
        "at 8s: link server>client reset",
    ]
    assert due(record) == at(11)


def test_a_profile_that_another_lease_sets_anew_ends_with_that_one_and_leaves_what_was_first() -> None:
    record = after(
        (0, said("link *>* loss 1%")),
        (1, leased("one", TTL, "")),
        (1, leased("other", 2 * TTL, "")),
        (2, said("link *>* delay 5ms", "one")),
        (3, said("link *>* delay 7ms", "other")),
    )

    assert lines(expired(record, at(11))) == ["link *>* delay 7ms", "at 18s: link *>* loss 1%"]
    assert lines(expired(record, at(21))) == ["link *>* loss 1%"]


def test_what_is_cleared_is_bound_to_nothing_any_more() -> None:
    record = after(
        (1, leased("mine", TTL, "me")),
        (2, said("link *>* delay 5ms\nblackhole client>server as hole", "mine")),
        (3, said("clear\nlink *>* loss 1%")),
    )

    assert (record.leases["mine"].faults, record.leases["mine"].links) == ((), {})
    assert lines(released("mine", "")(record, at(4))) == ["link *>* loss 1%"]


@pytest.mark.parametrize("draft", [renewed("none", ""), released("none", ""), said("link *>* loss 1%", "none")])
def test_a_lease_that_is_not_there_is_named(draft: Draft) -> None:
    record = after((1, leased("mine", TTL, "me")))

    with pytest.raises(UnknownLease, match=r"there is no lease 'none'.*; there are mine"):
        draft(record, at(2))


def test_leases_are_bounded() -> None:
    record = after(*((0.0, leased(f"lease-{number}", TTL, "")) for number in range(LEASES_LIMIT)))

    with pytest.raises(ValueError, match="256 leases stand already; release one"):
        leased("more", TTL, "")(record, at(1))
