"""The broker and the machine: what carries the lab, and whether its readings can be trusted."""

from typing import Any, Final

from grafana.boards import promql
from grafana.boards.parts import Query, Row, board, lines, number
from tcplab.observe.catalogue import (
    BROKER_MESSAGES,
    BROKER_TRANSIT,
    BROKER_UP,
    ENCODED_BYTES,
    PAYLOAD_BYTES,
    SEGMENTS_PER_MESSAGE,
    SEGMENTS_SENT,
    TIMER_LAG,
)

UID: Final = "tcplab-broker"
TITLE: Final = "Broker and machine"

_MANUAL: Final = "[RabbitMQ's manual](https://www.rabbitmq.com/docs/prometheus)"


def build() -> dict[str, Any]:
    """Return the board."""
    return board(
        UID,
        TITLE,
        "What carries the lab, and whether its readings can be trusted.",
        [_figures(), _messages(), _trust()],
        rabbitmq=True,
    )


def _figures() -> Row:
    return Row(
        "",
        [
            number(
                "Nodes with a broker",
                "How many nodes the broker answers.",
                "short",
                Query(promql.total(promql.now(BROKER_UP)), ""),
            ),
            number(
                "Connections",
                f"AMQP connections: one a node. {_MANUAL}.",
                "short",
                Query(promql.total(promql.broker_now("rabbitmq_connections")), ""),
            ),
            number(
                "Queues",
                f"One for each address, one into the network, one for what is malformed. {_MANUAL}.",
                "short",
                Query(promql.total(promql.broker_now("rabbitmq_queues")), ""),
            ),
            number(
                "Messages per second",
                f"Taken by the broker from all nodes. {_MANUAL}.",
                "ops",
                Query(promql.total(promql.broker_rate("rabbitmq_global_messages_received_total")), ""),
            ),
            number(
                "Memory of the broker",
                f"Resident memory. {_MANUAL}.",
                "bytes",
                Query(promql.total(promql.broker_now("rabbitmq_process_resident_memory_bytes")), ""),
            ),
            number(
                "Mean message",
                f"Octets of a message, as the broker sees it. {_MANUAL}.",
                "bytes",
                Query(
                    promql.total(promql.broker_rate("rabbitmq_message_size_bytes_sum"))
                    + " / "
                    + promql.total(promql.broker_rate("rabbitmq_message_size_bytes_count")),
                    "",
                ),
            ),
        ],
    )


def _messages() -> Row:
    sent = 'direction="sent"'
    encoded = promql.total(promql.rate(ENCODED_BYTES, sent), "job")
    return Row(
        "Messages",
        [
            lines(
                "Messages per second, by what became of them",
                "As the nodes count them: sent, or dropped for want of room or broker; accepted, or quarantined "
                "because a packet in it was malformed.",
                "ops",
                Query(promql.total(promql.rate(BROKER_MESSAGES), "direction", "outcome"), "{{direction}}: {{outcome}}"),
            ),
            lines(
                "Messages per second, as the broker counts them",
                f"Received from publishers, and delivered to consumers. {_MANUAL}.",
                "ops",
                Query(promql.total(promql.broker_rate("rabbitmq_global_messages_received_total")), "received"),
                Query(promql.total(promql.broker_rate("rabbitmq_global_messages_delivered_total")), "delivered"),
            ),
            lines(
                "Segments per message",
                "Batching at work: what one turn of the loop produced for one pair of hosts leaves as one message.",
                "short",
                Query(promql.mean(SEGMENTS_PER_MESSAGE, "job", matchers=(sent,)), "{{job}}"),
                decimals=2,
            ),
            lines(
                "Octets per second",
                "Of messages, in JSON, by role and direction.",
                "Bps",
                Query(promql.total(promql.rate(ENCODED_BYTES), "job", "direction"), "{{job}}: {{direction}}"),
            ),
            lines(
                "The price of JSON: octets per segment",
                "Octets of messages for each segment sent; a TCP header without options has 20.",
                "bytes",
                Query(f"{encoded} / {promql.total(promql.rate(SEGMENTS_SENT), 'job')}", "{{job}}"),
            ),
            lines(
                "The price of JSON: octets per octet of payload",
                "Octets of messages for each octet of application data.",
                "none",
                Query(f"{encoded} / {promql.total(promql.rate(PAYLOAD_BYTES, sent), 'job')}", "{{job}}"),
                decimals=1,
            ),
        ],
    )


def _trust() -> Row:
    return Row(
        "Can the readings be trusted?",
        [
            lines(
                "Broker transit",
                "How long a message was on its way, netem's delay apart: it should be far below the delay that was "
                "asked for.",
                "s",
                Query(promql.quantile(0.5, BROKER_TRANSIT, "job"), "{{job}}, median"),
                Query(promql.quantile(0.99, BROKER_TRANSIT, "job"), "{{job}}, 99 %", dashed=True),
            ),
            lines(
                "Timer lag",
                "How late nodes were woken after their deadlines. Where that comes near the delays of the network, the "
                "machine is too busy for the lab.",
                "s",
                Query(promql.quantile(0.5, TIMER_LAG, "job"), "{{job}}, median"),
                Query(promql.quantile(0.99, TIMER_LAG, "job"), "{{job}}, 99 %", dashed=True),
            ),
            lines(
                "Processor",
                "Seconds of processor time per second, by node; 1 is a whole core, and all that a node can use.",
                "short",
                Query(promql.per_node(promql.node_rate("process_cpu_seconds_total")), "{{node}}"),
            ),
            lines(
                "Memory",
                "Resident memory of each node.",
                "bytes",
                Query(promql.per_node(promql.node_now("process_resident_memory_bytes")), "{{node}}"),
            ),
            lines(
                "What a scrape takes",
                "From Prometheus's request to the end of the answer, by role.",
                "s",
                Query(f"max by (job) ({promql.node_now('scrape_duration_seconds')})", "{{job}}"),
            ),
            lines(
                "Series of a scrape",
                "How many series a node shows, by role.",
                "short",
                Query(f"max by (job) ({promql.node_now('scrape_samples_scraped')})", "{{job}}"),
            ),
        ],
    )
