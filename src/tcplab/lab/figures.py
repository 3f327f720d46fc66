"""The lab service's metrics."""

from collections.abc import Mapping

from tcplab.lab.desk import Desk
from tcplab.observe.catalogue import LAB_CHANGES, LAB_FAULTS, LAB_LEASES, LAB_REVISION
from tcplab.observe.counts import Snapshot
from tcplab.observe.metric import Metric


def snapshot(desk: Desk) -> Snapshot:
    """Return the metrics of a desk as they are."""
    record = desk.record
    figures: Mapping[Metric, float] = {
        LAB_REVISION: record.revision,
        LAB_CHANGES: desk.changes,
        LAB_LEASES: len(record.leases),
        LAB_FAULTS: len(record.configuration.faults),
    }
    return Snapshot({metric: (((), float(figure)),) for metric, figure in figures.items()}, {})
