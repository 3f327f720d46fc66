from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcplab import __version__
from tcplab.apps.events import TransferCompleted, TransferCorrupted, TransferFailed
from tcplab.netem.events import (
    LinkName,
    PacketCorrupted,
    PacketDelayed,
    PacketDropped,
    PacketDuplicated,
    PacketForwarded,
    PacketHeld,
    PacketMarked,
    PacketReordered,
)
from tcplab.netem.faults import RULES
from tcplab.netem.profile import Profile
from tcplab.netem.standing import Done
from tcplab.node import Event, PacketDiscarded, PacketReceived, PacketSent
from tcplab.observe.asked_and_given import LinkReading
from tcplab.observe.catalogue import CATALOGUE
from tcplab.observe.codec import EVENT_TYPES
from tcplab.observe.metrics import Metrics, Readings
from tcplab.port import LinkBlocked, LinkDown, LinkUp, MessageReceived, MessageSent, TimerLagged
from tcplab.tcp.config import TcpConfig, TimeWaitPolicyName
from tcplab.tcp.events import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectionOpened,
    Failure,
    Ignored,
    IllegalTransition,
    ListenDropped,
    ResetReason,
    ResetReceived,
    ResetSent,
    Retransmitted,
    RttSampled,
    SegmentIgnored,
    SynCookie,
    TimeWaitEnded,
    TimeWaitRestarted,
)
from tcplab.tcp.states import TRANSITIONS, Cause, State
from tcplab.units import MILLISECOND, MINUTE, SECOND, Duration, Instant
from tcplab.wire.segment import ACK, FIN, PSH, RST, SYN, Flags
from tests.observe.events import CLOSING_FIRST, OPENING, connection, life, listener, packet
from tests.observe.samples import Scrape
from tests.support.states import Wires
from tests.support.tcp import ack

TO_SERVER = LinkName("client>server")
SYN_PACKET = packet(SYN)
DATA = packet(ACK | PSH, b"abc").segment


def host(role: str = "client") -> Metrics:
    return Metrics(role, "node", TcpConfig())


def network() -> Metrics:
    readings = Readings(links={TO_SERVER: LinkReading(3, Profile())}, faults=dict.fromkeys(RULES, Done(0, 0)))
    return Metrics("netem", "node", links=(TO_SERVER,), readings=lambda: readings)


def after(metrics: Metrics, events: Sequence[Event], now: int = 0) -> Scrape:
    for event in events:
        metrics.observe("node", event, Instant(now))
    return Scrape(metrics, now)


def test_every_legal_step_is_there_before_anything_has_happened() -> None:
    scrape = Scrape(host())

    steps = {labels for name, labels in scrape.samples if name == "tcplab_state_transitions_total"}
    assert steps == {
        frozenset({("from", old.value), ("to", new.value), ("cause", cause.value)})
        for (old, cause), new in TRANSITIONS.items()
    }


def test_every_way_to_send_a_fin_again_is_there_before_it_has_happened() -> None:
    wires = Wires((1_000, 5_000))
    hole, late, shut = wires.client(TcpConfig(mss=4)), wires.client(TcpConfig(mss=4)), wires.client(window=4)
    hole.send(4 * b"data")
    hole.close()
    for _ in range(3):
        hole.arrives(ack(1, 1))
    hole.arrives(ack(1, 17))  # the FIN is the hole that is left (RFC 6582, 3.2, partial acknowledgements)
    late.send(b"data")
    late.close()
    late.arrives(ack(1, 5))
    late.at(1)
    shut.send(b"data")
    shut.close()
    shut.arrives(ack(1, 5, window=0))
    shut.at(10)

    again = {(event.segment.kind, event.cause) for wire in (hole, late, shut) for _, event in wire.seen(Retransmitted)}

    assert again == {("data", "fast"), ("fin", "rto"), ("fin", "fast"), ("fin", "probe")}
    samples = Scrape(host()).samples
    for kind, cause in again:
        assert ("tcplab_segments_retransmitted_total", frozenset({("kind", kind), ("cause", cause)})) in samples


def test_every_known_label_set_is_there_with_0() -> None:
    scrapes = [Scrape(host()), Scrape(network())]

    counters = {metric.name for metric in CATALOGUE if metric.kind in ("counter", "histogram") and metric.known}
    for scrape in scrapes:
        for (name, _), value in scrape.samples.items():
            if name.removesuffix("_count").removesuffix("_sum").removesuffix("_bucket") in counters:
                assert value == 0, name
    assert {series for metric in CATALOGUE if metric.scope != "the lab service" for series in metric.series} == {
        name for scrape in scrapes for name in scrape.names() if name.startswith("tcplab_")
    }


def test_a_node_exports_what_it_has_and_no_more() -> None:
    of_host, of_network = Scrape(host()).names(), Scrape(network()).names()

    assert "tcplab_connections" in of_host - of_network
    assert "tcplab_netem_drops_total" in of_network - of_host
    assert "tcplab_segments_sent_total" in of_host & of_network
    assert "tcplab_broker_up" not in Scrape(Metrics("client", "node", TcpConfig(), broker=False)).names()


def test_nothing_tells_when_a_series_was_created() -> None:
    assert not [name for name in Scrape(host()).names() if name.endswith("_created")]


def test_a_node_says_who_and_what_it_is() -> None:
    metrics = Metrics("server", "10.0.2.1", TcpConfig(msl=5 * SECOND), time_scale=2, revision="abc")

    scrape = Scrape(metrics)

    assert scrape.value("node_info", node="10.0.2.1", role="server") == 1
    assert next(dict(labels) for name, labels in scrape.samples if name == "tcplab_build_info").items() >= {
        ("version", __version__),
        ("revision", "abc"),
    }
    assert scrape.nonzero("config_msl_seconds") == {(): 5}
    assert scrape.nonzero("config_time_wait_seconds") == {(): 10}
    assert scrape.nonzero("config_rto_min_seconds") == {(): 1}
    assert scrape.nonzero("config_rto_max_seconds") == {(): 60}
    assert scrape.nonzero("config_time_scale_ratio") == {(): 2}


def test_a_life_is_counted_step_by_step() -> None:
    metrics = host()
    for time, step in enumerate(life(connection(), *OPENING, *CLOSING_FIRST)):
        metrics.observe("node", step, Instant(time * SECOND))

    scrape = Scrape(metrics)

    assert scrape.nonzero("state_transitions_total") == {
        ("active_open", "closed", "syn_sent"): 1,
        ("syn_ack_arrived", "syn_sent", "established"): 1,
        ("close_call", "established", "fin_wait_1"): 1,
        ("ack_of_fin", "fin_wait_1", "fin_wait_2"): 1,
        ("fin_arrived", "fin_wait_2", "time_wait"): 1,
        ("time_wait_expired", "time_wait", "closed"): 1,
    }
    assert scrape.nonzero("connections") == {}
    assert scrape.nonzero("connections_closed_total") == {("time_wait_expired",): 1}
    assert scrape.nonzero("state_duration_seconds_sum") == {
        ("syn_sent",): 1,
        ("fin_wait_1",): 1,
        ("fin_wait_2",): 1,
        ("time_wait",): 1,
    }


def test_connections_are_counted_by_state_with_the_time_the_oldest_came() -> None:
    metrics = Metrics("client", "node", TcpConfig(), unix_seconds=lambda instant: 1_000 + instant / SECOND)
    for time, number in ((10, 1), (20, 2), (30, 3)):
        metrics.observe("node", life(connection(number), Cause.ACTIVE_OPEN)[0], Instant(time * SECOND))
    metrics.observe("node", life(listener(), Cause.PASSIVE_OPEN)[0], Instant(0))
    before = Scrape(metrics)
    metrics.observe("node", life(connection(1), *OPENING)[1], Instant(40 * SECOND))

    scrape = Scrape(metrics)

    assert before.nonzero("connections") == {("listen",): 1, ("syn_sent",): 3}
    assert before.nonzero("oldest_connection_entered_timestamp_seconds") == {("listen",): 1_000, ("syn_sent",): 1_010}
    assert scrape.nonzero("connections") == {("listen",): 1, ("syn_sent",): 2, ("established",): 1}
    assert scrape.value("oldest_connection_entered_timestamp_seconds", state="syn_sent") == 1_020
    assert scrape.value("oldest_connection_entered_timestamp_seconds", state="time_wait") == 0


def test_a_listener_that_is_closed_is_no_connection_that_was_closed() -> None:
    scrape = after(host(), life(listener(), Cause.PASSIVE_OPEN, Cause.CLOSE_CALL))

    assert scrape.nonzero("connections_closed_total") == {}
    assert scrape.nonzero("connections") == {}


def test_events_of_another_node_pass_by() -> None:
    metrics = host()
    metrics.observe("other", PacketSent(SYN_PACKET), Instant(0))

    assert Scrape(metrics).nonzero("segments_sent_total") == {}


@pytest.mark.parametrize(
    ("flags", "payload", "kind"),
    [
        (SYN, b"", "syn"),
        (SYN | ACK, b"", "syn_ack"),
        (ACK, b"", "ack"),
        (ACK | PSH, b"abc", "data"),
        (FIN | ACK, b"abc", "fin"),
        (RST, b"", "rst"),
    ],
)
def test_segments_are_counted_by_kind_and_direction(flags: int, payload: bytes, kind: str) -> None:
    carried = packet(Flags(flags), payload)

    scrape = after(host(), [PacketSent(carried), PacketSent(carried), PacketReceived(carried)])

    assert scrape.nonzero("segments_sent_total") == {(kind,): 2}
    assert scrape.nonzero("segments_received_total") == {(kind,): 1}
    octets = len(payload)
    assert scrape.value("payload_bytes_total", direction="sent") == 2 * octets
    assert scrape.value("payload_bytes_total", direction="received") == octets


HOST_EVENTS: list[tuple[Event, str, tuple[str, ...]]] = [
    (PacketDiscarded(SYN_PACKET, "expired"), "segments_discarded_total", ("expired",)),
    (SegmentIgnored(None, SYN_PACKET, Ignored.NO_CONNECTION), "segments_ignored_total", ("no_connection",)),
    (SegmentIgnored(connection(), SYN_PACKET, Ignored.OLD_TIMESTAMP), "segments_ignored_total", ("old_timestamp",)),
    (SegmentIgnored(connection(), SYN_PACKET, Ignored.NO_TIMESTAMP), "segments_ignored_total", ("no_timestamp",)),
    (IllegalTransition(connection(), State.CLOSED, Cause.FIN_SENT), "illegal_transitions_total", ()),
    (ConnectionOpened(connection(), "active", SECOND), "connections_opened_total", ("active",)),
    (ConnectionFailed(connection(), Failure.REFUSED), "connection_failures_total", ("refused",)),
    (ConnectionFailed(connection(), Failure.USER_TIMEOUT), "connection_failures_total", ("user_timeout",)),
    (ConnectionFailed(connection(), Failure.KEEP_ALIVE), "connection_failures_total", ("keep_alive",)),
    (ConnectionClosed(connection(), "passive", SECOND), "close_duration_seconds_count", ("passive",)),
    (TimeWaitEnded(connection(), "reused", MINUTE), "time_wait_exits_total", ("reused",)),
    (TimeWaitEnded(connection(), "assassinated", MINUTE), "time_wait_exits_total", ("assassinated",)),
    (TimeWaitRestarted(connection()), "time_wait_restarts_total", ()),
    (Retransmitted(connection(), SYN_PACKET.segment, 1), "segments_retransmitted_total", ("rto", "syn")),
    (Retransmitted(connection(), DATA, 1, "fast"), "segments_retransmitted_total", ("fast", "data")),
    (Retransmitted(connection(), DATA, 1, "probe"), "segments_retransmitted_total", ("probe", "data")),
    (ResetSent(None, ResetReason.ABORT), "resets_total", ("sent", "abort")),
    (ResetReceived(connection()), "resets_total", ("received", "peer")),
    (RttSampled(connection(), SECOND, SECOND), "rtt_seconds_count", ()),
    (RttSampled(connection(), SECOND, SECOND), "rto_seconds_count", ()),
    (ListenDropped(listener(), "syn_queue_full"), "listen_drops_total", ("syn_queue_full",)),
    (ListenDropped(listener(), "accept_queue_full"), "listen_drops_total", ("accept_queue_full",)),
    (SynCookie(listener(), "sent"), "syn_cookies_total", ("sent",)),
    (SynCookie(connection(), "accepted"), "syn_cookies_total", ("accepted",)),
    (TransferCompleted(connection(), 1, 1, SECOND), "transfers_total", ("completed",)),
    (TransferCorrupted(connection(), "digest"), "transfers_total", ("corrupted",)),
    (TransferFailed(connection(), "stalled"), "transfers_total", ("stalled",)),
    (LinkUp(0), "broker_up", ()),
    (LinkBlocked(True), "broker_blocked", ()),
    (LinkUp(1), "broker_reconnects_total", ()),
    (MessageSent(3, 900, "dropped"), "broker_messages_total", ("sent", "dropped")),
    (MessageSent(3, 900), "broker_messages_total", ("sent", "sent")),
    (MessageReceived(3, 900), "broker_messages_total", ("received", "accepted")),
    (MessageReceived(3, 900, SECOND), "broker_transit_duration_seconds_count", ()),
    (TimerLagged(MILLISECOND), "timer_lag_seconds_count", ()),
]


@pytest.mark.parametrize(("event", "name", "labels"), HOST_EVENTS, ids=lambda value: type(value).__name__)
def test_each_event_is_counted_once(event: Event, name: str, labels: tuple[str, ...]) -> None:
    assert after(host(), [event]).nonzero(name) == {labels: 1}


NETWORK_EVENTS: list[tuple[Event, str, tuple[str, ...]]] = [
    (PacketForwarded(SYN_PACKET, TO_SERVER, SECOND), "netem_segments_total", ("forwarded", "client>server")),
    (PacketForwarded(SYN_PACKET, TO_SERVER, SECOND), "netem_delay_seconds_count", ("client>server",)),
    (PacketDelayed(SYN_PACKET, TO_SERVER, SECOND), "netem_segments_total", ("delayed", "client>server")),
    (PacketDuplicated(SYN_PACKET, TO_SERVER), "netem_segments_total", ("duplicated", "client>server")),
    (PacketReordered(SYN_PACKET, TO_SERVER), "netem_segments_total", ("reordered", "client>server")),
    (PacketCorrupted(SYN_PACKET, TO_SERVER, 7), "netem_segments_total", ("corrupted", "client>server")),
    (PacketMarked(SYN_PACKET, TO_SERVER), "netem_segments_total", ("ecn_marked", "client>server")),
    (PacketHeld(SYN_PACKET, TO_SERVER), "netem_segments_total", ("held", "client>server")),
    (PacketDropped(SYN_PACKET, TO_SERVER, "loss"), "netem_drops_total", ("client>server", "loss")),
]


@pytest.mark.parametrize(("event", "name", "labels"), NETWORK_EVENTS, ids=lambda value: type(value).__name__)
def test_what_the_network_does_is_counted_by_link(event: Event, name: str, labels: tuple[str, ...]) -> None:
    assert after(network(), [event]).nonzero(name) == {labels: 1}


def test_a_link_is_shown_as_it_is() -> None:
    scrape = Scrape(network())

    assert scrape.value("netem_queue_length", link="client>server") == 3
    assert scrape.value("netem_queue_limit", link="client>server") == 1000


@pytest.mark.parametrize(("name", "seconds"), [("rfc9293", 10.0), ("linux", 2.5), ("freebsd", 2.5), ("none", 0.0)])
def test_the_length_of_time_wait_is_that_of_its_policy(name: TimeWaitPolicyName, seconds: float) -> None:
    config = TcpConfig(msl=5 * SECOND, time_wait_policy=name)

    scrape = Scrape(Metrics("client", "node", config))

    assert scrape.value("config_time_wait_seconds") == seconds


def test_the_host_is_asked_for_its_ports_and_the_journal_for_its_losses() -> None:
    scrape = Scrape(Metrics("client", "node", TcpConfig(), readings=lambda: Readings(7, 16_384, journal_lost=2)))

    assert scrape.nonzero("ephemeral_ports_in_use") == {(): 7}
    assert scrape.nonzero("ephemeral_ports_limit") == {(): 16_384}
    assert scrape.nonzero("journal_records_lost_total") == {(): 2}


def test_a_lost_broker_is_neither_up_nor_blocked() -> None:
    scrape = after(host(), [LinkUp(2), LinkBlocked(True), LinkDown("gone")])

    assert scrape.value("broker_up") == 0
    assert scrape.value("broker_blocked") == 0
    assert scrape.value("broker_reconnects_total") == 2


def test_a_message_that_was_dropped_was_not_sent() -> None:
    scrape = after(host(), [MessageSent(3, 900), MessageSent(5, 700, "dropped"), MessageReceived(2, 50)])

    assert scrape.nonzero("encoded_bytes_total") == {("sent",): 900, ("received",): 50}
    assert scrape.nonzero("segments_per_message_sum") == {("sent",): 3, ("received",): 2}
    assert scrape.nonzero("segments_discarded_total") == {("unsent",): 5}
    assert scrape.value("broker_transit_duration_seconds_count") == 0


def test_packets_of_a_bad_message_are_discarded_by_reason() -> None:
    bad = MessageReceived(5, 900, None, "quarantined", (("bad_address", 2), ("wrong_type", 1)))

    scrape = after(host(), [bad])

    assert scrape.nonzero("segments_discarded_total") == {("bad_address",): 2, ("wrong_type",): 1}
    assert scrape.nonzero("broker_messages_total") == {("received", "quarantined"): 1}


def test_a_duration_falls_into_the_bucket_whose_bound_it_does_not_exceed() -> None:
    durations = (100 * MILLISECOND, 100 * MILLISECOND + 1, 181 * SECOND)

    scrape = after(host(), [ConnectionOpened(connection(), "active", Duration(d)) for d in durations])

    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in scrape.samples.items()
        if name == "tcplab_handshake_duration_seconds_bucket" and ("side", "active") in labels
    }
    assert (buckets["0.05"], buckets["0.1"], buckets["0.125"], buckets["180.0"], buckets["+Inf"]) == (0, 1, 2, 2, 3)
    assert scrape.value("handshake_duration_seconds_sum", side="active") == pytest.approx(181.2, abs=1e-6)
    assert scrape.value("handshake_duration_seconds_count", side="active") == 3


def test_a_snapshot_does_not_change() -> None:
    metrics = host()
    metrics.observe("node", PacketSent(SYN_PACKET), Instant(0))
    snapshot = metrics.snapshot(Instant(0))
    kept = repr(snapshot)

    for event, _, _ in HOST_EVENTS:
        metrics.observe("node", event, Instant(0))
    metrics.snapshot(Instant(0))

    assert repr(snapshot) == kept


@given(
    st.lists(st.sampled_from(list(EVENT_TYPES.values())).flatmap(st.from_type), max_size=20),
    st.sampled_from([host, network]),
)
def test_no_event_at_all_troubles_the_node(events: list[Event], make: Callable[[], Metrics]) -> None:
    metrics = make()
    for time, event in enumerate(events):
        metrics.observe("node", event, Instant(time))

    Scrape(metrics)
