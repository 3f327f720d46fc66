"""What tests see of segments in flight."""

from tcplab.tcp.scoreboard import Fate, Sent

MSS = 100


def ranges(segments: list[Sent]) -> list[tuple[int, int]]:
    """Return where segments begin and end."""
    return [(segment.start, segment.end) for segment in segments]


def view(segment: Sent | None) -> tuple[int, int, int, int, Fate] | None:
    """Return everything that is kept of a segment."""
    return None if segment is None else (segment.start, segment.end, segment.at, segment.times, segment.fate)
