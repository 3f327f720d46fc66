"""TIME_WAIT and ports: why there are so many, how long they stay, and how many ports that leaves."""

from typing import Any, Final

from grafana.boards import promql
from grafana.boards.parts import SMOOTH, Query, Row, board, lines, number, shares
from tcplab.observe.catalogue import (
    CONFIG_TIME_SCALE,
    CONFIG_TIME_WAIT,
    CONNECTIONS,
    OLDEST_ENTERED,
    PORTS_IN_USE,
    PORTS_LIMIT,
    SEGMENTS_IGNORED,
    STATE_DURATION,
    STATE_TRANSITIONS,
    TIME_WAIT_EXITS,
    TIME_WAIT_RESTARTS,
)
from tcplab.tcp.events import Ignored

UID: Final = "tcplab-time-wait"
TITLE: Final = "TIME_WAIT and ports"

_IN_TIME_WAIT: Final = 'state="time_wait"'
_TO_TIME_WAIT: Final = 'to="time_wait"'


def build() -> dict[str, Any]:
    """Return the board."""
    return board(
        UID,
        TITLE,
        "Who closes first waits for 2 MSL: how many wait, how long, and how many ports that leaves.",
        [_figures(), _little(), _ports()],
    )


def _per_real_second(expression: str) -> str:
    """Divide lab seconds by the time scale: Prometheus counts real ones."""
    return promql.joined(expression, "/", promql.now(CONFIG_TIME_SCALE))


def _littles_law() -> str:
    entries = promql.total(promql.rate(STATE_TRANSITIONS, _TO_TIME_WAIT), "job", "instance")
    return _per_real_second(promql.joined(entries, "*", promql.now(CONFIG_TIME_WAIT)))


def _figures() -> Row:
    sustainable = promql.joined(
        promql.joined(promql.now(PORTS_LIMIT), "/", promql.now(CONFIG_TIME_WAIT)), "*", promql.now(CONFIG_TIME_SCALE)
    )
    fins = f'label_replace({promql.total(promql.rate(TIME_WAIT_RESTARTS))}, "reason", "fin_again", "", "")'
    resets = promql.total(promql.rate(SEGMENTS_IGNORED, f'reason="{Ignored.RESET_IN_TIME_WAIT.value}"'), "reason")
    return Row(
        "",
        [
            number(
                "In TIME_WAIT now",
                "On all nodes together.",
                "short",
                Query(promql.total(promql.now(CONNECTIONS, _IN_TIME_WAIT)), ""),
                width=6,
            ),
            number(
                "2 MSL",
                "How long a TIME_WAIT lasts, in seconds of the lab; RFC 9293 says 240, which `TCPLAB_MSL` halves is.",
                "s",
                Query(f"max({promql.now(CONFIG_TIME_WAIT)})", ""),
                width=6,
            ),
            number(
                "Closes per second that the ports allow",
                "Ports ÷ 2 MSL, for one client towards one server and port. Above that it runs out of ports.",
                "ops",
                Query(f"max({sustainable})", ""),
                width=6,
                decimals=1,
            ),
            lines(
                "What TIME_WAIT absorbed, per second",
                "Resets that arrived and were ignored (RFC 1337), and FINs sent again because the last ACK was lost: "
                "each is acknowledged again, and the 2 MSL begin anew. Without TIME_WAIT the peer would get a reset.",
                "ops",
                Query(f"{fins} or {resets}", "{{reason}}", every=SMOOTH),
                width=6,
            ),
        ],
    )


def _little() -> Row:
    age = f"time() - ({promql.now(OLDEST_ENTERED, _IN_TIME_WAIT)} > 0)"
    return Row(
        "Little's law: TIME_WAIT count = close rate × 2 MSL",
        [
            lines(
                "In TIME_WAIT, counted and predicted",
                "The count on each node (whole line) against its rate of entries × 2 MSL (dashed). They meet once the "
                "load has been steady for 2 MSL; until then the count climbs.",
                "short",
                Query(promql.per_node(promql.now(CONNECTIONS, _IN_TIME_WAIT)), "{{node}}"),
                Query(promql.per_node(_littles_law()), "{{node}}, close rate × 2 MSL", dashed=True),
                width=24,
            ),
            lines(
                "Entries per second",
                "By the state they come from: FIN_WAIT_2 where one side closed first, CLOSING where both did at once.",
                "ops",
                Query(promql.total(promql.rate(STATE_TRANSITIONS, _TO_TIME_WAIT), "from"), "from {{from}}"),
            ),
            lines(
                "Exits per second",
                "By reason: expired after 2 MSL; reused by a newer SYN (RFC 6191), where `TCPLAB_TIME_WAIT_REUSE` or "
                "the policy allows it; or assassinated by a reset (RFC 1337), which the policy of Linux lets "
                "happen. The first come 2 MSL after the start.",
                "ops",
                Query(promql.total(promql.rate(TIME_WAIT_EXITS), "reason"), "{{reason}}"),
            ),
            lines(
                "How long it lasted",
                "The average TIME_WAIT that ended, against 2 MSL; longer where a FIN came again.",
                "s",
                Query(promql.mean(STATE_DURATION, matchers=(_IN_TIME_WAIT,)), "lasted"),
                Query(f"max({promql.now(CONFIG_TIME_WAIT)})", "2 MSL", dashed=True),
            ),
            lines(
                "Age of the oldest",
                "In seconds of the lab. It climbs to 2 MSL and stays there.",
                "s",
                Query(promql.per_node(promql.joined(age, "*", promql.now(CONFIG_TIME_SCALE))), "{{node}}"),
            ),
        ],
    )


def _ports() -> Row:
    share = promql.joined(promql.now(PORTS_IN_USE), "/", promql.now(PORTS_LIMIT))
    return Row(
        "Ephemeral ports",
        [
            lines(
                "Ports in use",
                "On each client, towards the destination where they are scarcest, against the limit: 49152 to 65535 "
                "are 16,384 (RFC 6335). A connection in TIME_WAIT holds its port.",
                "short",
                Query(promql.per_node(promql.now(PORTS_IN_USE), role="client"), "{{node}}"),
                Query(f"max({promql.now(PORTS_LIMIT)})", "limit", dashed=True),
                log=True,
            ),
            shares(
                "Share of the ports in use",
                "An alert fires at 80 %.",
                Query(promql.per_node(share, role="client"), "{{node}}"),
            ),
        ],
    )
