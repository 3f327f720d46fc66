"""What a network does once it is configured, between any two packets."""

import pytest

from tcplab.netem.configuration import FAULTS_LIMIT, Configuration
from tcplab.netem.events import PacketDropped
from tcplab.netem.faults import Blackhole, Fault, parse_rule
from tcplab.netem.network import Network
from tcplab.netem.notices import ConfigurationApplied, FaultApplied, FaultHealed
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.node import NOTHING, Address, Output
from tcplab.units import MILLISECOND, SECOND, START, Instant
from tests.netem.packets import BACK, CLIENT, SERVER, THERE, arrivals, drain, network, packet

MS = MILLISECOND
OTHER = Address("10.0.1.2")


def fault(text: str, name: str = "x", until: int | None = None) -> Fault:
    return Fault(name, parse_rule(text), until=None if until is None else Instant(until))


def of(*faults: Fault, revision: int = 1) -> Configuration:
    return Configuration(revision, faults=faults)


def links(**profiles: Profile) -> Configuration:
    return Configuration(1, {Pattern.parse(text): profile for text, profile in profiles.items()})


def passes(net: Network, source: Address = CLIENT, target: Address = SERVER, now: int = 0) -> bool:
    return bool(net.receive(packet(1, now, source, target), Instant(now)).packets)


# --- profiles --------------------------------------------------------------------------------------------------------


def test_a_profile_stands_on_top_of_the_base_and_goes_with_the_configuration() -> None:
    net = network(Profile(delay=MS))

    net.configure(links(**{"client>*": Profile(delay=2 * MS)}), START)
    net.receive(packet(1), START)
    net.configure(Configuration(2), START)
    net.receive(packet(2), START)

    assert [(time, each.id) for time, each in arrivals(drain(net))] == [(MS, 2), (2 * MS, 1)]
    assert net.profiles()[THERE] == Profile(delay=MS)


def test_what_says_most_goes() -> None:
    net = network()
    net.configure(
        links(**{
            "*>*": Profile(delay=MS),
            "10.0.1.2>*": Profile(delay=2 * MS),
            "client>10.0.2.1": Profile(delay=3 * MS),
        }),
        START,
    )  # fmt: skip

    net.receive(packet(1, source=OTHER, target=Address("10.0.2.2")), START)
    net.receive(packet(2, source=OTHER), START)
    net.receive(packet(3, source=SERVER, target=CLIENT), START)

    assert [(time, each.id) for time, each in arrivals(drain(net))] == [(MS, 3), (2 * MS, 1), (3 * MS, 2)]


def test_a_host_with_a_profile_of_its_own_has_a_line_and_draws_of_its_own() -> None:
    slow = Profile(rate=8 * 40 * 10)  # a packet of 40 octets every 100 ms
    net = network(slow)
    net.configure(links(**{"10.0.1.2>*": slow}), START)

    for number, source in enumerate((CLIENT, OTHER, CLIENT, OTHER), start=1):
        net.receive(packet(number, source=source), START)

    assert net.packet_counts() == {THERE: 2, BACK: 0, "10.0.1.2>server": 2}
    assert net.queue_lengths() == {THERE: 4, BACK: 0}
    assert [(time // MS, each.id) for time, each in arrivals(drain(net))] == [(100, 1), (100, 2), (200, 3), (200, 4)]


def test_what_a_pattern_made_goes_when_the_pattern_does_and_what_waits_there_still_arrives() -> None:
    net = network()
    net.configure(links(**{"10.0.1.1>*": Profile(delay=MS)}), START)
    net.receive(packet(1), START)

    net.configure(Configuration(2), START)

    assert net.queue_lengths()[THERE] == 1
    assert [each.id for _, each in arrivals(drain(net))] == [1]
    net.configure(Configuration(3), Instant(MS))
    assert net.packet_counts() == {THERE: 0, BACK: 0}


def test_everybody_opens_no_road_within_a_role_but_naming_both_sides_does() -> None:
    net = network()

    net.configure(links(**{"*>*": Profile(), "10.0.1.1>*": Profile()}), START)
    assert not passes(net, CLIENT, OTHER)
    net.configure(links(**{"client>client": Profile()}), START)
    assert passes(net, CLIENT, OTHER)
    net.configure(Configuration(2), START)
    assert not passes(net, CLIENT, OTHER)


def test_another_base_shows_where_no_pattern_says_otherwise() -> None:
    net = network()
    net.configure(links(**{"client>server": Profile(delay=MS)}), START)

    net.set(THERE, Profile(delay=SECOND))
    net.set(BACK, Profile(delay=SECOND))

    assert net.profiles() == {THERE: Profile(delay=MS), BACK: Profile(delay=SECOND)}


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_partition_loses_what_goes_from_one_group_to_another() -> None:
    net = network()
    net.configure(of(fault("partition client | server", "split")), START)

    one = packet(1)

    assert net.receive(one, START) == Output([], [PacketDropped(one, THERE, "fault", "split")])
    assert not passes(net, SERVER, CLIENT)
    assert net.packet_counts()[THERE] == 0


def test_in_a_partition_an_address_says_more_than_its_role_and_everybody_is_who_is_left() -> None:
    net = network()
    net.configure(of(fault("partition 10.0.1.1 server | *")), START)

    assert passes(net, CLIENT, SERVER)
    assert not passes(net, OTHER, SERVER)
    assert not passes(net, SERVER, OTHER)


def test_who_is_in_no_group_is_not_concerned() -> None:
    net = network()
    net.configure(of(fault("partition 10.0.1.1 | 10.0.2.1")), START)

    assert passes(net, OTHER, SERVER)
    assert not passes(net, CLIENT, SERVER)


def test_a_blackhole_loses_one_way_only() -> None:
    net = network()
    net.configure(of(fault("blackhole client>server")), START)

    assert not passes(net, CLIENT, SERVER)
    assert passes(net, SERVER, CLIENT)


def test_a_flap_is_up_then_down_then_up_again_from_when_it_was_set() -> None:
    net = network()
    flap = Fault("x", parse_rule("flap *>* up 2ms down 1ms"), since=Instant(10 * MS))
    net.configure(of(flap), Instant(10 * MS))

    assert [passes(net, now=now * MS // 2) for now in range(20, 34)] == [True] * 4 + [False] * 2 + [True] * 4 + [
        False
    ] * 2 + [True] * 2


def test_what_faults_did_is_counted_by_each_for_itself() -> None:
    net = network()
    net.configure(
        of(fault("blackhole client>*", "one"), fault("blackhole *>server", "two"), fault("blackhole server>*", "none")),
        START,
    )

    passes(net)
    passes(net)

    assert {name: tuple(done) for name, done in net.faults_done().items()} == {
        "one": (2, 2), "two": (2, 2), "none": (0, 0),
    }  # fmt: skip


# --- leases ----------------------------------------------------------------------------------------------------------


def test_a_fault_heals_when_its_lease_ends_without_anybody_telling() -> None:
    net = network()
    split = fault("partition client | server", "split", until=SECOND)

    applied = net.configure(of(split, revision=7), START)

    assert applied.events == [
        ConfigurationApplied(7),
        FaultApplied("split", "partition client | server", Instant(SECOND)),
    ]
    assert net.deadline() == SECOND
    assert net.advance(START + SECOND - 1) == NOTHING
    assert not passes(net, now=SECOND - 1)
    assert net.advance(Instant(SECOND)).events == [FaultHealed("split", "lease")]
    assert passes(net, now=SECOND)
    assert net.deadline() is None
    assert net.faults() == ()


def test_each_lease_ends_by_itself_beside_packets_that_are_due() -> None:
    net = network(Profile(delay=SECOND))
    net.receive(packet(1), START)
    net.configure(of(fault("blackhole *>*", "a", 2 * SECOND), fault("blackhole *>*", "b", SECOND)), START)

    assert net.deadline() == SECOND
    output = net.advance(Instant(SECOND))

    assert output.events[0] == FaultHealed("b", "lease")
    assert [each.id for each in output.packets] == [1]
    assert net.deadline() == 2 * SECOND


def test_a_lease_is_renewed_by_a_configuration_and_the_fault_goes_on() -> None:
    net = network()
    net.configure(of(fault("blackhole *>*", until=SECOND)), START)
    passes(net)

    renewed = net.configure(of(fault("blackhole *>*", until=3 * SECOND), revision=2), START)

    assert renewed.events == [ConfigurationApplied(2)]
    assert net.deadline() == 3 * SECOND
    assert net.faults_done()["x"].acted == 1


def test_a_lease_that_has_ended_already_is_no_fault_any_more() -> None:
    net = network()

    output = net.configure(of(fault("blackhole *>*", until=SECOND)), Instant(SECOND))

    assert output.events == [ConfigurationApplied(1)]
    assert passes(net, now=SECOND)
    assert net.deadline() is None


def test_a_fault_that_a_configuration_leaves_out_is_cleared_and_one_with_another_rule_is_another() -> None:
    net = network()
    net.configure(of(fault("blackhole client>*", "a"), fault("blackhole server>*", "b")), START)

    output = net.configure(of(fault("blackhole *>client", "b")), START)

    assert output.events == [
        ConfigurationApplied(1),
        FaultHealed("a", "cleared"),
        FaultHealed("b", "cleared"),
        FaultApplied("b", "blackhole *>client"),
    ]


# --- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configuration", "error"),
    [
        (links(**{"clinet>*": Profile()}), r"links, clinet>\*: 'clinet' is no role; there are client, server"),
        (of(fault("partition client | 10.9.9.9", "split")), "faults, split: '10.9.9.9' is in no role's prefix"),
    ],
)
def test_a_configuration_for_hosts_that_are_not_there_changes_nothing(configuration: Configuration, error: str) -> None:
    net = network()
    standing = of(fault("blackhole *>*"))
    net.configure(standing, START)

    with pytest.raises(ValueError, match=error):
        net.configure(configuration, START)

    assert net.configuration == standing
    assert not passes(net)


def test_two_faults_of_one_name_or_too_many_are_refused() -> None:
    rule = Blackhole(Pattern("*", "*"))

    with pytest.raises(ValueError, match="faults: two are called 'x'"):
        Configuration(faults=(Fault("x", rule), Fault("x", rule)))
    with pytest.raises(ValueError, match="faults: 65 are too many; 64 may stand at once"):
        Configuration(faults=tuple(Fault(f"x{n}", rule) for n in range(FAULTS_LIMIT + 1)))
