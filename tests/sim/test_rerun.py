"""Records of networks, run again: the same where nothing was changed, and the place where something was."""

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import pytest

from tcplab.netem.configuration import Configuration
from tcplab.netem.events import PacketDropped, PacketForwarded
from tcplab.netem.network import Network
from tcplab.netem.notices import ConfigurationApplied, NetworkStarted
from tcplab.netem.profile import Profile
from tcplab.node import Event, PacketDiscarded, PacketReceived, PacketSent
from tcplab.observe.journal import Journal, Record, dump, load
from tcplab.port import Port
from tcplab.runtime.clock import Clock
from tcplab.runtime.memory import Hub
from tcplab.scenarios import realtime
from tcplab.scenarios.lifecycle import lifecycle
from tcplab.scenarios.model import Scenario
from tcplab.sim import storm
from tcplab.sim.rerun import Difference, NotPlayable, Result, rerun
from tcplab.units import MILLISECOND, Duration, Instant
from tests.netem.packets import BACK, CLIENT, SERVER, THERE, packet
from tests.support.loops import in_loop

Records = list[Record[Event]]


def same(result: Result) -> bool:
    return not result.differences and result.compared > 0 and not result.missed


def driven(network: Network, *, late: int = 0) -> Records:
    """Return the journal of a network that a driver woke ``late`` after each deadline, configured on the way."""
    journal = Journal()

    def tell(events: Iterable[Event], now: Instant) -> None:
        for event in events:
            journal.observe("netem-1", event, now)

    tell(network.start(Instant(0)).events, Instant(0))
    for millisecond in range(1, 200):
        now = Instant(millisecond * MILLISECOND)
        while (deadline := network.deadline()) is not None and deadline + late < now:
            tell(network.advance(deadline + late).events, deadline + late)
        if millisecond == 50:
            tell(network.configure(Configuration.parse(_SETTINGS, now, 7), now).events, now)
        came = packet(millisecond, now, *((CLIENT, SERVER) if millisecond % 3 else (SERVER, CLIENT)))
        output = network.receive(came, now, "server" if millisecond % 50 == 0 else None)
        if not isinstance(output.events[0], PacketDiscarded):
            tell([PacketReceived(came)], now)
        tell(output.events, now)
        tell([PacketSent(each) for each in output.packets], now)
    return journal.records


_SETTINGS = """link client>server delay 7ms 3ms loss 20% rate 2mbit
partition client | server as split for 30ms
after 9 drops by split: flap server>client up 5ms down 2ms as blink
at 60ms: link server>client delay 3ms reorder 25% corrupt 20%
"""


def lossy() -> Network:
    return Network({THERE: Profile.parse("delay 5ms 2ms loss 10% duplicate 5% limit 4"), BACK: Profile()}, seed=3)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("outages", [False, True])
def test_a_run_meets_the_same_verdicts_again(seed: int, outages: bool) -> None:
    records = storm.run(storm.draw(seed, outages=outages)).journal.records

    assert same(rerun(load(dump(record)) for record in records))


@pytest.mark.parametrize("late", [0, 1_300_000])
def test_settings_faults_timelines_and_late_timers_come_again_as_they_were(late: int) -> None:
    records = driven(lossy(), late=late)

    result = rerun(load(dump(record)) for record in records)

    assert same(result)
    assert any(isinstance(record.event, ConfigurationApplied) for record in records)
    assert sum(isinstance(record.event, PacketDropped) for record in records) > 20
    assert any(isinstance(record.event, PacketDiscarded) for record in records)


@in_loop
async def test_a_network_that_ran_in_real_time_runs_again_in_virtual_time() -> None:
    quick = lifecycle(delay=20 * MILLISECOND, msl=200 * MILLISECOND)
    run = await realtime.play(quick, in_memory(quick), clock=Clock())

    result = rerun(load(dump(record)) for record in run.journal.records)

    assert same(result)
    assert result.compared > 30


def in_memory(scenario: Scenario) -> dict[str, Port]:
    hub = Hub()
    return {"netem": hub.network(), **{name: hub.host(plan.address, name) for name, plan in scenario.hosts.items()}}


def test_the_first_verdict_that_is_another_is_found() -> None:
    records = driven(lossy())
    place = [n for n, record in enumerate(records) if isinstance(record.event, PacketDropped)][5]
    true = records[place].event
    assert isinstance(true, PacketDropped)
    records[place] = records[place]._replace(event=replace(true, reason="limit"))

    (difference,) = rerun(records).differences

    record = records[place]
    assert difference == Difference(record.n, record.time, "netem-1", record.event, true)


def test_a_verdict_that_is_missing_from_the_record_is_found() -> None:
    records = driven(lossy())
    place = next(n for n, record in enumerate(records) if isinstance(record.event, PacketDropped))
    missing = records.pop(place).event

    (difference,) = rerun(records).differences

    assert difference.found == missing
    assert difference.recorded != missing


def test_a_verdict_that_the_network_never_gave_is_found() -> None:
    records = driven(lossy())
    last = records[-1]
    made_up = PacketForwarded(packet(9_999), THERE, Duration(1))
    records.append(Record(last.n + 1, Instant(last.time), "netem-1", made_up))

    (difference,) = rerun(records).differences

    assert (difference.recorded, difference.found) == (made_up, None)


def test_a_record_that_ends_too_early_is_found() -> None:
    records = driven(lossy())
    last = max(n for n, record in enumerate(records) if isinstance(record.event, PacketReceived))

    (difference,) = rerun(records[: last + 1]).differences

    assert (difference.n, difference.recorded) == (records[last].n, None)
    assert difference.found is not None


def test_networks_are_run_each_by_itself_and_each_beginning_begins_anew() -> None:
    one = driven(lossy())
    later = [record._replace(time=record.time + 10**9) for record in driven(Network({}, seed=1))[:1]]
    other = [record._replace(node="netem-2") for record in one]

    result = rerun(sorted([*one, *other, *later], key=lambda record: record.time))

    assert same(result)
    assert result.begun == {"netem-1", "netem-2"}


def test_a_network_whose_beginning_is_not_in_the_journal_is_named() -> None:
    result = rerun(driven(lossy())[1:])

    assert result == Result(0, (), frozenset(), frozenset({"netem-1"}))


def changed(records: Records, kind: type[Event], **fields: object) -> Records:
    """Return the records with some fields of one event replaced, through JSON, as an editor would."""
    lines = [dump(record) for record in records]
    place = next(n for n, record in enumerate(records) if isinstance(record.event, kind))
    lines[place] = json.dumps(json.loads(lines[place]) | fields)
    return list(map(load, lines))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (partial(changed, kind=NetworkStarted, links=[["client>server", "delay soon"]]), "record 1 of netem-1: "),
        (partial(changed, kind=NetworkStarted, lifetime=-1), "lifetime must be above 0"),
        (partial(changed, kind=ConfigurationApplied, text=""), "of netem-1: Expecting value"),
        (partial(changed, kind=ConfigurationApplied, text='{"links": 1}'), "links"),
        (partial(changed, kind=PacketDropped, time=1), "time goes back from "),
    ],
)
def test_what_cannot_be_run_again_is_named(change: partial[Records], complaint: str) -> None:
    with pytest.raises(NotPlayable, match=complaint):
        rerun(change(driven(lossy())))
