"""Every metric of the lab: its name, what it means, and the label sets that are there before anything has happened.

Run as ``python -m tcplab.observe.catalogue`` it writes docs/metrics.md; with ``--check`` it says whether that is due.
"""

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final, get_args, get_type_hints

from tcplab.apps.events import TransferFailure
from tcplab.netem.events import DropReason
from tcplab.node import DISCARD_REASONS
from tcplab.observe import asked_and_given
from tcplab.observe.metric import LINK, PREFIX, Key, Kind, Metric, Scope, label_values
from tcplab.tcp.events import Failure, Ignored, ListenDropped, ResetReason, Side, SynCookie, TimeWaitEnded
from tcplab.tcp.states import TRANSITIONS, State
from tcplab.wire.json import MESSAGE_REASONS, PACKET_REASONS
from tcplab.wire.segment import KINDS

SPOTLIGHT_SLOTS: Final = 4
STATE_CODES: Final = {state: code for code, state in enumerate((*list(State)[1:], State.CLOSED), start=1)}
"""A number for each state, for ``spotlight_connection_state``: 1 to 11 in the order of RFC 9293, section 3.3.2."""

_metrics: list[Metric] = []


def _metric(
    kind: Kind,
    name: str,
    scope: Scope,
    help_text: str,
    *,
    labels: str = "",
    known: Iterable[Key] = (),
    buckets: Sequence[float] = (),
    unit: float = 1,
) -> Metric:
    names = tuple(labels.split())
    keys = tuple(known) if names else ((),)
    metric = Metric(PREFIX + name, kind, scope, help_text, names, keys, tuple(buckets), unit)
    _metrics.append(metric)
    return metric


_counter = partial(_metric, "counter")
_gauge = partial(_metric, "gauge")
_durations = partial(_metric, "histogram", unit=1e-9)  # durations are counted in nanoseconds


# Round trips, and one, two, three … lost SYNs: retransmissions after 1, 3, 7, 15, 31 and 63 s (RFC 6298).
_OPENING: Final = (0.01, 0.025, 0.05, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5, 180)
_RESIDENCE: Final = (0.01, 0.05, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 180, 240, 250, 480)
_ROUND_TRIP: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.3, 0.5, 1, 2, 5)
_TIMEOUT: Final = (0.2, 0.3, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 60, 120)
_DELAY: Final = (0.001, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5)
_PASSAGE: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LAG: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_PACKETS: Final = (1, 2, 3, 5, 8, 12, 20, 35, 60, 100)

_SIDES: Final = get_args(Side)
_STATES: Final = tuple(State)
_TRANSIENT: Final = tuple(state for state in State if state not in (State.CLOSED, State.LISTEN, State.ESTABLISHED))
_ENDS: Final = {
    cause: None for (old, cause), new in TRANSITIONS.items() if new is State.CLOSED and old is not State.LISTEN
}
_RESENT: Final = (
    *((kind, "rto") for kind in ("syn", "syn_ack", "data", "fin")),
    *((kind, cause) for kind in ("data", "fin") for cause in ("fast", "probe")),
)
_MESSAGES: Final = (("sent", "sent"), ("sent", "dropped"), ("received", "accepted"), ("received", "quarantined"))
_WAYS: Final = ("sent", "received")
UNSENT: Final = "unsent"
_ACTIONS: Final = ("forwarded", "delayed", "duplicated", "reordered", "corrupted", "ecn_marked", "held")
_DISCARDED: Final = tuple(dict.fromkeys((*DISCARD_REASONS, *MESSAGE_REASONS, *PACKET_REASONS, UNSENT)))

# --- who and what a node is ------------------------------------------------------------------------------------------

BUILD_INFO = _metric("info", "build_info", "every node", "What runs here.", labels="version revision python_version")
NODE_INFO = _metric(
    "info",
    "node_info",
    "every node",
    "Which node this is; join other metrics to it on job and instance.",
    labels="node role",
)
CONFIG_TIME_SCALE = _gauge(
    "config_time_scale_ratio", "every node", "Seconds of the lab's clock in one second of the wall clock."
)
CONFIG_MSL = _gauge("config_msl_seconds", "hosts", "Maximum segment lifetime (RFC 9293, section 3.4.2).")
CONFIG_TIME_WAIT = _gauge(
    "config_time_wait_seconds",
    "hosts",
    "How long TIME_WAIT lasts by its policy: 2 MSL by RFC 9293's, and nothing where there is none.",
)
CONFIG_RTO_MIN = _gauge("config_rto_min_seconds", "hosts", "Least retransmission timeout (RFC 6298).")
CONFIG_RTO_MAX = _gauge("config_rto_max_seconds", "hosts", "Greatest retransmission timeout (RFC 6298).")

# --- connections -----------------------------------------------------------------------------------------------------

CONNECTIONS = _gauge(
    "connections", "hosts", "Connections and listeners that are in a state now.", labels="state", known=_STATES
)
OLDEST_ENTERED = _gauge(
    "oldest_connection_entered_timestamp_seconds",
    "hosts",
    "When the connection that is longest in a state entered it, Unix time; 0 if none is in it.",
    labels="state",
    known=_STATES,
)
STATE_TRANSITIONS = _counter(
    "state_transitions_total",
    "hosts",
    "Steps from state to state, by what caused them; one series for each row of the transition table.",
    labels="from to cause",
    known=[(old, new, cause) for (old, cause), new in TRANSITIONS.items()],
)
ILLEGAL_TRANSITIONS = _counter(
    "illegal_transitions_total", "hosts", "Steps for which the transition table has no row: bugs of the lab."
)
STATE_DURATION = _durations(
    "state_duration_seconds",
    "hosts",
    "How long connections had been in a state that they left.",
    buckets=_RESIDENCE,
    labels="state",
    known=_TRANSIENT,
)
TIME_WAIT_EXITS = _counter(
    "time_wait_exits_total",
    "hosts",
    "TIME_WAITs left: after their time, for a new connection on the same ports, or by a reset.",
    labels="reason",
    known=get_args(get_type_hints(TimeWaitEnded)["reason"]),
)
TIME_WAIT_RESTARTS = _counter(
    "time_wait_restarts_total", "hosts", "Retransmitted FINs that set a TIME_WAIT's 2 MSL to their beginning."
)
HANDSHAKE_DURATION = _durations(
    "handshake_duration_seconds",
    "hosts",
    "From the first SYN, sent or taken, to ESTABLISHED.",
    buckets=_OPENING,
    labels="side",
    known=_SIDES,
)
CLOSE_DURATION = _durations(
    "close_duration_seconds",
    "hosts",
    "From the first FIN, sent or taken, to TIME_WAIT or, after LAST_ACK, CLOSED.",
    buckets=_OPENING,
    labels="side",
    known=_SIDES,
)
CONNECTIONS_OPENED = _counter("connections_opened_total", "hosts", "Handshakes completed.", labels="side", known=_SIDES)
CONNECTION_FAILURES = _counter(
    "connection_failures_total",
    "hosts",
    "Connections that ended by an error; the application was told, unless it had gone before.",
    labels="reason",
    known=Failure,
)
CONNECTIONS_CLOSED = _counter(
    "connections_closed_total",
    "hosts",
    "Connections that came to CLOSED, by what brought them there.",
    labels="cause",
    known=_ENDS,
)
LISTEN_DROPS = _counter(
    "listen_drops_total",
    "hosts",
    "SYNs that a listener turned away, and ACKs that would have opened a connection.",
    labels="reason",
    known=get_args(get_type_hints(ListenDropped)["reason"]),
)
SYN_COOKIES = _counter(
    "syn_cookies_total",
    "hosts",
    "SYNs answered by a cookie and not kept, and cookies that came back and made a connection (RFC 4987).",
    labels="action",
    known=get_args(get_type_hints(SynCookie)["what"]),
)
PORTS_IN_USE = _gauge("ephemeral_ports_in_use", "hosts", "Ephemeral ports taken, those in TIME_WAIT included.")
PORTS_LIMIT = _gauge("ephemeral_ports_limit", "hosts", "Ephemeral ports that there are.")
SPOTLIGHT = _gauge(
    "spotlight_connection_state",
    "hosts",
    "The state of a tracked connection: 1 listen, 2 syn_sent, 3 syn_received, 4 established, 5 fin_wait_1, "
    "6 fin_wait_2, 7 close_wait, 8 closing, 9 last_ack, 10 time_wait, 11 closed, 0 no connection. A slot plays back "
    "what its connection went through: every state, in order, each for two seconds at least, then the current one. It "
    "may therefore run behind. On a server slot 0 is the listener. Slots 2 and 3 leave a connection that has shown "
    "nothing new for 20 s when another has more to show.",
    labels="slot",
    known=[str(slot) for slot in range(SPOTLIGHT_SLOTS)],
)

# --- segments --------------------------------------------------------------------------------------------------------

SEGMENTS_SENT = _counter(
    "segments_sent_total", "every node", "Segments handed to the port.", labels="kind", known=KINDS
)
SEGMENTS_RECEIVED = _counter(
    "segments_received_total",
    "every node",
    "Segments taken from the port and let in; the others are discarded.",
    labels="kind",
    known=KINDS,
)
SEGMENTS_RETRANSMITTED = _counter(
    "segments_retransmitted_total",
    "hosts",
    "Segments sent again, contained in segments_sent: by the retransmission timeout (rto), because a loss was found "
    "(fast), or to find one (probe).",
    labels="kind cause",
    known=_RESENT,
)
SEGMENTS_DISCARDED = _counter(
    "segments_discarded_total",
    "every node",
    "Packets that were not let in, and those that were not let out, for want of a broker or of room (unsent). A "
    "message that is refused as a whole counts as one.",
    labels="reason",
    known=_DISCARDED,
)
SEGMENTS_IGNORED = _counter(
    "segments_ignored_total",
    "hosts",
    "Segments that reached the TCP and had no effect but, at most, an ACK or a RST in answer.",
    labels="reason",
    known=Ignored,
)
RESETS = _counter(
    "resets_total",
    "hosts",
    "Resets sent, by reason, and resets received that ended a connection.",
    labels="direction reason",
    known=[*(("sent", reason) for reason in ResetReason), ("received", "peer")],
)
PAYLOAD_BYTES = _counter(
    "payload_bytes_total", "every node", "Octets of application data in segments.", labels="direction", known=_WAYS
)
RTT = _durations("rtt_seconds", "hosts", "Round-trip times measured (RFC 6298, Karn's rule kept).", buckets=_ROUND_TRIP)
RTO = _durations("rto_seconds", "hosts", "Retransmission timeouts that followed from them.", buckets=_TIMEOUT)
TRANSFERS = _counter(
    "transfers_total",
    "hosts",
    "Transfers of the workload by how they ended; completed ones have the right digest.",
    labels="outcome",
    known=("completed", "corrupted", *get_args(TransferFailure)),
)

# --- the network between hosts ---------------------------------------------------------------------------------------

NETEM_SEGMENTS = _counter(
    "netem_segments_total",
    "the network",
    "What the network did to packets.",
    labels="link action",
    known=[(LINK, action) for action in _ACTIONS],
)
NETEM_DROPS = _counter(
    "netem_drops_total",
    "the network",
    "Packets that the network lost.",
    labels="link reason",
    known=[(LINK, reason) for reason in get_args(DropReason)],
)
NETEM_DELAY = _durations(
    "netem_delay_seconds", "the network", "Delay really given.", buckets=_DELAY, labels="link", known=(LINK,)
)
NETEM_QUEUE_LENGTH = _gauge("netem_queue_length", "the network", "Packets on their way.", labels="link", known=(LINK,))
NETEM_QUEUE_LIMIT = _gauge(
    "netem_queue_limit", "the network", "Packets that may be on their way at a time.", labels="link", known=(LINK,)
)
_metrics += asked_and_given.METRICS

# --- the broker and the machine --------------------------------------------------------------------------------------

BROKER_UP = _gauge("broker_up", "nodes on a broker", "1 while the broker answers, else 0.")
BROKER_BLOCKED = _gauge("broker_blocked", "nodes on a broker", "1 while the broker asks publishers to pause.")
BROKER_RECONNECTS = _counter("broker_reconnects_total", "nodes on a broker", "Times that the broker was found again.")
BROKER_MESSAGES = _counter(
    "broker_messages_total",
    "nodes on a broker",
    "Messages by what became of them.",
    labels="direction outcome",
    known=_MESSAGES,
)
ENCODED_BYTES = _counter(
    "encoded_bytes_total", "nodes on a broker", "Octets of messages.", labels="direction", known=_WAYS
)
BROKER_TRANSIT = _durations(
    "broker_transit_duration_seconds",
    "nodes on a broker",
    "From publishing to arrival, netem's delay apart.",
    buckets=_PASSAGE,
)
SEGMENTS_PER_MESSAGE = _metric(
    "histogram",
    "segments_per_message",
    "nodes on a broker",
    "Segments that a message carried.",
    buckets=_PACKETS,
    labels="direction",
    known=_WAYS,
)
TIMER_LAG = _durations(
    "timer_lag_seconds", "every node", "How late the node was woken after its deadline.", buckets=_LAG
)
JOURNAL_LOST = _counter(
    "journal_records_lost_total", "every node", "Events that are not in the journal, since it could not be written."
)

LAB_REVISION = _gauge("lab_revision", "the lab service", "The revision of the configuration that stands.")
LAB_CHANGES = _counter(
    "lab_changes_total", "the lab service", "Changes that this process has written into the log, renewals included."
)
LAB_LEASES = _gauge("lab_leases", "the lab service", "Leases that stand.")
LAB_FAULTS = _gauge("lab_faults", "the lab service", "Faults that stand.")

CATALOGUE: Final = tuple(_metrics)
SERIES: Final = frozenset(name for metric in CATALOGUE for name in metric.series)
"""Every name under which a query can find samples."""

# --- the page --------------------------------------------------------------------------------------------------------

PAGE: Final = Path("docs/metrics.md")
VALUES_LISTED: Final = 24  # labels with more values name none
_HEAD: Final = """\
# Metrics

<!-- Generated by `python -m tcplab.observe.catalogue`; do not edit. -->

Every node answers on `/metrics`, in Prometheus's text format or in OpenMetrics, and on `/healthz`. Durations are
seconds of the lab's clock, timestamps are Unix time. A series whose labels are known beforehand is there, with 0,
before anything has happened, so that `rate()` sees the first event. No label names a connection, a port or a peer;
which node a series belongs to says `tcplab_node_info`: `… * on (job, instance) group_left (node) tcplab_node_info`.
"""


def page() -> str:
    """Return docs/metrics.md."""
    lines = [_HEAD]
    for scope, metrics in groupby(sorted(CATALOGUE, key=lambda m: get_args(Scope).index(m.scope)), lambda m: m.scope):
        lines += [f"## Of {scope}\n", "| name | type | labels | meaning |", "|---|---|---|---|"]
        lines += [f"| `{m.name}` | {m.kind} | {_labels(m)} | {m.help} |" for m in metrics]
        lines.append("")
    lines += ["## Legal transitions\n", "The label sets of `tcplab_state_transitions_total`.\n"]
    lines += ["| from | to | cause |", "|---|---|---|"]
    lines += [f"| {' | '.join(label_values(key))} |" for key in STATE_TRANSITIONS.known]
    return "\n".join(lines) + "\n"


def _labels(metric: Metric) -> str:
    """Name the labels, each with the values that are known beforehand if they are few."""
    described = []
    for place, name in enumerate(metric.labels):
        values = list(dict.fromkeys(label_values(key)[place] for key in metric.known))
        listed = ", ".join(values) if 0 < len(values) <= VALUES_LISTED else ""
        described.append(f"`{name}`" + (f": {listed}" if listed else ""))
    return "; ".join(described)


def main(arguments: Sequence[str]) -> int:
    """Write the page, or, with ``--check``, say whether it is up to date."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m tcplab.observe.catalogue [--check]", file=sys.stderr)
        return 2
    if not arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE} is out of date: run `python -m tcplab.observe.catalogue`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
