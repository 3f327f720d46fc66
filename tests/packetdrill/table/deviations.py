"""Where the lab's TCP differs from the letter of RFC 9293, 3.10.7, on purpose; each script that shows one says so.

Without an entry here, the table's scripts demand the letter.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from tests.packetdrill.table.rules import (
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT,
    Arriving,
    Outcome,
    Situation,
    arrives,
    diff,
    in_order_ack,
)


class Deviation(NamedTuple):
    """One difference.

    Attributes:
        words: what is different, and why, for the scripts; a line each.
        applies: whether it makes a difference for a segment, given what the letter makes of it.
        outcome: what comes of the segment instead.
    """

    words: tuple[str, ...]
    applies: Callable[[Situation, Arriving, Outcome], bool]
    outcome: Callable[[Situation, Arriving, Outcome], Outcome]


def _at_the_edge(at: Situation, segment: Arriving, letter: Outcome) -> bool:
    bare = segment.flags == "." and not segment.octets
    edge = diff(segment.seq, at.rcv_nxt) == at.rcv_wnd
    return bare and edge and letter.reply is not None and letter.reply.flags == "." and at.state is not TIME_WAIT


def _as_if_inside(at: Situation, segment: Arriving, _letter: Outcome) -> Outcome:
    return arrives(at, segment._replace(seq=at.rcv_nxt))


def _beyond_the_fin(at: Situation, segment: Arriving, letter: Outcome) -> bool:
    waits = at.state in (CLOSE_WAIT, CLOSING, LAST_ACK) and letter.state in (CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT)
    plain = segment.length > 0 and segment.ack is not None and not (segment.has("R") or segment.has("S"))
    return waits and plain and segment.has("F") and letter.reply is None


def _answered(at: Situation, _segment: Arriving, letter: Outcome) -> Outcome:
    return letter._replace(reply=in_order_ack(at))


def _another_fin(at: Situation, segment: Arriving, letter: Outcome) -> bool:
    acceptable = 0 <= diff(segment.seq, at.rcv_nxt) < at.rcv_wnd
    in_range = segment.ack is not None and diff(segment.ack, at.snd_nxt) <= 0
    return at.state is TIME_WAIT and segment.flags == "F." and acceptable and in_range and letter.reply is not None


def _unanswered(_at: Situation, _segment: Arriving, letter: Outcome) -> Outcome:
    return letter._replace(reply=None)


DEVIATIONS: Final = (
    Deviation(
        (
            "By the letter it is answered and dropped. Here a bare ACK from the right edge is heard: a peer stands",
            "there that has filled the window with what was lost.",
        ),
        _at_the_edge,
        _as_if_inside,
    ),
    Deviation(
        (
            "By the letter there is no answer. Here a FIN beyond the peer's own is answered like whatever cannot be",
            "taken: an ACK tells where the stream has ended.",
        ),
        _beyond_the_fin,
        _answered,
    ),
    Deviation(
        (
            "By the letter it is answered. Here a FIN that is not the peer's own, which ends at RCV.NXT, gets no",
            "answer and does not keep TIME-WAIT alive.",
        ),
        _another_fin,
        _unanswered,
    ),
)


def expected(at: Situation, segment: Arriving) -> tuple[Outcome, Deviation | None]:
    """Return what is to come of a segment, and the deviation that makes it so, if one does."""
    letter = arrives(at, segment)
    for deviation in DEVIATIONS:
        if deviation.applies(at, segment, letter):
            return deviation.outcome(at, segment, letter), deviation
    return letter, None
