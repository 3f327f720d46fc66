"""The observer that counts what a node does, for Prometheus."""

import platform
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

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
from tcplab.netem.network import Network
from tcplab.netem.standing import Done
from tcplab.node import Event, PacketDiscarded, PacketReceived, PacketSent
from tcplab.observe import catalogue
from tcplab.observe.asked_and_given import FAULT_SEGMENTS, LinkReading, fault_values, link_values, read_links
from tcplab.observe.counts import Histograms, Snapshot, Tally
from tcplab.observe.metric import Key, Metric, Scope, known_keys
from tcplab.observe.spotlight import DWELL_DEFAULT, Spotlight
from tcplab.port import LinkBlocked, LinkDown, LinkUp, MessageReceived, MessageSent, TimerLagged
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.events import (
    ConnectionClosed,
    ConnectionFailed,
    ConnectionId,
    ConnectionOpened,
    IllegalTransition,
    ListenDropped,
    ResetReceived,
    ResetSent,
    Retransmitted,
    RttSampled,
    SegmentIgnored,
    StateChanged,
    SynCookie,
    TimeWaitEnded,
    TimeWaitRestarted,
)
from tcplab.tcp.host import Host
from tcplab.tcp.states import State
from tcplab.tcp.time_wait import policy
from tcplab.units import Duration, Instant, in_seconds


class Readings(NamedTuple):
    """What no event tells, so that the node must be asked for it."""

    ports_in_use: int = 0
    ports_limit: int = 0
    links: Mapping[LinkName, LinkReading] = {}
    faults: Mapping[str, Done] = {}
    """What faults have done, by their kind."""
    journal_lost: int = 0


class Metrics:
    """Counts the events of one node; those of others pass by.

    ``observe`` and ``snapshot`` are for the thread that runs the node, and for no other.
    """

    def __init__(
        self,
        role: str,
        node: str,
        config: TcpConfig | None = None,
        *,
        links: Collection[LinkName] = (),
        broker: bool = True,
        readings: Callable[[], Readings] = Readings,
        time_scale: float = 1.0,
        unix_seconds: Callable[[Instant], float] = in_seconds,
        revision: str = "unknown",
    ) -> None:
        """Begin with everything at 0.

        Args:
            role: ``client``, ``server`` or ``netem``.
            node: the name under which the node's driver reports its events.
            config: of a host; ``None`` for a node that has no TCP.
            links: of the network; none for a host.
            broker: whether the node's port is a broker's.
            readings: asked at every snapshot for what events do not tell.
            time_scale: seconds of the lab's clock in one of the wall clock.
            unix_seconds: returns the Unix time of an instant of the lab's clock.
            revision: of the source that runs.
        """
        held: dict[Scope, bool] = {
            "every node": True,
            "hosts": config is not None,
            "the network": bool(links),
            "nodes on a broker": broker,
            "the lab service": False,  # which is no node, and tells for itself
        }
        self._node = node
        self._readings = readings
        self._unix_seconds = unix_seconds
        self._exposed = frozenset(metric for metric in catalogue.CATALOGUE if held[metric.scope])
        self._constants = _constants(role, node, config, time_scale, revision)
        known = {metric: known_keys(metric, links) for metric in catalogue.CATALOGUE}
        self._tallies = {m: Tally.fromkeys(keys, 0) for m, keys in known.items() if m.kind == "counter"}
        self._histograms = {m: Histograms(m, keys) for m, keys in known.items() if m.kind == "histogram"}
        self._resided = self._histograms[catalogue.STATE_DURATION]
        self._entered: dict[State, dict[ConnectionId, Instant]] = {state: {} for state in State}
        self._spotlight = Spotlight(Duration(round(DWELL_DEFAULT * time_scale)))
        self._broker_up = self._broker_blocked = False
        self._sent, self._received = self._tallies[catalogue.SEGMENTS_SENT], self._tallies[catalogue.SEGMENTS_RECEIVED]
        self._payload = self._tallies[catalogue.PAYLOAD_BYTES]
        self._handlers = self._dispatch()

    @property
    def heeds(self) -> Collection[type[Event]]:
        """The types of event that are counted."""
        return self._handlers.keys()

    def observe(self, node: str, event: Event, now: Instant) -> None:
        """Count an event."""
        if node == self._node and (handler := self._handlers.get(type(event))) is not None:
            handler(event, now)

    def snapshot(self, now: Instant) -> Snapshot:
        """Return everything as it is; the spotlight moves on."""
        readings = self._readings()
        values: dict[Metric, Iterable[tuple[Key, float]]] = {m: tally.items() for m, tally in self._tallies.items()}
        values |= self._constants
        values |= {
            catalogue.CONNECTIONS: [(state, len(members)) for state, members in self._entered.items()],
            catalogue.OLDEST_ENTERED: [(state, self._oldest(members)) for state, members in self._entered.items()],
            catalogue.PORTS_IN_USE: [((), readings.ports_in_use)],
            catalogue.PORTS_LIMIT: [((), readings.ports_limit)],
            catalogue.SPOTLIGHT: [(str(slot), code) for slot, code in enumerate(self._spotlight.codes(now))],
            catalogue.BROKER_UP: [((), self._broker_up)],
            catalogue.BROKER_BLOCKED: [((), self._broker_blocked)],
            catalogue.JOURNAL_LOST: [((), readings.journal_lost)],
        }
        values |= _network_values(readings)
        return Snapshot(
            {m: tuple(items) for m, items in values.items() if m in self._exposed},
            {m: family.readings() for m, family in self._histograms.items() if m in self._exposed},
        )

    def _oldest(self, members: Mapping[ConnectionId, Instant]) -> float:
        """Return when the first of them came: a dictionary keeps that order, and whoever comes again goes last."""
        first = next(iter(members.values()), None)
        return 0 if first is None else self._unix_seconds(first)

    # --- one method for each type of event ---------------------------------------------------------------------------

    def _dispatch(self) -> dict[type[Event], Callable[[Any, Instant], None]]:
        return {
            PacketSent: self._packet_sent,
            PacketReceived: self._packet_received,
            PacketDiscarded: self._packet_discarded,
            StateChanged: self._state_changed,
            IllegalTransition: self._illegal_transition,
            ConnectionOpened: self._connection_opened,
            ConnectionFailed: self._connection_failed,
            ConnectionClosed: self._connection_closed,
            TimeWaitEnded: self._time_wait_ended,
            TimeWaitRestarted: self._time_wait_restarted,
            Retransmitted: self._retransmitted,
            SegmentIgnored: self._segment_ignored,
            ResetSent: self._reset_sent,
            ResetReceived: self._reset_received,
            RttSampled: self._rtt_sampled,
            ListenDropped: self._listen_dropped,
            SynCookie: self._syn_cookie,
            TransferCompleted: self._transfer_completed,
            TransferCorrupted: self._transfer_corrupted,
            TransferFailed: self._transfer_failed,
            PacketForwarded: self._packet_forwarded,
            PacketDropped: self._packet_dropped,
            PacketDelayed: self._packet_delayed,
            PacketDuplicated: self._packet_duplicated,
            PacketReordered: self._packet_reordered,
            PacketCorrupted: self._packet_corrupted,
            PacketMarked: self._packet_marked,
            PacketHeld: self._packet_held,
            LinkUp: self._link_up,
            LinkDown: self._link_down,
            LinkBlocked: self._link_blocked,
            MessageSent: self._message_sent,
            MessageReceived: self._message_received,
            TimerLagged: self._timer_lagged,
        }

    def _packet_sent(self, event: PacketSent, _: Instant) -> None:
        segment = event.packet.segment
        self._sent[segment.kind] += 1
        self._payload["sent"] += len(segment.payload)

    def _packet_received(self, event: PacketReceived, _: Instant) -> None:
        segment = event.packet.segment
        self._received[segment.kind] += 1
        self._payload["received"] += len(segment.payload)

    def _packet_discarded(self, event: PacketDiscarded, _: Instant) -> None:
        self._tallies[catalogue.SEGMENTS_DISCARDED][event.reason] += 1

    def _state_changed(self, event: StateChanged, now: Instant) -> None:
        old, new = event.old, event.new
        self._tallies[catalogue.STATE_TRANSITIONS][old, new, event.cause] += 1
        entered = self._entered[old].pop(event.connection, None)
        if entered is not None and old in self._resided:
            self._resided[old].record(now - entered)
        if new is not State.CLOSED:
            self._entered[new][event.connection] = now
        elif old is not State.LISTEN:
            self._tallies[catalogue.CONNECTIONS_CLOSED][event.cause] += 1
        self._spotlight.changed(event)

    def _illegal_transition(self, _event: IllegalTransition, _: Instant) -> None:
        self._tallies[catalogue.ILLEGAL_TRANSITIONS][()] += 1

    def _connection_opened(self, event: ConnectionOpened, _: Instant) -> None:
        self._tallies[catalogue.CONNECTIONS_OPENED][event.side] += 1
        self._histograms[catalogue.HANDSHAKE_DURATION][event.side].record(event.duration)

    def _connection_failed(self, event: ConnectionFailed, _: Instant) -> None:
        self._tallies[catalogue.CONNECTION_FAILURES][event.reason] += 1

    def _connection_closed(self, event: ConnectionClosed, _: Instant) -> None:
        self._histograms[catalogue.CLOSE_DURATION][event.side].record(event.duration)

    def _time_wait_ended(self, event: TimeWaitEnded, _: Instant) -> None:
        self._tallies[catalogue.TIME_WAIT_EXITS][event.reason] += 1

    def _time_wait_restarted(self, _event: TimeWaitRestarted, _: Instant) -> None:
        self._tallies[catalogue.TIME_WAIT_RESTARTS][()] += 1

    def _retransmitted(self, event: Retransmitted, _: Instant) -> None:
        self._tallies[catalogue.SEGMENTS_RETRANSMITTED][event.segment.kind, event.cause] += 1

    def _segment_ignored(self, event: SegmentIgnored, _: Instant) -> None:
        self._tallies[catalogue.SEGMENTS_IGNORED][event.reason] += 1

    def _reset_sent(self, event: ResetSent, _: Instant) -> None:
        self._tallies[catalogue.RESETS]["sent", event.reason] += 1

    def _reset_received(self, _event: ResetReceived, _: Instant) -> None:
        self._tallies[catalogue.RESETS]["received", "peer"] += 1

    def _rtt_sampled(self, event: RttSampled, _: Instant) -> None:
        self._histograms[catalogue.RTT][()].record(event.rtt)
        self._histograms[catalogue.RTO][()].record(event.rto)

    def _listen_dropped(self, event: ListenDropped, _: Instant) -> None:
        self._tallies[catalogue.LISTEN_DROPS][event.reason] += 1

    def _syn_cookie(self, event: SynCookie, _: Instant) -> None:
        self._tallies[catalogue.SYN_COOKIES][event.what] += 1

    def _transfer_completed(self, _event: TransferCompleted, _: Instant) -> None:
        self._tallies[catalogue.TRANSFERS]["completed"] += 1

    def _transfer_corrupted(self, _event: TransferCorrupted, _: Instant) -> None:
        self._tallies[catalogue.TRANSFERS]["corrupted"] += 1

    def _transfer_failed(self, event: TransferFailed, _: Instant) -> None:
        self._tallies[catalogue.TRANSFERS][event.reason] += 1

    def _packet_forwarded(self, event: PacketForwarded, _: Instant) -> None:
        self._tallies[catalogue.NETEM_SEGMENTS][event.link, "forwarded"] += 1
        self._histograms[catalogue.NETEM_DELAY][event.link].record(event.delay)

    def _packet_dropped(self, event: PacketDropped, _: Instant) -> None:
        self._tallies[catalogue.NETEM_DROPS][event.link, event.reason] += 1

    def _packet_delayed(self, event: PacketDelayed, _: Instant) -> None:
        self._tallies[catalogue.NETEM_SEGMENTS][event.link, "delayed"] += 1

    def _packet_duplicated(self, event: PacketDuplicated, _: Instant) -> None:
        self._tallies[catalogue.NETEM_SEGMENTS][event.link, "duplicated"] += 1

    def _packet_reordered(self, event: PacketReordered, _: Instant) -> None:
        self._tallies[catalogue.NETEM_SEGMENTS][event.link, "reordered"] += 1

    def _packet_corrupted(self, event: PacketCorrupted, _: Instant) -> None:
        self._tallies[catalogue.NETEM_SEGMENTS][event.link, "corrupted"] += 1

    def _packet_marked(self, event: PacketMarked, _: Instant) -> None:
        self._tallies[catalogue.NETEM_SEGMENTS][event.link, "ecn_marked"] += 1

    def _packet_held(self, event: PacketHeld, _: Instant) -> None:
        self._tallies[catalogue.NETEM_SEGMENTS][event.link, "held"] += 1

    def _link_up(self, event: LinkUp, _: Instant) -> None:
        self._broker_up, self._broker_blocked = True, False
        self._tallies[catalogue.BROKER_RECONNECTS][()] = event.reconnects

    def _link_down(self, _event: LinkDown, _: Instant) -> None:
        self._broker_up = self._broker_blocked = False

    def _link_blocked(self, event: LinkBlocked, _: Instant) -> None:
        self._broker_blocked = event.blocked

    def _message_sent(self, event: MessageSent, _: Instant) -> None:
        self._tallies[catalogue.BROKER_MESSAGES]["sent", event.outcome] += 1
        if event.outcome == "sent":
            self._tallies[catalogue.ENCODED_BYTES]["sent"] += event.octets
            self._histograms[catalogue.SEGMENTS_PER_MESSAGE]["sent"].record(event.packets)
        else:
            self._tallies[catalogue.SEGMENTS_DISCARDED][catalogue.UNSENT] += event.packets

    def _message_received(self, event: MessageReceived, _: Instant) -> None:
        self._tallies[catalogue.BROKER_MESSAGES]["received", event.outcome] += 1
        self._tallies[catalogue.ENCODED_BYTES]["received"] += event.octets
        self._histograms[catalogue.SEGMENTS_PER_MESSAGE]["received"].record(event.packets)
        if event.transit is not None:
            self._histograms[catalogue.BROKER_TRANSIT][()].record(event.transit)
        for reason, count in event.rejected:
            self._tallies[catalogue.SEGMENTS_DISCARDED][reason] += count

    def _timer_lagged(self, event: TimerLagged, _: Instant) -> None:
        self._histograms[catalogue.TIMER_LAG][()].record(event.lag)


def _constants(
    role: str, node: str, config: TcpConfig | None, time_scale: float, revision: str
) -> dict[Metric, list[tuple[Key, float]]]:
    """Return what never changes; the values of an info are its labels."""
    constants: dict[Metric, list[tuple[Key, float]]] = {
        catalogue.BUILD_INFO: [((__version__, revision, platform.python_version()), 1)],
        catalogue.NODE_INFO: [((node, role), 1)],
        catalogue.CONFIG_TIME_SCALE: [((), time_scale)],
    }
    if config is not None:
        time_wait = policy(config.time_wait_policy, config.time_wait)
        constants |= {
            catalogue.CONFIG_MSL: [((), in_seconds(config.msl))],
            catalogue.CONFIG_TIME_WAIT: [((), 0 if time_wait is None else in_seconds(time_wait.duration))],
            catalogue.CONFIG_RTO_MIN: [((), in_seconds(config.rto_min))],
            catalogue.CONFIG_RTO_MAX: [((), in_seconds(config.rto_max))],
        }
    return constants


def _network_values(readings: Readings) -> dict[Metric, Iterable[tuple[Key, float]]]:
    links = readings.links
    return {
        catalogue.NETEM_QUEUE_LENGTH: [(name, link.queue_length) for name, link in links.items()],
        catalogue.NETEM_QUEUE_LIMIT: [(name, link.profile.limit) for name, link in links.items()],
        FAULT_SEGMENTS: fault_values(readings.faults),
        **link_values(links),
    }


def host_readings(host: Host) -> Readings:
    """Ask a host for what its events do not tell."""
    return Readings(ports_in_use=host.ports_in_use(), ports_limit=host.port_limit)


def network_readings(network: Network) -> Readings:
    """Ask a network for what its events do not tell."""
    return Readings(links=read_links(network), faults=network.faults_done_by_kind())
