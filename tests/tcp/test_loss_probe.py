"""Tail loss probes as a sender meets them (RFC 8985, section 7)."""

import pytest

from tcplab.tcp.recovery import Phase
from tests.support.sender import MSS, SRTT, Sender, ms


@pytest.mark.rfc("RFC8985-7.2")
def test_a_probe_is_scheduled_after_two_round_trips() -> None:
    """7.2; before the retransmission timer in any case."""
    sender = Sender(10)
    assert sender.arm(0) is None, "nothing is outstanding"
    sender.sends()

    assert sender.arm(0) == 200
    assert sender.arm(50) == 200, "nothing was sent since, and nothing acknowledged"
    sender.gets(1, 100)
    assert sender.arm(100, timeout=250) == 250
    sender.gets(9, 100)
    assert sender.deadline is None
    assert sender.arm(100) == 100 + 400


def test_without_a_measurement_it_is_scheduled_after_a_second() -> None:
    """7.2."""
    sender = Sender(10, srtt=None)
    sender.sends()

    assert sender.arm(0) == 1_000


def test_no_probe_is_scheduled_where_a_loss_shows() -> None:
    """7.2: with segments selectively acknowledged, or in a recovery."""
    sender = Sender(4)
    sender.sends()
    sender.arm(0)
    sender.gets(1, 100)
    sender.gets(1, 100, 2)
    assert sender.arm(100) == 125
    sender.recovery.reordered(ms(125), SRTT)
    assert sender.arm(125) is None

    sender = Sender(4)
    sender.sends()
    sender.recovery.timed_out(ms(1_000))
    assert sender.arm(1_000) is None


def test_no_probe_is_scheduled_without_sack() -> None:
    """7.2."""
    sender = Sender(4, sack=False)
    sender.sends()

    assert sender.arm(0) is None


@pytest.mark.rfc("RFC8985-7.4")
def test_a_probe_that_repaired_a_loss_reduces_the_window() -> None:
    """7.4.2: once something beyond it is acknowledged."""
    sender = Sender(10)
    sender.sends(limit=3)
    sender.arm(0)
    sender.gets(2, 100)
    sender.recovery.probe()
    sender.recovery.probed(sender.flight.last, ms(500))
    assert sender.arm(500) is None, "one is outstanding"
    assert sender.gets(3, 600) is None
    sender.sends(600)
    assert sender.arm(600) is None

    sender.gets(4, 700)

    assert (sender.cwnd, sender.recovery.phase, sender.recovery.reduced) == (5, Phase.OPEN, True)
    assert sender.arm(700) == 900


@pytest.mark.rfc("RFC8985-7.4")
def test_a_probe_that_was_not_needed_leaves_the_window() -> None:
    """7.4.2, case 1."""
    sender = Sender(10)
    sender.sends(limit=3)
    sender.gets(2, 100)
    sender.recovery.probed(sender.flight.last, ms(500))
    sender.gets(3, 510)
    sender.gets(3, 600, 2)

    sender.sends(600)
    sender.gets(4, 700)

    assert sender.cwnd >= 10


@pytest.mark.rfc("RFC8985-7.3")
def test_a_probe_with_new_data_shows_the_loss_before_it() -> None:
    """7.3: its SACK block lets RACK see what is missing."""
    sender = Sender(10)
    sender.sends(limit=2)
    sender.arm(0)
    sender.recovery.probe()
    sender.flight.sent(3 * MSS, ms(200))
    sender.recovery.probed(None, ms(200))

    sender.gets(0, 300, 2)

    assert sender.sends(300)[:2] == [0, 1]


def test_a_bare_duplicate_with_nothing_outstanding_tells_that_a_probe_was_in_vain() -> None:
    """7.4.2, case 2."""
    sender = Sender(10)
    sender.sends(limit=1)
    sender.recovery.probed(sender.flight.last, ms(500))
    sender.gets(1, 510)
    sender.gets(1, 600)

    sender.sends(600, limit=1)
    sender.gets(2, 700)

    assert (sender.cwnd, sender.recovery.phase) == (10, Phase.OPEN)
