"""Snapshots in the formats that Prometheus reads; what happens here may happen on any thread."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.exposition import choose_encoder

from tcplab.observe.counts import Reading, Snapshot
from tcplab.observe.metric import Key, Metric, label_values

TakeSnapshot = Callable[[], Snapshot]
"""Returns a node's metrics as they are; called once for each scrape."""


class Collector:
    """What prometheus_client asks for the families of one node and of the process that it runs in."""

    def __init__(self, take: TakeSnapshot) -> None:
        self._take = take
        self._registry: Final = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def describe(self) -> Iterator[Family]:
        """Name nothing beforehand: the names are the catalogue's, and registering must not take a snapshot."""
        return iter(())

    def collect(self) -> Iterator[Family]:
        """Yield every family of a fresh snapshot."""
        snapshot = self._take()
        for metric, items in snapshot.values.items():
            yield _family(metric, items)
        for metric, readings in snapshot.readings.items():
            yield _histogram(metric, readings)

    def render(self, accept: str = "") -> tuple[str, bytes]:
        """Return the content type that suits an Accept header (OpenMetrics, or the text format), and the page.

        Raises:
            Exception: whatever taking the snapshot raises.
        """
        encode, content_type = choose_encoder(accept)
        return content_type, encode(self._registry)


def _family(metric: Metric, items: Iterable[tuple[Key, float]]) -> Family:
    match metric.kind:
        case "counter":
            family: CounterMetricFamily | GaugeMetricFamily = CounterMetricFamily(
                metric.name, metric.help, labels=metric.labels
            )
        case "gauge":
            family = GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)
        case _:
            return _info(metric, items)
    for key, value in items:
        family.add_metric(label_values(key), value)
    return family


def _info(metric: Metric, items: Iterable[tuple[Key, float]]) -> Family:
    family = InfoMetricFamily(metric.name.removesuffix("_info"), metric.help, labels=metric.labels)
    for key, _ in items:
        family.add_metric(label_values(key), {})
    return family


def _histogram(metric: Metric, readings: Iterable[tuple[Key, Reading]]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    bounds = [*(str(float(bound)) for bound in metric.buckets), "+Inf"]
    for key, reading in readings:
        buckets = list(zip(bounds, accumulate(reading.counts), strict=True))
        family.add_metric(label_values(key), buckets, reading.total * metric.unit)
    return family
