"""Segments in flight against models that are plain and slow."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from tcplab.tcp.flight import Flight
from tcplab.tcp.scoreboard import Fate, Sent
from tcplab.units import Instant
from tests.support.flights import MSS, ranges, view


@dataclass
class Model:
    """The same by the book and without any cleverness: a list that is always searched from its beginning."""

    segments: list[Sent] = field(default_factory=list)
    una: int = 0
    nxt: int = 0
    sendings: int = 0

    def pipe(self) -> int:
        return sum(each.end - each.start for each in self.segments if each.fate is Fate.IN_NETWORK)

    def send(self, octets: int, now: Instant) -> None:
        self.sendings += 1
        self.segments.append(Sent(self.nxt, self.nxt + octets, now, self.sendings))
        self.nxt += octets

    def acknowledge(self, position: int) -> list[tuple[int, int]]:
        told = []
        for each in list(self.segments):
            if each.end <= position:
                self.segments.remove(each)
                if each.fate is not Fate.SACKED:
                    told.append((each.start, each.end))
            elif each.start < position:
                each.start = position
        self.una = max(self.una, position)
        return told

    def select(self, blocks: list[tuple[int, int]]) -> list[tuple[int, int]]:
        told = []
        for each in self.segments:
            if each.fate is not Fate.SACKED and any(
                left <= each.start and each.end <= right <= self.nxt for left, right in blocks
            ):
                each.fate = Fate.SACKED
                told.append((each.start, each.end))
        return told

    def overtaken(self, nth: int, end: int) -> list[Sent]:
        old = [each for each in self.segments if each.fate is Fate.IN_NETWORK and (each.nth, each.end) < (nth, end)]
        return sorted(old, key=lambda each: (each.nth, each.end))

    def timed_out(self, until: int) -> None:
        if self.segments and self.segments[0].fate is Fate.SACKED:
            for each in self.segments:
                each.fate = Fate.IN_NETWORK if each.fate is Fate.SACKED else each.fate
        for n, each in enumerate(self.segments):
            if each.fate is Fate.IN_NETWORK and (n == 0 or each.at <= until):
                each.fate = Fate.LOST

    def next_lost(self) -> Sent | None:
        return next((each for each in self.segments if each.fate is Fate.LOST), None)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "send", "send", "ack", "sack", "sack", "lose", "resend", "probe", "split", "timeout"]),
        st.integers(0, 400),
        st.integers(0, 400),
    ),
    max_size=80,
)


@given(STEPS)
def test_it_is_what_a_plain_list_would_be(steps: list[tuple[str, int, int]]) -> None:
    sent, model = Flight(), Model()
    now = Instant(0)
    for what, first, second in steps:
        now += first % 3
        match what:
            case "send":
                model.send(first % 7 + 1, now)
                sent.sent(model.nxt, now)
            case "ack":
                position = min(model.una + first % 20, model.nxt)
                assert ranges(sent.acknowledge(position)) == model.acknowledge(position)
            case "sack":
                block = (model.una + first % 40 - 2, model.una + first % 40 + second % 30)
                other = (model.una + second % 50, model.una + second % 50 + first % 10)
                assert ranges(sent.select([block, other])) == model.select([block, other])
            case "lose":
                ours, theirs = sent.overtaken(10**6, 0), model.overtaken(10**6, 0)
                if not ours:
                    continue
                assert [view(each) for each in ours] == [view(each) for each in theirs]
                sent.mark_lost(ours[first % len(ours)])
                theirs[first % len(ours)].fate = Fate.LOST
            case "resend" | "probe" | "split":
                pick = what == "probe" or (what == "split" and second % 2)
                mine = sent.last if pick else sent.next_lost()
                yours = (model.segments[-1] if model.segments else None) if pick else model.next_lost()
                assert view(mine) == view(yours)
                if mine is None or yours is None or mine.fate is Fate.SACKED:
                    continue
                if what == "split":
                    size = second % 5 + 1
                    part = sent.split(mine, size)
                    if yours.end - yours.start > size:
                        left = Sent(yours.start, yours.start + size, yours.at, yours.nth)
                        left.times, left.fate, yours.start = yours.times, yours.fate, left.end
                        model.segments.insert(model.segments.index(yours), left)
                        yours = left
                    assert view(part) == view(yours)
                    continue
                sent.resent(mine, now)
                model.sendings += 1
                yours.at, yours.nth = now, model.sendings
                yours.times, yours.fate = yours.times + 1, Fate.IN_NETWORK
            case _:
                sent.timed_out(now - second % 4)
                model.timed_out(now - second % 4)
        assert (sent.una, sent.nxt, sent.pipe, len(sent)) == (model.una, model.nxt, model.pipe(), len(model.segments))
        assert sent.sacked == sum(each.fate is Fate.SACKED for each in model.segments)
        assert view(sent.first) == view(model.segments[0] if model.segments else None)
        assert view(sent.last) == view(model.segments[-1] if model.segments else None)
        assert view(sent.next_lost()) == view(model.next_lost())
        if sent.sacked or sent.next_lost() is not None:
            nth, end = max(model.sendings - second % 5, 0), model.una + first % 60
            assert [view(each) for each in sent.overtaken(nth, end)] == [
                view(each) for each in model.overtaken(nth, end)
            ]


@given(st.lists(st.tuples(st.sampled_from(["send", "duplicate", "ack", "timeout"]), st.integers(0, 60)), max_size=60))
def test_duplicates_are_as_a_count_of_segments_that_left(steps: list[tuple[str, int]]) -> None:
    """As counting them does, where all segments have one size and whole ones are acknowledged."""
    sent = Flight()
    left = 0
    lost = False
    for what, amount in steps:
        match what:
            case "send":
                sent.sent(sent.nxt + MSS, Instant(0))
            case "duplicate" if not lost:
                sent.duplicate()
                left = min(left + 1, max(len(sent) - 1, 0))
            case "ack" if not lost:
                segments = amount % (len(sent) + 1)
                assert len(sent.acknowledge(sent.una + segments * MSS)) == segments
                left = min(max(left - max(segments - 1, 0), 0), max(len(sent) - 1, 0)) if segments else left
            case "timeout" if sent.outstanding:
                sent.timed_out(Instant(0))
                left, lost = 0, True
            case _:
                continue
        assert lost or sent.pipe == sent.outstanding - left * MSS
