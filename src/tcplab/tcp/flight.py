"""What was sent and is not acknowledged yet: the sender's half of RFC 2018, and the pipe of RFC 6675.

Everything is kept in positions: plain counts of octets of sequence space since the ISN, the SYN's and the FIN's
included, which never wrap. As long as acknowledgements come in order there is a list and a few sums; a scoreboard is
made when something is selectively acknowledged, lost or sent again, and dropped once all of that is acknowledged.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from heapq import heappop, heappush
from operator import attrgetter
from typing import Final

from tcplab.tcp.scoreboard import COMPACT, Fate, Scoreboard, Sent
from tcplab.units import Instant

_START: Final = attrgetter("start")
_END: Final = attrgetter("end")
_IN_NETWORK: Final = Fate.IN_NETWORK
_SACKED: Final = Fate.SACKED
_LOST: Final = Fate.LOST
_ACKNOWLEDGED: Final = Fate.ACKNOWLEDGED


class Flight:
    """The segments between SND.UNA and SND.NXT.

    Attributes:
        una: position of the first octet that is not acknowledged, SND.UNA.
        board: ``None`` while everything outstanding was sent once, and nothing of it is known to have arrived or to be
            lost.
        nxt: position after the last that was sent, SND.NXT.
        pipe: octets believed to be in the network: neither acknowledged in any way, nor lost.
    """

    __slots__ = ("_guessed", "_head", "_segments", "_sendings", "board", "nxt", "pipe", "una")

    def __init__(self, position: int = 0) -> None:
        """Begin with nothing sent, at the position of what will be sent first."""
        self.una = position
        self.nxt = position
        self.pipe = 0
        self._segments: list[Sent] = []
        self._head = 0  # segments before this one are acknowledged
        self._sendings = 0
        self.board: Scoreboard | None = None
        self._guessed = False  # what is marked as selectively acknowledged stands for duplicate acknowledgements

    def __len__(self) -> int:
        """Return how many segments are outstanding."""
        return len(self._segments) - self._head

    @property
    def outstanding(self) -> int:
        """FlightSize: octets sent and not cumulatively acknowledged."""
        return self.nxt - self.una

    @property
    def sacked(self) -> int:
        """How many segments are selectively acknowledged."""
        return 0 if self.board is None else self.board.sacked

    @property
    def first(self) -> Sent | None:
        """The segment at SND.UNA."""
        return self._segments[self._head] if self.una < self.nxt else None

    @property
    def last(self) -> Sent | None:
        """The segment before SND.NXT."""
        return self._segments[-1] if self.una < self.nxt else None

    def sent(self, end: int, now: Instant) -> None:
        """Take note that everything from SND.NXT to ``end`` was sent, as one segment."""
        start = self.nxt
        self._sendings = nth = self._sendings + 1
        segment = Sent(start, end, now, nth)
        self._segments.append(segment)
        self.pipe += end - start
        self.nxt = end
        if self.board is not None:
            self.board.sent(segment)

    def resent(self, segment: Sent, now: Instant) -> None:
        """Take note that a segment was sent again; one that was lost is in the network again."""
        board = self._scoreboard(segment.end)
        if segment.fate is _LOST:
            self.pipe += segment.end - segment.start
            segment.fate = _IN_NETWORK
        segment.times += 1
        segment.at = now
        self._sendings += 1
        segment.nth = self._sendings
        board.sent(segment)

    def split(self, segment: Sent, size: int) -> Sent:
        """Cut a segment so that its first part has at most ``size`` octets (the MSS of now), and return that part."""
        if segment.end - segment.start <= size:
            return segment
        board = self._scoreboard(segment.end)
        part = Sent(segment.start, segment.start + size, segment.at, segment.nth)
        part.times, part.fate = segment.times, segment.fate
        self._segments.insert(bisect_left(self._segments, part.start, lo=self._head, key=_START), part)
        segment.start = part.end
        board.sent(part)
        if part.fate is _LOST:
            heappush(board.lost, segment.start)
        elif part.fate is _SACKED:
            board.sacked += 1
        return part

    # --- acknowledgements ------------------------------------------------------------------------------------

    def acknowledge(self, position: int) -> list[Sent]:
        """Take a cumulative acknowledgement: everything before ``position``, at most SND.NXT, has arrived.

        Returns:
            The segments that nothing before has told to have arrived, in ascending order. One that is acknowledged in
            part keeps its end, and is told with that.
        """
        octets = position - self.una
        if octets <= 0:
            return []
        segments, index = self._segments, self._head
        if position == self.nxt and self.board is None:  # all of it, in order
            self.una = position
            self.pipe = self._head = 0
            self._segments = []
            return segments[index:] if index else segments
        size = len(segments)
        while index < size and segments[index].end <= position:
            index += 1
        done = segments[self._head : index]
        self.una = position
        rest = segments[index] if index < size and segments[index].start < position else None
        if index == size:
            segments.clear()
            self._head = 0
        elif index > COMPACT and 2 * index > size:
            del segments[:index]
            self._head = 0
        else:
            self._head = index
        if self.board is not None:
            return self._acknowledge(self.board, position, done, rest)
        self.pipe -= octets
        if rest is not None:
            rest.start = position
        return done

    def _acknowledge(self, board: Scoreboard, position: int, done: list[Sent], rest: Sent | None) -> list[Sent]:
        news = []
        for segment in done:
            if segment.fate is _IN_NETWORK:
                self.pipe -= segment.end - segment.start
            if segment.fate is not _SACKED:
                news.append(segment)
            else:
                board.sacked -= 1
                if self._guessed:
                    news.append(segment)
            segment.fate = _ACKNOWLEDGED
        if rest is not None:
            if rest.fate is _IN_NETWORK:
                self.pipe -= position - rest.start
            elif rest.fate is _LOST:
                heappush(board.lost, position)
            rest.start = position
        board.drop(position)
        if self._guessed:
            self._guess_anew(board)
        if position >= board.until:
            self.board = None
            self._guessed = False
        return news

    def select(self, blocks: Iterable[tuple[int, int]]) -> list[Sent]:
        """Take SACK blocks (RFC 2018, section 5); no D-SACK block: that tells nothing new.

        A segment counts once a block covers all of it. Blocks that cut segments in pieces are the peer's whim, and
        would be a way to make the list as long as the window has octets.

        Args:
            blocks: the positions of the first octet of each block and after its last. What does not lie in the flight
                was never sent, or is acknowledged, and is passed over.

        Returns:
            The segments that nothing before has told to have arrived, in ascending order.
        """
        news: list[Sent] = []
        for left, right in blocks:
            start = max(left, self.una)
            if not start < right <= self.nxt or (self.board is not None and self.board.covers(start, right)):
                continue
            segments = self._segments
            first = bisect_left(segments, start, lo=self._head, key=_START)
            last = bisect_right(segments, right, lo=first, key=_END)
            if first < last:
                self._select(segments[first].start, segments[last - 1].end, first, news)
        if len(news) > 1:
            news.sort(key=_START)
        return news

    def _select(self, start: int, end: int, index: int, news: list[Sent]) -> None:
        """Mark whole segments from ``start`` to ``end``, the first of which is at ``index``, and tell them."""
        board = self._scoreboard(end)
        segments = self._segments
        for left, right in board.take(start, end):
            index = bisect_left(segments, left, lo=index, key=_START)
            while index < len(segments) and (segment := segments[index]).end <= right:
                self._mark_sacked(board, segment)
                news.append(segment)
                index += 1

    def _mark_sacked(self, board: Scoreboard, segment: Sent) -> None:
        if segment.fate is _IN_NETWORK:
            self.pipe -= segment.end - segment.start
        segment.fate = _SACKED
        board.sacked += 1

    def duplicate(self) -> None:
        """Take a duplicate acknowledgement of a peer without SACK: something beyond the hole has left the network.

        Nobody knows which segment; the earliest after the first of which nothing is known stands for it. The pipe thus
        shrinks by what RFC 6582 inflates the window by.
        """
        segments = self._segments
        index = self._head + 1 + self.sacked
        while index < len(segments) and segments[index].fate is not _IN_NETWORK:
            index += 1
        if index < len(segments):
            self._guessed = True
            self._mark_sacked(self._scoreboard(segments[index].end), segments[index])

    def _guess_anew(self, board: Scoreboard) -> None:
        """Let another segment stand for one that arrived, where the first one did: it is what the peer waits for."""
        first = self.first
        if first is not None and first.fate is _SACKED:
            first.fate = _IN_NETWORK
            self.pipe += first.end - first.start
            board.sacked -= 1
            self.duplicate()

    # --- losses ----------------------------------------------------------------------------------------------

    def mark_lost(self, segment: Sent) -> None:
        """Believe that a segment which was in the network is lost, and to be sent again."""
        board = self._scoreboard(segment.end)
        segment.fate = _LOST
        self.pipe -= segment.end - segment.start
        heappush(board.lost, segment.start)

    def next_lost(self) -> Sent | None:
        """Return the earliest segment of the stream that is lost and was not sent again."""
        board = self.board
        if board is None:
            return None
        lost, segments = board.lost, self._segments
        while lost:
            index = bisect_left(segments, lost[0], lo=self._head, key=_START)
            if index < len(segments) and (first := segments[index]).start == lost[0] and first.fate is _LOST:
                return first
            heappop(lost)
        return None

    def overtaken(self, nth: int, end: int) -> list[Sent]:
        """Return what is in the network though it was sent before a segment that has arrived, in order of sending.

        Nothing can have been overtaken as long as everything was sent once and acknowledged in order.

        Args:
            nth: which sending of the flight that segment arrived of.
            end: the position after its last octet.
        """
        return [] if self.board is None else self.board.overtaken(nth, end)

    def timed_out(self, until: Instant) -> None:
        """Believe lost what a retransmission timeout shows: the first segment, and those last sent by ``until``.

        SACK blocks are kept, as RFC 6675, 5.1, asks, unless they cover what the peer waits for: it has reneged, and all
        that it told is forgotten (RFC 2018, section 8). So is what stood for duplicate acknowledgements.
        """
        first = self.first
        if first is None:
            return
        board = self._scoreboard(self.nxt)
        if first.fate is _SACKED or self._guessed:
            self._guessed = False
            board.forget()
            self._believe_in_network(board, _SACKED)
        for segment in self._segments[self._head :]:
            if segment.fate is _IN_NETWORK and (segment is first or segment.at <= until):
                self.mark_lost(segment)

    def found(self) -> None:
        """Believe that nothing is lost after all: it was not worth a timeout, or a recovery."""
        if self.board is not None:
            self._believe_in_network(self.board, _LOST)

    def forget_duplicates(self) -> None:
        """Forget what stood for duplicate acknowledgements: what they were about has arrived."""
        if self._guessed and self.board is not None:
            self._guessed = False
            self.board.sacked = 0
            self._believe_in_network(self.board, _SACKED)

    def _believe_in_network(self, board: Scoreboard, fate: Fate) -> None:
        """Put everything of that fate back into the network, where it was."""
        segments = self._segments[self._head :]
        for segment in segments:
            if segment.fate is fate:
                segment.fate = _IN_NETWORK
                self.pipe += segment.end - segment.start
        board.arrange(segments)

    def _scoreboard(self, until: int) -> Scoreboard:
        """Return the scoreboard, made now where there is none, for something that reaches up to ``until``."""
        board = self.board
        if board is None:
            board = self.board = Scoreboard(self._segments[self._head :])
        board.until = max(board.until, until)
        return board
