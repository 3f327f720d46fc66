"""PromQL over the lab's metrics, in which no name can be wrong: metrics come from the catalogue."""

from typing import Final

from tcplab.observe.catalogue import NODE_INFO
from tcplab.observe.metric import Metric

NODES: Final = 'job=~"$job", instance=~"$instance"'
"""Matchers of the lab's nodes, as the board's variables choose them."""
RABBITMQ: Final = 'job="rabbitmq", instance=~"$rabbitmq"'

_NO_COUNTER: Final = "a counter or histogram is worth nothing but its rate"


def now(metric: Metric, *matchers: str) -> str:
    """Return the selector of a gauge or info."""
    assert metric.kind in ("gauge", "info"), _NO_COUNTER
    return _select(metric.name, NODES, *matchers)


def average(metric: Metric, *matchers: str) -> str:
    """Return a gauge's average over the interval, in which moments that no scrape met leave their trace."""
    return f"avg_over_time({now(metric, *matchers)}[$__rate_interval])"


def rate(metric: Metric, *matchers: str) -> str:
    """Return a counter's rate per second."""
    assert metric.kind == "counter", metric.name
    return _rate(metric.name, NODES, *matchers)


def total(expression: str, *by: str) -> str:
    """Return the sum by these labels."""
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def count_rate(histogram: Metric, *matchers: str) -> str:
    """Return how many values a second a histogram got."""
    return _rate(f"{histogram.name}_count", NODES, *matchers)


def mean(histogram: Metric, *by: str, matchers: tuple[str, ...] = ()) -> str:
    """Return the average value of a histogram by these labels."""
    assert histogram.kind == "histogram", histogram.name
    parts = (total(_rate(histogram.name + ending, NODES, *matchers), *by) for ending in ("_sum", "_count"))
    return " / ".join(parts)


def quantile(share: float, histogram: Metric, *by: str, matchers: tuple[str, ...] = ()) -> str:
    """Return the value below which that share of a histogram's values lies, by these labels."""
    return f"histogram_quantile({share:g}, {buckets(histogram, *by, matchers=matchers)})"


def buckets(histogram: Metric, *by: str, matchers: tuple[str, ...] = ()) -> str:
    """Return the rates of a histogram's buckets by these labels."""
    assert histogram.kind == "histogram", histogram.name
    return total(_rate(f"{histogram.name}_bucket", NODES, *matchers), "le", *by)


def per_node(expression: str, *, role: str = "") -> str:
    """Give every series, which must have job and instance, the label ``node``; with ``role``, only that role's."""
    matchers = (f'role="{role}"',) if role else ()
    return f"({expression}) * on (job, instance) group_left (node) {now(NODE_INFO, *matchers)}"


def joined(left: str, operator: str, right: str) -> str:
    """Return an operation on the series of the same node."""
    return f"({left}) {operator} on (job, instance) group_left () {right}"


def broker_now(name: str, *matchers: str) -> str:
    """Return the selector of one of RabbitMQ's own gauges."""
    return _select(name, RABBITMQ, *matchers)


def broker_rate(name: str, *matchers: str) -> str:
    """Return the rate of one of RabbitMQ's own counters."""
    return _rate(name, RABBITMQ, *matchers)


def node_now(name: str) -> str:
    """Return the selector of a gauge that every scraped process has."""
    return _select(name, NODES)


def node_rate(name: str) -> str:
    """Return the rate of a counter that every scraped process has."""
    return _rate(name, NODES)


def _select(name: str, *matchers: str) -> str:
    return f"{name}{{{', '.join(matchers)}}}"


def _rate(name: str, *matchers: str) -> str:
    return f"rate({_select(name, *matchers)}[$__rate_interval])"
