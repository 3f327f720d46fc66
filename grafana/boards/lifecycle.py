"""Connection lifecycle: where connections are, how they got there, and how long it took."""

from typing import Any, Final

from grafana.boards import promql
from grafana.boards.parts import SCRAPE, SMOOTH, Query, Row, board, heat, lines, listing, timeline
from tcplab.observe.catalogue import (
    CLOSE_DURATION,
    CONNECTION_FAILURES,
    CONNECTIONS,
    CONNECTIONS_CLOSED,
    CONNECTIONS_OPENED,
    HANDSHAKE_DURATION,
    LISTEN_DROPS,
    RESETS,
    SEGMENTS_IGNORED,
    SEGMENTS_RETRANSMITTED,
    SEGMENTS_SENT,
    SPOTLIGHT,
    STATE_DURATION,
    STATE_TRANSITIONS,
    SYN_COOKIES,
    TRANSFERS,
)

UID: Final = "tcplab-lifecycle"
TITLE: Final = "Connection lifecycle"

_RFC: Final = "[RFC 9293, section 3.3.2](https://www.rfc-editor.org/rfc/rfc9293#section-3.3.2)"
SPOTLIGHT_DESCRIPTION: Final = (
    "Each node follows up to four connections and **plays their paths back**: every state that a connection went "
    "through, in order, each for two seconds at least, then the one it is in. What is shown is true, but late: "
    "SYN_SENT lasts a tenth of a second, and no scrape would meet it. A free slot takes the connection whose states "
    "have not been shown for longest, so that rare ones, such as CLOSING, get their turn; a server's slot 0 is its "
    "listener. Slots 2 and 3 leave a connection that has stood still for 20 s, in TIME_WAIT for instance, when another "
    "has more to show; a gap (-) means that the slot has turned to another connection."
)


def build() -> dict[str, Any]:
    """Return the board."""
    return board(
        UID,
        TITLE,
        "Where connections are, how they got there, and how long it took.",
        [_states(), _durations(), _ends(), _segments()],
    )


def spotlight() -> Query:
    """Return the query of the state timeline."""
    return Query(promql.per_node(promql.now(SPOTLIGHT)), "{{node}} slot {{slot}}", every=SCRAPE)


def _states() -> Row:
    passing = 'state!~"closed|listen|time_wait"'
    return Row(
        "States",
        [
            timeline("Tracked connections, state by state", SPOTLIGHT_DESCRIPTION, spotlight(), last="5m"),
            lines(
                "Connections by state",
                "How many connections are in each state, on average over the interval: most states last a tenth of a "
                "second, so a moment's count would mostly be 0. TIME_WAIT lasts 2 MSL and is far ahead: mind the "
                f"logarithmic axis. {_RFC}.",
                "short",
                Query(promql.total(promql.average(CONNECTIONS, 'state!="closed"'), "state"), "{{state}}"),
                states=True,
                log=True,
            ),
            lines(
                "Connections on their way",
                "The same without LISTEN and TIME_WAIT, stacked: what is being opened, used and closed.",
                "short",
                Query(promql.total(promql.average(CONNECTIONS, passing), "state"), "{{state}}"),
                stacked=True,
                states=True,
            ),
            lines(
                "Transitions per second",
                "Every arrow of the state diagram that is being taken, and how often. Arrows that nobody takes are not "
                f"drawn. {_RFC}, figure 5.",
                "ops",
                Query(promql.total(promql.rate(STATE_TRANSITIONS), "from", "to") + " > 0", "{{from}} → {{to}}"),
            ),
            listing(
                "Transitions and their causes, per second",
                "Which input took which arrow; the transition table of the lab, as far as it is in use.",
                "ops",
                Query(promql.total(promql.rate(STATE_TRANSITIONS), "from", "to", "cause") + " > 0", ""),
            ),
        ],
    )


def _durations() -> Row:
    return Row(
        "Durations",
        [
            lines(
                "Handshake",
                "From the first SYN, sent (active) or taken (passive), to ESTABLISHED. The active side needs a round "
                "trip; a lost SYN costs a second more, two lost ones three (RFC 6298).",
                "s",
                Query(promql.quantile(0.5, HANDSHAKE_DURATION, "side"), "{{side}}, median"),
                Query(promql.quantile(0.95, HANDSHAKE_DURATION, "side"), "{{side}}, 95 %", dashed=True),
            ),
            heat(
                "Handshakes, all of them",
                "How many handshakes a second took how long. The rungs above are SYNs sent again after 1, 3, 7 s.",
                "s",
                Query(promql.buckets(HANDSHAKE_DURATION), "{{le}}"),
            ),
            lines(
                "Close",
                "From the first FIN, sent (active: who closes first) or taken (passive), to TIME_WAIT or, after "
                "LAST_ACK, CLOSED.",
                "s",
                Query(promql.quantile(0.5, CLOSE_DURATION, "side"), "{{side}}, median"),
                Query(promql.quantile(0.95, CLOSE_DURATION, "side"), "{{side}}, 95 %", dashed=True),
            ),
            lines(
                "Time spent in a state",
                "On average, for the states that pass; TIME_WAIT has a board of its own. CLOSE_WAIT lasts as long as "
                "the application takes to close, too: a CLOSE_WAIT that grows is an application that forgot to.",
                "s",
                Query(promql.mean(STATE_DURATION, "state", matchers=('state!="time_wait"',)), "{{state}}"),
                states=True,
            ),
        ],
    )


def _ends() -> Row:
    return Row(
        "How it went",
        [
            lines(
                "Opened per second",
                "Handshakes completed, by side. In this lab the client opens and the server is opened.",
                "ops",
                Query(promql.total(promql.rate(CONNECTIONS_OPENED), "side"), "{{side}}"),
            ),
            lines(
                "Came to CLOSED per second",
                "By cause. After a clean close it is the ACK of the FIN (who closed second) or the end of TIME_WAIT "
                "(who closed first); a reset, an abort or a retransmission timeout is a failure.",
                "ops",
                Query(promql.total(promql.rate(CONNECTIONS_CLOSED), "cause"), "{{cause}}"),
            ),
            lines(
                "Transfers per second",
                "How the workload's transfers ended: completed means that the digest of what arrived is the right one.",
                "ops",
                Query(promql.total(promql.rate(TRANSFERS), "outcome"), "{{outcome}}"),
            ),
            lines(
                "Failures per second",
                "Connections that ended by an error, by reason: nobody answered until R2 (timeout) or the user timeout "
                "(RFC 5482), a peer that was silent was given up (keep_alive), a reset came, nobody listens (refused).",
                "ops",
                Query(promql.total(promql.rate(CONNECTION_FAILURES), "reason"), "{{reason}}"),
            ),
            lines(
                "Listeners under pressure, per second",
                "SYNs, and ACKs that would have opened a connection, that a full queue turned away; and SYN cookies "
                "(RFC 4987), which a listener sends instead of keeping what it has no room for.",
                "ops",
                Query(promql.total(promql.rate(LISTEN_DROPS), "reason"), "dropped: {{reason}}"),
                Query(promql.total(promql.rate(SYN_COOKIES), "action"), "cookies {{action}}"),
                width=24,
            ),
        ],
    )


def _segments() -> Row:
    return Row(
        "Segments",
        [
            lines(
                "Segments sent per second",
                "By kind: the most telling flag, else data or pure ACK.",
                "ops",
                Query(promql.total(promql.rate(SEGMENTS_SENT, 'job!="netem"'), "kind"), "{{kind}}"),
            ),
            lines(
                "Retransmissions per second",
                "By kind and cause: nobody acknowledged them within the retransmission timeout (rto, RFC 6298), what "
                "came after them was acknowledged (fast, RFC 8985 and 6675), or the last one was sent again to learn "
                "whether it is there (probe).",
                "ops",
                Query(
                    promql.total(promql.rate(SEGMENTS_RETRANSMITTED), "kind", "cause") + " > 0",
                    "{{kind}}, {{cause}}",
                    every=SMOOTH,
                ),
            ),
            lines(
                "Segments that had no effect, per second",
                "A TCP looks at them, answers with an ACK or a RST at most, and stays as it is: duplicates, old ACKs, "
                "resets in TIME_WAIT (RFC 1337), segments for nobody.",
                "ops",
                Query(promql.total(promql.rate(SEGMENTS_IGNORED), "reason") + " > 0", "{{reason}}"),
            ),
            lines(
                "Resets per second",
                "Sent by reason, and received that ended a connection. The network reorders: an ACK that the ACK of "
                "the FIN overtook finds no connection any more and is answered with a reset, which TIME_WAIT ignores.",
                "ops",
                Query(promql.total(promql.rate(RESETS), "direction", "reason"), "{{direction}}: {{reason}}"),
            ),
        ],
    )
