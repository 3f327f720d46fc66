"""The board that Grafana opens on: what to look at, and where."""

from typing import Any, Final

from grafana.boards import broker, lifecycle, network, promql, time_wait
from grafana.boards.parts import SMOOTH, Panel, Query, Row, board, lines, number, prose, timeline
from tcplab.observe.catalogue import (
    BROKER_UP,
    CONFIG_TIME_SCALE,
    CONFIG_TIME_WAIT,
    CONNECTIONS,
    CONNECTIONS_OPENED,
    HANDSHAKE_DURATION,
    NETEM_DROPS,
    NETEM_SEGMENTS,
    NODE_INFO,
    SEGMENTS_RETRANSMITTED,
    STATE_TRANSITIONS,
    TIMER_LAG,
    TRANSFERS,
)

UID: Final = "tcplab-home"
TITLE: Final = "tcplab"

_WELCOME: Final = f"""\
Two hosts with a TCP of their own (RFC 9293) talk through an emulated network. Five connections a second are opened,
used and closed; every state and every step of each is counted here.

1. **[{lifecycle.TITLE}](/d/{lifecycle.UID})**: follow single connections from SYN_SENT to CLOSED, state by state, and
   see which arrows of the state diagram are being taken.
2. **[{time_wait.TITLE}](/d/{time_wait.UID})**: who closes first waits for 2 MSL. Watch the count climb to close rate
   × 2 MSL and stay there, and what that leaves of 16,384 ports.
3. **[{network.TITLE}](/d/{network.UID})**: what the network was asked to do to the packets, and what it did.
4. **[{broker.TITLE}](/d/{broker.UID})**: what carries all this, and whether the readings can be trusted.

Every panel says what it shows: point at the **i** beside its title. Shaded regions are alerts that fire.
"""

_TRY: Final = """\
- *More load*: `docker compose up --detach --scale client=5`. Each client has ports of its own; the server's TIME_WAITs
  add up.
- *A worse network*: `TCPLAB_LOSS=20 make up`, then look at handshakes: a lost SYN costs 1 s, two 3 s, three 7 s.
- *A shorter TIME_WAIT*: `TCPLAB_MSL=5 make up`; the count falls to close rate × 10 s.
- *A broker that dies*: `docker compose restart rabbitmq`. To the TCPs that is a network outage: they retransmit, and
  no octet is lost.
- *A server that dies*: `docker compose kill server && docker compose start server`, and see what ends with a reset.
"""


def build() -> dict[str, Any]:
    """Return the board."""
    return board(
        UID,
        TITLE,
        "A laboratory for TCP's life and death: what to look at, and where.",
        [_figures(), _guide(), _glance()],
    )


def _figures() -> Row:
    return Row("", [*_load(), *_network()])


def _load() -> list[Panel]:
    return [
        number(
            "Nodes",
            "That Prometheus sees, by role.",
            "short",
            Query(promql.total(promql.now(NODE_INFO), "role"), "{{role}}"),
            width=6,
        ),
        number(
            "Connections per second",
            "Opened by clients.",
            "ops",
            Query(promql.total(promql.rate(CONNECTIONS_OPENED, 'side="active"')), ""),
            width=3,
            decimals=1,
        ),
        number(
            "Transfers per second",
            "Completed, and verified by their digest, on both sides.",
            "ops",
            Query(promql.total(promql.rate(TRANSFERS, 'outcome="completed"')), ""),
            width=3,
            decimals=1,
        ),
        number(
            "In TIME_WAIT",
            "On all nodes together.",
            "short",
            Query(promql.total(promql.now(CONNECTIONS, 'state="time_wait"')), ""),
            width=3,
        ),
    ]


def _network() -> list[Panel]:
    lost = promql.total(promql.rate(NETEM_DROPS))
    let_go = promql.total(promql.rate(NETEM_SEGMENTS, 'action="forwarded"'))
    return [
        number(
            "Median handshake",
            "From the first SYN to ESTABLISHED, on the active side.",
            "s",
            Query(promql.quantile(0.5, HANDSHAKE_DURATION, matchers=('side="active"',)), ""),
            width=3,
        ),
        number(
            "Packets lost",
            "The share of packets that the network dropped.",
            "percentunit",
            Query(f"{lost} / ({lost} + {let_go})", "", every=SMOOTH),
            width=3,
            decimals=1,
        ),
        number(
            "Retransmissions per second",
            "Segments sent again by all hosts.",
            "ops",
            Query(promql.total(promql.rate(SEGMENTS_RETRANSMITTED)), "", every=SMOOTH),
            width=3,
            decimals=1,
        ),
    ]


def _guide() -> Row:
    return Row("", [prose("What to look at", _WELCOME), prose("What to try", _TRY)])


def _glance() -> Row:
    entries = promql.total(promql.rate(STATE_TRANSITIONS, 'to="time_wait"'), "job", "instance")
    predicted = promql.joined(
        promql.joined(entries, "*", promql.now(CONFIG_TIME_WAIT)), "/", promql.now(CONFIG_TIME_SCALE)
    )
    return Row(
        "At a glance",
        [
            timeline(
                "Tracked connections, state by state", lifecycle.SPOTLIGHT_DESCRIPTION, lifecycle.spotlight(), last="5m"
            ),
            lines(
                "Connections by state",
                "On average over the interval, on all nodes; mind the logarithmic axis.",
                "short",
                Query(promql.total(promql.average(CONNECTIONS, 'state!="closed"'), "state"), "{{state}}"),
                states=True,
                log=True,
            ),
            lines(
                "TIME_WAIT and Little's law",
                "How many connections wait (whole line), and close rate × 2 MSL (dashed), on all nodes together.",
                "short",
                Query(promql.total(promql.now(CONNECTIONS, 'state="time_wait"')), "in TIME_WAIT"),
                Query(promql.total(predicted), "close rate × 2 MSL", dashed=True),
            ),
            lines(
                "Health: nodes that the broker answers",
                "1 for each node that has a broker.",
                "short",
                Query(promql.per_node(promql.now(BROKER_UP)), "{{node}}"),
                stacked=True,
            ),
            lines(
                "Health: timer lag",
                "How late nodes were woken after their deadlines, 99 %. Above a few hundredths of a second, distrust "
                "the delays that you read.",
                "s",
                Query(promql.quantile(0.99, TIMER_LAG, "job"), "{{job}}"),
            ),
        ],
    )
