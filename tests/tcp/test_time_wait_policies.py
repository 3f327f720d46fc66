"""TIME_WAIT under other policies than RFC 9293's: what each does to each segment, through a host."""

from typing import Final

import pytest

from tcplab.tcp.app import InvalidCall, Opened, Unlisten
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import Ignored, ResetReceived, SegmentIgnored, StateChanged, TimeWaitEnded, TimeWaitRestarted
from tcplab.tcp.states import Cause, State
from tcplab.tcp.time_wait import POLICIES, PolicyName, policy
from tcplab.units import MINUTE, SECOND, Duration
from tcplab.wire.seq import SeqNumber, seq_diff
from tests.support.states import Wires
from tests.support.tcp import PEER, SERVICE, Seg, Wire, ack, data, fin, rst, rst_ack, syn, syn_ack

LINUX: Final = TcpConfig(time_wait_policy="linux")
FREEBSD: Final = TcpConfig(time_wait_policy="freebsd")
NONE: Final = TcpConfig(time_wait_policy="none")
REUSE: Final = TcpConfig(time_wait_reuse=True)


def waiting(wires: Wires, config: TcpConfig) -> Wire:
    """Return a server's connection that enters TIME_WAIT at 0; SND.NXT is 2 and RCV.NXT is 2."""
    wire = wires.server(config)
    wire.close()
    assert wire.arrives(fin(1, 2)) == [ack(2, 2)]
    return wire


def ended(wire: Wire) -> list[tuple[float, str, float]]:
    return [(time, event.reason, event.duration / SECOND) for time, event in wire.seen(TimeWaitEnded)]


def restarts(wire: Wire) -> list[float]:
    return [time for time, _ in wire.seen(TimeWaitRestarted)]


def ignored(wire: Wire) -> list[Ignored]:
    return [event.reason for _, event in wire.seen(SegmentIgnored)]


@pytest.mark.parametrize(
    ("name", "msl", "length"),
    [
        ("rfc9293", 2 * MINUTE, 240.0),
        ("linux", 2 * MINUTE, 60.0),
        ("freebsd", 2 * MINUTE, 60.0),
        ("none", 2 * MINUTE, 0.0),
        ("rfc9293", 4 * SECOND, 8.0),
        ("linux", 4 * SECOND, 2.0),
        ("freebsd", 4 * SECOND, 2.0),
        ("none", 4 * SECOND, 0.0),
    ],
)
def test_each_lasts_as_long_as_the_stack_has_it_in_proportion_to_the_msl(
    wires: Wires, name: PolicyName, msl: int, length: float
) -> None:
    wire = waiting(wires, TcpConfig(msl=Duration(msl), time_wait_policy=name))

    wire.run(1_000.0)

    assert ended(wire) == [(length, "expired", length)]
    [(_, last)] = wire.seen(StateChanged)[-1:]
    assert (last.old, last.new, last.cause) == (State.TIME_WAIT, State.CLOSED, Cause.TIME_WAIT_EXPIRED)


# --- Linux ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seg", [ack(2, 2), ack(2, 1), ack(2, 3)], ids=str)
def test_on_linux_a_pure_ack_with_the_exact_number_restarts_it_in_silence(wires: Wires, seg: Seg) -> None:
    wire = waiting(wires, LINUX)

    assert wire.arrives(seg, 40.0) == []
    wire.run(1_000.0)

    assert restarts(wire) == [40.0]
    assert ended(wire) == [(100.0, "expired", 100.0)]


@pytest.mark.parametrize(
    "seg",
    [
        ack(1, 2),
        data(1, 2, b"x"),
        data(2, 2, b"x"),
        fin(1, 2),
        fin(2, 2),
        fin(100_000, 2),
        syn_ack(0, 1),
        syn_ack(2, 2),
    ],
    ids=str,
)
def test_on_linux_whatever_else_has_an_ack_restarts_it_and_is_acknowledged(wires: Wires, seg: Seg) -> None:
    wire = waiting(wires, LINUX)

    assert wire.arrives(seg, 40.0) == [ack(2, 2)]
    wire.run(1_000.0)

    assert restarts(wire) == [40.0]
    assert ended(wire) == [(100.0, "expired", 100.0)]


@pytest.mark.parametrize("seg", [syn(0), syn(2), Seg("", 1, None, b"x"), Seg("F", 1)], ids=str)
def test_on_linux_what_has_no_ack_is_acknowledged_and_restarts_nothing(wires: Wires, seg: Seg) -> None:
    wire = waiting(wires, LINUX)

    assert wire.arrives(seg, 40.0) == [ack(2, 2)]
    assert restarts(wire) == []


@pytest.mark.parametrize("seg", [rst(2), rst_ack(2, 2), rst_ack(2, 0)], ids=str)
def test_on_linux_an_exact_reset_assassinates_it(wires: Wires, seg: Seg) -> None:
    """RFC 1337: the sysctl tcp_rfc1337 is off by default."""
    wire = waiting(wires, LINUX)

    assert wire.arrives(seg, 40.0) == []

    assert wire.state is State.CLOSED
    assert wire.host.deadline() is None
    assert ended(wire) == [(40.0, "assassinated", 40.0)]
    assert len(wire.seen(ResetReceived)) == 1
    [(_, last)] = wire.seen(StateChanged)[-1:]
    assert (last.old, last.new, last.cause) == (State.TIME_WAIT, State.CLOSED, Cause.RESET_ARRIVED)


@pytest.mark.parametrize("seg", [rst(1), rst(3), rst_ack(0, 2)], ids=str)
def test_on_linux_any_other_reset_is_ignored(wires: Wires, seg: Seg) -> None:
    wire = waiting(wires, LINUX)

    assert wire.arrives(seg, 40.0) == []
    assert ignored(wire) == [Ignored.RESET_IN_TIME_WAIT]
    wire.run(1_000.0)
    assert ended(wire) == [(60.0, "expired", 60.0)]


def test_on_linux_acks_to_bare_acks_and_to_syns_are_two_a_second(wires: Wires) -> None:
    """net.ipv4.tcp_invalid_ratelimit: 500 ms; data and FINs are answered always."""
    wire = waiting(wires, LINUX)

    assert wire.arrives(ack(1, 2), 1.0) == [ack(2, 2)]
    assert wire.arrives(ack(1, 2), 1.4) == []
    assert wire.arrives(syn(0), 1.4) == []
    assert wire.arrives(fin(1, 2), 1.4) == [ack(2, 2)]
    assert wire.arrives(data(1, 2, b"x"), 1.4) == [ack(2, 2)]
    assert wire.arrives(syn(0), 1.5) == [ack(2, 2)]
    assert wire.arrives(ack(1, 2), 1.999_999_999) == []
    assert restarts(wire) == [1.0, 1.4, 1.4, 1.4, 1.999_999_999]


# --- FreeBSD -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "seg",
    [ack(1, 2), ack(2, 1), ack(2, 3), data(1, 2, b"x"), data(2, 2, b"x"), fin(2, 2), fin(100_000, 2), syn_ack(0, 1)],
    ids=str,
)
def test_on_freebsd_whatever_has_an_ack_and_is_not_the_last_one_again_is_acknowledged(wires: Wires, seg: Seg) -> None:
    wire = waiting(wires, FREEBSD)

    assert wire.arrives(seg, 40.0) == [ack(2, 2)]
    assert restarts(wire) == []
    wire.run(1_000.0)
    assert ended(wire) == [(60.0, "expired", 60.0)]


def test_on_freebsd_only_the_fin_restarts_it(wires: Wires) -> None:
    wire = waiting(wires, FREEBSD)

    assert wire.arrives(fin(1, 2), 40.0) == [ack(2, 2)]
    wire.run(1_000.0)

    assert ended(wire) == [(100.0, "expired", 100.0)]


@pytest.mark.parametrize(
    "seg", [ack(2, 2), rst(2), rst_ack(2, 2), rst(5), syn(0), syn(2), Seg("F", 1), Seg("", 2, None, b"x")], ids=str
)
def test_on_freebsd_it_is_silent_to_the_last_ack_to_resets_and_to_what_has_no_ack(wires: Wires, seg: Seg) -> None:
    wire = waiting(wires, FREEBSD)

    assert wire.arrives(seg, 40.0) == []
    assert len(ignored(wire)) == 1
    wire.run(1_000.0)
    assert ended(wire) == [(60.0, "expired", 60.0)]


def test_on_freebsd_a_newer_syn_ends_it_even_where_nobody_listens(wires: Wires) -> None:
    wire = waiting(wires, FREEBSD)
    wire.call(Unlisten(SERVICE))

    assert wire.arrives(syn(3), 40.0) == [rst_ack(seq_diff(SeqNumber(0), wire.iss), 4)]

    assert ended(wire) == [(40.0, "reused", 40.0)]


# --- none ----------------------------------------------------------------------------------------------------------


def test_without_a_policy_a_late_fin_meets_a_stranger(wires: Wires) -> None:
    wire = waiting(wires, NONE)

    assert wire.state is State.CLOSED
    assert wire.host.deadline() is None
    assert ended(wire) == [(0.0, "expired", 0.0)]
    assert wire.arrives(fin(1, 2), 1.0) == [rst(2)]


def test_without_a_policy_the_port_is_free_at_once(wires: Wires) -> None:
    wire = wires.reach(State.FIN_WAIT_2, NONE)
    assert wire.host.ports_in_use() == 1

    wire.arrives(fin(1, 2))

    assert wire.host.ports_in_use() == 0
    wire.open(local_port=wire.local_port)


# --- a newer SYN ---------------------------------------------------------------------------------------------------


@pytest.mark.rfc("MAY-2")
@pytest.mark.parametrize("config", [LINUX, FREEBSD, REUSE], ids=lambda config: config.time_wait_policy)
def test_a_newer_syn_takes_its_place(wires: Wires, config: TcpConfig) -> None:
    """RFC 9293, MAY-2: our ISN is beyond every number of the connection before."""
    wire = waiting(wires, config)
    [old] = [status.connection for status in wire.statuses]
    wire.heard()

    assert wire.arrives(syn(3), 40.0) == [syn_ack(2 + 65_537, 4)]
    assert wire.state is State.SYN_RECEIVED
    wire.arrives(ack(4, 3 + 65_537), 41.0)

    assert wire.state is State.ESTABLISHED
    [opened] = wire.heard()
    assert isinstance(opened, Opened)
    assert opened.connection.incarnation == old.incarnation + 1
    [(_, end)] = wire.seen(TimeWaitEnded)
    assert (end.connection, end.reason) == (old, "reused")
    path = [(event.new, event.cause) for _, event in wire.seen(StateChanged) if event.connection == old]
    assert path[-1] == (State.CLOSED, Cause.SYN_ARRIVED)
    wire.run(1_000.0)
    assert wire.state is State.ESTABLISHED


@pytest.mark.parametrize("config", [LINUX, FREEBSD], ids=lambda config: config.time_wait_policy)
def test_on_linux_and_freebsd_a_syn_must_be_beyond_rcv_nxt(wires: Wires, config: TcpConfig) -> None:
    wire = waiting(wires, config)

    wire.arrives(syn(2), 40.0)

    assert wire.seen(TimeWaitEnded) == []


@pytest.mark.rfc("MAY-2")
def test_by_the_rfc_a_syn_must_be_beyond_the_last_number_that_was_used(wires: Wires) -> None:
    wire = waiting(wires, REUSE)

    assert wire.arrives(syn(1), 40.0) == [ack(2, 2)]
    assert wire.arrives(syn(2), 41.0) == [syn_ack(2 + 65_537, 3)]


@pytest.mark.parametrize("name", POLICIES[:3])
def test_reuse_can_be_forbidden(wires: Wires, name: PolicyName) -> None:
    wire = waiting(wires, TcpConfig(time_wait_policy=name, time_wait_reuse=False))

    wire.arrives(syn(100_000), 40.0)

    assert wire.state is State.TIME_WAIT


@pytest.mark.parametrize("config", [LINUX, REUSE], ids=lambda config: config.time_wait_policy)
def test_where_nobody_listens_a_newer_syn_is_acknowledged(wires: Wires, config: TcpConfig) -> None:
    wire = waiting(wires, config)
    wire.call(Unlisten(SERVICE))

    assert wire.arrives(syn(3), 40.0) == [ack(2, 2)]
    assert wire.state is State.TIME_WAIT


def test_where_the_backlog_is_full_time_wait_stays(wires: Wires) -> None:
    wire = wires(REUSE)
    wire.listen(backlog=1)
    wire.arrives(syn())
    wire.arrives(ack(1, 1))
    wire.close()
    wire.arrives(fin(1, 2))
    wire.arrives(syn(), peer_port=1_000)

    assert wire.arrives(syn(3)) == [ack(2, 2)]


@pytest.mark.rfc("MAY-2")
def test_after_an_old_duplicate_syn_it_returns_to_time_wait(wires: Wires) -> None:
    """RFC 9293, 3.6.1, MAY-2 (2): the peer knows nothing of it and resets."""
    wire = waiting(wires, REUSE)
    assert wire.arrives(syn(3), 40.0) == [syn_ack(2 + 65_537, 4)]

    assert wire.arrives(rst(4), 41.0) == []

    assert wire.state is State.TIME_WAIT
    assert wire.seen(TimeWaitEnded) == []
    assert wire.arrives(fin(1, 2), 50.0) == [ack(2, 2)]
    wire.run(1_000.0)
    assert ended(wire) == [(290.0, "expired", 290.0)]


@pytest.mark.parametrize("config", [LINUX, FREEBSD], ids=lambda config: config.time_wait_policy)
def test_linux_and_freebsd_do_not_return(wires: Wires, config: TcpConfig) -> None:
    wire = waiting(wires, config)
    wire.arrives(syn(3), 40.0)

    wire.arrives(rst(4), 41.0)

    assert wire.state is State.CLOSED
    assert ended(wire) == [(40.0, "reused", 40.0)]


# --- an OPEN of our own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POLICIES[:3])
def test_without_timestamps_no_open_takes_the_place(wires: Wires, name: PolicyName) -> None:
    config = TcpConfig(time_wait_policy=name, time_wait_reuse=True, first_port=50_000, last_port=50_000)
    wire = wires(config)
    wire.local_port = 50_000
    wire.open()
    wire.arrives(syn_ack())
    wire.close()
    wire.arrives(fin(1, 2))

    assert wire.open(30.0) == []
    with pytest.raises(InvalidCall, match=r"open from port 50000 to 10\.0\.2\.1:80: the connection exists"):
        wire.open(31.0, local_port=50_000)


def test_on_freebsd_a_connection_to_oneself_does_not_stay() -> None:
    """net.inet.tcp.nolocaltimewait."""
    freebsd = policy("freebsd", 4 * MINUTE)
    assert freebsd is not None

    assert not freebsd.stays(PEER, PEER)
