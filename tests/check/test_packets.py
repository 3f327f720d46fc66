"""The checkers of packets notice one that is missing, one too many, and chatter."""

from dataclasses import replace

from tcplab import check
from tcplab.check import Conservation, Outcome
from tcplab.netem.events import PacketDropped, PacketDuplicated
from tcplab.node import PacketReceived, PacketSent
from tcplab.observe.journal import Record
from tcplab.tcp.events import (
    SegmentIgnored,
)
from tcplab.units import SECOND
from tests.check.doctor import (
    BACK,
    QUEUES,
    THERE,
    Records,
    doubled,
    of,
    renumbered,
    true_journal,
    without,
)
from tests.check.judges import blamed, verdict


def test_the_tally_is_an_equation() -> None:
    tally = Conservation(queue_lengths=QUEUES).tally(check.History(true_journal()))

    assert tally.missing == 0
    assert (tally.duplicated, dict(tally.dropped), tally.in_flight) == (1, {"list": 4}, 0)
    assert tally.sent + 1 == tally.received + 4
    assert str(tally) == (
        f"{tally.sent} sent + 1 duplicated = {tally.received} received + discarded (0) + dropped (4 list) + 0 in flight"
    )


def test_a_packet_that_vanished() -> None:
    records = true_journal()

    for record in (of(records, PacketReceived, "server")[3], of(records, PacketDropped)[0]):
        assert "conservation" in blamed(without(records, record))


def test_a_packet_from_nowhere() -> None:
    records = true_journal()

    for record in (of(records, PacketSent, "client")[5], of(records, PacketDuplicated)[0]):
        assert "conservation" in blamed(without(records, record))


def test_a_packet_that_arrived_twice() -> None:
    records = true_journal()
    received = of(records, PacketReceived, "server")[3]

    findings = verdict(doubled(records, received)).of("conservation").findings
    assert any("ended twice or was never sent" in finding.what for finding in findings)


def test_one_that_vanished_does_not_make_up_for_one_from_nowhere() -> None:
    records = true_journal()
    gone, extra = of(records, PacketReceived, "server")[3], of(records, PacketReceived, "client")[2]

    assert blamed(without(doubled(records, extra), gone)) >= {"conservation"}


def test_what_is_in_flight_counts() -> None:
    some = Conservation(queue_lengths={THERE: 1, BACK: 0})

    assert check.run(true_journal(), [some]).outcome is Outcome.INVALID


def test_one_bare_ack_after_the_other() -> None:
    """The late copy comes once more, and is answered once more, in less than half a second."""
    records = true_journal()
    [copy] = [record for record in of(records, PacketReceived, "server") if record.event.packet.copy]
    [ignored] = [record for record in of(records, SegmentIgnored, "server") if record.time == copy.time]
    [answer] = [record for record in of(records, PacketSent, "server") if record.time == copy.time]
    twin = replace(copy.event.packet, copy=2)

    def again(after: int) -> Records:
        """Put the same exchange with another copy behind the first."""
        later = copy.time + after
        exchange = [
            Record(0, later, "server", PacketReceived(twin)),
            answer._replace(time=later),
            Record(0, later, "server", replace(ignored.event, packet=twin)),
        ]
        return renumbered(sorted([*records, *exchange], key=lambda record: record.time))

    assert check.run(again(1), [check.quiet]).of("quiet").outcome is Outcome.INVALID
    assert check.run(again(SECOND // 2 - 1), [check.quiet]).of("quiet").outcome is Outcome.INVALID
    assert check.run(again(SECOND // 2), [check.quiet]).of("quiet").outcome is Outcome.VALID
