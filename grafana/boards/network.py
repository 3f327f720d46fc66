"""The network between the hosts: what was asked of it, and what it did."""

from collections.abc import Iterator
from typing import Any, Final

from grafana.boards import promql
from grafana.boards.parts import SMOOTH, Query, Row, board, heat, lines
from tcplab.observe.asked_and_given import CLAUSE_SEGMENTS, DELAY, DUPLICATE, JITTER, LOSS, Measure
from tcplab.observe.catalogue import (
    NETEM_DELAY,
    NETEM_DROPS,
    NETEM_QUEUE_LENGTH,
    NETEM_SEGMENTS,
    PAYLOAD_BYTES,
    RTO,
    RTT,
    SEGMENTS_RECEIVED,
    SEGMENTS_RETRANSMITTED,
    SEGMENTS_SENT,
)

UID: Final = "tcplab-network"
TITLE: Final = "Network"

_FORWARDED: Final = 'action="forwarded"'
_HOSTS: Final = 'job!="netem"'


def build() -> dict[str, Any]:
    """Return the board."""
    return board(
        UID,
        TITLE,
        "What was asked of the network, and what it did to the packets.",
        [_traffic(), _faults(), _delay(), _realised()],
    )


def _traffic() -> Row:
    return Row(
        "Traffic",
        [
            lines(
                "Packets forwarded per second",
                "By link, which is a direction between two roles.",
                "pps",
                Query(promql.total(promql.rate(NETEM_SEGMENTS, _FORWARDED), "link"), "{{link}}"),
            ),
            lines(
                "What the network did, per second",
                "Put into the queue (delayed), made a copy of (duplicated), set before an earlier one (reordered: the "
                "queue is ordered by time of departure, so jitter alone does that), let go (forwarded).",
                "pps",
                Query(promql.total(promql.rate(NETEM_SEGMENTS), "action"), "{{action}}"),
            ),
            lines(
                "Segments that hosts sent and received, per second",
                "The difference is what the network lost, less what it duplicated, and what is under way.",
                "pps",
                Query(promql.total(promql.rate(SEGMENTS_SENT, _HOSTS)), "sent"),
                Query(promql.total(promql.rate(SEGMENTS_RECEIVED, _HOSTS)), "received"),
            ),
            lines(
                "Payload per second",
                "Application data in the segments of the hosts, retransmissions included.",
                "Bps",
                Query(promql.total(promql.rate(PAYLOAD_BYTES, _HOSTS), "direction"), "{{direction}}"),
            ),
        ],
    )


def _share(part: str, *, of_dropped_too: bool) -> str:
    let_go = promql.total(promql.rate(NETEM_SEGMENTS, _FORWARDED), "link")
    whole = f"({let_go} + {promql.total(promql.rate(NETEM_DROPS), 'link')})" if of_dropped_too else let_go
    return f"{part} / {whole}"


def _faults() -> Row:
    lost = promql.total(promql.rate(NETEM_DROPS, 'reason="loss"'), "link")
    doubled = promql.total(promql.rate(NETEM_SEGMENTS, 'action="duplicated"'), "link")
    return Row(
        "Faults, asked for and delivered",
        [
            lines(
                "Loss",
                "The share of packets lost by chance (whole line) against the share that was asked for (dashed).",
                "percentunit",
                Query(_share(lost, of_dropped_too=True), "{{link}}", every=SMOOTH),
                Query(f"max by (link) ({promql.now(LOSS.configured)})", "{{link}}, asked for", dashed=True),
            ),
            lines(
                "Duplication",
                "The share of packets that were doubled (whole line) against the share that was asked for (dashed).",
                "percentunit",
                Query(_share(doubled, of_dropped_too=False), "{{link}}", every=SMOOTH),
                Query(f"max by (link) ({promql.now(DUPLICATE.configured)})", "{{link}}, asked for", dashed=True),
            ),
            lines(
                "Drops per second",
                "By link and reason: chance (loss), the drop list, a full queue (limit), age (expired), no such "
                "address (no_route).",
                "pps",
                Query(promql.total(promql.rate(NETEM_DROPS), "link", "reason"), "{{link}}: {{reason}}", every=SMOOTH),
            ),
            lines(
                "What it costs: retransmissions per second",
                "Segments that hosts sent again, by role.",
                "pps",
                Query(promql.total(promql.rate(SEGMENTS_RETRANSMITTED), "job"), "{{job}}", every=SMOOTH),
            ),
        ],
    )


def _delay() -> Row:
    asked = promql.now(DELAY.configured)
    jitter = promql.now(JITTER.configured)
    return Row(
        "Delay, asked for and delivered",
        [
            lines(
                "Delay given",
                "Median and 95 % of what packets really waited, against the delay that was asked for and the greatest "
                "that jitter makes of it (dashed).",
                "s",
                Query(promql.quantile(0.5, NETEM_DELAY, "link"), "{{link}}, median"),
                Query(promql.quantile(0.95, NETEM_DELAY, "link"), "{{link}}, 95 %"),
                Query(f"max by (link) ({asked})", "{{link}}, asked for", dashed=True),
                Query(f"max by (link) ({asked} + {jitter})", "{{link}}, with jitter", dashed=True),
            ),
            heat(
                "Delay given, all of it",
                "How many packets a second waited how long.",
                "s",
                Query(promql.buckets(NETEM_DELAY), "{{le}}"),
            ),
            lines(
                "Round trip and retransmission timeout",
                "What the TCPs measured (RFC 6298, without retransmitted segments: Karn) against both links' delays "
                "together (dashed), and the timeout that follows, 1 s at least.",
                "s",
                Query(promql.mean(RTT), "round trip"),
                Query(promql.mean(RTO), "timeout"),
                Query(f"sum(max by (link) ({asked}))", "delay there and back", dashed=True),
            ),
            lines(
                "Packets on their way",
                "On average over the interval; the rate of packets times their delay, by Little's law.",
                "short",
                Query(promql.total(promql.average(NETEM_QUEUE_LENGTH), "link"), "{{link}}"),
            ),
        ],
    )


def _realised() -> Row:
    struck = promql.total(promql.rate(CLAUSE_SEGMENTS, 'outcome="struck"'), "clause")
    return Row(
        "Requested and realised, since each clause was set",
        [
            lines(
                "Loss requested and realised",
                "The share of packets that the clause of loss took since it was set, with the bounds between which the "
                "true share lies 95 times in 100: the request (dashed) should lie there, too.",
                "percentunit",
                *_asked_and_given(LOSS),
            ),
            lines(
                "Duplication requested and realised",
                "The share of packets that the clause of duplication doubled since it was set, with its bounds, and "
                "the request (dashed).",
                "percentunit",
                *_asked_and_given(DUPLICATE),
            ),
            lines(
                "Delay requested and realised",
                "The mean delay that the clause of delay gave since it was set, with its bounds, and the request "
                "(dashed). Packets that are let go late count with the time that they really took.",
                "s",
                *_asked_and_given(DELAY),
            ),
            lines(
                "What clauses struck, per second",
                "Packets that each clause of a profile did something to; a clause without a line has touched none.",
                "pps",
                Query(struck, "{{clause}}", every=SMOOTH),
            ),
        ],
    )


def _asked_and_given(measure: Measure) -> Iterator[Query]:
    """Yield what was asked of each link, what it gave, and the bounds; several shards of the network on average."""
    assert measure.bounds is not None, measure.name
    yield Query(_mean(promql.now(measure.realised)), "{{link}}, realised")
    for bound in ("low", "high"):
        yield Query(_mean(promql.now(measure.bounds, f'bound="{bound}"')), f"{{{{link}}}}, {bound}est that it may be")
    yield Query(f"max by (link) ({promql.now(measure.configured)})", "{{link}}, requested", dashed=True)


def _mean(expression: str) -> str:
    """Return the mean by link; NaN, which compares with nothing, says that there was nothing to measure."""
    return f"avg by (link) ({expression} >= 0)"
