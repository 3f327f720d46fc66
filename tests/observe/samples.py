"""What a scrape holds."""

from prometheus_client.parser import text_string_to_metric_families

from tcplab.observe.collector import Collector
from tcplab.observe.metrics import Metrics
from tcplab.units import Instant

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scrape:
    """The samples of one node at one instant."""

    def __init__(self, metrics: Metrics, now: int = 0) -> None:
        text = Collector(lambda: metrics.snapshot(Instant(now))).render()[1].decode()
        self.samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        """Return one sample; a label ``from_`` stands for ``from``."""
        return self.samples["tcplab_" + name, frozenset((key.rstrip("_"), text) for key, text in labels.items())]

    def names(self) -> set[str]:
        return {name for name, _ in self.samples}

    def nonzero(self, name: str) -> dict[tuple[str, ...], float]:
        """Return the samples of a name that are not 0, by the values of their labels in the labels' order."""
        return {
            tuple(value for _, value in sorted(labels)): value
            for (found, labels), value in self.samples.items()
            if found == "tcplab_" + name and value
        }
