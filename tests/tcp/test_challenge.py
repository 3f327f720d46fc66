"""The budget of challenge ACKs, as a pure part (RFC 5961, section 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.challenge import INTERVAL, ChallengeAcks
from tcplab.units import MILLISECOND, SECOND, START, Instant

KEY = b"a secret of the host"


def spent(budget: ChallengeAcks, second: int, tries: int = 1_000) -> int:
    """How many connections that never asked before are granted one in that second."""
    return sum(budget.grant(START, START + second * SECOND + n) is not None for n in range(tries))


def test_a_connection_pauses_after_each() -> None:
    budget = ChallengeAcks(100, KEY)

    until = budget.grant(START, Instant(3 * SECOND))

    assert until == 3 * SECOND + INTERVAL == 3_500 * MILLISECOND
    assert budget.grant(until, until - 1) is None
    assert budget.grant(until, until) == until + INTERVAL


def test_a_connection_that_pauses_uses_nothing_up() -> None:
    budget = ChallengeAcks(2, KEY)
    until = budget.grant(START, START)

    assert until is not None
    assert all(budget.grant(until, Instant(n)) is None for n in range(100))
    assert spent(ChallengeAcks(2, KEY), 0) - 1 == spent(budget, 0)


@pytest.mark.rfc("RFC5961-7")
def test_each_second_has_a_budget_of_its_own_of_half_to_all() -> None:
    budget = ChallengeAcks(100, KEY)

    seconds = [spent(budget, second) for second in range(200)]

    assert min(seconds) >= 50
    assert max(seconds) <= 100
    assert len(set(seconds)) > 30
    assert abs(sum(seconds) / 200 - 75) < 5


def test_nobody_knows_the_budget_without_the_key() -> None:
    one, other = ChallengeAcks(100, KEY), ChallengeAcks(100, b"another")

    assert [spent(one, second) for second in range(10)] != [spent(other, second) for second in range(10)]


def test_the_same_host_at_the_same_time_does_the_same() -> None:
    assert spent(ChallengeAcks(100, KEY), 7) == spent(ChallengeAcks(100, KEY), 7)


def test_a_budget_of_nothing_grants_nothing_and_one_of_one_at_most_one() -> None:
    assert [spent(ChallengeAcks(0, KEY), second, 10) for second in range(5)] == [0] * 5
    assert [spent(ChallengeAcks(1, KEY), second, 10) for second in range(5)] == [1] * 5


@pytest.mark.rfc("RFC5961-7")
@given(st.integers(0, 50), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 10**9)), max_size=200))
def test_whatever_comes_neither_bound_is_exceeded(per_second: int, steps: list[tuple[int, int]]) -> None:
    budget = ChallengeAcks(per_second, KEY)
    not_before = [START] * 4
    last: dict[int, Instant] = {}
    sent: dict[int, int] = {}
    now = START
    for connection, pause in steps:
        now += pause
        if (until := budget.grant(not_before[connection], now)) is not None:
            assert connection not in last or now - last[connection] >= INTERVAL
            last[connection], not_before[connection] = now, until
            sent[now // SECOND] = sent.get(now // SECOND, 0) + 1
    assert max(sent.values(), default=0) <= per_second
