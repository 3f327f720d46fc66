"""What a shard of the network tells of itself: the revision that it goes by, and what it has really done."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from tcplab.netem.events import LinkName
from tcplab.netem.network import Network
from tcplab.netem.realised import Realised
from tcplab.units import MICROSECOND, Instant

ASK: Final = "report"
"""What is said to all shards to have each send a report."""


class LinkReport(BaseModel):
    """One direction between two roles."""

    base: str = Field(description="What it was built with, in tc's grammar.")
    profile: str = Field(description="What it goes by.")
    packets: int = Field(description="Packets that were ever let onto it.")
    queued: int = Field(description="Packets that wait on it.")


class RealisedReport(BaseModel):
    """What was asked of a clause, and what it really did, with 95 % bounds."""

    rule: str = Field(description="The clause, as verdicts name it.")
    measure: str = Field(description="What was measured of it, such as loss, burst or delay.")
    unit: str = Field(description="share, seconds, packets or bits/s.")
    requested: float | None
    realised: float | None = Field(description="None before there was anything to measure.")
    low: float | None
    high: float | None
    n: int = Field(description="Packets that it had a say in.")
    touched: int = Field(description="Packets that it did something to.")
    line: str = Field(description="The same for people.")


class FaultReport(BaseModel):
    """A fault in force."""

    rule: str = Field(description="What it does, in the language of faults.")
    until: int | None = Field(description="When it heals by itself, microseconds of the lab's clock.")
    matched: int = Field(description="Packets that it was about.")
    acted: int = Field(description="Packets that it did something to.")
    realised: RealisedReport = Field(description="The share of these in those, beside the share that was asked for.")


class Report(BaseModel):
    """A shard's report."""

    model_config = ConfigDict(frozen=True)

    node: str = Field(description="Which shard, such as netem-1.")
    at: int = Field(description="When, microseconds of the lab's clock.")
    revision: int = Field(description="The snapshot that it goes by.")
    trouble: str = Field(default="", description="Why it does not go by the latest, if it cannot.")
    links: dict[str, LinkReport]
    faults: dict[str, FaultReport]
    realised: dict[str, list[RealisedReport]] = Field(
        default={}, description="By link, those for single hosts included, since its profile was set."
    )


def report(node: str, network: Network, base: Mapping[LinkName, str], now: Instant, trouble: str = "") -> Report:
    """Return what a shard has to tell now; ``base`` is what its links were built with."""
    packets, queued = network.packet_counts(), network.queue_lengths()
    struck = network.faults_realised()
    return Report(
        node=node,
        at=now // MICROSECOND,
        revision=network.configuration.revision,
        trouble=trouble,
        links={
            name: LinkReport(base=base[name], profile=str(profile), packets=packets[name], queued=queued[name])
            for name, profile in network.profiles().items()
        },
        faults={
            fault.name: FaultReport(
                rule=str(fault.rule),
                until=None if fault.until is None else fault.until // MICROSECOND,
                matched=struck[fault.name].n,
                acted=struck[fault.name].touched,
                realised=_realised(struck[fault.name]),
            )
            for fault in network.faults()
        },
        realised={
            link: [_realised(each) for each in measures] for link, measures in network.realised().items() if measures
        },
    )


def _realised(realised: Realised) -> RealisedReport:
    return RealisedReport(**realised._asdict(), line=str(realised))
