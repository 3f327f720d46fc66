"""Draws a ladder's rows for terminals, as styled text or as plain lines."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from rich.text import Text

from tcplab.observe.ladder.rows import Row, Side
from tcplab.tcp.states import State
from tcplab.units import MILLISECOND, SECOND, START, Duration, Instant, in_seconds
from tcplab.wire.segment import FIN, RST, SYN

WIDTH_MIN: Final = 72
WIDTH_MAX: Final = 110  # beyond, arrows only grow longer
_TIME: Final = 8
_STATE: Final = 12  # SYN_RECEIVED

STATE_STYLES: Final[dict[State, str]] = {
    State.CLOSED: "bright_black",
    State.LISTEN: "blue",
    State.SYN_SENT: "cyan",
    State.SYN_RECEIVED: "cyan",
    State.ESTABLISHED: "bold green",
    State.FIN_WAIT_1: "magenta",
    State.FIN_WAIT_2: "magenta",
    State.CLOSE_WAIT: "magenta",
    State.CLOSING: "magenta",
    State.LAST_ACK: "magenta",
    State.TIME_WAIT: "bold yellow",
}
_LOSSES: Final = {
    "loss": "lost",
    "list": "lost (drop list)",
    "limit": "lost (queue full)",
    "expired": "lost (too old)",
    "no route": "lost (no route)",
}
_THERE: Final = frozenset(State) - {State.CLOSED, State.LISTEN}


class Glyphs(NamedTuple):
    """The characters that a ladder is drawn with."""

    life: str
    """A lifeline while there is a connection."""
    idle: str
    """A lifeline while there is none, and where time is leapt over."""
    from_left: str
    from_right: str
    line: str
    far: str
    """An arrow whose other end is elsewhere."""
    to_right: str
    to_left: str
    cross: str
    dots: str
    note: str
    dot: str


UNICODE: Final = Glyphs("│", "┊", "├", "┤", "─", "╌", "▶", "◀", "✗", "…", "╰ ", " · ")
ASCII: Final = Glyphs("|", ":", "|", "|", "-", ".", ">", "<", "x", "...", "` ", ", ")


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide, with which characters, and from when time is counted."""

    width: int = 80
    glyphs: Glyphs = UNICODE
    origin: Instant = START
    left: str = "client"
    right: str = "server"

    @property
    def lane(self) -> int:
        """Columns between the two lifelines."""
        width = min(max(self.width, WIDTH_MIN), WIDTH_MAX)
        return width - (_TIME + 1 + _STATE + 1 + 1) - (1 + 1 + _STATE)


class TextLadder:
    """Draws rows one after the other; it remembers which state each lifeline is in."""

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = Layout() if layout is None else layout
        self._state: dict[Side, State] = {"left": State.CLOSED, "right": State.CLOSED}
        self._delay: dict[Side, Duration] = {}  # the last one that each side's segments had

    def header(self) -> Text:
        """Return the line above the lifelines: whose they are."""
        layout = self.layout
        text = Text(f"{'seconds':>{_TIME}} {layout.left:>{_STATE + 2}}", style="bold")
        return text.append(" " * (layout.lane - 1)).append(layout.right)

    def draw(self, row: Row) -> list[Text]:
        """Return a row's lines, and go on to the states it leads to."""
        if row.kind == "gap":
            return [self._gap(row)]
        left, right = list(row.left), list(row.right)
        if row.label is None:
            lines, notes = [self._assemble(row.start, left, right, None, None)], []
        else:
            label, label_rest = self._label_and_rest(row)
            end, end_rest = self._end_and_rest(row, label)
            touches = row.sender if row.kind in ("whole", "departs", "lost") else None
            lines = [self._assemble(row.start, left, right, self._arrow(row, label, end), touches)]
            notes = self._notes(row, label_rest, end_rest)
        while notes or left or right:
            lane = notes.pop(0) if notes else None
            lines.append(self._assemble(None, left, right, lane, None))
        return lines

    @property
    def states(self) -> tuple[State, State]:
        """The states that the left and the right lifeline are in."""
        return self._state["left"], self._state["right"]

    def remark(self, words: str, style: str = "italic") -> list[Text]:
        """Return lines with a remark between the lifelines."""
        lane = self.layout.lane
        lines = textwrap.wrap(words, lane - 4, break_on_hyphens=False)
        return [self._assemble(None, [], [], Text(f"  {line}".ljust(lane), style), None) for line in lines]

    def peek(self, row: Row, progress: float) -> list[Text]:
        """Return a row's lines as they are while the segment moves; the row counts as not yet drawn.

        Args:
            row: one of those that come next.
            progress: how far the segment has come on its way, 0..1; its receiver's states show once it is there.
        """
        states, delays = dict(self._state), dict(self._delay)
        if progress >= 1.0 or row.label is None:
            lines = self.draw(row)
        else:
            left, right = (list(row.left), []) if row.sender == "left" else ([], list(row.right))
            label = self._label_and_rest(row)[0]
            lane = self._arrow(row, label, self._end_and_rest(row, label)[0])
            lane = _clip(lane, progress, row.sender, self.layout.glyphs, _style(row))
            lines = [self._assemble(row.start, left, right, lane, None if row.kind == "arrives" else row.sender)]
        self._state, self._delay = states, delays
        return lines

    def _assemble(
        self, time: Instant | None, left: list[State], right: list[State], lane: Text | None, touches: Side | None
    ) -> Text:
        """Put a line together, taking the next state of each side."""
        layout, glyphs = self.layout, self.layout.glyphs
        text = Text()
        stamp = "" if time is None else f"{in_seconds(time - layout.origin):.3f}"
        text.append(f"{stamp:>{_TIME}} ", style="bright_black")
        text.append(f"{self._enter('left', left):>{_STATE}} ", style=STATE_STYLES[self._state["left"]])
        text.append(glyphs.from_left if touches == "left" else self._life("left"), self._life_style("left"))
        text.append_text(Text(" " * layout.lane) if lane is None else lane)
        entered = self._enter("right", right)
        text.append(glyphs.from_right if touches == "right" else self._life("right"), self._life_style("right"))
        text.append(f" {entered}" if entered else "", style=STATE_STYLES[self._state["right"]])
        return text

    def _enter(self, side: Side, states: list[State]) -> str:
        if not states:
            return ""
        self._state[side] = states.pop(0)
        return self._state[side].name

    def _life(self, side: Side) -> str:
        return self.layout.glyphs.life if self._state[side] in _THERE else self.layout.glyphs.idle

    def _life_style(self, side: Side) -> str:
        return STATE_STYLES[self._state[side]].removeprefix("bold ")

    # --- between the lifelines ---

    def _arrow(self, row: Row, label: str, end: str) -> Text:
        """Return the lane of a segment's row, with as much to say at its end as was found to fit."""
        glyphs, style = self.layout.glyphs, _style(row)
        far, line = (glyphs.far, style), (glyphs.line, style)
        name = (f" {label} ", f"bold {style}")
        parts: list[tuple[str, str]]
        rest = self.layout.lane - len(name[0]) - len(end)
        match row.kind:
            case "whole":
                parts = [line, name, _times(line, rest - 3), (end, style), line, (_tip(row.sender, glyphs), style)]
            case "arrives":
                blank = max(0, rest - 5) // 3
                fill = _times(line, rest - 4 - blank)
                parts = [(" " * blank, ""), _times(far, 2), name, fill, (end, style), line]
                parts = [*parts, (_tip(row.sender, glyphs), style)]
            case "departs":
                blank = rest // 3
                parts = [line, name, _times(far, rest - 1 - blank), (" " * blank, "")]
            case _:
                blank = rest // 2
                start = far if row.kind == "vanishes" else line
                parts = [start, name, _times(line, rest - 1 - blank), (end, "bold red"), (" " * blank, "")]
        return Text.assemble(*(parts if row.sender == "left" else reversed(parts)))

    def _label_and_rest(self, row: Row) -> tuple[str, str]:
        """Return as much of a segment's label as its arrow can bear, and the rest."""
        room = self.layout.lane - 7  # blanks around it, tail, head
        label = str(row.label)
        if len(label) <= room:
            return label, ""
        cut = label.rfind(" ", 0, room + 1)
        return (label[:cut], label[cut + 1 :]) if cut > 0 else (label[:room], label[room:])

    def _end_and_rest(self, row: Row, label: str) -> tuple[str, str]:
        """Return what to say at the arrow's end of its delay or its loss, and what of it finds no place there."""
        room = self.layout.lane - len(label) - 7
        if row.kind in ("lost", "vanishes"):
            words = loss_text(row)
            cross = self.layout.glyphs.cross
            whole = f" {cross} {words} "
            return (whole, "") if len(whole) <= room + 3 else (f" {cross} ", words)
        if row.delay is None:
            return "", ""
        text = duration_text(row.delay)
        usual, self._delay[row.sender] = self._delay.get(row.sender), row.delay
        if row.copy:
            return "", ""
        if len(text) + 2 <= room:
            return f" {text} ", ""
        return "", "" if row.delay == usual else text

    def _notes(self, row: Row, label_rest: str, end_rest: str) -> list[Text]:
        """Return the lanes of notes below the arrow, each note beside the end of which it tells."""
        at_end = list(row.notes)
        if row.copy and row.delay is not None:
            at_end.insert(0, f"network's copy, {duration_text(row.delay)} old")
        if end_rest:
            at_end.append(end_rest)
        at_start = [note for note in (label_rest, *row.sent_notes) if note]
        starts, ends = self._join(at_start), self._join(at_end)
        lanes = []
        while starts or ends:
            start = f" {self.layout.glyphs.note}{starts.pop(0)} " if starts else ""
            end = f" {self.layout.glyphs.note}{ends[0]} " if ends else ""
            if len(start) + len(end) > self.layout.lane:
                end = ""
            ends = ends[1:] if end else ends
            left, right = (start, end) if row.sender == "left" else (end, start)
            lanes.append(Text(left + right.rjust(self.layout.lane - len(left)), _note_style(row)))
        return lanes

    def _join(self, notes: list[str]) -> list[str]:
        room, dot = self.layout.lane - 4, self.layout.glyphs.dot
        lines: list[str] = []
        for long in notes:
            note = long[:room]
            if lines and len(lines[-1]) + len(dot) + len(note) <= room:
                lines[-1] += dot + note
            else:
                lines.append(note)
        return lines

    def _gap(self, row: Row) -> Text:
        layout, glyphs = self.layout, self.layout.glyphs
        count = row.in_network
        still = f", {count} in the network" if count else ""
        wait = f"{in_seconds(row.end - row.start):.1f} s"
        words = f"{glyphs.dots} {wait}{still} {glyphs.dots}"
        if len(words) > layout.lane:
            words = f"{glyphs.dots} {wait} {glyphs.dots}"
        text = Text(" " * (_TIME + 1 + _STATE + 1))
        text.append(glyphs.idle, style=self._life_style("left"))
        text.append(words.center(layout.lane), style="italic bright_black")
        return text.append(glyphs.idle, style=self._life_style("right"))


def draw(rows: Iterable[Row], layout: Layout | None = None) -> Iterator[Text]:
    """Yield the lines of a whole ladder, its header first."""
    ladder = TextLadder(layout)
    yield ladder.header()
    for row in rows:
        yield from ladder.draw(row)


def plain(rows: Iterable[Row], layout: Layout | None = None) -> Iterator[str]:
    """Yield the lines of a whole ladder without colours."""
    for line in draw(rows, layout):
        yield line.plain.rstrip()


def duration_text(duration: Duration) -> str:
    """Return a duration as people say it: ``40 ms``, ``1.25 s``, ``240 s``."""
    if duration < SECOND:
        return f"{duration / MILLISECOND:.4g} ms"
    value = in_seconds(duration)
    return f"{value:.4g} s" if value < 1_000 else f"{value:.0f} s"


def _times(part: tuple[str, str], count: int) -> tuple[str, str]:
    return part[0] * count, part[1]


def loss_text(row: Row) -> str:
    """Return why the network lost a segment, in words."""
    return _LOSSES.get(row.lost, f"lost: {row.lost}")


def _tip(sender: Side, glyphs: Glyphs) -> str:
    return glyphs.to_right if sender == "left" else glyphs.to_left


def _style(row: Row) -> str:
    if row.copy or (row.kind in ("lost", "vanishes")):
        return "yellow" if row.copy else "red"
    flags = row.label.flags if row.label is not None else 0
    if flags & RST:
        return "red"
    if flags & SYN:
        return "cyan"
    if flags & FIN:
        return "magenta"
    return "green" if row.label is not None and row.label.length else "white"


def _note_style(row: Row) -> str:
    return "red" if row.kind in ("lost", "vanishes") else "yellow"


def _clip(lane: Text, progress: float, sender: Side, glyphs: Glyphs, style: str) -> Text:
    """Return the part of an arrow that is there already, with its tip where the segment is now."""
    full = lane.cell_len
    shown = max(1, min(full - 1, round(full * progress)))
    tip, blank = Text(_tip(sender, glyphs), style), Text(" " * (full - shown))
    if sender == "left":
        return Text.assemble(lane[: shown - 1], tip, blank)
    return Text.assemble(blank, tip, lane[full - shown + 1 :])
