"""Plays for Hypothesis: one host against everything, and two hosts over a network that does what it likes."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tcplab.tcp.host import Host
from tcplab.units import MILLISECOND, SECOND
from tcplab.wire.segment import NO_OPTIONS, Options, flags_from_text
from tests.fuzz.bench import Bench
from tests.fuzz.configs import CONFIGS
from tests.fuzz.pair import Hand, Pair
from tests.fuzz.steps import ACK_BASES, NAMES, PLACES, SEQ_BASES, Arrival, Ask, Damage, Noise, Wait
from tests.fuzz.ways import WAYS
from tests.support.states import ISNS
from tests.wire import strategies as wire

FLAGS: Final = tuple(
    int(flags_from_text(text))
    for text in (
        "A",
        "S",
        "SA",
        "FA",
        "R",
        "RA",
        "PA",
        "",
        "F",
        "FS",
        "FSA",
        "FR",
        "SR",
        "SRA",
        "UA",
        "SEC",
        "FSRPAUEC",
    )
)
NEAR: Final = st.one_of(st.sampled_from([0, 0, 0, 1, -1]), st.integers(-12, 12), st.integers(-(2**31), 2**31 - 1))
OCTETS: Final = st.one_of(st.just(b""), st.binary(max_size=12))
WINDOWS: Final = st.sampled_from([65_535, 100, 4, 3, 1, 0])
OPTIONS: Final = st.one_of(
    st.just(NO_OPTIONS),
    st.sampled_from([0, 1, 2, 536, 65_535]).map(lambda mss: Options(mss=mss)),
    wire.options,
)
ARRIVALS: Final = st.builds(
    Arrival,
    place=st.integers(0, PLACES - 1),
    flags=st.one_of(st.sampled_from(FLAGS), st.integers(0, 255)),
    seq_base=st.sampled_from(SEQ_BASES),
    seq=NEAR,
    ack_base=st.sampled_from(ACK_BASES),
    ack=NEAR,
    octets=OCTETS,
    window=WINDOWS,
    options=OPTIONS,
    ecn=st.integers(0, 3),
    urgent=st.sampled_from([0, 1, 65_535]),
)
LIKELY: Final = st.builds(
    Arrival,
    place=st.sampled_from([0, 1]),
    flags=st.sampled_from(FLAGS[:4]),
    seq_base=st.just(SEQ_BASES[0]),
    seq=st.just(0),
    ack_base=st.sampled_from(ACK_BASES[:2]),
    ack=st.just(0),
    octets=OCTETS,
    window=WINDOWS,
    options=st.just(NO_OPTIONS),
    ecn=st.just(0),
    urgent=st.just(0),
)
DAMAGES: Final = st.builds(
    Damage,
    ARRIVALS,
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 255)), max_size=3).map(tuple),
    st.sampled_from([0, 0, 1, 20]),
    st.booleans(),
)
NANOSECONDS: Final = st.sampled_from([1, MILLISECOND, 40 * MILLISECOND, SECOND, 59 * SECOND, 61 * SECOND, 240 * SECOND])
CONFIG_NAMES: Final = st.sampled_from(sorted(CONFIGS))
ISN_NAMES: Final = st.sampled_from(sorted(ISNS))
SIDES: Final = st.integers(0, 1)


class OneHost(RuleBasedStateMachine):
    """One host, an arbitrary application, an arbitrary peer."""

    make: type[Host] = Host
    bench: Bench

    @initialize(config=CONFIG_NAMES, isns=ISN_NAMES, way=st.sampled_from(list(WAYS)))
    def start(self, config: str, isns: str, way: str) -> None:
        self.bench = Bench(CONFIGS[config], iss=ISNS[isns][0], make=self.make)
        for step in WAYS[way]:
            self.bench.play(step)

    @rule(arrival=LIKELY)
    def a_likely_segment_arrives(self, arrival: Arrival) -> None:
        self.bench.play(arrival)

    @rule(arrival=ARRIVALS)
    def a_segment_arrives(self, arrival: Arrival) -> None:
        self.bench.play(arrival)

    @rule(damage=DAMAGES)
    def a_damaged_segment_arrives(self, damage: Damage) -> None:
        self.bench.play(damage)

    @rule(octets=st.binary(max_size=60))
    def noise_arrives(self, octets: bytes) -> None:
        self.bench.play(Noise(octets))

    @rule(name=st.sampled_from(NAMES), which=st.integers(0, 3), size=st.sampled_from([0, 1, 5, 16, 17]))
    def the_application_calls(self, name: Any, which: int, size: int) -> None:
        self.bench.play(Ask(name, which, size))

    @rule(nanoseconds=st.none() | NANOSECONDS)
    def time_passes(self, nanoseconds: int | None) -> None:
        self.bench.play(Wait(nanoseconds))

    def teardown(self) -> None:
        """The application lets go and the peer falls silent: R2, FIN_WAIT_2's bound and 2 MSL end whatever there is."""
        if hasattr(self, "bench"):
            self.bench.let_go()


class TwoHosts(RuleBasedStateMachine):
    """Two hosts, arbitrary applications, and a network that does what it likes."""

    make: type[Host] = Host
    pair: Pair

    @initialize(here=CONFIG_NAMES, there=CONFIG_NAMES, isns=ISN_NAMES, listens=st.booleans(), opens=st.booleans())
    def start(self, here: str, there: str, isns: str, listens: bool, opens: bool) -> None:
        self.pair = Pair((CONFIGS[here], CONFIGS[there]), ISNS[isns], self.make)
        if listens:
            self.pair.listen(1)
        if opens:
            self.pair.open(0)
            self.pair.fall_silent()

    @rule(side=SIDES)
    def open(self, side: int) -> None:
        self.pair.open(side)

    @rule(
        side=SIDES,
        name=st.sampled_from([name for name in NAMES if name not in ("open", "listen", "unlisten")]),
        which=st.integers(0, 1),
        size=st.sampled_from([1, 5, 16]),
    )
    def call(self, side: int, name: Any, which: int, size: int) -> None:
        self.pair.ask(side, Ask(name, which, size))

    @rule(
        action=st.sampled_from(["deliver", "deliver", "deliver", "lose", "copy", "corrupt"]),
        side=SIDES,
        which=st.sampled_from([0, 0, 0, 1, 2]),
        place=st.integers(0, 59),
        value=st.integers(1, 255),
    )
    def hand(self, action: str, side: int, which: int, place: int, value: int) -> None:
        self.pair.hand(Hand(action, side, which, place, value))

    @rule(nanoseconds=NANOSECONDS)
    def time_passes(self, nanoseconds: int) -> None:
        self.pair.wait(nanoseconds)

    @rule()
    def all_is_delivered(self) -> None:
        self.pair.fall_silent()

    def teardown(self) -> None:
        """Nobody calls any more: the two fall silent, and once they have gone nothing stays."""
        if hasattr(self, "pair"):
            self.pair.settle()
