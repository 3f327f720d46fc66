"""The checkers of back-off, TIME_WAIT and giving up notice a nanosecond."""

from dataclasses import replace

import pytest

from tcplab import check
from tcplab.apps.events import ConnectionReleased, FailureTold
from tcplab.check import BackOff, GiveUp, Outcome, TimeWaitLasts
from tcplab.node import PacketSent
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import (
    Failure,
    Retransmitted,
    TimeWaitRestarted,
)
from tcplab.tcp.states import Cause, State
from tcplab.tcp.time_wait import PolicyName
from tcplab.units import MILLISECOND, SECOND, Duration
from tests.check.doctor import (
    CONFIGS,
    changed,
    doubled,
    moved,
    of,
    true_journal,
    without,
)
from tests.check.judges import blamed, change, verdict


@pytest.mark.parametrize("by", [-1, 1, SECOND])
def test_a_retransmission_at_the_wrong_time(by: int) -> None:
    records = true_journal()
    third = of(records, Retransmitted, "client")[2]

    assert blamed(moved(records, third, by)) == {"back-off"}
    late = BackOff(CONFIGS, tolerance=Duration(abs(by)))
    assert check.run(moved(records, third, by), [late]).outcome is Outcome.VALID


def test_a_retransmission_too_early() -> None:
    records = true_journal()
    first = of(records, Retransmitted, "client")[0]

    findings = check.run(moved(records, first, -1), [BackOff(CONFIGS)]).of("back-off").findings
    assert "sent again after only 0.999999999 s" in findings[0].what


def test_a_retransmission_of_what_was_never_sent() -> None:
    records = true_journal()
    syn = of(records, PacketSent, "client")[0]

    assert "back-off" in blamed(moved(records, syn, 2 * SECOND))


def test_an_interval_beyond_the_greatest_rto() -> None:
    short = {name: replace(config, rto_max=3 * SECOND) for name, config in CONFIGS.items()}

    assert check.run(true_journal(), [BackOff(short)]).outcome is Outcome.INVALID


@pytest.mark.parametrize("by", [-1, 1])
def test_a_time_wait_of_another_length(by: int) -> None:
    records = true_journal()
    end = change(records, "client", State.CLOSED)

    assert blamed(moved(records, end, by)) == {"TIME_WAIT lasts 2 MSL"}


def test_a_time_wait_may_end_late_in_real_time_but_not_early() -> None:
    records = true_journal()
    end = change(records, "client", State.CLOSED)
    patient = TimeWaitLasts(CONFIGS, tolerance=MILLISECOND)

    assert check.run(moved(records, end, MILLISECOND), [patient]).outcome is Outcome.VALID
    assert check.run(moved(records, end, MILLISECOND + 1), [patient]).outcome is Outcome.INVALID
    assert check.run(moved(records, end, -1), [patient]).outcome is Outcome.INVALID


def test_a_fin_in_time_wait_that_restarts_nothing() -> None:
    records = true_journal()
    [restart] = of(records, TimeWaitRestarted)

    assert blamed(without(records, restart)) == {"TIME_WAIT lasts 2 MSL"}


def test_a_restart_without_a_fin() -> None:
    records = true_journal()
    [restart] = of(records, TimeWaitRestarted)
    end = change(records, "client", State.CLOSED)
    early = moved(moved(records, restart, SECOND), end, SECOND)

    assert blamed(early) == {"TIME_WAIT lasts 2 MSL"}


@pytest.mark.parametrize("policy", ["linux", "freebsd", "none"])
def test_another_policy_lasts_another_time(policy: PolicyName) -> None:
    other = {name: replace(config, time_wait_policy=policy) for name, config in CONFIGS.items()}

    assert check.run(true_journal(), [TimeWaitLasts(other)]).outcome is Outcome.INVALID


@pytest.mark.parametrize("cause", [Cause.RESET_ARRIVED, Cause.SYN_ARRIVED, Cause.ACTIVE_OPEN])
def test_a_time_wait_that_something_ends(cause: Cause) -> None:
    records = true_journal()
    end = change(records, "client", State.CLOSED)
    cut = changed(records, end, cause=cause)
    lenient = {name: replace(config, time_wait_reuse=True) for name, config in CONFIGS.items()}

    assert blamed(cut) == {"TIME_WAIT lasts 2 MSL"}
    assert check.run(cut, [TimeWaitLasts(lenient)]).outcome is Outcome.VALID


def test_another_msl() -> None:
    other = {name: replace(config, msl=SECOND) for name, config in CONFIGS.items()}

    assert check.run(true_journal(), [TimeWaitLasts(other)]).outcome is Outcome.INVALID


def test_giving_up_before_r2() -> None:
    records = true_journal(silent_from=7)
    end = change(records, "client", State.CLOSED)
    told = of(records, FailureTold, "client")[0]

    assert blamed(moved(moved(records, end, -1), told, -1)) == {"who gave up had reached R2"}


def test_giving_up_without_r2() -> None:
    config = TcpConfig(r2=None, r2_syn=None)
    judge = GiveUp({"client": config, "server": config})

    result = check.run(true_journal(silent_from=7), [judge]).of("who gave up had reached R2")
    assert [finding.outcome for finding in result.findings] == [Outcome.INVALID] * 2
    assert "R2 is switched off" in result.findings[0].what


def test_an_application_that_is_not_told() -> None:
    records = true_journal(silent_from=7)
    told = of(records, FailureTold, "client")[0]

    assert blamed(without(records, told)) == {"who gave up had reached R2"}
    assert blamed(changed(records, told, reason=Failure.RESET)) == {"who gave up had reached R2"}
    assert blamed(changed(records, told, connection=None)) == {"who gave up had reached R2"}


def test_an_application_that_is_gone_need_not_be_told() -> None:
    records = true_journal(silent_from=7)
    told = of(records, FailureTold, "client")[0]
    end = change(records, "client", State.CLOSED)

    before = doubled(records, records[end.n - 2], lambda _: ConnectionReleased(end.event.connection))
    assert blamed([record for record in before if record.event != told.event]) == set()
    after = doubled(records, told, lambda _: ConnectionReleased(end.event.connection))
    assert blamed(without(after, told)) == {"who gave up had reached R2"}


def test_an_open_that_gave_up_is_told_as_one() -> None:
    records = true_journal(silent_from=1)
    [told] = of(records, FailureTold)

    assert told.event.connection is None
    assert verdict(records).of("who gave up had reached R2").outcome is Outcome.VALID


def test_without_a_witness_nobody_knows_who_was_told() -> None:
    records = true_journal(silent_from=1)
    blind = without(records, *of(records, FailureTold))

    assert blamed(records) == set()
    assert verdict(blind).of("who gave up had reached R2").outcome is Outcome.UNKNOWN
