"""Octets as a play: whatever they are, they say what is done to a host, so that a fuzzer of octets has a use."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from tcplab.units import MILLISECOND, SECOND
from tcplab.wire.octets import OPTIONS_LIMIT, options_length
from tcplab.wire.segment import NO_OPTIONS, Options, UserTimeout
from tcplab.wire.seq import SeqNumber
from tests.fuzz.bench import Bench
from tests.fuzz.configs import CONFIGS
from tests.fuzz.pair import Hand, Pair
from tests.fuzz.steps import ACK_BASES, NAMES, PLACES, SEQ_BASES, Arrival, Ask, Damage, Noise, Step, Wait
from tests.fuzz.ways import WAYS
from tests.support.states import ISNS

STEPS_MOST: Final = 64
SIZES: Final = (1, 5, 16, 17, 0)
WAITS: Final = (None, 1, MILLISECOND, 40 * MILLISECOND, SECOND, 59 * SECOND, 61 * SECOND, 240 * SECOND)
WINDOWS: Final = (65_535, 100, 4, 3, 1, 0)
FLAGS: Final = (0x10, 0x02, 0x12, 0x11, 0x04, 0x14, 0x18, 0x01)
ACTIONS: Final = ("deliver", "lose", "copy", "corrupt")

T = TypeVar("T")


class Reader:
    """Takes numbers out of octets; after their end there are only zeros."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def __bool__(self) -> bool:
        """Return whether any are left."""
        return self._at < len(self._octets)

    def number(self, size: int = 1) -> int:
        part = self._octets[self._at : self._at + size]
        self._at += size
        return int.from_bytes(part)

    def octets(self, most: int) -> bytes:
        size = self.number() % (most + 1)
        part = self._octets[self._at : self._at + size]
        self._at += size
        return part

    def choose(self, choices: tuple[T, ...]) -> T:
        return choices[self.number() % len(choices)]


def _distance(reader: Reader) -> int:
    """A small distance mostly, and now and then any."""
    near = reader.number()
    return reader.number(4) if near == 0xFF else (near + 8) % 256 % 25 - 12 if near else 0


def _options(reader: Reader) -> Options:
    kinds = reader.number()
    if not kinds:
        return NO_OPTIONS
    blocks = tuple((SeqNumber(reader.number(4)), SeqNumber(reader.number(4))) for _ in range(kinds >> 6))
    options = Options(
        mss=reader.number(2) if kinds & 1 else None,
        wscale=reader.number() % 15 if kinds & 2 else None,
        sack_ok=bool(kinds & 4),
        timestamps=(reader.number(4), reader.number(4)) if kinds & 8 else None,
        sack=blocks,
        user_timeout=UserTimeout(reader.number(2) & 0x7FFF, "s") if kinds & 16 else None,
        other=((reader.choose((2 + 30, 77, 253)), reader.octets(2)),) if kinds & 32 else (),
    )
    return options if options_length(options) <= OPTIONS_LIMIT else NO_OPTIONS


def _arrival(reader: Reader) -> Arrival:
    form = reader.number()
    usual = Arrival(form % PLACES, FLAGS[form >> 2 & 7], octets=reader.octets(12))
    if form < 0x80:
        return usual
    return usual._replace(
        flags=reader.number(),
        seq_base=reader.choose(SEQ_BASES),
        seq=_distance(reader),
        ack_base=reader.choose(ACK_BASES),
        ack=_distance(reader),
        window=reader.choose(WINDOWS),
        options=_options(reader),
        ecn=reader.number() % 4,
    )


def _damage(reader: Reader) -> Damage:
    changes = tuple((reader.number(), reader.number()) for _ in range(reader.number() % 4))
    return Damage(_arrival(reader), changes, reader.choose((0, 1, 20)), bool(reader.number() & 1))


def _ask(reader: Reader) -> Ask:
    return Ask(reader.choose(NAMES), reader.number() % 4, reader.choose(SIZES))


_STEPS: Final[tuple[Callable[[Reader], Step], ...]] = (
    _arrival,
    _ask,
    lambda reader: Wait(reader.choose(WAITS)),
    _arrival,
    _damage,
    lambda reader: Noise(reader.octets(60)),
)


def steps(reader: Reader) -> Iterator[Step]:
    """Yield the steps that the octets say, so many at most."""
    for _ in range(STEPS_MOST):
        if not reader:
            return
        yield reader.choose(_STEPS)(reader)


def play_one(octets: bytes) -> None:
    """Play octets against one host."""
    reader = Reader(octets)
    bench = Bench(reader.choose(tuple(CONFIGS.values())), iss=reader.choose(tuple(ISNS.values()))[0])
    for step in (*reader.choose(tuple(WAYS.values())), *steps(reader)):
        bench.play(step)
    bench.let_go()


def play_two(octets: bytes) -> None:
    """Play octets with two hosts."""
    reader = Reader(octets)
    configs = tuple(CONFIGS.values())
    pair = Pair((reader.choose(configs), reader.choose(configs)), reader.choose(tuple(ISNS.values())))
    for _ in range(STEPS_MOST):
        if not reader:
            break
        action, side = reader.number() % 8, reader.number() & 1
        if action < len(ACTIONS):
            pair.hand(Hand(ACTIONS[action], side, reader.number() % 4, reader.number(), reader.number() | 1))
        elif action == 4:
            pair.ask(side, Ask(reader.choose(NAMES[3:]), reader.number() % 2, reader.choose(SIZES)))
        elif action == 5:
            pair.wait(reader.choose(WAITS[1:]) or 1)
        elif action == 6:
            pair.fall_silent()
        else:
            (pair.open, pair.listen)[reader.number() & 1](side)
    pair.settle()


def play(octets: bytes) -> None:
    """Play octets, the first of which says with one host or two."""
    (play_one, play_two)[octets[0] & 1 if octets else 0](octets[1:])
