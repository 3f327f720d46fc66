"""Strategies for whatever can be configured."""

from hypothesis import strategies as st

from tcplab.netem.changes import AfterDrops, AfterSegments, At, Change, Clear, Enters, Entry, Heal, SetFault, SetLink
from tcplab.netem.configuration import Configuration
from tcplab.netem.faults import Blackhole, Fault, Flap, Partition, Rule, Setting
from tcplab.netem.flows import STATES
from tcplab.netem.match import FLAGS, Occurrence, Place, What
from tcplab.netem.patterns import Pattern
from tcplab.netem.profile import Profile
from tcplab.netem.strike import Strike
from tcplab.units import MICROSECOND, Duration, Instant

people = st.sampled_from(["client", "server", "*", "10.0.1.1", "10.0.1.2", "10.0.2.1"])
patterns = st.builds(Pattern, people, people)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
times = st.integers(1, 10**12).map(Duration)
instants = st.integers(0, 2**53 - 1).map(lambda number: Instant(number * MICROSECOND))
profiles = st.builds(Profile, delay=times, loss=st.sampled_from([0, 0.01, 0.5]))
flags = st.lists(st.sampled_from(sorted(FLAGS)), min_size=1, max_size=3, unique=True).map("+".join)
places = st.builds(Place, people, st.none() | st.integers(1, 65_535))
occurrences = st.one_of(
    st.just(Occurrence()),
    st.builds(Occurrence, st.just("nth"), st.integers(1, 200)),
    st.builds(Occurrence, st.just("first"), st.integers(1, 200)),
)
lengths = st.tuples(st.integers(0, 1_500), st.none() | st.integers(1_500, 2_000))
state_conditions = st.tuples(people, st.lists(st.sampled_from(STATES), min_size=1, max_size=3, unique=True).map(tuple))
contents = st.binary(min_size=1, max_size=20) | st.text(min_size=1, max_size=10).map(str.encode)
pair_rules: st.SearchStrategy[Rule] = st.one_of(
    st.lists(people, min_size=2, max_size=4, unique=True).map(lambda them: Partition(tuple((who,) for who in them))),
    st.builds(Blackhole, patterns),
    st.builds(Flap, patterns, st.integers(10**6, 10**10).map(Duration), st.integers(10**6, 10**10).map(Duration)),
)


def whats(*, counted: bool = True) -> st.SearchStrategy[What]:
    """Strategy: segments of a kind, with a share and an occurrence where they may have one."""
    plain = {
        "segment": st.sampled_from(["segment", "data", "ack", "ack of fin"]) | flags,
        "age": st.sampled_from(["", "new", "retransmitted"]),
        "source": st.none() | places,
        "target": st.none() | places,
        "flags": st.lists(st.tuples(st.sampled_from(["with", "without", "exactly"]), flags), max_size=2).map(tuple),
        "octets": st.none() | lengths,
        "content": st.none() | contents,
        "states": st.lists(state_conditions, max_size=2).map(tuple),
    }
    if not counted:
        return st.builds(What, **plain)
    shares = st.sampled_from([1.0, 0.1, 0.005])
    last = st.builds(What, **plain | {
        "segment": st.just("data"), "age": st.just(""), "occurrence": st.just(Occurrence("last")), "chance": shares,
    })  # fmt: skip
    return last | st.builds(What, chance=shares, occurrence=occurrences, each=st.booleans(), **plain)


strikes = st.one_of(
    st.builds(Strike, st.sampled_from(["drop", "corrupt", "mark"]), whats()),
    st.builds(Strike, st.just("duplicate"), whats(), copies=st.integers(1, 100)),
    st.builds(Strike, st.just("hold"), whats(), times),
    st.builds(Strike, st.just("hold"), whats(), st.just(Duration(0)) | times, whats(counted=False)),
)
rules: st.SearchStrategy[Rule] = pair_rules | strikes
faults = st.builds(Fault, names, rules, instants, st.none() | instants)
settings = st.one_of(
    st.builds(Setting, rules, names, st.none() | times, st.none() | instants, st.none()),
    st.builds(Setting, rules, names, st.none(), st.none() | instants, instants),
)
changes: st.SearchStrategy[Change] = st.one_of(
    st.builds(SetLink, patterns, st.none() | profiles),
    st.builds(SetFault, settings),
    st.builds(Heal, names),
    st.just(Clear()),
)
triggers = st.one_of(
    st.builds(At, times),
    st.builds(AfterDrops, st.integers(1, 1_000), st.just("") | names),
    st.builds(AfterSegments, st.integers(1, 1_000), patterns),
    st.builds(Enters, people, st.sampled_from(STATES)),
)
entries = st.builds(Entry, triggers, changes, instants)
configurations = st.builds(
    Configuration,
    st.integers(0, 2**53 - 1),
    st.dictionaries(patterns, profiles, max_size=3),
    st.lists(faults, max_size=3, unique_by=lambda fault: fault.name).map(tuple),
    st.lists(entries, max_size=3).map(tuple),
)
