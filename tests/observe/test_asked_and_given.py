"""What was asked of links, and what they gave, in metrics: of a network that runs."""

import math

import pytest

from tcplab.netem.configuration import Configuration
from tcplab.netem.events import LinkName
from tcplab.netem.faults import Fault, parse_rule
from tcplab.netem.network import Network
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.observe.asked_and_given import MEASURES
from tcplab.observe.metrics import Metrics, network_readings
from tcplab.units import MILLISECOND, Instant
from tests.netem.packets import packet, send_all
from tests.observe.samples import Scrape

LINK = "client>server"
PACKETS = 2_000


class Lab:
    """A network with one link that is not perfect, and its metrics."""

    def __init__(self, profile: str) -> None:
        self.network = Network({LinkName(LINK): Profile.parse(profile)}, seed=2)
        self.now = Instant(0)

    def send(self, packets: int = PACKETS) -> None:
        births = range(self.now, self.now + packets * MILLISECOND, MILLISECOND)
        outputs = send_all(self.network, [packet(born=Instant(born), payload=b"x") for born in births])
        self.now = outputs[-1][0]

    def configure(self, *rules: str) -> None:
        faults = tuple(Fault(f"fault-{n}", parse_rule(rule)) for n, rule in enumerate(rules))
        self.network.configure(Configuration(1, {}, faults), self.now)

    def scrape(self) -> Scrape:
        metrics = Metrics(
            "netem", "node", links=self.network.profiles(), readings=lambda: network_readings(self.network)
        )
        return Scrape(metrics)

    def values(self, measure: str) -> list[float]:
        """Return what was asked for, what was given, and, where there are any, the bounds."""
        scrape = self.scrape()
        names = (f"netem_configured_{measure}", f"netem_realised_{measure}")
        stem, _, unit = measure.partition("_")
        bounds = f"netem_realised_{stem}_bounds_{unit}"
        values = [scrape.value(name, link=LINK) for name in names]
        if f"tcplab_{bounds}" in scrape.names():
            values += [scrape.value(bounds, link=LINK, bound=bound) for bound in ("low", "high")]
        return values


@pytest.mark.parametrize(
    ("profile", "measure", "asked"),
    [
        ("loss 10%", "loss_ratio", 0.1),
        ("loss gemodel 1% 10%", "loss_ratio", 1 / 11),
        ("loss gemodel 1% 10%", "burst_segments", 10),
        ("duplicate 5%", "duplicate_ratio", 0.05),
        ("corrupt 5%", "corrupt_ratio", 0.05),
        ("delay 50ms reorder 25% gap 5", "reorder_ratio", 1 / 8),
        ("delay 50ms 10ms", "delay_seconds", 0.05),
    ],
)
def test_what_was_asked_for_lies_within_the_bounds_of_what_was_given(profile: str, measure: str, asked: float) -> None:
    lab = Lab(profile)

    lab.send(20_000)

    configured, realised, low, high = lab.values(measure)
    assert configured == pytest.approx(asked)
    assert low < realised < high
    assert low <= configured <= high
    assert high - low < asked


def test_a_steady_delay_is_what_it_is() -> None:
    lab = Lab("delay 50ms")

    lab.send()

    assert lab.values("delay_seconds") == pytest.approx([0.05, 0.05, 0.05, 0.05])


def test_jitter_is_told_as_it_is_asked_for() -> None:
    lab = Lab("delay 50ms 10ms")

    lab.send()

    asked, given = lab.values("jitter_seconds")
    assert asked == pytest.approx(0.01)
    assert given == pytest.approx(0.01, rel=0.05)


def test_a_rate_is_told_in_octets() -> None:
    lab = Lab("rate 80kbit")

    lab.send()

    assert lab.values("rate_bytes_per_second") == pytest.approx([10_000, 10_000], rel=0.01)


def test_before_anything_has_happened_what_was_given_is_no_number() -> None:
    lab = Lab("loss 10% delay 50ms 10ms duplicate 1% corrupt 1% reorder 1%")

    for measure in ("loss_ratio", "delay_seconds", "duplicate_ratio", "corrupt_ratio", "reorder_ratio"):
        asked, *given = lab.values(measure)
        assert asked > 0
        assert all(math.isnan(value) for value in given), measure


def test_what_nobody_asked_for_has_not_been_given() -> None:
    lab = Lab("")

    lab.send()

    for measure in MEASURES:
        asked, *given = lab.values(measure.configured.name.removeprefix("tcplab_netem_configured_"))
        assert asked == 0 or (math.isnan(asked) and measure.name in ("burst", "rate"))
        assert all(math.isnan(value) for value in given), measure.name
    assert lab.scrape().nonzero("netem_clause_segments_total") == {}


def test_a_clause_that_struck_nothing_has_bounds_and_says_so() -> None:
    lab = Lab("loss 0.0001%")

    lab.send(100)

    _, realised, low, high = lab.values("loss_ratio")
    assert (realised, low) == (0, 0)
    assert 0.03 < high < 0.04  # Wilson's, of 0 in 100
    assert lab.scrape().nonzero("netem_clause_segments_total") == {("loss", LINK, "asked"): 100}


def test_clauses_tell_how_many_packets_they_struck() -> None:
    lab = Lab("drop 1,3,15 duplicate 100% limit 100000")

    lab.send(100)

    assert lab.scrape().nonzero("netem_clause_segments_total") == {
        ("droplist", LINK, "asked"): 100,
        ("droplist", LINK, "struck"): 3,
        ("duplicate", LINK, "asked"): 100,
        ("duplicate", LINK, "struck"): 100,
    }


def test_links_for_single_hosts_add_no_series() -> None:
    lab = Lab("loss 10%")
    names = set(lab.scrape().samples)
    patterns = {Pattern.parse("10.0.1.1>server"): Profile.parse("loss 50%")}
    lab.network.configure(Configuration(1, patterns), lab.now)

    lab.send(100)

    assert "10.0.1.1>server" in lab.network.realised()
    assert set(lab.scrape().samples) == names
    assert math.isnan(lab.values("loss_ratio")[1])


def test_faults_are_counted_by_kind_and_go_on_when_they_have_healed() -> None:
    lab = Lab("")
    lab.configure("drop every data from client", "drop every data from client", "partition client | server")

    lab.send(10)
    standing = lab.scrape().nonzero("netem_fault_segments_total")
    lab.configure()
    lab.send(10)
    healed = lab.scrape().nonzero("netem_fault_segments_total")
    lab.configure("drop every data from client")
    lab.send(10)

    assert standing == healed
    assert standing["partition", "matched"] == standing["partition", "struck"] == 10
    again = lab.scrape().nonzero("netem_fault_segments_total")
    assert again["drop", "matched"] == standing["drop", "matched"] + 10
