"""TIME_WAIT where timestamps were agreed on: PAWS, the echo, and what RFC 6191 makes of them."""

from dataclasses import replace
from typing import Final

import pytest

from tcplab.node import Address, Event
from tcplab.tcp.events import ConnectionId, Ignored, TimeWaitEnded
from tcplab.tcp.ports import EphemeralPorts
from tcplab.tcp.time_wait import Linux, Policy, PolicyName, Record, Records, Reply, Stamps, TimeWaits, policy
from tcplab.units import MILLISECOND, MINUTE, SECOND, START, Instant
from tcplab.wire.segment import NO_OPTIONS, Options, Segment, flags_from_text
from tcplab.wire.seq import SeqNumber, seq_add

HERE, THERE = Address("10.0.1.1"), Address("10.0.2.1")
NAME: Final = ConnectionId(HERE, 50_000, THERE, 80, 3)
RECENT: Final = 2**32 - 5
SND_NXT, RCV_NXT = SeqNumber(7_000), SeqNumber(2**32 - 2)
NOW: Final = Instant(5 * SECOND)
OLDER, SAME, NEWER = RECENT - 1, RECENT, 3  # across the wrap


STAMPS: Final = Stamps(RECENT, 1_000)


def record(stamps: Stamps | None = STAMPS) -> Record:
    entered = Instant(2 * SECOND)
    return Record(NAME, SND_NXT, RCV_NXT, 65_535, entered, entered + 240 * SECOND, stamps=stamps)


def segment(flags: str, seq: int, tsval: int | None, octets: bytes = b"") -> Segment:
    options = NO_OPTIONS if tsval is None else Options(timestamps=(tsval, 0))
    return Segment(80, 50_000, seq_add(RCV_NXT, seq), SND_NXT, flags_from_text(flags), 65_535, options, octets)


def named(name: PolicyName, *, reuse: bool | None = None, timestamps: bool = True) -> Policy:
    made = policy(name, 4 * MINUTE, reuse=reuse, timestamps=timestamps)
    assert made is not None
    return made


def reply(chosen: Policy, arrived: Segment, kept: Record | None = None) -> Reply:
    return chosen.segment_arrives(record() if kept is None else kept, arrived, NOW, listening=True)


def test_its_ack_has_the_clock_and_the_echo() -> None:
    [tsval, echo] = record().ack(START + 9 * SECOND + MILLISECOND).options.timestamps or (None, None)

    assert (tsval, echo) == (9_001 + 1_000, RECENT)


def test_its_ack_tells_the_window_shifted() -> None:
    assert replace(record(), rcv_wnd=1_000_000, rcv_shift=5).ack(NOW).window == 1_000_000 >> 5


@pytest.mark.parametrize("arrived", [segment("FA", -1, OLDER), segment("A", 0, OLDER), segment("S", 9, OLDER)], ids=str)
def test_by_the_rfc_what_is_older_is_acknowledged_and_dropped(arrived: Segment) -> None:
    """RFC 7323, 5.3, R1."""
    assert reply(named("rfc9293"), arrived) == Reply(acknowledge=True, ignored=Ignored.OLD_TIMESTAMP)


def test_by_the_rfc_what_has_none_is_dropped() -> None:
    """RFC 7323, 3.2; a reset needs none, and a SYN may be of a connection that has none."""
    rfc9293 = named("rfc9293")

    assert reply(rfc9293, segment("FA", -1, None)) == Reply(ignored=Ignored.NO_TIMESTAMP)
    assert reply(rfc9293, segment("R", 0, None)) == Reply(ignored=Ignored.RESET_IN_TIME_WAIT)
    assert reply(rfc9293, segment("S", 0, None)) == Reply(acknowledge=True, ignored=Ignored.SYN_IN_WINDOW)


def test_by_the_rfc_a_newer_fin_is_echoed() -> None:
    """RFC 7323, 5.3, R3."""
    kept = reply(named("rfc9293"), segment("FA", -1, NEWER)).record

    assert kept is not None
    assert kept.stamps == Stamps(NEWER, 1_000)
    assert reply(named("rfc9293"), segment("A", 1, NEWER)).record is None, "ahead of a hole nothing is echoed"


@pytest.mark.rfc("SHLD-4", "RFC6191-2")
@pytest.mark.parametrize(
    ("seq", "tsval", "reused"),
    [
        (-100, NEWER, True),
        (0, NEWER, True),
        (-1, SAME, False),
        (0, SAME, True),
        (100, OLDER, False),
        (-1, None, False),
        (0, None, True),
    ],
)
def test_by_rfc_6191_a_syn_takes_the_place_on_its_timestamp_or_else_on_its_number(
    seq: int, tsval: int | None, reused: bool
) -> None:
    assert (reply(named("rfc9293", reuse=True), segment("S", seq, tsval)).end == "reused") is reused


@pytest.mark.rfc("RFC6191-2")
@pytest.mark.parametrize(("tsval", "reused"), [(0, True), (None, False)])
def test_by_rfc_6191_timestamps_are_enough_where_there_were_none(tsval: int | None, reused: bool) -> None:
    made = reply(named("rfc9293", reuse=True), segment("S", -100, tsval), record(None))

    assert (made.end == "reused") is reused


@pytest.mark.rfc("RFC6191-2")
def test_by_rfc_6191_a_host_without_timestamps_looks_at_numbers() -> None:
    without = named("rfc9293", reuse=True, timestamps=False)

    assert reply(without, segment("S", -100, NEWER), record(None)).end is None
    assert reply(without, segment("S", 0, NEWER), record(None)).end == "reused"


@pytest.mark.parametrize(
    ("seq", "tsval", "reused"),
    [(-100, NEWER, True), (-100, SAME, False), (1, SAME, True), (1, OLDER, False), (0, NEWER, True), (0, None, False)],
)
def test_on_linux_either_is_enough_unless_paws_refuses(seq: int, tsval: int | None, reused: bool) -> None:
    assert (reply(named("linux"), segment("S", seq, tsval)).end == "reused") is reused


def test_on_linux_paws_protects_it_from_an_old_reset_and_makes_old_segments_restart_it() -> None:
    linux = named("linux")

    assert reply(linux, segment("R", 0, OLDER)).end is None
    assert reply(linux, segment("R", 0, None)).end == "assassinated"
    old = reply(linux, segment("S", 9, OLDER))
    assert (old.acknowledge, old.restart, old.ignored) == (True, True, Ignored.OLD_TIMESTAMP)


def test_on_linux_a_bare_ack_is_echoed() -> None:
    kept = reply(named("linux"), segment("A", 0, NEWER)).record

    assert kept is not None
    assert kept.stamps == Stamps(NEWER, 1_000)


def test_on_linux_with_rfc1337_a_reset_is_ignored() -> None:
    made = reply(Linux(MINUTE, rfc1337=True), segment("R", 0, None))

    assert made == Reply(ignored=Ignored.RESET_IN_TIME_WAIT)


@pytest.mark.parametrize("tsval", [OLDER, SAME, NEWER, None])
def test_on_freebsd_timestamps_mean_nothing(tsval: int | None) -> None:
    freebsd = named("freebsd")

    assert reply(freebsd, segment("S", 1, tsval)).end == "reused"
    assert reply(freebsd, segment("S", 0, tsval)).end is None
    assert reply(freebsd, segment("FA", -1, tsval)) == Reply(acknowledge=True, restart=True)


class Opening:
    """A host's only port, whose connection is in TIME_WAIT since two seconds, with timestamps."""

    def __init__(self, chosen: Policy, stamps: Stamps | None = STAMPS) -> None:
        self.ports = EphemeralPorts(50_000, 50_000)
        self.ports.take((THERE, 80), lambda _: False)
        self.events: list[Event] = []
        self.time_waits = TimeWaits(Records(HERE), chosen, self.ports)
        self.time_waits.enter(
            NAME, Instant(0), self.events, snd_nxt=SND_NXT, rcv_nxt=RCV_NXT, rcv_wnd=1_000, stamps=stamps
        )

    def take(self, now: int) -> Record | None:
        return self.time_waits.take((THERE, 80), self.ports.taken((THERE, 80)), Instant(now), self.events)


def test_on_linux_an_open_may_take_the_port_after_a_second() -> None:
    """net.ipv4.tcp_tw_reuse and tcp_tw_reuse_delay; needs timestamps."""
    opening = Opening(named("linux", reuse=True))

    assert opening.take(SECOND) is None
    taken = opening.take(SECOND + 1)

    assert taken is not None
    assert taken.isn_after(SeqNumber(SND_NXT - 1)) == SND_NXT + 65_537
    assert taken.isn_after(SeqNumber(SND_NXT + 1)) == SND_NXT + 1
    assert opening.events[1:] == [TimeWaitEnded(NAME, "reused", SECOND + 1)]
    assert opening.ports.in_use == 1, "it is the new connection's"
    assert opening.take(2 * SECOND) is None


@pytest.mark.parametrize(
    "opening",
    [
        Opening(named("linux")),
        Opening(named("linux", reuse=True), None),
        Opening(named("rfc9293", reuse=True)),
        Opening(named("freebsd", reuse=True)),
    ],
)
def test_else_it_may_not(opening: Opening) -> None:
    assert opening.take(50 * SECOND) is None


def test_on_linux_loopback_is_always_reused() -> None:
    """tcp_tw_reuse is 2 by default."""
    assert named("linux").open_after(HERE, HERE) == SECOND
    assert named("linux").open_after(HERE, THERE) is None
