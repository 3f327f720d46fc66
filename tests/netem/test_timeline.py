"""What the network changes by itself: at times, and once enough has been seen."""

from tcplab.netem.changes import At, Clear, Entry
from tcplab.netem.configuration import Configuration
from tcplab.netem.events import PacketDropped
from tcplab.netem.network import Network
from tcplab.netem.notices import ConfigurationApplied, FaultApplied, FaultHealed, TimelineFired
from tcplab.netem.profile import Profile
from tcplab.node import Event
from tcplab.units import MILLISECOND, SECOND, START, Instant
from tests.netem.packets import BACK, CLIENT, SERVER, THERE, network, packet

MS = MILLISECOND


def configured(text: str, net: Network | None = None, now: int = 0) -> Network:
    net = net or network()
    net.configure(Configuration.parse(text, Instant(now), 1), Instant(now))
    return net


def due(net: Network) -> list[tuple[Instant, Event]]:
    """Advance a network from deadline to deadline, and return what it told and when."""
    told: list[tuple[Instant, Event]] = []
    while (deadline := net.deadline()) is not None:
        told += [(deadline, event) for event in net.advance(deadline).events]
    return told


def test_entries_happen_at_their_times_counted_from_when_they_were_set() -> None:
    net = configured("at 2s: heal hole\nat 1s: blackhole client>* as hole\nat 1s: link server>* delay 1ms", now=SECOND)

    assert due(net) == [
        (2 * SECOND, TimelineFired("at 1s: blackhole client>* as hole")),
        (2 * SECOND, TimelineFired("at 1s: link server>* delay 1ms")),
        (2 * SECOND, FaultApplied("hole", "blackhole client>*")),
        (3 * SECOND, TimelineFired("at 2s: heal hole")),
        (3 * SECOND, FaultHealed("hole", "timeline")),
    ]
    assert net.profiles()[BACK] == Profile(delay=MS)


def test_a_lease_begins_when_the_entry_happens() -> None:
    net = configured("at 1s: blackhole *>* as hole for 500ms")

    assert due(net)[1:] == [
        (SECOND, FaultApplied("hole", "blackhole *>*", Instant(1_500 * MS))),
        (1_500 * MS, FaultHealed("hole", "lease")),
    ]


def test_it_happens_once_so_many_packets_were_lost_to_somebody() -> None:
    net = configured("blackhole client>* as hole\nafter 2 drops by hole: heal hole", network(Profile(), lifetime=None))

    first = net.receive(packet(1), START)
    second = net.receive(packet(2), START)

    assert list(first.events) == [PacketDropped(packet(1), THERE, "fault", "hole")]
    assert list(second.events) == [
        PacketDropped(packet(2), THERE, "fault", "hole"),
        TimelineFired("after 2 drops by hole: heal hole"),
        FaultHealed("hole", "timeline"),
    ]
    assert net.receive(packet(3), START).packets


def test_what_a_link_loses_counts_by_its_clause() -> None:
    for clause, fires in (("loss", True), ("hole", False)):
        net = configured(f"after 1 drop by {clause}: clear", network(Profile(loss=1)))

        told = net.receive(packet(1), START).events

        assert any(isinstance(event, TimelineFired) for event in told) == fires


def test_it_happens_once_so_many_packets_came_on_a_direction_and_holds_from_the_next_on() -> None:
    net = configured("after 2 segments on client>server: blackhole client>server")
    back = packet(9, source=SERVER, target=CLIENT)

    passed = [bool(net.receive(each, START).packets) for each in (packet(1), back, packet(2), packet(3), back)]

    assert passed == [True, True, True, False, True]
    assert not configured("clear", net).in_force.faults


def test_an_entry_that_cannot_be_made_says_why_and_changes_nothing() -> None:
    net = configured("at 1s: heal hole\nat 2s: blackhole *>* as other")

    assert due(net)[0] == (SECOND, TimelineFired("at 1s: heal hole", "there is no fault 'hole'; there are other"))


def test_a_clear_in_the_timeline_leaves_what_is_to_come() -> None:
    net = configured("blackhole *>* as hole\nat 1s: clear\nat 2s: blackhole *>* as other")

    assert [event.name for _, event in due(net) if isinstance(event, FaultApplied | FaultHealed)] == ["hole", "other"]


def test_a_configuration_with_the_same_entries_goes_on_where_they_are() -> None:
    text = "at 1s: blackhole client>* as hole\nat 3s: heal hole\nafter 2 segments on server>client: clear"
    first = Configuration.parse(text, START, 1)
    net = network()
    net.configure(first, START)
    net.advance(Instant(SECOND))
    net.receive(packet(1, SECOND, SERVER, CLIENT), Instant(SECOND))

    told = net.configure(first.changed((), START), Instant(2 * SECOND))

    assert told.events == [ConfigurationApplied(1)]
    assert [fault.name for fault in net.faults()] == ["hole"]
    assert (
        TimelineFired("after 2 segments on server>client: clear")
        in net.receive(packet(2, 2 * SECOND, SERVER, CLIENT), Instant(2 * SECOND)).events
    )


def test_a_network_that_begins_later_is_where_it_would_be() -> None:
    timeline = Configuration.parse(
        "at 1s: blackhole *>* as a for 9s\nat 2s: blackhole *>* as b for 1s\nat 5s: clear", START
    )
    late = network()

    told = late.configure(timeline, Instant(4 * SECOND))

    assert told.events[-1] == FaultApplied("a", "blackhole *>*", Instant(10 * SECOND))
    assert [fault.name for fault in late.faults()] == ["a"]
    assert late.deadline() == 5 * SECOND


def test_entries_that_nobody_has_set_yet_are_set_when_the_network_is_configured() -> None:
    net = network()
    net.configure(Configuration(timeline=(Entry(At(SECOND), Clear()),)), Instant(MS))

    assert net.deadline() == SECOND + MS
