"""Every checker holds the truth to be valid, and what nobody saw to be unknown."""

import pytest

from tcplab import check
from tcplab.check import Outcome, Verdict
from tcplab.tcp.states import State
from tests.check.doctor import (
    changed,
    renumbered,
    true_journal,
)
from tests.check.judges import CHECKERS, blamed, change, verdict


def test_the_truth_is_valid() -> None:
    result = verdict(true_journal())

    assert {each.checker: each.outcome for each in result.results} == {
        "journal": Outcome.VALID,
        "stream intact": Outcome.VALID,
        "legal path": Outcome.VALID,
        "all closed": Outcome.VALID,
        "back-off": Outcome.VALID,
        "TIME_WAIT lasts 2 MSL": Outcome.VALID,
        "who gave up had reached R2": Outcome.UNKNOWN,
        "quiet": Outcome.VALID,
        "conservation": Outcome.VALID,
    }
    assert result.outcome is Outcome.UNKNOWN
    assert check.run(true_journal(), [check.legal_path]).outcome is Outcome.VALID


def test_the_truth_about_who_gave_up_is_valid() -> None:
    result = verdict(true_journal(silent_from=7))

    assert result.of("who gave up had reached R2").outcome is Outcome.VALID
    assert result.of("who gave up had reached R2").judged == 2
    assert blamed(true_journal(silent_from=7)) == set()


def test_an_empty_journal_proves_nothing() -> None:
    assert check.run([], CHECKERS).outcome is Outcome.UNKNOWN
    assert all(result.outcome is Outcome.UNKNOWN for result in check.run([], CHECKERS).results)


def test_nobody_asked_proves_nothing() -> None:
    assert Verdict(()).outcome is Outcome.UNKNOWN


def test_records_that_are_missing_leave_the_verdict_open() -> None:
    records = true_journal()

    result = check.run([*records[:50], *records[51:]], [check.legal_path])

    assert result.of("journal").findings == (check.Finding(Outcome.UNKNOWN, "records are missing before 52"),)
    assert result.outcome is Outcome.UNKNOWN


def test_journals_of_single_nodes_may_be_put_together() -> None:
    records = true_journal()
    nodes = sorted({record.node for record in records})
    together = [
        record for node in nodes for record in renumbered([record for record in records if record.node == node])
    ]
    together.sort(key=lambda record: record.time)

    assert verdict(together).of("journal").outcome is Outcome.VALID
    assert verdict(together).of("legal path").outcome is Outcome.VALID
    assert verdict(together).of("stream intact").outcome is Outcome.VALID


def test_a_verdict_prints_its_evidence() -> None:
    records = true_journal()
    closed = change(records, "server", State.LAST_ACK)

    text = str(verdict(changed(records, closed, new=State.TIME_WAIT)))

    assert "invalid" in text.splitlines()[0]
    assert f"record {closed.n}, server at {closed.time} ns" in text
    with pytest.raises(KeyError, match="no checker 'luck'"):
        verdict(records).of("luck")
